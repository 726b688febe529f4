// How often groups of whole numbers follow each other in a sequence; and the bits of numbers as numbers of another kind.
import { type DType, decodeNumbers, ELEMENTS, encodeNumbers } from "@innerloop/schemas";
import { at, upTo } from "../core/lists.ts";
import { apply1, applying, define, unfit, zeroDerivative } from "../core/operator.ts";
import { sizeOf } from "../core/shapes.ts";
import type { One, Operator, Value } from "../core/value.ts";
import { Reshape } from "./internal/broadcasting.ts";

/** As ONNX has them: the groups one after the other, from which entry on there are groups of 1, 2, … numbers, and where each counts. */
export type Groups = {
  readonly mode: "TF" | "IDF" | "TFIDF";
  readonly least: number;
  readonly most: number;
  readonly skips: number;
  readonly starts: readonly number[];
  readonly places: readonly number[];
  readonly pool: readonly number[];
  readonly weights: readonly number[] | undefined;
};

const vectorizer: Operator<Groups, One, One> = define({
  name: "TfIdfVectorizer",
  family: "reduction",
  summary: "how often each of some groups of whole numbers is in a sequence",
  since: 9,
  infer([x], { places }) {
    if ((x.dtype !== "int32" && x.dtype !== "int64") || x.rank < 1 || x.rank > 2)
      throw unfit("TfIdfVectorizer", [x], "sequences [length] or [examples, length] of int32 or int64 were expected.");
    return [{ dtype: "float32", shape: [...x.shape.slice(0, -1), Math.max(-1, ...places) + 1] }];
  },
  gradient: zeroDerivative,
  batch([x], _, groups) {
    if (x.rank === 2) return [apply1(vectorizer, [x], groups)];
    const rows = Reshape(x, [sizeOf(x.shape.slice(0, -1)), at(x.shape, -1)]);
    const y = apply1(vectorizer, [rows], groups);
    return [Reshape(y, [...x.shape.slice(0, -1), at(y.shape, -1)])];
  },
  evaluate({ inputs: [x], attributes: groups, shapes: [shape] }) {
    const [length, width] = [at(x.shape, -1), at(shape, -1)];
    const out = new Float64Array(sizeOf(shape));
    const known = groupsOf(groups);
    for (const row of upTo(width === 0 ? 0 : out.length / width)) {
      const sequence = x.data.subarray(row * length, (row + 1) * length);
      for (const { numbers, place, weight } of known) {
        const count = occurrences(sequence, numbers, groups.skips);
        const counted = groups.mode === "IDF" ? Math.min(count, 1) : count;
        const to = row * width + place;
        out[to] = at(out, to) + counted * (groups.mode === "TF" ? 1 : weight);
      }
    }
    return [out];
  },
});

/** The groups that are looked for, by the number of their entries. */
function groupsOf({ least, most, starts, places, pool, weights }: Groups) {
  let group = 0;
  return starts.flatMap((start, i) => {
    const size = i + 1;
    const end = starts[i + 1] ?? pool.length;
    const found = upTo(Math.floor((end - start) / size)).map((n) => {
      const place = at(places, group);
      const weight = weights?.[group] ?? 1;
      group++;
      return { numbers: pool.slice(start + n * size, start + (n + 1) * size), place, weight };
    });
    return size < least || size > most ? [] : found;
  });
}

/** How often some numbers follow each other, with as many numbers between each two of them as are skipped, or fewer. */
function occurrences(sequence: Float64Array, numbers: readonly number[], skips: number): number {
  const steps = upTo(numbers.length === 1 ? 1 : skips + 1).map((skip) => skip + 1);
  const isAt = (start: number, step: number) => numbers.every((number, i) => sequence[start + i * step] === number);
  return steps.reduce((sum, step) => sum + upTo(sequence.length).filter((start) => isAt(start, step)).length, 0);
}

/** ONNX TfIdfVectorizer of whole numbers. */
export const TfIdfVectorizer = applying(
  vectorizer,
  (x: Value, groups: Groups): Value => apply1(vectorizer, [x], groups),
);

const bitCast: Operator<{ readonly to: DType }, One, One> = define({
  name: "BitCast",
  family: "elementwise",
  summary: "the bits of each number as one of another dtype of as many bits",
  since: 26,
  infer([x], { to }) {
    if (ELEMENTS[x.dtype].array.BYTES_PER_ELEMENT !== ELEMENTS[to].array.BYTES_PER_ELEMENT)
      throw unfit("BitCast", [x], `${to} has another number of bits.`);
    return [{ dtype: to, shape: x.shape }];
  },
  gradient: zeroDerivative,
  batch: ([x], _, { to }) => [BitCast(x, to)],
  evaluate: ({ inputs: [x], attributes: { to } }) => [
    Float64Array.from(decodeNumbers(to, encodeNumbers(x.dtype, x.data), x.data.length)),
  ],
});
/** ONNX BitCast. */
export const BitCast = applying(bitCast, (x: Value, to: DType): Value => apply1(bitCast, [x], { to }));
