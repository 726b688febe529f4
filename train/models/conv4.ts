// Blocks of convolution, normalization and ReLU: the usual body of few-shot learning.
import type { Value } from "@innerloop/graph";
import type { ModelConfig } from "@innerloop/schemas";
import { Conv2d, Flatten, type LayerLike, Linear, MaxPool2d, MeanPool, ReLU } from "./layers.ts";
import { type InputName, images, inputLayers, mostPools, type NamedModel } from "./named.ts";
import { filtersOf, type NormName, normalization } from "./norms.ts";
import { type Model, sequential } from "./sequential.ts";

export interface Conv4Options {
  /** Filters of the convolutions: one number for all, or a list with one for each. */
  readonly filters?: number | readonly number[];
  /** Stride of each convolution, one number a block. */
  readonly strides?: readonly number[];
  /** A 2×2 max-pool after each block. */
  readonly pool?: boolean;
  readonly norm?: NormName;
  /** What the head sees: all positions, or their mean. */
  readonly pooling?: "flat" | "mean";
  /** What is made of each example first: nothing, mean 0 and deviation 1, or that and ink always positive. */
  readonly input?: InputName;
}

/** Blocks of 3×3 convolution, normalization and ReLU (Vinyals et al. 2016), strided or pooled. */
export function conv4(inputShape: readonly number[], ways: number, options: Conv4Options = {}): Model {
  const { filters = 64, pool = false, norm = "layer", pooling = "flat", input = "raw" } = options;
  const strides = options.strides ?? (pool ? [1, 1, 1, 1] : [2, 2, 2, 1]);
  const widths = filtersOf("conv4", filters, strides.length);
  const pools = mostPools(inputShape);
  const block = (stride: number, at: number): LayerLike[] => [
    Conv2d(widths[at]!, { stride, bias: norm === "none" }),
    ...normalization(norm),
    ReLU,
    ...(pool && at < pools ? [MaxPool2d(2)] : []),
  ];
  const tail: ((x: Value) => Value)[] = [pooling === "mean" ? MeanPool : Flatten];
  const layers = [...inputLayers(input), ...strides.flatMap(block), ...tail, Linear(ways)];
  return sequential(inputShape, layers, { name: "conv4", norm });
}

/** Strides that leave three to seven positions a side, whatever the size: 2, 2, 2, 1 for pictures of 28×28, one more 2 for larger ones. */
function stridesFor([height = 1, width = 1]: readonly number[]): number[] {
  const side = Math.sqrt(height * width);
  const halvings = Math.max(1, Math.min(6, Math.round(Math.log2(side / 3.5))));
  const strides = new Array<number>(halvings).fill(2);
  return [...strides, ...new Array<number>(Math.max(0, 4 - halvings)).fill(1)];
}

const openStrides = (inputShape: readonly number[], { strides, pool }: Partial<ModelConfig>): Partial<ModelConfig> =>
  strides || pool ? {} : { strides: stridesFor(inputShape) };

export const namedConv4: NamedModel = {
  name: "conv4",
  summary: "four blocks of convolution, normalization and ReLU",
  options: {
    filters: "64",
    strides: "2,2,2,1; with --pool 1,1,1,1",
    pool: "off",
    norm: "layer",
    pooling: "flat",
    input: "raw",
  },
  ...images,
  suited: (inputShape, given) => ({
    filters: 64,
    ...openStrides(inputShape, given),
    norm: "layer",
    pooling: "flat",
    input: "standardized",
  }),
  sized: openStrides,
  build: conv4,
};
