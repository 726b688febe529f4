// Writes the doors that JavaScript comes in by: beside a room's dist/index.js a dist/index.door.js with the same exports, whose
// functions refuse wrong arguments by a code (guarded.ts), and of some rooms the one file behind that (bundled.mjs). Types stay those of index.ts, with their comments.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundledRooms, bundleRoom } from "./bundled.mjs";

/** In this order: each imports those before it. */
const doors = [
  "schemas/index",
  "graph/index",
  "runtime/input",
  "runtime/sessions",
  "native/index",
  "bundles/index",
  "export/index",
  "train/index",
  "measure/index",
  "setup/index",
  "demo/index",
];

for (const door of doors) {
  const [room, module] = door.split("/");
  const file = (end) => fileURLToPath(new URL(`../${room}/dist/${module}${end}`, import.meta.url));
  if (!existsSync(file(".js"))) continue;
  const bundled = module === "index" && bundledRooms.includes(room);
  if (bundled) await bundleRoom(room);
  const names = Object.keys(await import(pathToFileURL(file(".js")).href));
  const device = "@innerloop/schemas/bundle";
  const from = { schemas: "./guarded.js", runtime: device, native: device, bundles: device, demo: device };
  const text = `// Written by schemas/doors.mjs: the exports of ${module}.js, which refuse arguments of the wrong kind.
import { guarded as refusing } from "${from[room] ?? "@innerloop/schemas"}";
import * as room from "./${bundled ? "bundle/index" : module}.js";
export const {
${names.map((name) => `  ${name},\n`).join("")}} = refusing(room);
`;
  if (!existsSync(file(".door.js")) || readFileSync(file(".door.js"), "utf8") !== text)
    writeFileSync(file(".door.js"), text);
}
