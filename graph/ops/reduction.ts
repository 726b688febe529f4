// Reductions over axes, and the index of the largest or smallest.
import { type Dim, sizeOf } from "../core/dims.ts";
import { apply1, define, normalizeAxis, type Operator, spelling, unfit, zeroDerivative } from "../core/operator.ts";
import type { Attributes, NumberArray, Value } from "../core/value.ts";
import { Abs, Add, Cast, Div, Equal, Exp, Log, Mul, Sqrt, Sub } from "./elementwise.ts";
import { Expand, Reshape, stridesOf } from "./movement.ts";

/** Which axes to reduce (all unless named), and whether they stay with size 1 (ONNX: yes unless said). */
export interface ReduceOptions {
  readonly axes?: readonly number[];
  readonly keepdims?: boolean;
}

function reducedShape(x: Value, attributes: Attributes): Dim[] {
  const axes = attributes.axes as readonly number[];
  return x.shape.flatMap((dim, i) => (axes.includes(i) ? (attributes.keepdims ? [1] : []) : [dim]));
}

/** A value of the reduced shape with its gone axes back, as size 1. */
function restored(y: Value, x: Value, attributes: Attributes): Value {
  const axes = attributes.axes as readonly number[];
  return Reshape(
    y,
    x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim)),
  );
}

/** Calls `take(place in the result, value, position along the first reduced axis)` for every number. */
function forEachReduced(
  x: NumberArray,
  axes: readonly number[],
  take: (place: number, value: number, at: number) => void,
): number {
  const kept = x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim));
  const from = stridesOf(x.shape);
  const to = stridesOf(kept).map((stride, i) => (axes.includes(i) ? 0 : stride));
  x.data.forEach((value, n) => {
    let place = 0;
    for (let axis = 0; axis < from.length; axis++) place += (Math.floor(n / from[axis]!) % x.shape[axis]!) * to[axis]!;
    take(place, value, axes.length > 0 ? Math.floor(n / from[axes[0]!]!) % x.shape[axes[0]!]! : 0);
  });
  return kept.reduce((a, b) => a * b, 1);
}

function reduction(
  name: string,
  summary: string,
  start: number,
  step: (total: number, value: number) => number,
  gradient: (g: Value, x: Value, y: Value) => Value,
) {
  const operator: Operator = define({
    name,
    family: "reduction",
    summary,
    since: 13,
    infer: ([x], attributes) => [{ dtype: x!.dtype, shape: reducedShape(x!, attributes) }],
    gradient({ inputs: [x], outputs: [y], cotangents: [g], attributes }) {
      return [g && gradient(restored(g, x!, attributes), x!, restored(y!, x!, attributes))];
    },
    batch: ([x], _, { axes, keepdims }) => [
      apply1(operator, [x!], { axes: (axes as readonly number[]).map((axis) => axis + 1), keepdims }),
    ],
    evaluate({ inputs: [x], attributes, shapes }) {
      const out = new Float64Array(shapes[0]!.reduce((a, b) => a * b, 1)).fill(start);
      forEachReduced(x!, attributes.axes as readonly number[], (place, value) => {
        out[place] = step(out[place]!, value);
      });
      return [out];
    },
  });
  return (x: Value, { axes, keepdims = true }: ReduceOptions = {}): Value => {
    const all = axes ?? x.shape.map((_, i) => i);
    const sorted = all.map((axis) => normalizeAxis(axis, x.rank, name)).sort((a, b) => a - b);
    return sorted.length === 0 ? x : apply1(operator, [x], { axes: sorted, keepdims });
  };
}

const shareOfTies = (g: Value, x: Value, y: Value): Value => {
  const same = Cast(Equal(x, y), x.dtype);
  const axes = x.shape.flatMap((dim, i) => (y.shape[i] === 1 && dim !== 1 ? [i] : []));
  return Mul(same, Div(g, ReduceSum(same, { axes })));
};

export const ReduceSum = reduction(
  "ReduceSum",
  "sum",
  0,
  (a, b) => a + b,
  (g, x) => Expand(g, x.shape),
);
export const ReduceMax = reduction(
  "ReduceMax",
  "largest; ties share the derivative",
  Number.NEGATIVE_INFINITY,
  Math.max,
  shareOfTies,
);
export const ReduceMin = reduction(
  "ReduceMin",
  "smallest; ties share the derivative",
  Number.POSITIVE_INFINITY,
  Math.min,
  shareOfTies,
);
export const ReduceProd = reduction(
  "ReduceProd",
  "product (its derivative needs factors that are not zero)",
  1,
  (a, b) => a * b,
  (g, x, y) => Div(Mul(g, y), x),
);

/** How many numbers a reduction over these axes joins. */
function countOf(x: Value, axes: readonly number[] = x.shape.map((_, i) => i)): number | undefined {
  const size = sizeOf(axes.map((axis) => x.shape[normalizeAxis(axis, x.rank, "ReduceMean")]!));
  return typeof size === "number" ? size : undefined;
}

spelling("ReduceMean", "reduction", 18, "ReduceSum, Mul", "mean");
/** Mean over axes. Over an axis of open size it divides by a count of ones. */
export function ReduceMean(x: Value, options: ReduceOptions = {}): Value {
  const count = countOf(x, options.axes);
  const sum = ReduceSum(x, options);
  return count !== undefined ? Mul(sum, 1 / count) : Div(sum, ReduceSum(onesLike(x), options));
}

