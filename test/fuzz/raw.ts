// What a manifest says of raw input and what an application hands in, each changed in a few places, of every kind.
import { type Input, readExample } from "@innerloop/runtime/input";
import { type Manifest, type Preprocessing, preprocessedShape, sizeOf } from "@innerloop/schemas";
import fc from "fast-check";
import { mutatedTree } from "./mutate.ts";
import type { Target } from "./run.ts";

interface Given {
  readonly how: Preprocessing;
  readonly raw: Input;
}

const samples = { data: Array.from({ length: 90 }, (_, i) => ((i * 37) % 19) / 19 - 0.5), rate: 100, channels: 1 };
const bases: readonly Given[] = [
  {
    how: { kind: "image", width: 4, height: 3, channels: 3, invert: true, mean: 0, std: 1 },
    raw: { data: Uint8Array.from({ length: 60 }, (_, i) => i * 4), width: 5, height: 4 },
  },
  {
    how: { kind: "window", length: 30, pad: true, channels: 1, rate: 50, mean: [0], std: [1] },
    raw: samples,
  },
  {
    how: {
      ...{ kind: "sound", rate: 80, length: 64, frame: 16, hop: 8, bands: 4, lowest: 0, highest: 40 },
      ...{ relative: true, floor: 1e-4, mean: 0, std: 1 },
    },
    raw: samples,
  },
  {
    how: {
      kind: "row",
      columns: [
        { name: "a", kind: "number", mean: 0, std: 1, missing: 2 },
        { name: "b", kind: "category", values: ["x", "y"] },
      ],
    },
    raw: { a: "1.5", b: "y" },
  },
  {
    how: { kind: "text", length: 6, padding: 0, tokenizer: '{"model":{"type":"WordPiece","vocab":{"[UNK]":0,"a":1}}}' },
    raw: "a b",
  },
  {
    how: { kind: "bytes", first: 4, last: 3, padding: 256, trim: 8 },
    raw: Uint8Array.from([32, 97, 98, 255, 10]),
  },
];

export const rawTarget: Target = {
  name: "raw",
  memory: 256e6,
  open: () => ({
    inputs: fc.nat(bases.length - 1).chain((i) => mutatedTree(bases[i]!)),
    async run(given: Given) {
      const { how, raw } = given ?? {};
      let shape = [1];
      try {
        shape = preprocessedShape(how);
      } catch {
        // Of what is none of the kinds there is no shape.
      }
      const input: Manifest["input"] = { shape, dtype: "float32", preprocessing: how };
      const example = await readExample({ input }, raw);
      // Bytes are always finite, and a model says so of what a strange mean or deviation makes of them.
      const finite = how.kind === "image" || example.every(Number.isFinite);
      if (example.length !== sizeOf(shape) || !finite) throw new Error(`an example of ${example}`);
    },
    show: JSON.stringify,
  }),
};
