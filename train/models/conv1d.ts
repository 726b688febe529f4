// Blocks of convolution over time, normalization and ReLU: a body for recordings of sensors, and for sounds.
import { op, type Value } from "@innerloop/graph";
import { Conv1d, Flatten, type LayerLike, Linear, MaxPool1d, MeanPool, ReLU } from "./layers.ts";
import { type InputName, inputLayers, type NamedModel } from "./named.ts";
import { filtersOf, type NormName, normalization } from "./norms.ts";
import { type Model, sequential } from "./sequential.ts";

export interface Conv1dOptions {
  /** Filters of the convolutions: one number for all, or a list with one for each. */
  readonly filters?: number | readonly number[];
  /** Stride of each convolution, one number a block. */
  readonly strides?: readonly number[];
  /** The larger of each two samples after each block. */
  readonly pool?: boolean;
  readonly norm?: NormName;
  /** What the head sees: all positions, or their mean. */
  readonly pooling?: "flat" | "mean";
  /** What is made of each example first. */
  readonly input?: InputName;
}

/** Samples that a filter sees at once. */
const kernel = 5;

/** Blocks that leave about 6 to 12 positions of a length: as many of stride 2 as halve it to that, and one more of 1. */
function stridesOver(length: number): number[] {
  const halvings = Math.max(1, Math.min(8, Math.round(Math.log2(length / 8))));
  return [...new Array<number>(halvings).fill(2), 1];
}

/** Sounds `[frames, bands, 1]` are series of spectra: each band is a channel. */
const asSeries = (x: Value): Value => {
  const [, length, ...channels] = x.shape as [unknown, number, ...number[]];
  return op.Reshape(x, [-1, length, channels.reduce((all, each) => all * each, 1)]);
};

/** Blocks of a convolution over five samples, normalization and ReLU, strided or pooled. */
export function conv1d(inputShape: readonly number[], ways: number, options: Conv1dOptions = {}): Model {
  const { filters = 64, pool = false, norm = "layer", pooling = "flat", input = "raw" } = options;
  const usual = stridesOver(inputShape[0]!);
  const strides = options.strides ?? (pool ? usual.map(() => 1) : usual);
  const widths = filtersOf("conv1d", filters, strides.length);
  const block = (stride: number, at: number): LayerLike[] => [
    Conv1d(widths[at]!, { kernel, stride, bias: norm === "none" }),
    ...normalization(norm),
    ReLU,
    ...(pool ? [MaxPool1d(2)] : []),
  ];
  const series: LayerLike[] = inputShape.length === 3 ? [asSeries] : [];
  const tail: LayerLike = pooling === "mean" ? MeanPool : Flatten;
  const layers = [...inputLayers(input), ...series, ...strides.flatMap(block), tail, Linear(ways)];
  return sequential(inputShape, layers, { name: "conv1d", norm });
}

export const namedConv1d: NamedModel = {
  name: "conv1d",
  summary: "blocks of convolution over time, normalization and ReLU, for recordings and sounds",
  options: {
    filters: "64",
    strides: "2 until some ten samples are left, then 1; with --pool 1 each",
    pool: "off",
    norm: "layer",
    pooling: "flat",
    input: "raw",
  },
  takes: "windows [length, channels] or sounds [frames, bands, 1]",
  accepts: ({ length }) => length === 2 || length === 3,
  suited([length = 1, , bands], { strides, pool }) {
    const isSound = bands !== undefined;
    const pools = pool ?? (isSound && !strides);
    return {
      filters: 64,
      ...(pools ? { pool: true } : {}),
      ...(pools || strides ? {} : { strides: stridesOver(length) }),
      norm: "layer",
      // Where in a recording a sound is says nothing; of a movement it does.
      pooling: isSound ? "mean" : "flat",
      input: "standardized",
    };
  },
  build: conv1d,
};
