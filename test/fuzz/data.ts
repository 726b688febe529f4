// What people have: tables, pictures, archives.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readExample } from "@innerloop/runtime/input";
import type { Manifest } from "@innerloop/schemas";
import { openTasks } from "@innerloop/train";
import fc from "fast-check";
import { encode } from "fast-png";
import { zipSync } from "fflate";
import { readInputs, readSupport } from "innerloop";
import sharp from "sharp";
import { mutatedBytes, mutatedText, mutatedTree } from "./mutate.ts";
import type { Target } from "./run.ts";

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** As much of a manifest as reading examples takes. */
const manifestOf = (input: Manifest["input"], task: Manifest["task"] = "classification"): Manifest =>
  ({
    name: "fuzzed",
    task,
    input,
    output: task === "regression" ? { ways: null, size: 1 } : { ways: null },
  }) as Manifest;

const tableTarget = (kind: "csv" | "json", inputs: fc.Arbitrary<string>): Target => ({
  name: kind,
  memory: 64e6,
  open() {
    const folder = mkdtempSync(join(tmpdir(), "innerloop-fuzz-"));
    const file = join(folder, `table.${kind}`);
    const plain = manifestOf({ shape: [3], dtype: "float32" });
    const windows = manifestOf({
      shape: [3, 1],
      dtype: "float32",
      preprocessing: { kind: "window", length: 3, channels: 1, mean: 0, std: 1 },
    });
    return {
      inputs,
      async run(text: string) {
        writeFileSync(file, text);
        for (const manifest of [plain, windows])
          for (const { data } of [...(await readSupport(file, manifest)), ...(await readInputs([file], manifest))])
            if (data.length !== 3 || !data.every(Number.isFinite)) throw new Error(`an example of ${data}`);
      },
      show: JSON.stringify,
      close: async () => rmSync(folder, { recursive: true }),
    };
  },
});

const csv = 'label,x1,x2,x3\nred,1,2,3\n"bl,ue",4,5.5,-6e-3\n';
const csvWords = ['"', ",", ";", "\t", "\n", "\r\n", "\ufeff", '""', "NaN", "1e999", "-", "0x10", "1,5", "label", "y"];
export const csvTarget = tableTarget("csv", mutatedText(csv, csvWords));

const rows = [
  { x: [1, 2, 3], label: "red" },
  { x: [[4], [5], [6]], label: "blue", y: [1] },
];
export const jsonTarget = tableTarget(
  "json",
  fc.oneof(
    mutatedTree<unknown>(rows).map((value) => JSON.stringify(value) ?? ""),
    mutatedText(JSON.stringify(rows), ["[", "]", "{", "}", ",", "null", "1e999", '"label":"x"', "[".repeat(5000)]),
  ),
);

export const picturesTarget: Target = {
  name: "pictures",
  memory: 128e6,
  async open() {
    const pixels = Uint8Array.from({ length: 8 * 6 * 3 }, (_, i) => (i * 37) % 256);
    const raw = sharp(pixels, { raw: { width: 8, height: 6, channels: 3 } });
    const [png, jpeg, webp, gif] = await Promise.all([
      raw.clone().png().toBuffer(),
      raw.clone().jpeg().toBuffer(),
      raw.clone().webp().toBuffer(),
      raw.clone().gif().toBuffer(),
    ]);
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="6"><rect width="4" height="4"/></svg>';
    const files = [png, jpeg, webp, gif, Buffer.from(svg)].map((it) => new Uint8Array(it));
    const manifest = manifestOf({
      shape: [4, 4, 1],
      dtype: "float32",
      preprocessing: { kind: "image", width: 4, height: 4, channels: 1, invert: false, mean: 0, std: 1 },
    });
    return {
      inputs: fc.nat(files.length - 1).chain((i) => mutatedBytes(files[i]!)),
      run: (bytes: Uint8Array) => readExample(manifest, bytes),
      show: base64,
    };
  },
};

export const zipTarget: Target = {
  name: "zip",
  memory: 128e6,
  open() {
    const folder = mkdtempSync(join(tmpdir(), "innerloop-fuzz-"));
    const picture = encode({
      width: 105,
      height: 105,
      channels: 1,
      depth: 1,
      data: new Uint8Array(14 * 105).fill(255),
    } as never);
    const tree = (set: string) =>
      Object.fromEntries(
        ["A", "B", "C", "D", "E", "F"].flatMap((alphabet) =>
          [1, 2].map((n) => [`${set}/${alphabet}/character0${n}/000${n}_01.png`, picture]),
        ),
      );
    const background = zipSync(tree("images_background"), { level: 6 });
    writeFileSync(join(folder, "images_evaluation.zip"), zipSync(tree("images_evaluation")));
    return {
      inputs: mutatedBytes(background),
      async run(bytes: Uint8Array) {
        writeFileSync(join(folder, "images_background.zip"), bytes);
        const tasks = await openTasks(`omniglot:${folder}`);
        tasks.classCount?.("train");
      },
      show: base64,
      close: async () => rmSync(folder, { recursive: true }),
    };
  },
};

/** A .npy as NumPy writes it, its header filled up to 64 bytes. */
function npy(type: string, shape: string, elements: Uint8Array): Uint8Array {
  const words = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape}), }`;
  const header = `${words.padEnd(117)}\n`;
  return Buffer.concat([
    Buffer.from([0x93]),
    Buffer.from(`NUMPY\x01\x00${String.fromCharCode(118)}\x00${header}`),
    elements,
  ]);
}

export const npzTarget: Target = {
  name: "npz",
  memory: 64e6,
  open() {
    const folder = mkdtempSync(join(tmpdir(), "innerloop-fuzz-"));
    const file = join(folder, "set.npz");
    const x = npy("<f4", "6, 2", new Uint8Array(Float32Array.from({ length: 12 }, (_, i) => i).buffer));
    const y = npy("<U1", "6,", new Uint8Array(Uint32Array.from("aabbcc", (letter) => letter.charCodeAt(0)).buffer));
    return {
      // Not compressed, so that what is changed reaches the arrays.
      inputs: mutatedBytes(zipSync({ "x.npy": x, "y.npy": y }, { level: 0 })),
      async run(bytes: Uint8Array) {
        writeFileSync(file, bytes);
        const tasks = await openTasks(`arrays:${file}`, { heldBack: { val: 0, test: 0 } });
        tasks.episode("train", 0, 0, { ways: 2, shots: 1, queries: 1 });
      },
      show: base64,
      close: async () => rmSync(folder, { recursive: true }),
    };
  },
};
