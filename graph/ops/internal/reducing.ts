// Reductions over axes that are computed while a graph runs. The sizes that are left depend on the axes alone, so they have one
// name in all reductions of something of a shape.
import { foldInto, placesOf, stridesOf } from "../../core/arrays.ts";
import { at, upTo } from "../../core/lists.ts";
import { apply1, define, unfit } from "../../core/operator.ts";
import { fixed, normalizeAxis, sizeOf } from "../../core/shapes.ts";
import type { NumberArray, One, Operator, Two, Value } from "../../core/value.ts";
import { Abs, Add, Div, Mul, Sub } from "../arithmetic.ts";
import { Equal } from "../comparison.ts";
import { Cast } from "../dtypes.ts";
import { Exp, Log, Sqrt } from "../functions.ts";
import { stopGradient } from "../graph.ts";
import { blank, Expand, Reshape, reducedPlaces, reducedShape } from "./broadcasting.ts";
import { bindShape, type Computed, computedShape } from "./computed.ts";
import { sizeNumber } from "./sizes.ts";

export type ReductionBy = Computed & { readonly keepdims: boolean; readonly noop: boolean };

interface Rule {
  readonly writtenAs: string;
  readonly summary: string;
  readonly start: number;
  readonly step: (a: number, b: number) => number;
  /** By the cotangent and the result with every axis kept; `sum` sums over the same axes. */
  readonly gradient: (g: Value, x: Value, y: Value, sum: (x: Value) => Value) => Value;
}

const reductionBy = ({ writtenAs, summary, start, step, gradient }: Rule) => {
  const name = `${writtenAs}By`;
  const operator: Operator<ReductionBy, Two, One> = define({
    name,
    family: "reduction",
    summary,
    writtenAs,
    infer: ([x], { shape }) => [{ dtype: x.dtype, shape }],
    gradient({ inputs: [x, axes], outputs: [y], cotangents: [g], attributes: { keepdims, noop } }) {
      const whole = keepdims ? y : by(operator, x, axes, true, noop);
      const sum = (value: Value) => ReduceSumBy(value, axes, true, noop);
      return [gradient(Reshape(g, whole.shape), x, whole, sum)];
    },
    batch(inputs) {
      throw unfit(name, inputs, "axes that are computed cannot be batched; give constant ones.");
    },
    evaluate({ inputs: [x, axes], attributes, bind }) {
      const { keepdims, noop } = attributes;
      const named = axesOf(axes, x, noop);
      const shape = reducedShape(x.shape, named, keepdims).map(Number);
      bindShape(attributes, shape, bind);
      return [foldInto(blank(sizeOf(shape), start, x.dtype), reducedPlaces(x, named), x.data, step)];
    },
  });
  return operator;
};

/** The axes that are summed over: all where none is named, unless that means none. */
function axesOf(axes: NumberArray, { shape }: NumberArray, noop: boolean): number[] {
  const named = [...axes.data].map((axis) => normalizeAxis(axis, shape.length, "the reduction"));
  return named.length > 0 || noop ? named : upTo(shape.length);
}

function by(operator: Operator<ReductionBy, Two, One>, x: Value, axes: Value, keepdims: boolean, noop: boolean): Value {
  const left = keepdims ? x.shape : x.shape.slice(fixed(at(axes.shape, 0), "a list of axes"));
  // Without the axes only a part of the shape is left, but what is left depends on all of it.
  const computed = computedShape("reduced", left, [axes], undefined, `${x.shape} ${keepdims} ${noop}`);
  return apply1(operator, [x, axes], { ...computed, keepdims, noop });
}

const tiesShare: Rule["gradient"] = (g, x, y, sum) => {
  const same = Cast(Equal(x, y), x.dtype);
  return Mul(same, Div(g, sum(same)));
};

