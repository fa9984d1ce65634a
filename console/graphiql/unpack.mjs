// Writes the parts of the prebuilt GraphiQL page as files: node unpack.mjs FOLDER
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { css, editorWorkerService, graphqlWorker, js, jsonWorker } from "@graphql-yoga/render-graphiql/graphiql";

const here = dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2];
if (!folder) {
  console.error("unpack.mjs takes the folder to write into and got none.");
  process.exit(2);
}
const source = join(here, "node_modules", "@graphql-yoga", "render-graphiql");
const { name, version, license } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
const notice = `These files come from the npm package ${name} ${version} (${license}), unchanged:\n\n`;

mkdirSync(folder, { recursive: true });
const parts = {
  "graphiql.js": js,
  "graphiql.css": css,
  "editor.worker.js": editorWorkerService,
  "json.worker.js": jsonWorker,
  "graphql.worker.js": graphqlWorker,
  "NOTICE.txt": notice + readFileSync(join(source, "LICENSE"), "utf8"),
};
for (const [file, content] of Object.entries(parts)) writeFileSync(join(folder, file), content);
for (const file of ["favicon.svg", "index.html", "start.js"]) copyFileSync(join(here, file), join(folder, file));
