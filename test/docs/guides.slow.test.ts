// Every guide is followed to the letter, on small data that are made here: its commands one after the other, then its program.
import { execFileSync } from "node:child_process";
import { existsSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { itUnless } from "../support/absent.ts";
import { temporaryFolder } from "../support/folders.ts";
import { python, pythonLacks } from "../support/python.ts";
import { type Made, writeGestures, writePictures, writeSounds, writeTable } from "../support/raw-files.ts";
import { blocksOf, root, shortened } from "./blocks.ts";

/** Classes to train on, and classes that are a user's own: some examples to learn from, and others to ask about. */
const training = { classes: Array.from({ length: 30 }, (_, i) => i), examples: 12 };
const own = { classes: [100, 101, 102], examples: 3 };
const further = { classes: own.classes, examples: 4, from: 7 };

type Writer = (place: string, made: Made) => void | Promise<void>;

const sets = (write: Writer, all: string, mine: string, more: string) => async (folder: string) => {
  await write(join(folder, all), training);
  await write(join(folder, mine), own);
  await write(join(folder, more), further);
};
const folders = (write: Writer, all: string) => sets(write, all, "mine", "more-of-mine");

interface Guide {
  readonly name: string;
  /** Writes the data that it speaks of. */
  prepare?(folder: string): Promise<void>;
  /** What following it leaves. */
  readonly leaves: readonly string[];
  readonly needs?: readonly string[];
}

const guides: readonly Guide[] = [
  { name: "pictures", prepare: folders(writePictures, "photos"), leaves: ["photos.png", "site/index.html"] },
  { name: "sensors", prepare: folders(writeGestures, "gestures"), leaves: ["gestures.png", "site/index.html"] },
  { name: "sounds", prepare: folders(writeSounds, "words"), leaves: ["words.png", "site/index.html"] },
  {
    name: "tables",
    prepare: sets(writeTable, "things.csv", "mine.csv", "more-of-mine.csv"),
    leaves: ["mine.safetensors"],
  },
  { name: "backbone", leaves: ["features.npz", "backbone.onnx"], needs: ["torch", "onnx"] },
];

for (const { name, prepare, leaves, needs = [] } of guides)
  itUnless(
    needs.length > 0 ? pythonLacks(...needs) : undefined,
    `docs/guides/${name}.md is followed to its end`,
    { timeout: 600_000 },
    async () => {
      const folder = temporaryFolder(`guide-${name}`);
      await prepare?.(folder);
      const said = follow(`docs/guides/${name}.md`, folder);
      for (const file of leaves) expect(existsSync(join(folder, file)), file).toBe(true);
      // What a program in a guide says is the answer that it ends with.
      expect(said.at(-1)).toMatch(/^\w+[\w ]* [01](\.\d+)?\n$/);
    },
  );

/** Does what a guide says, block by block; gives what each prints. */
function follow(page: string, folder: string): string[] {
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  const run = (program: string, args: readonly string[]) =>
    execFileSync(program, args, { cwd: folder, encoding: "utf8", stdio: "pipe", maxBuffer: 2 ** 26 });
  return blocksOf(page).flatMap((block) => {
    const code = shortened(block);
    const file = /^as (\S+)$/.exec(block.note)?.[1];
    if (file !== undefined) writeFileSync(join(folder, file), code);
    if (block.language === "ts") return [program(folder, code, run)];
    if (block.language !== "sh") return [];
    return code
      .trim()
      .split("\n")
      .map((line) => {
        const [first, second, ...words] = line.split(" ");
        if (first === "python") return run(python, [second!, ...words]);
        expect([first, second]).toEqual(["npx", "innerloop"]);
        return run(process.execPath, [join(root, "cli", "bin", "innerloop.js"), ...words]);
      });
  });
}

/** Compiles a program as strictly as our own, and runs it. */
function program(folder: string, code: string, run: (program: string, args: readonly string[]) => string): string {
  const compilerOptions = { noEmit: false, composite: false, declaration: false, declarationMap: false, outDir: "out" };
  writeFileSync(join(folder, "program.ts"), code);
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: join(root, "tsconfig.base.json"), compilerOptions, include: ["program.ts"] }),
  );
  run(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", "."]);
  return run(process.execPath, [join("out", "program.js")]);
}