const sumBy = reductionBy({
  writtenAs: "ReduceSum",
  summary: "sum over axes that are computed",
  start: 0,
  step: (a, b) => a + b,
  gradient: (g, x) => Expand(g, x.shape),
});
const maxBy = reductionBy({
  writtenAs: "ReduceMax",
  summary: "largest over axes that are computed; ties share the derivative",
  start: Number.NEGATIVE_INFINITY,
  step: Math.max,
  gradient: tiesShare,
});
const minBy = reductionBy({
  writtenAs: "ReduceMin",
  summary: "smallest over axes that are computed; ties share the derivative",
  start: Number.POSITIVE_INFINITY,
  step: Math.min,
  gradient: tiesShare,
});
const prodBy = reductionBy({
  writtenAs: "ReduceProd",
  summary: "product over axes that are computed (its derivative needs factors that are not zero)",
  start: 1,
  step: (a, b) => a * b,
  gradient: (g, x, y) => Div(Mul(g, y), x),
});

/** The sum over computed axes. */
export const ReduceSumBy = (x: Value, axes: Value, keepdims: boolean, noop: boolean): Value =>
  by(sumBy, x, axes, keepdims, noop);

type Reduce = (x: Value, axes: Value, keepdims: boolean, noop: boolean) => Value;

/** Every reduction of ONNX over computed axes, by its name. */
export const reductionsBy = {
  ReduceSum: ReduceSumBy,
  ReduceMax: (...operands) => by(maxBy, ...operands),
  ReduceMin: (...operands) => by(minBy, ...operands),
  ReduceProd: (...operands) => by(prodBy, ...operands),
  ReduceMean(x, ...rest) {
    const y = ReduceSumBy(x, ...rest);
    const count = (value: Value) => Cast(sizeNumber(sizeOf(value.shape)), x.dtype);
    return Div(Mul(y, count(y)), count(x));
  },
  ReduceL1: (x, ...rest) => ReduceSumBy(Abs(x), ...rest),
  ReduceL2: (x, ...rest) => Sqrt(ReduceSumBy(Mul(x, x), ...rest)),
  ReduceSumSquare: (x, ...rest) => ReduceSumBy(Mul(x, x), ...rest),
  ReduceLogSum: (x, ...rest) => Log(ReduceSumBy(x, ...rest)),
  ReduceLogSumExp(x, axes, keepdims, noop) {
    const most = stopGradient(by(maxBy, x, axes, true, noop));
    const sum = Log(ReduceSumBy(Exp(Sub(x, most)), axes, keepdims, noop));
    return Add(sum, Reshape(most, sum.shape));
  },
} satisfies Readonly<Record<string, Reduce>>;

const cumSumBy: Operator<{ readonly exclusive: number; readonly reverse: number }, Two, One> = define({
  name: "CumSumBy",
  family: "reduction",
  summary: "running sum along an axis that is computed",
  writtenAs: "CumSum",
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  gradient: ({ inputs: [, axis], cotangents: [g], attributes }) => [
    apply1(cumSumBy, [g, axis], { ...attributes, reverse: attributes.reverse ? 0 : 1 }),
  ],
  batch(inputs) {
    throw unfit("CumSumBy", inputs, "an axis that is computed cannot be batched; give a constant one.");
  },
  evaluate({ inputs: [x, axis], attributes: { exclusive, reverse } }) {
    const along = normalizeAxis(at(axis.data, 0), x.shape.length, "CumSum");
    const [size, stride] = [at(x.shape, along), at(stridesOf(x.shape), along)];
    const out = new Float64Array(x.data.length);
    for (const start of placesOf(x.shape.with(along, 1), stridesOf(x.shape))) {
      let sum = 0;
      for (let n = 0; n < size; n++) {
        const place = start + (reverse ? size - 1 - n : n) * stride;
        const value = at(x.data, place);
        out[place] = exclusive ? sum : sum + value;
        sum += value;
      }
    }
    return [out];
  },
});
/** ONNX CumSum along a computed axis. */
export const CumSumBy = (x: Value, axis: Value, { exclusive = 0, reverse = 0 } = {}): Value =>
  apply1(cumSumBy, [x, axis], { exclusive, reverse });
/** How its nodes are known. */
export const ComputedCumSum = { operator: cumSumBy };
