// Normalizations that ONNX has and models here do not use: by the root of the mean square, by a p-norm, across channels.
import { constant } from "../core/build.ts";
import { at, upTo } from "../core/lists.ts";
import { apply1, spelling } from "../core/operator.ts";
import { normalizeAxis, sizeOf } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { Add, Div, Mul, Sub } from "./arithmetic.ts";
import { Equal, Where } from "./comparison.ts";
import { Cast } from "./dtypes.ts";
import { Pow, Reciprocal, Sqrt } from "./functions.ts";
import { conv } from "./internal/channels-first.ts";
import { Expand, Reshape } from "./movement.ts";
import { Standardize } from "./normalization.ts";
import { ReduceL1, ReduceL2, ReduceMean } from "./reduction.ts";

spelling(
  "RMSNormalization",
  "normalization",
  23,
  "ReduceMean, Sqrt, Mul",
  "over the root of the mean square from `axis` on, times scale",
);
/** ONNX RMSNormalization (Zhang and Sennrich 2019): x / √(mean x² + epsilon) over the axes from `axis` on, times `scale`. */
export function RMSNormalization(x: Value, scale: Value, { axis = -1, epsilon = 1e-5 } = {}): Value {
  const axes = upTo(x.rank).slice(normalizeAxis(axis, x.rank, "RMSNormalization"));
  const root = Sqrt(Add(ReduceMean(Mul(x, x), { axes }), epsilon));
  return Mul(Cast(Mul(x, Reciprocal(root)), scale.dtype), scale);
}

spelling(
  "LpNormalization",
  "normalization",
  1,
  "ReduceL1, ReduceL2, Div",
  "over the p-norm along an axis, p being 1 or 2",
);
/** ONNX LpNormalization: x over its p-norm along an axis, zeros where that is zero. */
export function LpNormalization(x: Value, { axis = -1, p = 2 } = {}): Value {
  const along = { axes: [normalizeAxis(axis, x.rank, "LpNormalization")] };
  const norm = p === 1 ? ReduceL1(x, along) : ReduceL2(x, along);
  return Div(x, Where(Equal(norm, 0), constant(1, [], x.dtype), norm));
}

spelling("LRN", "normalization", 13, "Conv, Pow, Div", "over a power of the squares of neighbouring channels");
/** ONNX LRN (Krizhevsky et al. 2012): x / (bias + alpha/size · Σ x²)^beta, the sum over `size` neighbouring channels. */
export function LRN(x: Value, size: number, { alpha = 1e-4, beta = 0.75, bias = 1 } = {}): Value {
  const [examples = 1, channels = 1, ...space] = x.shape;
  const places = sizeOf(space);
  const low = Math.floor((size - 1) / 2);
  const ones = Expand(constant(1, [], x.dtype), [1, 1, size, 1]);
  const window = {
    kernel: [size, 1],
    strides: [1, 1],
    dilations: [1, 1],
    before: [low, 0],
    after: [size - 1 - low, 0],
    groups: 1,
  };
  const squares = Reshape(Mul(x, x), [examples, 1, channels, places]);
  const sums = Reshape(apply1(conv, [squares, ones], window), x.shape);
  return Div(x, Pow(Add(Mul(sums, alpha / size), bias), beta));
}

spelling(
  "MeanVarianceNormalization",
  "normalization",
  13,
  "ReduceMean, Sqrt, Div",
  "mean 0 and variance 1 over some axes",
);
/** ONNX MeanVarianceNormalization: (x − mean) / (√variance + 1e-9) over the axes named. */
export function MeanVarianceNormalization(x: Value, axes: readonly number[] = [0, 2, 3]): Value {
  const over = { axes: axes.map((axis) => normalizeAxis(axis, x.rank, "MeanVarianceNormalization")) };
  const away = Sub(x, ReduceMean(x, over));
  return Div(away, Add(Sqrt(ReduceMean(Mul(away, away), over)), 1e-9));
}

/**
 * ONNX BatchNormalization in training mode: by the statistics of the batch.
 * @returns the result, and the mean and variance given, moved by `1 − momentum` towards those of the batch
 */
export function trainingNormalization(
  [x, scale, bias, mean, variance]: readonly [x: Value, scale: Value, bias: Value, mean: Value, variance: Value],
  { epsilon = 1e-5, momentum = 0.9 } = {},
): [y: Value, mean: Value, variance: Value] {
  const axes = upTo(x.rank).filter((axis) => axis !== 1);
  const per = (v: Value) => Reshape(v, [at(v.shape, 0), ...new Array<number>(x.rank - 2).fill(1)]);
  const y = Add(Mul(Standardize(x, axes, epsilon), per(scale)), per(bias));
  const own = ReduceMean(x, { axes });
  const away = Sub(x, own);
  const moved = (before: Value, now: Value) =>
    Add(Mul(before, momentum), Mul(Reshape(now, before.shape), 1 - momentum));
  return [y, moved(mean, own), moved(variance, ReduceMean(Mul(away, away), { axes }))];
}
