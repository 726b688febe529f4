// Tables and recordings of people's own, as training reads them: understood as a whole, or refused.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { preprocess } from "@innerloop/runtime/input";
import { readers } from "@innerloop/train";
import fc from "fast-check";
import { readRecorded } from "../support/recorded.ts";
import { mutatedBytes, mutatedText, mutatedTree } from "./mutate.ts";
import type { Target } from "./run.ts";

const shown = (input: string | Uint8Array): string =>
  typeof input === "string" ? JSON.stringify(input) : Buffer.from(input).toString("base64");

/** Files of an ending that a reader takes; each is found, chosen by, and made an example, of finite numbers alone. */
const fileTarget = (
  name: string,
  reader: "rows" | "windows",
  ending: string,
  inputs: fc.Arbitrary<string | Uint8Array>,
): Target => ({
  name,
  memory: 64e6,
  open() {
    const folder = mkdtempSync(join(tmpdir(), "innerloop-fuzz-"));
    const file = join(folder, `file.${ending}`);
    const kind = readers.named(reader).files!;
    return {
      inputs,
      async run(input: string | Uint8Array) {
        writeFileSync(file, input);
        const found =
          reader === "rows"
            ? await kind.find(file, {})
            : { classes: [{ name: "a", items: await kind.items(file, {}) }] };
        const items = found.classes.flatMap(({ name, items }) => items.map((item) => ({ item, label: name })));
        const read = await Promise.all(items.map(async (each) => ({ ...each, raw: await kind.read(each.item) })));
        const { preprocessing } = kind.choose(read, {});
        for (const { item, raw } of read) {
          const kept = kind.examples(item, raw, preprocessing, {}) as Float32Array[];
          const numbers = reader === "rows" ? [...kept, preprocess(preprocessing, raw)] : kept;
          if (!numbers.every((each) => each.every(Number.isFinite))) throw new Error(`an example of ${numbers[0]}`);
        }
      },
      show: shown,
      close: async () => rmSync(folder, { recursive: true }),
    };
  },
});

const words = [
  '"',
  ",",
  ";",
  "\t",
  "\n",
  "\r\n",
  "\ufeff",
  "NaN",
  "1e999",
  "-",
  "1,5",
  "1.234,5",
  "label",
  "12 cm",
  "3 kg",
  "$4",
  "%",
  "2024-01-01",
];
const table = [
  "id,size,colour,when,label",
  ...[1, 2, 3, 4].map((i) => `${i},${i}.5 cm,${i % 2 ? "red" : "blue"},2024-01-0${i},kind ${i % 2}`),
].join("\n");
const objects = [1, 2, 3, 4].map((i) => ({ x: [i, i * i], ok: i > 2, colour: i % 2 ? "red" : null, label: i % 2 }));
const parquet = readRecorded<{ tables: { name: string; bytes?: string }[] }>(
  "train/recorded/tables.json",
).tables.flatMap(({ bytes }) => (bytes === undefined ? [] : [new Uint8Array(Buffer.from(bytes, "base64"))]));

export const rowsTargets: readonly Target[] = [
  fileTarget("rows-csv", "rows", "csv", mutatedText(table, words)),
  fileTarget(
    "rows-json",
    "rows",
    "json",
    mutatedTree<unknown>(objects).map((value) => JSON.stringify(value) ?? ""),
  ),
  fileTarget(
    "rows-parquet",
    "rows",
    "parquet",
    fc.nat(parquet.length - 1).chain((i) => mutatedBytes(parquet[i]!)),
  ),
];

const samples = Array.from({ length: 12 }, (_, i) => [i / 50, Math.sin(i), Math.cos(i)]);
const lines = `t,x,y\n${samples.map((sample) => sample.join(",")).join("\n")}\n`;
const recordings = [
  { rate: 50, channels: ["x", "y"], data: samples.map(([, x, y]) => [x, y]) },
  samples.map(([t, x, y]) => ({ t, acceleration: { x, y } })),
  { t: samples.map(([t]) => t), x: samples.map(([, x]) => x) },
];
const npy = (): Uint8Array => {
  const header = `${"{'descr': '<f4', 'fortran_order': False, 'shape': (12, 3), }".padEnd(117)}\n`;
  const elements = new Uint8Array(Float32Array.from(samples.flat()).buffer);
  return Buffer.concat([
    Buffer.from([0x93]),
    Buffer.from(`NUMPY\x01\x00${String.fromCharCode(118)}\x00${header}`),
    elements,
  ]);
};

export const windowsTargets: readonly Target[] = [
  fileTarget("windows-csv", "windows", "csv", mutatedText(lines, [...words, "#", "timestamp", "10:00:00", " "])),
  fileTarget(
    "windows-json",
    "windows",
    "json",
    fc.oneof(...recordings.map((value) => mutatedTree<unknown>(value).map((each) => JSON.stringify(each) ?? ""))),
  ),
  fileTarget("windows-npy", "windows", "npy", mutatedBytes(npy())),
];
