// What a model is that configs and flags can name: one object that says all that is known of it, and builds it.
import type { ModelConfig } from "@innerloop/schemas";
import { type LayerLike, PolarityFree, Standardize } from "./layers.ts";
import type { Model } from "./sequential.ts";

/** A setting of a run config's `model`. */
export type ModelSetting = Exclude<keyof ModelConfig, "kind">;

export interface NamedModel {
  /** What configs and flags call it. */
  readonly name: string;
  /** What it is, in a line. */
  readonly summary: string;
  /** The settings that it takes, with what each is where it is not given, in words. */
  readonly options: Readonly<Partial<Record<ModelSetting, string>>>;
  /** What it takes in, in words: "images [height, width, channels]". */
  readonly takes: string;
  /** Whether examples of a shape are that. */
  accepts(inputShape: readonly number[]): boolean;
  /**
   * Settings that suit examples of a shape beside those that a config gives, where nobody said how large the model is to be:
   * measured on data of one's own (docs/results.md).
   */
  suited?(inputShape: readonly number[], given: Partial<ModelConfig>): Partial<ModelConfig>;
  /** Settings that the size of examples decides where a config leaves them open. */
  sized?(inputShape: readonly number[], given: Partial<ModelConfig>): Partial<ModelConfig>;
  /** @throws InnerloopError (status 2) for settings that do not go together or do not fit the examples */
  build(inputShape: readonly number[], outputs: number, config: Partial<ModelConfig>): Model;
}

/** What models of images take in. */
export const images: Pick<NamedModel, "takes" | "accepts"> = {
  takes: "images [height, width, channels]",
  accepts: ({ length }) => length === 3,
};

/** How often images can be pooled by halves: those of fewer than 16 pixels a side not the four times that models pool others. */
export const mostPools = (inputShape: readonly number[]): number =>
  Math.floor(Math.log2(Math.min(...inputShape.slice(0, 2))));

/** What is made of each example first: nothing, mean 0 and deviation 1, or that and ink always positive. */
export type InputName = NonNullable<ModelConfig["input"]>;

const inputs: Readonly<Record<InputName, readonly LayerLike[]>> = {
  raw: [],
  standardized: [Standardize],
  "polarity-free": [PolarityFree],
};

/** The layers that do so. */
export const inputLayers = (input: InputName): readonly LayerLike[] => inputs[input];
