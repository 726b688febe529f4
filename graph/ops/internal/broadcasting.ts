// Reshaping, repeating and summing: what every derivative of something that broadcasts is made of. Repeating and summing are each
// other's derivatives.
import type { DType } from "@innerloop/schemas";
import { broadcastTo, foldInto, placesOf, stridesOf } from "../../core/arrays.ts";
import { type Dim, divideDims } from "../../core/dims.ts";
import { isTold } from "../../core/fresh.ts";
import { eachOf, zip } from "../../core/lists.ts";
import { apply1, applying, define, unfit } from "../../core/operator.ts";
import { broadcastShapes, normalizeAxis, type Shape, sameShape, showShape, sizeOf } from "../../core/shapes.ts";
import { tellersOf } from "../../core/told.ts";
import type { NumberArray, One, Operator, Traits, Value } from "../../core/value.ts";

/** A value, and after it those that tell sizes which its shape does not have. */
type AndTellers = readonly [Value, ...Value[]];

const reshape: Operator<{ readonly shape: Shape }, AndTellers, One> = define({
  name: "Reshape",
  family: "movement",
  summary: "the same numbers in another shape",
  since: 14,
  traits: { float16: "movement" },
  infer([x], { shape }) {
    if (sizeOf(x.shape) !== sizeOf(shape) && ![...x.shape, ...shape].some(isTold))
      throw unfit("Reshape", [x], `has ${sizeOf(x.shape)} elements, which do not fill ${showShape(shape)}.`);
    return [{ dtype: x.dtype, shape }];
  },
  // A size of 0 is one here, and not that of the axis.
  gradient: ({ inputs: [x], cotangents: [g] }) => [
    apply1(reshape, [g, ...tellersOf(x.shape, [g])], { shape: x.shape }),
  ],
  batch: ([x], _, { shape }) => [Reshape(x, [...x.shape.slice(0, 1), ...shape])],
  evaluate({ inputs: [x], shapes: [shape], outputs: [y] }) {
    if (x.data.length !== sizeOf(shape))
      throw unfit("Reshape", [y], `${x.data.length} elements do not fill ${showShape(shape)}.`);
    return [x.data];
  },
});

/**
 * `shape` may hold one −1, which takes what is left, and 0, which keeps the size of that axis (ONNX Reshape); of an array of no elements it is a size of 0 where
 * the one that is kept does not fit.
 */
export const Reshape = applying(reshape, (x: Value, shape: Shape): Value => {
  const keeping = shape.map((dim, axis) => (dim === 0 ? (x.shape[axis] ?? dim) : dim));
  const kept = sizeOf(x.shape) === 0 && !keeping.includes(-1) && sizeOf(keeping) !== 0 ? [...shape] : keeping;
  const open = kept.indexOf(-1);
  if (open >= 0) {
    const rest = divideDims(sizeOf(x.shape), sizeOf(kept.filter((_, axis) => axis !== open)));
    if (rest === undefined)
      throw unfit("Reshape", [x], `has ${sizeOf(x.shape)} elements, which do not fill ${showShape(shape)}.`);
    kept[open] = rest;
  }
  return sameShape(x.shape, kept) ? x : apply1(reshape, [x, ...tellersOf(kept, [x])], { shape: kept });
});

/** What something of a shape is repeated to; a size that only data tell is what is asked for where the other one is open. */
const repeatedShape = (from: Shape, to: Shape): Shape | undefined =>
  broadcastShapes(from, to)?.map((dim, axis, { length }) => {
    const wanted = to[axis - length + to.length];
    return wanted !== undefined && isTold(wanted) && typeof dim === "string" ? wanted : dim;
  });

const expand: Operator<{ readonly shape: Shape }, AndTellers, One> = define({
  name: "Expand",
  family: "movement",
  summary: "repeated by broadcasting to a shape",
  since: 13,
  traits: { float16: "movement" },
  infer([x], { shape }) {
    const target = repeatedShape(x.shape, shape);
    if (!target) throw unfit("Expand", [x], `does not broadcast to ${showShape(shape)}.`);
    return [{ dtype: x.dtype, shape: target }];
  },
  gradient: ({ inputs: [x], cotangents: [g] }) => [unbroadcast(g, x.shape)],
  batch: ([x], _, { shape }, [original]) => {
    const target = repeatedShape(original.shape, shape) ?? shape;
    const tasks = x.shape.slice(0, 1);
    const padded = Reshape(x, [...tasks, ...ones(target.length - original.rank), ...original.shape]);
    return [Expand(padded, [...tasks, ...target])];
  },
  evaluate: ({ inputs: [x], shapes: [shape] }) => [broadcastTo(x, shape)],
});
export const Expand = applying(
  expand,
  (x: Value, shape: Shape): Value =>
    sameShape(x.shape, shape) ? x : apply1(expand, [x, ...tellersOf(shape, [x])], { shape }),
);

const ones = (count: number): Dim[] => new Array<Dim>(count).fill(1);

/** Sums a cotangent over the axes along which a value of `shape` was broadcast. */
export function unbroadcast(cotangent: Value, shape: Shape): Value {
  if (sameShape(cotangent.shape, shape)) return cotangent;
  const extra = cotangent.rank - shape.length;
  const axes = cotangent.shape.flatMap((dim, axis) =>
    axis < extra || (shape[axis - extra] === 1 && dim !== 1) ? [axis] : [],
  );
  const summed = axes.length > 0 ? ReduceSum(cotangent, { axes, keepdims: false }) : cotangent;
  const left = cotangent.shape.filter((_, axis) => !axes.includes(axis));
  const kept = shape.filter((dim, axis) => dim !== 1 || !axes.includes(axis + extra));
  const open = left.length === kept.length && left.some((dim, axis) => dim !== kept[axis]);
  return Reshape(open && kept.some(isTold) ? SumTo(summed, kept) : summed, shape);
}

