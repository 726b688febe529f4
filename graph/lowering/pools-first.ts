// The gradients of max pooling, channels first. Windows of two by two that do not overlap are compared whole with what they were pooled
// to; elsewhere places are looked up, as MaxPool gives them, or, where a device has no such second output, each tap is gone through.
import { apply, constant } from "../core/build.ts";
import { at, upTo, zip } from "../core/lists.ts";
import { isKnown, type Shape, sizeOf } from "../core/shapes.ts";
import type { One, Operator, Value } from "../core/value.ts";
import type { Window } from "../core/windows.ts";
import { HardSigmoid } from "../ops/activation.ts";
import { Add, Mul, Sub } from "../ops/arithmetic.ts";
import { Equal } from "../ops/comparison.ts";
import { Cast } from "../ops/dtypes.ts";
import { GatherElements, ScatterElements } from "../ops/indexing.ts";
import { MaxPoolGradient, MaxPoolSelection } from "../ops/internal/max-pool.ts";
import { Expand, Reshape, Transpose } from "../ops/movement.ts";
import { Concat } from "../ops/parts.ts";
import { MaxPool } from "../ops/pooling.ts";
import { ReduceSum } from "../ops/reduction.ts";
import { maxPlaces } from "../ops/unpooling.ts";
import { Doubled } from "./blocks.ts";
import { type Lowering, lowering } from "./lower.ts";
import { cutSteps } from "./slices.ts";
import { padded, readsOf, startsOf } from "./taps.ts";

const lowest = -3.4028234663852886e38;
/** So steep that a HardSigmoid is 1 at 0 and 0 below. */
const steep = 1e38;

/** Space cut to what windows of two by two cover; undefined for other windows. */
function coveredByPairs(x: Value, { kernel, strides, before, after }: Window): readonly number[] | undefined {
  const space: Shape = x.shape.slice(2);
  const pairs = kernel.length === 2 && [...kernel, ...strides].every((n) => n === 2);
  const within = [...before, ...after].every((pad) => pad === 0);
  if (!pairs || !within || x.dtype !== "float32" || !isKnown(space)) return undefined;
  return space.map((size) => size - (size % 2));
}

const cutTo = (x: Value, space: readonly number[]): Value =>
  cutSteps(x, { starts: space.map(() => 0), ends: space, axes: [2, 3], steps: [1, 1] });

const asNumbers = (truths: Value): Value => Cast(truths, "float32");

/**
 * 1 where a number is the first that is the largest of its pairs: all that equal the largest have a rank by their place, of which the
 * highest counts.
 */
function firstOfPairs(x: Value, y: Value, [rows = 0, columns = 0]: readonly number[]): Value {
  const ranks = upTo(rows * columns).map((i) => 4 - 2 * (Math.floor(i / columns) % 2) - (i % 2));
  const ranked = Mul(asNumbers(Equal(x, Doubled(y))), constant(ranks, [rows, columns], "float32"));
  return asNumbers(Equal(ranked, Doubled(MaxPool(ranked, [2, 2], { strides: [2, 2] }))));
}

const gradientOfPairs = lowering(MaxPoolGradient, ([x, y, g], window) => {
  const space = coveredByPairs(x, window);
  if (!space) return undefined;
  const spread = Mul(firstOfPairs(cutTo(x, space), y, space), Doubled(g));
  return [
    padded(
      spread,
      [0, 0],
      zip(x.shape.slice(2), space, (size, covered) => Number(size) - covered),
    ),
  ];
});

const selectionOfPairs = lowering(MaxPoolSelection, ([x, y, t], window) => {
  const space = coveredByPairs(x, window);
  if (!space) return undefined;
  const chosen = Mul(firstOfPairs(cutTo(x, space), y, space), cutTo(t, space));
  const [rows = 0, columns = 0] = space;
  const split = Reshape(chosen, [...x.shape.slice(0, 2), rows / 2, 2, columns / 2, 2]);
  return [ReduceSum(split, { axes: [3, 5], keepdims: false })];
});

/** Where the largest numbers are, among all numbers of the input. */
const placesOf = (x: Value, window: Window): Value =>
  Reshape(apply(maxPoolBoth, [x], { ...window, order: 0 })[1], [-1]);

const gradientByPlaces = lowering(MaxPoolGradient, ([x, , g], window) => {
  if (x.dtype !== "float32") return undefined;
  const none = Expand(constant(0, [1], x.dtype), [sizeOf(x.shape)]);
  return [Reshape(ScatterElements(none, placesOf(x, window), Reshape(g, [-1]), 0, "add"), x.shape)];
});

const selectionByPlaces = lowering(MaxPoolSelection, ([x, y, t], window) =>
  x.dtype === "float32" ? [Reshape(GatherElements(Reshape(t, [-1]), placesOf(x, window), 0), y.shape)] : undefined,
);

/** For each tap, 1 where it is the first that reads the largest number. */
function firsts(x: Value, y: Value, window: Window, out: readonly number[]): Value[] {
  let left: Value | undefined;
  return readsOf(x, window, out, lowest).map((read) => {
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
    const placed = padded(part, low, high);
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

const gradientByTaps = lowering(MaxPoolGradient, ([x, y, g], window) => {
  const out = spaceOf(x, y);
  if (!out) return undefined;
  const parts = firsts(x, y, window, out).map((first) => Mul(first, g));
  return [spread(parts, x, window, out)];
});

const selectionByTaps = lowering(MaxPoolSelection, ([x, y, t], window) => {
  const out = spaceOf(x, y);
  if (!out) return undefined;
  const chosen = zip(firsts(x, y, window, out), readsOf(t, window, out), (first, read) => Mul(first, read));
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

/** One way or the other: of several for one operator the first that fits. */
const either = (first: typeof gradientOfPairs, second: typeof gradientOfPairs) =>
  lowering(
    first,
    (inputs, attributes, outputs) =>
      first.lower(inputs, attributes, outputs) ?? second.lower(inputs, attributes, outputs),
  );

/** @param hasPlaces whether MaxPool gives the places too */
export const poolsFirst = (hasPlaces: boolean): readonly Lowering[] => [
  either(gradientOfPairs, hasPlaces ? gradientByPlaces : gradientByTaps),
  either(selectionOfPairs, hasPlaces ? selectionByPlaces : selectionByTaps),
  places,
];
