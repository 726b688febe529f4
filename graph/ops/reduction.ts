// Reductions over axes, running sums, and the index of the largest or smallest.
import { numbersAt, placesOf, stridesOf } from "../core/arrays.ts";
import { constant } from "../core/build.ts";
import { at } from "../core/lists.ts";
import { apply1, applying, define, spelling } from "../core/operator.ts";
import { normalizeAxis, sizeOf } from "../core/shapes.ts";
import type { One, Operator, Value } from "../core/value.ts";
import { Abs, Add, Div, Mul, Sub } from "./arithmetic.ts";
import { Equal, Where } from "./comparison.ts";
import { Cast } from "./dtypes.ts";
import { Exp, Log, Sqrt } from "./functions.ts";
import { stopGradient } from "./graph.ts";
import {
  type ReduceOptions,
  ReduceSum,
  Reshape,
  reducedPlaces,
  reducedShape,
  reduction,
} from "./internal/broadcasting.ts";

export { type ReduceOptions, ReduceSum } from "./internal/broadcasting.ts";

const shareOfTies = (g: Value, x: Value, y: Value): Value => {
  const same = Cast(Equal(x, y), x.dtype);
  const axes = x.shape.flatMap((dim, i) => (y.shape[i] === 1 && dim !== 1 ? [i] : []));
  return Mul(same, Div(g, ReduceSum(same, { axes })));
};

export const ReduceMax = reduction("ReduceMax", {
  summary: "largest; ties share the derivative",
  start: Number.NEGATIVE_INFINITY,
  step: Math.max,
  gradient: shareOfTies,
});
export const ReduceMin = reduction("ReduceMin", {
  summary: "smallest; ties share the derivative",
  start: Number.POSITIVE_INFINITY,
  step: Math.min,
  gradient: shareOfTies,
});

/** Up to so many factors the product of all others is taken of each, which zeros among them do not disturb. */
const fewFactors = 16;

/** For each factor along an axis the product of the others. */
function othersOf(x: Value, axis: number, size: number): Value {
  const own = Float64Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
  const shape = [size, size, ...new Array<number>(x.rank - axis - 1).fill(1)];
  const factors = Reshape(x, [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)]);
  return ReduceProd(Where(constant(own, shape, "bool"), 1, factors), { axes: [axis + 1], keepdims: false });
}

export const ReduceProd = reduction("ReduceProd", {
  summary: "product (its derivative needs factors that are not zero where they are more than 16, or of several axes)",
  start: 1,
  step: (a, b) => a * b,
  gradient(g, x, y) {
    const [axis = -1, ...more] = x.shape.flatMap((dim, i) => (y.shape[i] === 1 && dim !== 1 ? [i] : []));
    const size = x.shape[axis];
    const few = more.length === 0 && typeof size === "number" && size <= fewFactors;
    return few ? Mul(g, othersOf(x, axis, size)) : Div(Mul(g, y), x);
  },
});

/** How many numbers a reduction over these axes joins. */
function countOf(x: Value, axes: readonly number[] = [...x.shape.keys()]): number | undefined {
  const size = sizeOf(axes.map((axis) => at(x.shape, normalizeAxis(axis, x.rank, "ReduceMean"))));
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

/** The index of the entry along an axis that is better than all before it. */
const arg = (name: string, better: (a: number, b: number) => boolean) => {
  const operator: Operator<{ readonly axis: number; readonly keepdims: boolean }, One, One> = define({
    name,
    family: "reduction",
    summary: `index of the ${name === "ArgMax" ? "largest" : "smallest"} along an axis; the first one of equals`,
    since: 13,
    infer: ([x], { axis, keepdims }) => [{ dtype: "int64", shape: reducedShape(x.shape, [axis], keepdims) }],
    batch: ([x], _, { axis, keepdims }) => [apply1(operator, [x], { axis: axis + 1, keepdims })],
    evaluate({ inputs: [x], attributes: { axis }, shapes: [shape] }) {
      const out = new Float64Array(sizeOf(shape));
      const best = new Float64Array(out.length).fill(Number.NaN);
      const places = reducedPlaces(x, [axis]);
      const along = placesOf(
        x.shape,
        x.shape.map((_, i) => (i === axis ? 1 : 0)),
      );
      x.data.forEach((value, n) => {
        const place = at(places, n);
        const before = at(best, place);
        if (!Number.isNaN(before) && !better(value, before)) return;
        best[place] = value;
        out[place] = at(along, n);
      });
      return [out];
    },
  });
  return applying(
    operator,
    (x: Value, axis = 0, keepdims = true): Value =>
      apply1(operator, [x], { axis: normalizeAxis(axis, x.rank, name), keepdims }),
  );
};
export const ArgMax = arg("ArgMax", (a, b) => a > b);
export const ArgMin = arg("ArgMin", (a, b) => a < b);

type Running = { readonly axis: number; readonly exclusive: number; readonly reverse: number };

const cumulative: Operator<Running, One, One> = define({
  name: "CumSum",
  family: "reduction",
  summary: "running sum along an axis",
  since: 14,
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  gradient: ({ cotangents: [g], attributes }) => [
    apply1(cumulative, [g], { ...attributes, reverse: attributes.reverse ? 0 : 1 }),
  ],
  batch: ([x], _, attributes) => [apply1(cumulative, [x], { ...attributes, axis: attributes.axis + 1 })],
  evaluate({ inputs: [x], attributes: { axis, exclusive, reverse } }) {
    const stride = at(stridesOf(x.shape), axis);
    const size = at(x.shape, axis);
    const sum = (_: number, n: number): number => {
      const place = Math.floor(n / stride) % size;
      const [from, to] = reverse ? [place + (exclusive ? 1 : 0), size] : [0, place + (exclusive ? 0 : 1)];
      const read = numbersAt(x.data, placesOf([to - from], [stride], n + (from - place) * stride));
      return read.reduce((total, value) => total + value, 0);
    };
    return [x.data.map(sum)];
  },
  work: ([x], { axis }) => at(x.shape, axis),
});
/** ONNX CumSum. */
export const CumSum = applying(
  cumulative,
  (x: Value, axis: number, { exclusive = 0, reverse = 0 } = {}): Value =>
    apply1(cumulative, [x], { axis: normalizeAxis(axis, x.rank, "CumSum"), exclusive, reverse }),
);
