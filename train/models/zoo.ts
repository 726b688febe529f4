// The models with a name: mlp, metamodel, conv4, resnet12.
import type { Value } from "@innerloop/graph";
import { InnerloopError, type ModelConfig } from "@innerloop/schemas";
import {
  BatchNorm,
  Conv2d,
  Flatten,
  GroupNorm,
  InstanceNorm,
  type LayerLike,
  LayerNorm,
  Linear,
  MaxPool2d,
  MeanPool,
  PolarityFree,
  ReLU,
  Residual,
  Standardize,
} from "./layers.ts";
import { type Model, sequential } from "./sequential.ts";

/** Layers of ReLU units (Finn et al. 2017, §5.1: two of 40 for sinusoids). */
export function mlp(
  inputShape: readonly number[],
  outputs: number,
  { hidden = [40, 40] }: { readonly hidden?: readonly number[] } = {},
): Model {
  const flatten: LayerLike[] = inputShape.length > 1 ? [Flatten] : [];
  return sequential(
    inputShape,
    [...flatten, ...hidden.flatMap((width): LayerLike[] => [Linear(width), ReLU]), Linear(outputs)],
    { name: "mlp" },
  );
}

/** 3×3 convolution of 32 filters, pool, of 64, pool, 128 dense units, the head; images of any size. */
export const metamodel = (inputShape: readonly number[], ways: number): Model =>
  sequential(
    inputShape,
    [Conv2d(32), ReLU, MaxPool2d(2), Conv2d(64), ReLU, MaxPool2d(2), Flatten, Linear(128), ReLU, Linear(ways)],
    { name: "metamodel" },
  );

const norms = { layer: LayerNorm, group: GroupNorm, batch: BatchNorm, instance: InstanceNorm };

export interface Conv4Options {
  readonly filters?: number;
  /** Stride of each convolution, one number a block. */
  readonly strides?: readonly number[];
  /** A 2×2 max-pool after each block. */
  readonly pool?: boolean;
  readonly norm?: "layer" | "group" | "batch" | "instance" | "none";
  /** What the head sees: all positions, or their mean. */
  readonly pooling?: "flat" | "mean";
  /** What is made of each example first: nothing, mean 0 and deviation 1, or that and ink always positive. */
  readonly input?: "raw" | "standardized" | "polarity-free";
}

const inputs: Record<NonNullable<Conv4Options["input"]>, readonly LayerLike[]> = {
  raw: [],
  standardized: [Standardize],
  "polarity-free": [PolarityFree],
};

/** Blocks of 3×3 convolution, normalization and ReLU (Vinyals et al. 2016), strided or pooled. */
export function conv4(inputShape: readonly number[], ways: number, options: Conv4Options = {}): Model {
  const { filters = 64, pool = false, norm = "layer", pooling = "flat", input = "raw" } = options;
  const strides = options.strides ?? (pool ? [1, 1, 1, 1] : [2, 2, 2, 1]);
  const block = (stride: number): LayerLike[] => [
    Conv2d(filters, { stride, bias: norm === "none" }),
    ...(norm === "none" ? [] : [norms[norm]()]),
    ReLU,
    ...(pool ? [MaxPool2d(2)] : []),
  ];
  const tail: ((x: Value) => Value)[] = [pooling === "mean" ? MeanPool : Flatten];
  const layers = [...inputs[input], ...strides.flatMap(block), ...tail, Linear(ways)];
  return sequential(inputShape, layers, { name: "conv4", norm });
}

export interface Resnet12Options {
  /** Filters of the four blocks. */
  readonly filters?: readonly number[];
  readonly norm?: "layer" | "group" | "batch" | "instance";
}

/**
 * Four residual blocks of three 3×3 convolutions, each block pooled to half the size (Oreshkin et al. 2018; filters of Lee et
 * al. 2019). Images of at least 16×16 pixels.
 */
export function resnet12(inputShape: readonly number[], ways: number, options: Resnet12Options = {}): Model {
  const { filters = [64, 160, 320, 640], norm = "layer" } = options;
  const unit = (width: number, kernel = 3): LayerLike[] => [Conv2d(width, { kernel, bias: false }), norms[norm]()];
  const block = (width: number): LayerLike[] => [
    Residual([...unit(width), ReLU, ...unit(width), ReLU, ...unit(width)], unit(width, 1)),
    ReLU,
    MaxPool2d(2),
  ];
  return sequential(inputShape, [...filters.flatMap(block), Flatten, Linear(ways)], { name: "resnet12", norm });
}

/** The model that a run config names, for examples of a shape. */
export function buildModel(config: ModelConfig, inputShape: readonly number[], outputs: number): Model {
  if (config.kind === "mlp") return mlp(inputShape, outputs, config);
  if (inputShape.length !== 3)
    throw new InnerloopError(
      "bad-model",
      `The model ${config.kind} takes images [height, width, channels], but the examples have the shape [${inputShape}]; use --model mlp.`,
      { exitStatus: 2 },
    );
  return config.kind === "metamodel" ? metamodel(inputShape, outputs) : conv4(inputShape, outputs, config);
}
