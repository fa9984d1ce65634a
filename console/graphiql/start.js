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

// A token after # never reaches the server's log: it signs every tab in and leaves the address at once.
const token = new URLSearchParams(location.hash.slice(1)).get("token");
if (token) {
  const headers = JSON.stringify({ Authorization: `Bearer ${token}` }, null, 2);
  options.headers = headers;
  for (const tab of options.defaultTabs) tab.headers = headers;
  history.replaceState(null, "", location.pathname);
}
if (typeof options.title === "string") document.title = options.title;
YogaGraphiQL.renderYogaGraphiQL(document.getElementById("root"), options);
