// The guide's line for Node, followed to the letter in an empty project, and the runtime used there. All rooms, package managers,
// lines and releases of Node: npm run test:packages.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { follow, installLines, use } from "./install.ts";
import { pack } from "./pack.ts";
import { type Registry, serveRegistry } from "./registry.ts";

const place = temporaryFolder("install");
let registry: Registry;
beforeAll(async () => {
  const upstream = execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8" }).trim();
  registry = await serveRegistry([pack("schemas", place), pack("runtime", place)], upstream);
});
afterAll(() => {
  registry.close();
  rmSync(place, { recursive: true, force: true });
});

const line = "ONNXRUNTIME_NODE_INSTALL=skip npm install @innerloop/runtime onnxruntime-node";

it("README and guide say how the runtime is installed for Node", () => {
  const pages = installLines()
    .filter((each) => each.line === line)
    .map(({ page }) => page);
  expect(pages).toEqual(["README.md", "docs/runtime.md", "runtime/README.md"]);
});

it("what they say works with nothing but the npm registry", { timeout: 300_000 }, async () => {
  const project = join(place, "project");
  await follow(project, line, process.execPath, registry.url);
  await use(project, "runtime-alone", process.execPath);
});
