// Adding one more of each kind of thing takes what CONTRIBUTING.md says: the thing itself, a line where its kind is listed, and
// nothing else; the tests that there are try it by themselves.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type Scratch, scratchCopy } from "../support/scratch.ts";
import { additions } from "./additions.ts";

/** Made by a command, not by hand: whoever adds an operator runs it. */
const generated = "docs/operators.md";

let scratch: Scratch;
beforeAll(() => {
  scratch = scratchCopy(Object.assign({}, ...additions.map(({ edits }) => edits)));
  scratch.build();
  scratch.run(process.execPath, "docs/generate-operators.mjs");
});

describe.each(additions)("$what", ({ what, thing, mostFiles, edits }) => {
  it("touches few files, and few lines beside itself", () => {
    const paths = Object.keys(edits);
    expect(paths.length + (what === "an operator" ? 1 : 0)).toBeLessThanOrEqual(mostFiles);
    const beside = scratch.changes.filter(({ path }) => paths.includes(path) && path !== thing);
    const lines = beside.reduce((sum, { added, removed }) => sum + added + removed, 0);
    expect(lines).toBeGreaterThan(0);
    expect(lines).toBeLessThanOrEqual(60);
  });

  it("is written as the rules say", () => {
    scratch.lint(...Object.keys(edits));
  });
});

it("the list of the operators has the new one", () => {
  expect(readFileSync(join(scratch.folder, generated), "utf8")).toMatch(/\bExpm1\b/);
});

it("nothing is left over that nobody uses", () => {
  scratch.run(join(scratch.folder, "node_modules", ".bin", "knip"));
});

it.each(["test/graph", "test/train", "test/export", "test/cli", "test/docs", "test/workspace.test.ts"])(
  "%s passes with all of them",
  { timeout: 600_000 },
  (tests) => {
    scratch.test(tests);
  },
);

describe("each is there to be chosen", () => {
  const innerloop = (...args: string[]) => scratch.run(process.execPath, "cli/bin/innerloop.js", ...args);

  it("in help and in errors", () => {
    const help = innerloop("train", "--help").replace(/\s+/g, " ");
    for (const name of ["bias-only", "sheet:FILE"]) expect(help).toContain(name);
    expect(innerloop("--help")).toContain("say which folder the command works in");
    expect(() => innerloop("train", "--engine", "none")).toThrow(/known are .*\bprinting\b/s);
  });

  it("and trains: rows of a file, by biases alone, on the engine that prints", () => {
    const line = (name: string, i: number) => [Math.sin(i), Math.cos(i), name.charCodeAt(0) / 100, name].join(",");
    const classes = Array.from("abcdefghijklmnopqrstuvwxyz0123456789");
    const text = classes.flatMap((name) => Array.from({ length: 6 }, (_, i) => line(name, i))).join("\n");
    const rows = { "rows.csv": `${text}\n` };
    const program = `require("node:fs").writeFileSync("rows.csv", ${JSON.stringify(rows["rows.csv"])})`;
    scratch.run(process.execPath, "-e", program);
    const options = ["--model", "mlp", "--algorithm", "bias-only", "--engine", "printing", "--iterations", "3"];
    innerloop(
      "train",
      "--data",
      "sheet:rows.csv",
      ...options,
      "--ways",
      "2",
      "--validate-episodes",
      "2",
      "--out",
      "run",
    );
    expect(innerloop("inspect", "run", "--json")).toContain('"bias-only"');
    expect(innerloop("where").trim()).toBe(scratch.folder);
  });
});
