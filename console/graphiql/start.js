// Starts GraphiQL with the options that the server wrote into the page.
"use strict";

const folder = new URL(".", document.currentScript.src);
const workers = { graphql: "graphql.worker.js", json: "json.worker.js" };

// The editor asks for a worker a language; all come from this server's own folder.
self.MonacoEnvironment = {
  getWorkerUrl: (_module, label) => new URL(workers[label] ?? "editor.worker.js", folder).href,
};

const logo = `<img src="${new URL("favicon.svg", folder).href}" alt="" width="32" height="32">`;
const options = { logo, ...JSON.parse(document.getElementById("options").textContent) };
if (typeof options.title === "string") document.title = options.title;
YogaGraphiQL.renderYogaGraphiQL(document.getElementById("root"), options);
