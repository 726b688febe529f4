// Normalization. All of it is one operator, Standardize, with gains and biases around it.
import { type Dim, sizeOf } from "../core/dims.ts";
import { composite, normalizeAxis } from "../core/operator.ts";
import { type Attributes, fixed, type Value } from "../core/value.ts";
import { Add, Cast, Div, Equal, Mul, Neg, Reciprocal, Sqrt, Sub } from "./elementwise.ts";
import { Reshape } from "./movement.ts";
import { ReduceMean, ReduceSum } from "./reduction.ts";

const axesOf = (attributes: Attributes): readonly number[] => attributes.axes as readonly number[];
/** The same operator's attributes with a task axis in front. */
const behindTasks = (attributes: Attributes): Attributes => ({
  ...attributes,
  axes: axesOf(attributes).map((axis) => axis + 1),
});

const centred = (x: Value, attributes: Attributes): Value => Sub(x, ReduceMean(x, { axes: axesOf(attributes) }));

const standardize = composite({
  name: "Standardize",
  family: "normalization",
  summary: "(x − mean) / √(variance + epsilon) over some axes, the variance biased",
  build: ([x], attributes) => Mul(centred(x!, attributes), inverseDeviation([x!], attributes)),
  gradient({ inputs: [x], outputs: [y], cotangents: [g], attributes }) {
    if (!g) return [];
    const mean = (v: Value) => ReduceMean(v, { axes: axesOf(attributes) });
    return [Mul(inverseDeviation([x!], attributes), Sub(Sub(g, mean(g)), Mul(y!, mean(Mul(g, y!)))))];
  },
  batch: ([x], _, attributes) => [standardize([x!], behindTasks(attributes))],
});

const inverseDeviation = composite({
  name: "InverseDeviation",
  family: "normalization",
  summary: "1 / √(variance + epsilon) over some axes, which stay with size 1: what Standardize multiplies by",
  build([x], attributes) {
    const away = centred(x!, attributes);
    const variance = ReduceMean(Mul(away, away), { axes: axesOf(attributes) });
    return Reciprocal(Sqrt(Add(variance, attributes.epsilon as number)));
  },
  gradient({ inputs: [x], outputs: [scale], cotangents: [g], attributes }) {
    if (!g) return [];
    const count = ReduceSum(Cast(Equal(x!, x!), x!.dtype), { axes: axesOf(attributes) });
    const size = sizeOf(axesOf(attributes).map((axis) => x!.shape[axis]!));
    const share = typeof size === "number" ? Mul(g, -1 / size) : Neg(Div(g, count));
    return [Mul(standardize([x!], attributes), Mul(share, Mul(scale!, scale!)))];
  },
  batch: ([x], _, attributes) => [inverseDeviation([x!], behindTasks(attributes))],
});

/** Mean 0 and variance 1 over the axes named. */
export const Standardize = (x: Value, axes: readonly number[], epsilon = 1e-5): Value =>
  standardize([x], { axes: axes.map((axis) => normalizeAxis(axis, x.rank, "Standardize")), epsilon });

/** 1 / √(variance + epsilon) over the axes named, which stay with size 1. */
export const InverseDeviation = (x: Value, axes: readonly number[], epsilon = 1e-5): Value =>
  inverseDeviation([x], { axes: axes.map((axis) => normalizeAxis(axis, x.rank, "InverseDeviation")), epsilon });

/** A per-channel value `[C]` shaped to broadcast over axis 1 of a channels-first array. */
const overChannels = (v: Value, rank: number): Value => Reshape(v, [v.shape[0]!, ...new Array<Dim>(rank - 2).fill(1)]);

const layerNormalization = composite({
  name: "LayerNormalization",
  family: "normalization",
  summary: "standardized over the axes from `axis` on, times scale, plus bias",
  since: 17,
  build([x, scale, bias], { axis, epsilon }) {
    const axes = [...x!.shape.keys()].slice(axis as number);
    const y = Mul(Standardize(x!, axes, epsilon as number), scale!);
    return bias ? Add(y, bias) : y;
  },
});
export const LayerNormalization = (x: Value, scale: Value, bias?: Value, { axis = -1, epsilon = 1e-5 } = {}): Value =>
  layerNormalization(bias ? [x, scale, bias] : [x, scale], {
    axis: normalizeAxis(axis, x.rank, "LayerNormalization"),
    epsilon,
  });

