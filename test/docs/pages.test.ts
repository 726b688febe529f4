// What the pages point at is there, and the example programs run.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { blocksOf, root } from "./blocks.ts";

const pages = ["README.md", "CONTRIBUTING.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)].filter(
  (name) => name.endsWith(".md"),
);

describe.each(pages)("%s", (page) => {
  const text = readFileSync(join(root, page), "utf8");

  it("has links that lead somewhere", () => {
    const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, target]) => join(dirname(page), target!));
    expect(targets.filter((target) => !existsSync(join(root, target)))).toEqual([]);
  });

  it("names files and scripts that exist", () => {
    const named = [
      ...text.matchAll(
        /`((?:schemas|graph|runtime|bundles|export|train|measure|setup|demo|cli|lint|test|bench|examples)\/[\w./-]*)`/g,
      ),
    ];
    expect(named.map(([, path]) => path!).filter((path) => !existsSync(join(root, path)))).toEqual([]);
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const called = [...text.matchAll(/npm run (?:-s )?(\w+)/g)].map(([, script]) => script!);
    expect(called.filter((script) => scripts[script] === undefined)).toEqual([]);
  });
});

it("the script for fresh machines runs the README's test command, and the slow tests", () => {
  const commands = readFileSync(join(root, ".ci", "run"), "utf8")
    .trim()
    .split("\n");
  expect(commands.at(-1)).toBe(`${blocksOf("README.md")[1]!.code.trim()} && npm run test:slow`);
});

describe("examples", () => {
  const folder = temporaryFolder("examples");
  const run = (name: string, ...args: string[]) =>
    execFileSync(process.execPath, [join(root, "examples", "dist", `${name}.js`), ...args], {
      cwd: folder,
      encoding: "utf8",
    });

  it("own-parts", () => {
    expect(run("own-parts", "11")).toMatch(/^batch 0: loss [\d.]+, accuracy \d+ %\nbatch 10: /);
  });
});
