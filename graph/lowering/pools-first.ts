// The gradients of max pooling, channels first, tap by tap: numbers and comparisons of whole arrays, which ONNX Runtime is quicker
// at than at places. Its MaxPool takes fifty times as long where it gives these as well.
import { apply, constant } from "../core/build.ts";
import { at, upTo, zip } from "../core/lists.ts";
import { type Shape, sizeOf } from "../core/shapes.ts";
import type { One, Operator, Value } from "../core/value.ts";
import type { Window } from "../core/windows.ts";
import { HardSigmoid } from "../ops/activation.ts";
import { Add, Mul, Sub } from "../ops/arithmetic.ts";
import { MaxPoolGradient, MaxPoolSelection } from "../ops/internal/max-pool.ts";
import { Expand, Reshape, Transpose } from "../ops/movement.ts";
import { Concat, Pad } from "../ops/parts.ts";
import { MaxPool } from "../ops/pooling.ts";
import { maxPlaces } from "../ops/unpooling.ts";
import { type Lowering, lowering } from "./lower.ts";
import { cutSteps } from "./slices.ts";

const lowest = -3.4028234663852886e38;
/** So steep that a HardSigmoid is 1 at 0 and 0 below. */
const steep = 1e38;

const isKnown = (shape: Shape): shape is readonly number[] => shape.every((dim) => typeof dim === "number");

const digits = (n: number, shape: readonly number[]): number[] =>
  shape.map((size, i) => Math.floor(n / sizeOf(shape.slice(i + 1))) % size);

/** A window's taps over a space: where each starts, in the padded input. */
const startsOf = ({ kernel, dilations }: Window): number[][] =>
  upTo(sizeOf(kernel)).map((tap) => zip(digits(tap, kernel), dilations, (place, dilation) => place * dilation));

/** For each tap, what it reads. */
function taps(x: Value, window: Window, out: readonly number[], fill: number): Value[] {
  const { strides, before, after } = window;
  const axes = upTo(out.length).map((i) => i + 2);
  const padded = Pad(x, [0, 0, ...before, 0, 0, ...after], "constant", fill);
  return startsOf(window).map((starts) => {
    const ends = zip(starts, out, (start, size, i) => start + (size - 1) * at(strides, i) + 1);
    return cutSteps(padded, { starts, ends, axes, steps: strides });
  });
}

/** For each tap, 1 where it is the first that reads the largest number. */
function firsts(x: Value, y: Value, window: Window, out: readonly number[]): Value[] {
  let left: Value | undefined;
  return taps(x, window, out, lowest).map((read) => {
    const equal = HardSigmoid(Sub(read, y), { alpha: steep, beta: 1 });
    const first = left ? Mul(equal, left) : equal;
    left = Sub(left ?? 1, first);
    return first;
  });
}

/** Numbers for each tap put where it reads, and summed: those whose places have the same remainders by the strides first. */
function spread(parts: readonly Value[], x: Value, window: Window, out: readonly number[]): Value {
  const { strides, before, after } = window;
  const space = x.shape.slice(2).map(Number);
  const whole = zip(space, before, (size, low, i) => size + low + at(after, i));
  const steps = zip(whole, strides, (size, stride) => Math.ceil(size / stride));
  const phases = new Map<number, Value>();
  zip(startsOf(window), parts, (starts, part) => {
    const phase = starts.reduce((total, start, i) => total * at(strides, i) + (start % at(strides, i)), 0);
    const low = zip(starts, strides, (start, stride) => Math.floor(start / stride));
    const high = zip(steps, low, (size, n, i) => size - n - at(out, i));
    const placed = Pad(part, [0, 0, ...low, 0, 0, ...high]);
    const sum = phases.get(phase);
    phases.set(phase, sum ? Add(sum, placed) : placed);
  });
  const lead = x.shape.slice(0, 2);
  const none = () => Expand(constant(0, [], x.dtype), [...lead, ...steps]);
  const [first = x, ...others] = upTo(sizeOf(strides)).map((phase) =>
    Reshape(phases.get(phase) ?? none(), [...lead, 1, ...steps]),
  );
  const joined = Reshape(others.length > 0 ? Concat([first, ...others], 2) : first, [...lead, ...strides, ...steps]);
  const spatial = space.length;
  const order = upTo(spatial).flatMap((i) => [2 + spatial + i, 2 + i]);
  const full = Reshape(Transpose(joined, [0, 1, ...order]), [
    ...lead,
    ...zip(steps, strides, (n, stride) => n * stride),
  ]);
  const ends = zip(before, space, (low, size) => low + size);
  return Reshape(
    cutSteps(full, { starts: before, ends, axes: upTo(spatial).map((i) => i + 2), steps: space.map(() => 1) }),
    x.shape,
  );
}

const spaceOf = (x: Value, y: Value): readonly number[] | undefined => {
  const out = y.shape.slice(2);
  return x.dtype === "float32" && isKnown(x.shape.slice(2)) && isKnown(out) ? out : undefined;
};

const gradient = lowering(MaxPoolGradient, ([x, y, g], window) => {
  const out = spaceOf(x, y);
  if (!out) return undefined;
  const parts = firsts(x, y, window, out).map((first) => Mul(first, g));
  return [spread(parts, x, window, out)];
});

const selection = lowering(MaxPoolSelection, ([x, y, t], window) => {
  const out = spaceOf(x, y);
  if (!out) return undefined;
  const chosen = zip(firsts(x, y, window, out), taps(t, window, out, 0), (first, read) => Mul(first, read));
  return [chosen.reduce((a, b) => Add(a, b))];
});

/** ONNX MaxPool with both of its outputs. Only lowering makes it. */
const maxPoolBoth: Operator<Window & { readonly order: 0 | 1 }, One, readonly [y: Value, places: Value]> = {
  name: "MaxPoolBoth",
  family: "pooling",
  summary: "the largest in each window and where it is, channels first",
  writtenAs: "MaxPool",
  infer: ([x], { order: _, ...window }) => {
    const [{ dtype, shape }] = MaxPool.operator.infer([x], window);
    return [
      { dtype, shape },
      { dtype: "int64", shape },
    ];
  },
};

/** By which its nodes are known. */
export const LoweredMaxPool = { operator: maxPoolBoth };

const places = lowering(maxPlaces, ([x], attributes) => [apply(maxPoolBoth, [x], attributes)[1]]);

export const poolsFirst: readonly Lowering[] = [gradient, selection, places];
