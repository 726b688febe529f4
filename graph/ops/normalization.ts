// Normalization. All of it is one operator, Standardize, with gains and biases around it.
import { at, upTo } from "../core/lists.ts";
import { apply1, applying, composite } from "../core/operator.ts";
import { fixed, normalizeAxis, sizeOf } from "../core/shapes.ts";
import type { One, Operator, Value } from "../core/value.ts";
import { Add, Div, Mul, Neg, Sub } from "./arithmetic.ts";
import { Equal } from "./comparison.ts";
import { Cast } from "./dtypes.ts";
import { Reciprocal, Sqrt } from "./functions.ts";
import { standardizeGradient } from "./internal/standardize-gradient.ts";
import { Reshape } from "./movement.ts";
import { ReduceMean, ReduceSum } from "./reduction.ts";

type Statistics = { readonly axes: readonly number[]; readonly epsilon: number };
type Epsilon = { readonly epsilon: number };

/** The same axes with a task axis in front. */
const behindTasks = ({ axes, epsilon }: Statistics): Statistics => ({ axes: axes.map((axis) => axis + 1), epsilon });

const centred = (x: Value, axes: readonly number[]): Value => Sub(x, ReduceMean(x, { axes }));

const standardize: Operator<Statistics, One, One> = composite({
  name: "Standardize",
  family: "normalization",
  summary: "(x − mean) / √(variance + epsilon) over some axes, the variance biased",
  build: ([x], attributes) => Mul(centred(x, attributes.axes), apply1(inverseDeviation, [x], attributes)),
  gradient: ({ inputs: [x], outputs: [y], cotangents: [g], attributes }) => [
    apply1(standardizeGradient, [g, y, apply1(inverseDeviation, [x], attributes)], { axes: attributes.axes }),
  ],
  batch: ([x], _, attributes) => [apply1(standardize, [x], behindTasks(attributes))],
});

const inverseDeviation: Operator<Statistics, One, One> = composite({
  name: "InverseDeviation",
  family: "normalization",
  summary: "1 / √(variance + epsilon) over some axes, which stay with size 1: what Standardize multiplies by",
  build([x], { axes, epsilon }) {
    const away = centred(x, axes);
    const variance = ReduceMean(Mul(away, away), { axes });
    return Reciprocal(Sqrt(Add(variance, epsilon)));
  },
  gradient({ inputs: [x], outputs: [scale], cotangents: [g], attributes }) {
    const { axes } = attributes;
    const count = ReduceSum(Cast(Equal(x, x), x.dtype), { axes });
    const size = sizeOf(axes.map((axis) => at(x.shape, axis)));
    const share = typeof size === "number" ? Mul(g, -1 / size) : Neg(Div(g, count));
    return [Mul(apply1(standardize, [x], attributes), Mul(share, Mul(scale, scale)))];
  },
  batch: ([x], _, attributes) => [apply1(inverseDeviation, [x], behindTasks(attributes))],
});

/** Mean 0 and variance 1 over the axes named. */
export const Standardize = applying(
  standardize,
  (x: Value, axes: readonly number[], epsilon = 1e-5): Value =>
    apply1(standardize, [x], { axes: axes.map((axis) => normalizeAxis(axis, x.rank, "Standardize")), epsilon }),
);

/** 1 / √(variance + epsilon) over the axes named, which stay with size 1. */
export const InverseDeviation = applying(
  inverseDeviation,
  (x: Value, axes: readonly number[], epsilon = 1e-5): Value =>
    apply1(inverseDeviation, [x], {
      axes: axes.map((axis) => normalizeAxis(axis, x.rank, "InverseDeviation")),
      epsilon,
    }),
);

/** A per-channel value `[C]` shaped to broadcast over axis 1 of a channels-first array. */
const overChannels = (v: Value, rank: number): Value =>
  Reshape(v, [at(v.shape, 0), ...new Array<number>(rank - 2).fill(1)]);

const layerNormalization = composite({
  name: "LayerNormalization",
  family: "normalization",
  summary: "standardized over the axes from `axis` on, times scale, plus bias",
  since: 17,
  build(
    [x, scale, bias]: readonly [Value, Value, (Value | undefined)?],
    { axis, epsilon }: Epsilon & { readonly axis: number },
  ) {
    const y = Mul(Standardize(x, upTo(x.rank).slice(axis), epsilon), scale);
    return bias ? Add(y, bias) : y;
  },
});
export const LayerNormalization = applying(
  layerNormalization,
  (x: Value, scale: Value, bias?: Value, { axis = -1, epsilon = 1e-5 } = {}): Value =>
    apply1(layerNormalization, [x, scale, bias], { axis: normalizeAxis(axis, x.rank, "LayerNormalization"), epsilon }),
);

/** A value with its scale and its bias. */
type Scaled = readonly [x: Value, scale: Value, bias: Value];

