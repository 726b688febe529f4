// Every code block of the README is run: TypeScript is checked and run, shell commands run with the command line built here.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { root, shortened } from "./blocks.ts";
import { blocksToRun, folder, prepare, run } from "./readme.ts";

beforeAll(async () => {
  await prepare();
  run(join(root, "node_modules", "typescript", "bin", "tsc"), ["-p", "."]);
});

describe("README.md", () => {
  it("has TypeScript that runs, one block after the other", () => {
    const outputs = blocksToRun("ts").map((_, i) => run(join("out", `block${i}.js`), []));
    expect(outputs[0]).toMatch(/^Epoch 1, Batch 1, Loss: \d/);
    expect(outputs[1]).toMatch(/^star [01][.\d]*\n\[ 'heart', 'star' \]/);
    expect(existsSync(join(folder, "mine.safetensors"))).toBe(true);
  });

  it("has commands that run, one after the other", () => {
    const commands = blocksToRun("sh").flatMap((block) => shortened(block).trim().split("\n"));
    expect(commands.length).toBeGreaterThan(5);
    for (const command of commands) {
      const [npx, innerloop, ...args] = command.split(" ");
      expect([npx, innerloop]).toEqual(["npx", "innerloop"]);
      expect(run(join(root, "cli", "bin", "innerloop.js"), args), command).not.toBe("");
    }
  });
});
