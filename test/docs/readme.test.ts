// Every code block of the README is run: TypeScript is checked and run, shell commands run with the command line built here.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drawGlyph, GLYPH_SIZE } from "@innerloop/train";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { blocksOf, root, shortened } from "./blocks.ts";

const folder = temporaryFolder("readme");

const blocks = blocksOf("README.md");
const untold = (language: string) =>
  blocks.filter((block) => block.language === language && !block.note.startsWith("not run"));
const run = (program: string, args: readonly string[]) =>
  execFileSync(process.execPath, [program, ...args], { cwd: folder, encoding: "utf8", stdio: "pipe" });

/** Characters as a person would draw them: dark on light, a folder each. */
async function drawSymbols(place: string, names: readonly string[], hands: readonly number[]): Promise<void> {
  for (const [which, name] of names.entries()) {
    const at = join(folder, place, name);
    mkdirSync(at, { recursive: true });
    for (const hand of hands) {
      const pixels = drawGlyph(100_000 + which, hand).map((ink) => 255 - ink);
      const raw = { width: GLYPH_SIZE, height: GLYPH_SIZE, channels: 1 } as const;
      await sharp(pixels, { raw })
        .png()
        .toFile(join(at, `${hand}.png`));
    }
  }
}

beforeAll(async () => {
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  const compilerOptions = { noEmit: false, composite: false, declaration: false, declarationMap: false, outDir: "out" };
  const config = { extends: join(root, "tsconfig.base.json"), compilerOptions, include: ["*.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  untold("ts").forEach((block, i) => {
    writeFileSync(join(folder, `block${i}.ts`), shortened(block));
  });
  await drawSymbols("my-symbols", ["heart", "star", "leaf"], [0, 1, 2]);
  await drawSymbols("new-symbols", ["unsorted"], [7, 8]);
});

describe("README.md", () => {
  it("starts with the two commands", () => {
    const [first, second] = blocks;
    expect(first!.code.trim()).toBe("npm ci && npx innerloop quickstart");
    expect(second!.code.trim()).toBe("npm ci && npm test");
  });

  it("has TypeScript that is right", () => {
    run(join(root, "node_modules", "typescript", "bin", "tsc"), ["-p", "."]);
  });

  it("has TypeScript that runs, one block after the other", () => {
    const outputs = untold("ts").map((_, i) => run(join("out", `block${i}.js`), []));
    expect(outputs[0]).toMatch(/^Epoch 1, Batch 1, Loss: \d/);
    expect(outputs[1]).toMatch(/^star [01][.\d]*\n\[ 'heart', 'star' \]/);
    expect(existsSync(join(folder, "mine.safetensors"))).toBe(true);
  });

  it("has commands that run, one after the other", () => {
    const commands = untold("sh").flatMap((block) => shortened(block).trim().split("\n"));
    expect(commands.length).toBeGreaterThan(5);
    for (const command of commands) {
      const [npx, innerloop, ...args] = command.split(" ");
      expect([npx, innerloop]).toEqual(["npx", "innerloop"]);
      expect(run(join(root, "cli", "bin", "innerloop.js"), args), command).not.toBe("");
    }
  });
});
