// Parts of axes: cut out, joined, and put around.
import { foldInto, placesOf, stridesOf } from "../core/arrays.ts";
import { spend } from "../core/budget.ts";
import { constant } from "../core/build.ts";
import { addDims } from "../core/dims.ts";
import { at, upTo, zip } from "../core/lists.ts";
import { apply1, applying, define, spelling, unfit } from "../core/operator.ts";
import { fixed, normalizeAxis, sizeOf } from "../core/shapes.ts";
import type { One, Operator, Value } from "../core/value.ts";
import { Gather } from "./internal/gathering.ts";
import { beyondAxes, Concat, cut } from "./internal/slicing.ts";

export { Concat } from "./internal/slicing.ts";

/** ONNX Slice, with constant starts, ends, axes and steps; negative ones count from the end. */
export const Slice = applying(
  cut.operator,
  (
    x: Value,
    starts: readonly number[],
    ends: readonly number[],
    axes: readonly number[] = starts.map((_, i) => i),
    steps: readonly number[] = starts.map(() => 1),
  ): Value => axes.reduce((value, axis, i) => sliced(value, axis, at(starts, i), at(ends, i), at(steps, i)), x),
);

function sliced(x: Value, axis: number, from: number, to: number, step: number): Value {
  const along = normalizeAxis(axis, x.rank, "Slice");
  const whole = at(x.shape, along);
  if (typeof whole === "string" && step === 1 && from >= 0 && to >= 0)
    return cut(x, along, from, to >= beyondAxes ? whole : to);
  const size = fixed(whole, "Slice");
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const clamp = (place: number) => Math.min(Math.max(place < 0 ? place + size : place, low), high);
  const [start, end] = [clamp(from), clamp(to)];
  if (step === 1) return cut(x, along, start, Math.max(start, end));
  const count = Math.max(0, Math.ceil((end - start) / step));
  spend("numbers", count);
  const places = upTo(count).map((n) => start + n * step);
  return Gather(x, constant(places, [count], "int64"), along);
}

spelling("Split", "movement", 18, "Slice", "cut into parts along an axis");
/** Cut into parts of the sizes given (or this many equal ones) along one axis. */
export function Split(x: Value, parts: number | readonly number[], axis = 0): Value[] {
  const along = normalizeAxis(axis, x.rank, "Split");
  const size = fixed(at(x.shape, along), "Split");
  if (typeof parts === "number") {
    // Of nothing there may be many parts, but not so many that the list of them is too much.
    if (!(Number.isSafeInteger(parts) && parts > 0 && parts <= (size || 2 ** 16)))
      throw unfit("Split", [x], `cannot be cut into ${parts} parts.`);
    spend("nodes", parts);
  }
  const chunk = typeof parts === "number" ? Math.ceil(size / parts) : 0;
  const sizes =
    typeof parts === "number" ? Array.from({ length: parts }, (_, i) => Math.min(chunk, size - i * chunk)) : parts;
  let start = 0;
  return sizes.map((length) => {
    const from = start;
    start += length;
    return cut(x, along, from, start);
  });
}

type Pads = { readonly before: readonly number[]; readonly after: readonly number[]; readonly value: number };

const pad: Operator<Pads, One, One> = define({
  name: "Pad",
  family: "movement",
  summary: "a constant put around",
  since: 13,
  traits: { float16: "movement" },
  infer: ([x], { before, after }) => [
    { dtype: x.dtype, shape: zip(x.shape, before, (dim, n, i) => addDims(dim, n + at(after, i))) },
  ],
  gradient: ({ inputs: [x], cotangents: [g], attributes: { before } }) => [
    x.shape.reduce<Value>((v, dim, i) => cut(v, i, at(before, i), addDims(dim, at(before, i))), g),
  ],
  batch: ([x], _, { before, after, value }) => [
    apply1(pad, [x], { before: [0, ...before], after: [0, ...after], value }),
  ],
  evaluate({ inputs: [x], attributes: { before, value }, shapes: [shape] }) {
    const strides = stridesOf(shape);
    const first = zip(before, strides, (n, stride) => n * stride).reduce((sum, n) => sum + n, 0);
    const out = new Float64Array(sizeOf(shape)).fill(value);
    return [foldInto(out, placesOf(x.shape, strides, first), x.data, (_, number) => number)];
  },
});

/** ONNX Pad: `pads` holds what goes before each axis, then what goes after each; negative pads crop. */
export const Pad = applying(
  pad,
  (
    x: Value,
    pads: readonly number[],
    mode: "constant" | "reflect" | "edge" | "wrap" = "constant",
    value = 0,
  ): Value => {
    if (pads.length !== 2 * x.rank) throw unfit("Pad", [x], `needs ${2 * x.rank} pads, but got [${pads}].`);
    const before = pads.slice(0, x.rank);
    const after = pads.slice(x.rank);
    const cropped = x.shape.reduce<Value>(
      (v, dim, i) => cut(v, i, Math.max(0, -at(before, i)), addDims(dim, Math.min(0, at(after, i)))),
      x,
    );
    const around = zip(before, after, (low, high) => ({ low: Math.max(0, low), high: Math.max(0, high) }));
    if (around.every(({ low, high }) => low === 0 && high === 0)) return cropped;
    if (mode === "constant")
      return apply1(pad, [cropped], {
        before: around.map(({ low }) => low),
        after: around.map(({ high }) => high),
        value,
      });
    return around.reduce<Value>((v, { low, high }, axis) => {
      if (low === 0 && high === 0) return v;
      const size = at(v.shape, axis);
      if (typeof size === "string") return paddedOpen(v, axis, low, high, mode);
      spend("numbers", low + size + high);
      const read = upTo(low + size + high).map((i) => mirrored(i - low, size, mode));
      return Gather(v, constant(read, [read.length], "int64"), axis);
    }, cropped);
  },
);

/** The same along an axis whose size is open: what goes before and after has places that count from either end. */
function paddedOpen(x: Value, axis: number, low: number, high: number, mode: "reflect" | "edge" | "wrap"): Value {
  spend("numbers", low + high);
  const taken = (count: number, place: (i: number) => number): Value[] =>
    count === 0 ? [] : [Gather(x, constant(upTo(count).map(place), [count], "int64"), axis)];
  const before = taken(low, (i) => (mode === "edge" ? 0 : mode === "wrap" ? i - low : low - i));
  const after = taken(high, (i) => (mode === "edge" ? -1 : mode === "wrap" ? i : -2 - i));
  return Concat([...before, x, ...after], axis);
}

function mirrored(at: number, size: number, mode: "reflect" | "edge" | "wrap"): number {
  if (mode === "edge") return Math.min(Math.max(at, 0), size - 1);
  if (mode === "wrap") return ((at % size) + size) % size;
  const period = Math.max(1, 2 * (size - 1));
  const folded = ((at % period) + period) % period;
  return folded < size ? folded : period - folded;
}
