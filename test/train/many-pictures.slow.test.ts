// Many pictures at once, in a process that may open few files and take little memory.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ImagePreprocessing } from "@innerloop/schemas";
import { encode } from "fast-png";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";

const folder = temporaryFolder("pictures");

const how: ImagePreprocessing = { kind: "image", width: 4, height: 1, channels: 1, invert: false, mean: 0, std: 1 };

/** Runs a program that reads all pictures of a folder at once, and says how much memory it took, in MB. */
function readAll(data: string, files: number): number {
  const script = join(folder, "read.mjs");
  const module = (name: string): string => JSON.stringify(import.meta.resolve(name));
  writeFileSync(
    script,
    // Node opens the modules of an import all at once, of the graph alone some 200; folder after folder they stay below what may be open.
    `import { readdirSync } from "node:fs";
const graph = new URL(".", ${module("@innerloop/graph")});
for (const part of ["core", "ops/internal", "ops", "transforms", "compile", "lowering", "onnx"])
  for (const file of readdirSync(new URL(part, graph)).filter((name) => name.endsWith(".js")))
    await import(new URL(part + "/" + file, graph).href);
await import(${module("@innerloop/graph")});
const { readExample } = await import(${module("@innerloop/runtime/input")});
const { loadImage, listImageClasses, openImages } = await import(${module("@innerloop/train")});
const [data, how] = process.argv.slice(2);
await openImages(data);
const files = listImageClasses(data).flatMap(({ files }) => files);
const preprocessing = JSON.parse(how);
await Promise.all(files.map((file) => loadImage(file, preprocessing)));
const { width, height, channels } = preprocessing;
const input = { shape: [height, width, channels], dtype: "float32", preprocessing };
await Promise.all(files.map((file) => readExample({ input }, file)));
console.log(Math.round(process.resourceUsage().maxRSS / 1024));`,
  );
  const command = `ulimit -n ${files}; exec "$@"`;
  const args = ["-c", command, "sh", process.execPath, script, data, JSON.stringify(how)];
  return Number(execFileSync("sh", args, { encoding: "utf8", cwd: fileURLToPath(new URL("..", import.meta.url)) }));
}

describe.skipIf(process.platform === "win32")("many pictures", () => {
  test("600 files are read where 128 may be open", () => {
    const data = join(folder, "many");
    const dot = encode({ width: 2, height: 2, data: Uint8Array.of(0, 80, 160, 255), channels: 1, depth: 8 });
    for (const name of ["a", "b"]) {
      mkdirSync(join(data, name), { recursive: true });
      for (let i = 0; i < 300; i++) writeFileSync(join(data, name, `${i}.png`), dot);
    }
    expect(readAll(data, 128)).toBeGreaterThan(0);
  });

  test("20 photographs of 12 megapixels take the memory of a few", async () => {
    const data = join(folder, "large", "a");
    mkdirSync(data, { recursive: true });
    const photograph = await sharp({ create: { width: 4000, height: 3000, channels: 3, background: "red" } })
      .jpeg()
      .toBuffer();
    for (let i = 0; i < 20; i++) writeFileSync(join(data, `${i}.jpg`), photograph);
    // All at once they are 20 times 36 MB of pixels, beside what a process takes anyway.
    expect(readAll(join(folder, "large"), 1024)).toBeLessThan(600);
  });
});