const onesLike = (x: Value): Value => Cast(Equal(x, x), x.dtype);

spelling("ReduceSumSquare", "reduction", 18, "Mul, ReduceSum", "sum of squares");
export const ReduceSumSquare = (x: Value, options: ReduceOptions = {}): Value => ReduceSum(Mul(x, x), options);
spelling("ReduceL1", "reduction", 18, "Abs, ReduceSum", "sum of absolute values");
export const ReduceL1 = (x: Value, options: ReduceOptions = {}): Value => ReduceSum(Abs(x), options);
spelling("ReduceL2", "reduction", 18, "Mul, ReduceSum, Sqrt", "root of the sum of squares");
export const ReduceL2 = (x: Value, options: ReduceOptions = {}): Value => Sqrt(ReduceSumSquare(x, options));
spelling("ReduceLogSum", "reduction", 18, "ReduceSum, Log", "logarithm of the sum");
export const ReduceLogSum = (x: Value, options: ReduceOptions = {}): Value => Log(ReduceSum(x, options));
spelling("ReduceLogSumExp", "reduction", 18, "ReduceMax, Sub, Exp, ReduceSum, Log, Add", "log Σ eˣ");
/** log Σ eˣ, with the largest taken out first so that nothing overflows. */
export function ReduceLogSumExp(x: Value, options: ReduceOptions = {}): Value {
  const most = stopGradient(ReduceMax(x, { ...options, keepdims: true }));
  const sum = Log(ReduceSum(Exp(Sub(x, most)), options));
  return Add(sum, Reshape(most, sum.shape));
}

const arg = (name: string, better: (a: number, b: number) => boolean) => {
  const operator: Operator = define({
    name,
    family: "reduction",
    summary: `index of the ${name === "ArgMax" ? "largest" : "smallest"} along an axis; the first one of equals`,
    since: 13,
    infer: ([x], { axis, keepdims }) => [
      { dtype: "int64", shape: reducedShape(x!, { axes: [axis as number], keepdims }) },
    ],
    batch: ([x], _, { axis, keepdims }) => [apply1(operator, [x!], { axis: (axis as number) + 1, keepdims })],
    evaluate({ inputs: [x], attributes, shapes }) {
      const size = shapes[0]!.reduce((a, b) => a * b, 1);
      const out = new Float64Array(size);
      const best = new Float64Array(size).fill(Number.NaN);
      forEachReduced(x!, [attributes.axis as number], (place, value, at) => {
        if (Number.isNaN(best[place]!) || better(value, best[place]!)) {
          best[place] = value;
          out[place] = at;
        }
      });
      return [out];
    },
  });
  return (x: Value, axis = 0, keepdims = true): Value =>
    apply1(operator, [x], { axis: normalizeAxis(axis, x.rank, name), keepdims });
};
export const ArgMax = arg("ArgMax", (a, b) => a > b);
export const ArgMin = arg("ArgMin", (a, b) => a < b);

const stop: Operator = define({
  name: "StopGradient",
  family: "graph",
  summary: "the value itself; its derivative is zero",
  infer: ([x]) => [{ dtype: x!.dtype, shape: x!.shape }],
  gradient: zeroDerivative,
  batch: ([x]) => [stopGradient(x!)],
  decompose: ([x]) => [x!],
  evaluate: ({ inputs: [x] }) => [x!.data],
});
/** The value itself, which no derivative goes through. */
export const stopGradient = (x: Value): Value => apply1(stop, [x]);

const cumulative: Operator = define({
  name: "CumSum",
  family: "reduction",
  summary: "running sum along an axis",
  since: 14,
  infer: ([x], { axis }) => {
    if (typeof x!.shape[axis as number] !== "number")
      throw unfit("CumSum", [x!], "the axis needs a size that is known.");
    return [{ dtype: x!.dtype, shape: x!.shape }];
  },
  gradient({ cotangents: [g], attributes }) {
    const { axis, exclusive, reverse } = attributes;
    return [g && apply1(cumulative, [g], { axis, exclusive, reverse: reverse ? 0 : 1 })];
  },
  batch: ([x], _, attributes) => [apply1(cumulative, [x!], { ...attributes, axis: (attributes.axis as number) + 1 })],
  evaluate({ inputs: [x], attributes }) {
    const axis = attributes.axis as number;
    const stride = stridesOf(x!.shape)[axis]!;
    const size = x!.shape[axis]!;
    const out = new Float64Array(x!.data.length);
    for (let n = 0; n < out.length; n++) {
      const at = Math.floor(n / stride) % size;
      for (let i = 0; i < size; i++) {
        const counts = attributes.reverse ? i > at : i < at;
        if (counts || (i === at && !attributes.exclusive)) out[n]! += x!.data[n + (i - at) * stride]!;
      }
    }
    return [out];
  },
});
/** ONNX CumSum. */
export const CumSum = (x: Value, axis: number, { exclusive = 0, reverse = 0 } = {}): Value =>
  apply1(cumulative, [x], { axis: normalizeAxis(axis, x.rank, "CumSum"), exclusive, reverse });
