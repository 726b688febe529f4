// Follows the install lines of all pages to the letter, and installs every room into an empty project with each package
// manager on each Node, and uses it there. Words narrow it down: npm run test:packages -- pnpm node-22 runtime
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fetchPlaces } from "../hosts/places.ts";
import { follow, installAndUse, installLines, managers, nodeOf } from "./install.ts";
import { pack, rooms } from "./pack.ts";
import { serveRegistry } from "./registry.ts";

const words = process.argv.slice(2);
const nodes = ["node-20", "node-22", "node-24"] as const;
const pages = "pages";
const unknown = words.filter((word) => ![...rooms, ...managers, ...nodes, pages].includes(word as "npm"));
if (unknown.length > 0) {
  console.error(
    `${unknown.join(", ")}: no room, package manager (${managers.join(", ")}) or Node (${nodes.join(", ")})`,
  );
  process.exit(2);
}
function chosen<T extends string>(all: readonly T[]): readonly T[] {
  const some = all.filter((each) => words.includes(each));
  return some.length > 0 ? some : all;
}

const major = (name: string) => Number(name.slice("node-".length));
fetchPlaces([...chosen(nodes).filter((name) => !nodeOf(major(name))), "pnpm", "yarn"]);
const place = mkdtempSync(join(tmpdir(), "innerloop-packages-"));
const upstream = execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8" }).trim();
const registry = await serveRegistry(
  rooms.map((room) => pack(room, place)),
  upstream,
);
let failures = 0;
/** Does one thing in a folder of its own and says how it went. */
async function attempt(what: string, work: (folder: string) => Promise<void>): Promise<void> {
  const folder = join(place, "project");
  const start = Date.now();
  try {
    await work(folder);
    console.log(`${what}: works (${Math.round((Date.now() - start) / 1000)} s)`);
  } catch (error) {
    failures++;
    console.error(`${what}: FAILED\n${(error as Error).message}`);
  }
  rmSync(folder, { recursive: true, force: true });
}

if (words.length === 0 || words.includes(pages))
  for (const { page, line } of installLines())
    await attempt(`${page}: ${line}`, (folder) => follow(folder, line, process.execPath, registry.url));
if (words.length === 0 || words.some((word) => word !== pages))
  for (const name of chosen(nodes))
    for (const manager of chosen(managers))
      for (const room of chosen(rooms))
        await attempt(`${name} ${manager} ${room}`, async (folder) => {
          const node = nodeOf(major(name));
          if (node === undefined) throw new Error(`${name} is not here`);
          await installAndUse(folder, room, manager, node, registry.url);
        });
registry.close();
rmSync(place, { recursive: true, force: true });
process.exitCode = failures > 0 ? 1 : 0;
