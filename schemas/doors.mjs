// Writes the doors that JavaScript comes in by: dist/door.js beside dist/index.js of each room, with the same exports, whose
// functions refuse wrong arguments by a code (guarded.ts). Types stay those of index.ts, with their comments.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

/** In this order: each imports those before it. */
const rooms = ["schemas", "graph", "export", "train"];

for (const room of rooms) {
  const folder = fileURLToPath(new URL(`../${room}/dist/`, import.meta.url));
  if (!existsSync(`${folder}index.js`)) continue;
  const names = Object.keys(await import(pathToFileURL(`${folder}index.js`).href));
  const from = room === "schemas" ? "./guarded.js" : "@innerloop/schemas";
  const text = `// Written by schemas/doors.mjs: the exports of index.js, which refuse arguments of the wrong kind.
import { guarded as refusing } from "${from}";
import * as room from "./index.js";
export const {
${names.map((name) => `  ${name},\n`).join("")}} = /* @__PURE__ */ refusing(room);
`;
  const file = `${folder}door.js`;
  if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);
}
