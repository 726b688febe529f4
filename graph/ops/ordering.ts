// What goes by the numbers themselves: the largest few, those that are not zero, those that are wanted, each of them once.
import { numbersAt, placesOf, stridesOf } from "../core/arrays.ts";
import { apply, constant } from "../core/build.ts";
import { type Dim, multiplyDims } from "../core/dims.ts";
import { at, upTo } from "../core/lists.ts";
import { apply1, applying, define, spelling, unfit, zeroDerivative } from "../core/operator.ts";
import { normalizeAxis, sizeOf } from "../core/shapes.ts";
import { freshSizes, tellersOf } from "../core/told.ts";
import type { NumberArray, One, Operator, Value } from "../core/value.ts";
import { Gather } from "./indexing.ts";
import { Expand, Reshape } from "./internal/broadcasting.ts";
import { ScatterElements } from "./internal/scattering.ts";

type TopKAttributes = {
  readonly k: Dim;
  readonly axis: number;
  readonly largest: boolean;
  readonly sorted: boolean;
};

const topK: Operator<TopKAttributes, readonly [Value, ...Value[]], readonly [Value, Value]> = define({
  name: "TopK",
  family: "reduction",
  summary: "the largest or smallest few along an axis, and their indices; the first of equals first",
  since: 11,
  infer([x], { k, axis }) {
    const shape = x.shape.with(axis, k);
    return [
      { dtype: x.dtype, shape },
      { dtype: "int64", shape },
    ];
  },
  gradient({ inputs: [x], outputs: [, indices], cotangents: [g], attributes: { axis } }) {
    if (!g) return [];
    return [ScatterElements(Expand(constant(0, [], x.dtype), x.shape), indices, g, axis, "add")];
  },
  batch: ([x], _, attributes) => apply(topK, [x], { ...attributes, axis: attributes.axis + 1 }),
  evaluate({ inputs: [x], attributes: { axis, largest, k }, shapes: [shape], resolve }) {
    const stride = at(stridesOf(x.shape), axis);
    const before = (a: number, b: number): number => (largest ? b - a : a - b);
    const [size, count] = [at(x.shape, axis), resolve(k)];
    if (count > size) throw new RangeError(`there are no ${count} numbers among ${size}`);
    const [values, indices] = [new Float64Array(sizeOf(shape)), new Float64Array(sizeOf(shape))];
    const strides = stridesOf(shape);
    const starts = (sizes: readonly number[], steps: readonly number[]) => placesOf(sizes.with(axis, 1), steps);
    const to = starts(shape, strides);
    starts(x.shape, stridesOf(x.shape)).forEach((start, n) => {
      const line = upTo(size).map((i) => at(x.data, start + i * stride));
      const order = upTo(size).sort((i, j) => before(at(line, i), at(line, j)) || i - j);
      for (const [rank, i] of order.slice(0, count).entries()) {
        const place = at(to, n) + rank * at(strides, axis);
        [values[place], indices[place]] = [at(line, i), i];
      }
    });
    return [values, indices];
  },
});
/** ONNX TopK: values and indices. */
export const TopK = applying(
  topK,
  (x: Value, k: Dim, { axis = -1, largest = true, sorted = true } = {}): readonly [Value, Value] =>
    apply(topK, [x, ...tellersOf([k], [x])], { k, axis: normalizeAxis(axis, x.rank, "TopK"), largest, sorted }),
);

type Fresh = { readonly fresh: readonly string[] };

const nonZero: Operator<Fresh, One, One> = define({
  name: "NonZero",
  family: "reduction",
  summary: "where the numbers are that are not zero: a column of indices each; how many there are, only data tell",
  since: 13,
  infer: ([x], { fresh: [count = 0] }) => [{ dtype: "int64", shape: [x.rank, count] }],
  gradient: zeroDerivative,
  batch(inputs) {
    throw unfit("NonZero", inputs, "how many numbers are not zero cannot differ from task to task.");
  },
  evaluate({ inputs: [x], attributes: { fresh }, bind }) {
    const places = upTo(x.data.length).filter((i) => x.data[i] !== 0);
    bind(at(fresh, 0), places.length);
    const strides = stridesOf(x.shape);
    const along = (axis: number) => places.map((place) => Math.floor(place / at(strides, axis)) % at(x.shape, axis));
    return [Float64Array.from(x.shape.flatMap((_, axis) => along(axis)))];
  },
});
/** ONNX NonZero: int64 `[rank, count]`. */
export const NonZero = applying(
  nonZero,
  (x: Value): Value => apply1(nonZero, [x], { fresh: freshSizes("nonzero", [x], 1) }),
);

