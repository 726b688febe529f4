// The tutorial's page shows parts of its program and nothing else; that the program does what the page says takes longer, and
// is in tutorial.slow.test.ts.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { blocksOf, root } from "./blocks.ts";

/** Lines without what stands before them, since the page shows the inside of functions. */
const flush = (code: string): string =>
  code
    .split("\n")
    .map((line) => line.trim())
    .join("\n")
    .trim();

describe("docs/tutorial.md", () => {
  const program = flush(readFileSync(join(root, "examples", "tutorial.ts"), "utf8"));
  const blocks = blocksOf("docs/tutorial.md").filter(({ language }) => language === "ts");

  it.each(blocks.map(({ code }) => [code.split("\n")[0], code]))("shows what the program has: %s", (_, code) => {
    expect(program.includes(flush(code!)), code!).toBe(true);
  });

  it("shows every part", () => {
    const shown = blocks.map(({ code }) => code).join("\n");
    for (const word of [
      "Sequential(",
      "fit(",
      "innerLoop(",
      "maml(",
      "MetaDataset(",
      "trainer.step",
      "macroF1",
      "adapt(",
    ])
      expect(shown).toContain(word);
  });
});

describe("the examples", () => {
  it.each(["tutorial", "pipeline", "embed"])("%s writes where git does not look, unless told otherwise", (name) => {
    const code = readFileSync(join(root, "examples", `${name}.ts`), "utf8");
    const [, folder] = /(?:process\.argv\[2\] \?\? |(?:bundle|out) = )"([^"]+)"/.exec(code)!;
    expect(execFileSync("git", ["check-ignore", folder!], { cwd: root, encoding: "utf8" }).trim()).toBe(folder);
  });
});