const groupNormalization = composite({
  name: "GroupNormalization",
  family: "normalization",
  summary: "standardized over space and the channels of each group, channels first",
  since: 21,
  build([x, scale, bias]: Scaled, { groups, epsilon }: Epsilon & { readonly groups: number }) {
    const channels = fixed(at(x.shape, 1), "GroupNormalization");
    const split = Reshape(x, [at(x.shape, 0), groups, channels / groups, ...x.shape.slice(2)]);
    const y = Standardize(split, upTo(split.rank).slice(2), epsilon);
    return Add(Mul(Reshape(y, x.shape), overChannels(scale, x.rank)), overChannels(bias, x.rank));
  },
});
export const GroupNormalization = applying(
  groupNormalization,
  (x: Value, scale: Value, bias: Value, groups: number, { epsilon = 1e-5 } = {}): Value =>
    apply1(groupNormalization, [x, scale, bias], { groups, epsilon }),
);

const instanceNormalization = composite({
  name: "InstanceNormalization",
  family: "normalization",
  summary: "standardized over the space of each channel, channels first",
  since: 6,
  build: ([x, scale, bias]: Scaled, { epsilon }: Epsilon) =>
    Add(Mul(Standardize(x, upTo(x.rank).slice(2), epsilon), overChannels(scale, x.rank)), overChannels(bias, x.rank)),
});
export const InstanceNormalization = applying(
  instanceNormalization,
  (x: Value, scale: Value, bias: Value, { epsilon = 1e-5 } = {}): Value =>
    apply1(instanceNormalization, [x, scale, bias], { epsilon }),
);

const batchNormalization = composite({
  name: "BatchNormalization",
  family: "normalization",
  summary:
    "standardized per channel by given statistics, channels first; in training mode by the batch's own (Standardize)",
  since: 15,
  build([x, scale, bias, mean, variance]: readonly [...Scaled, Value, Value], { epsilon }: Epsilon) {
    const per = (v: Value) => overChannels(v, x.rank);
    const y = Div(Sub(x, per(mean)), per(Sqrt(Add(variance, epsilon))));
    return Add(Mul(y, per(scale)), per(bias));
  },
  gradient({ inputs: [x, scale, , mean, variance], cotangents: [g], attributes: { epsilon }, needs }) {
    const per = (v: Value) => overChannels(v, x.rank);
    const summed = (v: Value) => ReduceSum(v, { axes: upTo(x.rank).filter((axis) => axis !== 1), keepdims: false });
    const deviation = Sqrt(Add(variance, epsilon));
    const slope = Div(scale, deviation);
    const away = () => summed(Mul(g, Sub(x, per(mean))));
    return [
      needs(0) ? Mul(g, per(slope)) : undefined,
      needs(1) ? Div(away(), deviation) : undefined,
      needs(2) ? summed(g) : undefined,
      needs(3) ? Neg(Mul(summed(g), slope)) : undefined,
      needs(4) ? Mul(away(), Div(slope, Mul(Add(variance, epsilon), -2))) : undefined,
    ];
  },
});
/**
 * ONNX BatchNormalization; in training mode the mean and the variance given are not looked at.
 * @returns the normalized output only: running statistics are state, which the caller keeps
 */
export const BatchNormalization = applying(
  batchNormalization,
  (
    x: Value,
    scale: Value,
    bias: Value,
    mean: Value,
    variance: Value,
    { epsilon = 1e-5, trainingMode = false } = {},
  ): Value => {
    if (!trainingMode) return apply1(batchNormalization, [x, scale, bias, mean, variance], { epsilon });
    const axes = upTo(x.rank).filter((axis) => axis !== 1);
    const y = Standardize(x, axes, epsilon);
    return Add(Mul(y, overChannels(scale, x.rank)), overChannels(bias, x.rank));
  },
);

/** Channels last, the norms that models here use: which statistics make up a number's mean and variance. */
export type Norm = "layer" | "group" | "batch" | "instance";

/**
 * Normalizes `x [N, …space, C]` with a gain and a bias per channel.
 * `layer`: over all of an example; `group`: over space and groups of 8 channels; `instance`: over the space of each
 * channel; `batch`: over examples and space (Ioffe and Szegedy 2015), which makes an answer depend on the others in its batch.
 */
export function Normalize(x: Value, gain: Value, bias: Value, norm: Norm, epsilon = 1e-5): Value {
  const channels = fixed(at(x.shape, -1), "Normalize");
  const space = upTo(x.rank).slice(1, -1);
  const axes = { layer: [...space, x.rank - 1], group: [], instance: space, batch: [0, ...space] }[norm];
  if (norm !== "group") return Add(Mul(Standardize(x, axes, epsilon), gain), bias);
  const groups = Math.max(1, channels / 8);
  const split = Reshape(x, [at(x.shape, 0), sizeOf(x.shape.slice(1, -1)), groups, channels / groups]);
  return Add(Mul(Reshape(Standardize(split, [1, 3], epsilon), x.shape), gain), bias);
}