spelling("Compress", "movement", 11, "NonZero, Gather", "the entries along an axis that a list of bools wants");
/** The entries along an axis of which a list of bools says that they are wanted; of all numbers in a row without an axis. */
export function Compress(x: Value, condition: Value, axis?: number): Value {
  const wanted = Reshape(NonZero(condition), [-1]);
  if (axis === undefined) return Gather(Reshape(x, [-1]), wanted, 0);
  return Gather(x, wanted, axis);
}

type UniqueAttributes = {
  readonly axis: number | undefined;
  readonly sorted: boolean;
  readonly fresh: readonly string[];
};

const unique: Operator<UniqueAttributes, One, readonly [Value, Value, Value, Value]> = define({
  name: "Unique",
  family: "reduction",
  summary: "each number, or each part along an axis, once; where it is first, which of these each is, and how often",
  since: 11,
  infer([x], { axis, fresh: [count = 0] }) {
    const shape = axis === undefined ? [count] : x.shape.with(axis, count);
    const parts = axis === undefined ? x.shape.reduce(multiplyDims, 1) : at(x.shape, axis);
    return [
      { dtype: x.dtype, shape },
      { dtype: "int64", shape: [count] },
      { dtype: "int64", shape: [parts] },
      { dtype: "int64", shape: [count] },
    ];
  },
  gradient({ inputs: [x], outputs: [, first], cotangents: [g], attributes: { axis } }) {
    if (!g) return [];
    const along = axis ?? 0;
    const flat = axis === undefined ? Reshape(x, [-1]) : x;
    const at0 = Expand(
      Reshape(
        first,
        g.shape.map((dim, i) => (i === along ? dim : 1)),
      ),
      g.shape,
    );
    const blank = Expand(constant(0, [], x.dtype), flat.shape);
    return [Reshape(ScatterElements(blank, at0, g, along, "add"), x.shape)];
  },
  batch(inputs) {
    throw unfit("Unique", inputs, "how many there are cannot differ from task to task.");
  },
  evaluate({ inputs: [x], attributes: { axis, sorted, fresh }, bind }) {
    const parts = partsAlong(x, axis);
    const order = upTo(parts.length).sort((i, j) => compare(at(parts, i), at(parts, j)) || i - j);
    const groups: number[][] = [];
    for (const i of order) {
      const last = groups.at(-1);
      if (last && compare(at(parts, at(last, 0)), at(parts, i)) === 0) last.push(i);
      else groups.push([i]);
    }
    if (!sorted) groups.sort((a, b) => at(a, 0) - at(b, 0));
    bind(at(fresh, 0), groups.length);
    const first = groups.map((group) => at(group, 0));
    const inverse = new Float64Array(parts.length);
    groups.forEach((group, n) => {
      for (const i of group) inverse[i] = n;
    });
    const counts = groups.map((group) => group.length);
    return [picked(x, axis, first), Float64Array.from(first), inverse, Float64Array.from(counts)];
  },
});

/** The numbers of each part along an axis, or each number. */
function partsAlong(x: NumberArray, axis: number | undefined): Float64Array[] {
  if (axis === undefined) return [...x.data].map((value) => Float64Array.of(value));
  const strides = stridesOf(x.shape);
  return upTo(at(x.shape, axis)).map((i) =>
    numbersAt(x.data, placesOf(x.shape.with(axis, 1), strides, i * at(strides, axis))),
  );
}

function picked(x: NumberArray, axis: number | undefined, parts: readonly number[]): Float64Array {
  if (axis === undefined) return Float64Array.from(parts, (i) => at(x.data, i));
  const [outer, inner] = [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis + 1))];
  const size = at(x.shape, axis);
  const rows = upTo(outer).flatMap((o) => parts.map((i) => (o * size + i) * inner));
  return Float64Array.from(rows.flatMap((row) => [...x.data.subarray(row, row + inner)]));
}

function compare(a: Float64Array, b: Float64Array): number {
  const i = a.findIndex((value, n) => value !== b[n]);
  return i < 0 ? 0 : at(a, i) - at(b, i);
}

/** ONNX Unique: the numbers, where each is first, which of them each is, and how often it is there. */
export const Unique = applying(
  unique,
  (x: Value, { axis, sorted = true }: { axis?: number; sorted?: boolean } = {}) => {
    const along = axis === undefined ? undefined : normalizeAxis(axis, x.rank, "Unique");
    return apply(unique, [x], { axis: along, sorted, fresh: freshSizes("unique", [x], 1, `${along}`) });
  },
);