const groupNormalization = composite({
  name: "GroupNormalization",
  family: "normalization",
  summary: "standardized over space and the channels of each group, channels first",
  since: 21,
  build([x, scale, bias], { groups, epsilon }) {
    const channels = fixed(x!.shape[1]!, "GroupNormalization");
    const split = Reshape(x!, [x!.shape[0]!, groups as number, channels / (groups as number), ...x!.shape.slice(2)]);
    const y = Standardize(split, [...split.shape.keys()].slice(2), epsilon as number);
    return Add(Mul(Reshape(y, x!.shape), overChannels(scale!, x!.rank)), overChannels(bias!, x!.rank));
  },
});
export const GroupNormalization = (
  x: Value,
  scale: Value,
  bias: Value,
  groups: number,
  { epsilon = 1e-5 } = {},
): Value => groupNormalization([x, scale, bias], { groups, epsilon });

const instanceNormalization = composite({
  name: "InstanceNormalization",
  family: "normalization",
  summary: "standardized over the space of each channel, channels first",
  since: 6,
  build: ([x, scale, bias], { epsilon }) =>
    Add(
      Mul(Standardize(x!, [...x!.shape.keys()].slice(2), epsilon as number), overChannels(scale!, x!.rank)),
      overChannels(bias!, x!.rank),
    ),
});
export const InstanceNormalization = (x: Value, scale: Value, bias: Value, { epsilon = 1e-5 } = {}): Value =>
  instanceNormalization([x, scale, bias], { epsilon });

const batchNormalization = composite({
  name: "BatchNormalization",
  family: "normalization",
  summary:
    "standardized per channel by given statistics, channels first; in training mode by the batch's own (Standardize)",
  since: 15,
  build([x, scale, bias, mean, variance], { epsilon }) {
    const per = (v: Value) => overChannels(v, x!.rank);
    const y = Div(Sub(x!, per(mean!)), per(Sqrt(Add(variance!, epsilon as number))));
    return Add(Mul(y, per(scale!)), per(bias!));
  },
});
/**
 * ONNX BatchNormalization; in training mode the mean and the variance given are not looked at.
 * @returns the normalized output only: running statistics are state, which the caller keeps
 */
export function BatchNormalization(
  x: Value,
  scale: Value,
  bias: Value,
  mean: Value,
  variance: Value,
  { epsilon = 1e-5, trainingMode = false } = {},
): Value {
  if (!trainingMode) return batchNormalization([x, scale, bias, mean, variance], { epsilon });
  const y = Standardize(
    x,
    [...x.shape.keys()].filter((axis) => axis !== 1),
    epsilon,
  );
  return Add(Mul(y, overChannels(scale, x.rank)), overChannels(bias, x.rank));
}

/** Channels last, the norms that models here use: which statistics make up a number's mean and variance. */
export type Norm = "layer" | "group" | "batch" | "instance";

/**
 * Normalizes `x [N, …space, C]` with a gain and a bias per channel.
 * `layer`: over all of an example; `group`: over space and groups of 8 channels; `instance`: over the space of each
 * channel; `batch`: over examples and space (Ioffe and Szegedy 2015), which makes an answer depend on the others in its batch.
 */
export function Normalize(x: Value, gain: Value, bias: Value, norm: Norm, epsilon = 1e-5): Value {
  const channels = fixed(x.shape.at(-1)!, "Normalize");
  const space = [...x.shape.keys()].slice(1, -1);
  const axes = { layer: [...space, x.rank - 1], group: [], instance: space, batch: [0, ...space] }[norm];
  if (norm !== "group") return Add(Mul(Standardize(x, axes, epsilon), gain), bias);
  const groups = Math.max(1, channels / 8);
  const split = Reshape(x, [x.shape[0]!, sizeOf(x.shape.slice(1, -1)), groups, channels / groups]);
  return Add(Mul(Reshape(Standardize(split, [1, 3], epsilon), x.shape), gain), bias);
}
