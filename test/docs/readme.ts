// The README's code blocks in a folder of their own, with what they need beside them.
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drawGlyph, GLYPH_SIZE } from "@innerloop/train";
import sharp from "sharp";
import { temporaryFolder } from "../support/folders.ts";
import { writeGestures, writeSounds } from "../support/raw-files.ts";
import { blocksOf, root, shortened } from "./blocks.ts";

export const folder = temporaryFolder("readme");

export const blocks = blocksOf("README.md");
/** The blocks of a language that are run. */
export const blocksToRun = (language: string) =>
  blocks.filter((block) => block.language === language && !block.note.startsWith("not run"));
export const run = (program: string, args: readonly string[]) =>
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

/** Writes the TypeScript, and the drawings and recordings that the README speaks of. */
export async function prepare(): Promise<void> {
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  const compilerOptions = { noEmit: false, composite: false, declaration: false, declarationMap: false, outDir: "out" };
  const config = { extends: join(root, "tsconfig.base.json"), compilerOptions, include: ["*.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  blocksToRun("ts").forEach((block, i) => {
    writeFileSync(join(folder, `block${i}.ts`), shortened(block));
  });
  await drawSymbols("my-symbols", ["heart", "star", "leaf"], [0, 1, 2]);
  await drawSymbols("new-symbols", ["unsorted"], [7, 8]);
  await writeGestures(join(folder, "my-gestures"), { classes: [1, 2, 3], examples: 3 });
  await writeSounds(join(folder, "my-sounds"), { classes: [1, 2, 3], examples: 3 });
}