/** Brings operands with a leading task axis to one rank, so that this axis stays first under broadcasting. */
export function alignBatched<I extends readonly Value[]>(inputs: I & readonly Value[], batched: readonly boolean[]): I {
  const rank = Math.max(...zip(inputs, batched, (x, has) => x.rank - (has ? 1 : 0)));
  return eachOf<Value, I>(inputs, (x, i) => {
    const missing = rank + 1 - x.rank;
    if (!batched[i] || missing === 0) return x;
    return Reshape(x, [...x.shape.slice(0, 1), ...ones(missing), ...x.shape.slice(1)]);
  });
}

/** Values of which some have a leading axis of tasks, with one for all. */
export function allBatched<I extends readonly Value[]>(inputs: I & readonly Value[], batched: readonly boolean[]): I {
  const tasks = inputs[batched.indexOf(true)]?.shape.slice(0, 1) ?? [];
  return eachOf<Value, I>(inputs, (x, i) => (batched[i] ? x : Expand(x, [...tasks, ...x.shape])));
}

/** Which axes to reduce (all unless named), and whether they stay with size 1 (ONNX: yes unless said). */
export interface ReduceOptions {
  readonly axes?: readonly number[];
  readonly keepdims?: boolean;
}

/** A shape without some axes, or with size 1 for them. */
export const reducedShape = (shape: Shape, axes: readonly number[], keepdims: boolean): Dim[] =>
  shape.flatMap((dim, i) => (axes.includes(i) ? (keepdims ? [1] : []) : [dim]));

/** For each number of an array, its place in what is left without some axes. */
export function reducedPlaces(x: NumberArray, axes: readonly number[]): Float64Array {
  const kept = stridesOf(x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size)));
  return placesOf(
    x.shape,
    kept.map((stride, axis) => (axes.includes(axis) ? 0 : stride)),
  );
}

interface Reduction {
  readonly summary: string;
  readonly traits?: Traits;
  /** What nothing comes to. */
  readonly start: number;
  readonly step: (total: number, value: number) => number;
  /** The cotangent of `x`, by those of the result `y`, both with the axes that are gone as size 1. */
  readonly gradient: (g: Value, x: Value, y: Value) => Value;
}

/** What nothing comes to, as often as asked, where a dtype has it: the least truth value is 0. */
export const blank = (size: number, start: number, dtype: DType): Float64Array =>
  new Float64Array(size).fill(dtype === "bool" ? Math.min(Math.max(start, 0), 1) : start);

/** An operator that joins the numbers along some axes. */
export function reduction(name: string, { start, step, gradient, ...entry }: Reduction) {
  const operator: Operator<{ readonly axes: readonly number[]; readonly keepdims: boolean }, One, One> = define({
    name,
    ...entry,
    family: "reduction",
    since: 13,
    infer: ([x], { axes, keepdims }) => [{ dtype: x.dtype, shape: reducedShape(x.shape, axes, keepdims) }],
    gradient({ inputs: [x], outputs: [y], cotangents: [g], attributes: { axes } }) {
      const kept = reducedShape(x.shape, axes, true);
      return [gradient(Reshape(g, kept), x, Reshape(y, kept))];
    },
    batch: ([x], _, { axes, keepdims }) => [apply1(operator, [x], { axes: axes.map((axis) => axis + 1), keepdims })],
    evaluate({ inputs: [x], attributes: { axes }, shapes: [shape] }) {
      return [foldInto(blank(sizeOf(shape), start, x.dtype), reducedPlaces(x, axes), x.data, step)];
    },
  });
  return applying(operator, (x: Value, { axes, keepdims = true }: ReduceOptions = {}): Value => {
    const all = axes ?? [...x.shape.keys()];
    const sorted = all.map((axis) => normalizeAxis(axis, x.rank, name)).sort((a, b) => a - b);
    return sorted.length === 0 ? x : apply1(operator, [x], { axes: sorted, keepdims });
  });
}

export const ReduceSum = reduction("ReduceSum", {
  summary: "sum",
  start: 0,
  step: (a, b) => a + b,
  gradient: (g, x) => Expand(g, x.shape),
});

const sumTo: Operator<{ readonly shape: Shape }, AndTellers, One> = define({
  name: "SumTo",
  family: "reduction",
  summary: "summed over the axes that have size 1 in a shape of which only data tell it: the derivative of repeating",
  infer: ([x], { shape }) => [{ dtype: x.dtype, shape }],
  gradient: ({ inputs: [x], cotangents: [g] }) => [Expand(g, x.shape)],
  batch: ([x], _, { shape }) => [SumTo(x, [...x.shape.slice(0, 1), ...shape])],
  evaluate({ inputs: [x], shapes: [shape] }) {
    const axes = [...shape.keys()].filter((axis) => shape[axis] === 1);
    return [foldInto(new Float64Array(sizeOf(shape)), reducedPlaces(x, axes), x.data, (a, b) => a + b)];
  },
});
/** The sum over the axes along which something of a shape was repeated; the same number of axes. */
export const SumTo = applying(
  sumTo,
  (x: Value, shape: Shape): Value => apply1(sumTo, [x, ...tellersOf(shape, [x])], { shape }),
);
