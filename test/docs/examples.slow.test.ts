// The longer examples are run, in short.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { root } from "./blocks.ts";

const folder = temporaryFolder("examples");
const run = (name: string, ...args: string[]) =>
  execFileSync(process.execPath, [join(root, "examples", "dist", `${name}.js`), ...args], {
    cwd: folder,
    encoding: "utf8",
  });

it("pipeline and embed", { timeout: 180_000 }, () => {
  expect(run("pipeline", "4", "bundle")).toMatch(/unseen characters, 5-way 1-shot: [\d.]+ ± [\d.]+ %/);
  expect(run("embed", "bundle")).toMatch(/tap, \d+ % sure\nrestored: tap, from \d+ bytes\nbad-input: /);
});
