// What training and evaluation know about data: a source of episodes. Every data set is behind this interface.
import type { Preprocessing, SplitRecord, Tensor } from "@innerloop/schemas";

/** Examples of one task. */
export interface ExampleTensors {
  /** float32 `[n, ...inputShape]`; images are channels-last. */
  readonly x: Tensor;
  /** int32 `[n]`, labels 0…ways−1; for regression float32 `[n, size]`. */
  readonly y: Tensor;
}

/** One few-shot task: adapt to the support set, be measured on the query set. They share no example. */
export interface Episode {
  readonly support: ExampleTensors;
  readonly query: ExampleTensors;
  /** The name of the class behind every label. */
  readonly classes?: readonly string[];
}

/** How large an episode is. `shots` and `queries` count examples per class; regression has one way. */
export interface EpisodeShape {
  readonly ways: number;
  readonly shots: number;
  readonly queries: number;
}

/** Classes are split, not examples: what is in `val` and `test` was never trained on. */
export const splits = ["train", "val", "test"] as const;
export type Split = (typeof splits)[number];

/** A source of episodes. */
export interface TaskSource {
  /** The spec that opens it, such as `glyphs` or `omniglot:DIR`. */
  readonly name: string;
  readonly kind: "classification" | "regression";
  /** The shape of one example, such as `[28, 28, 1]`. */
  readonly inputShape: readonly number[];
  /** Numbers that one answer has; regression only. */
  readonly outputSize?: number;
  /** How raw input, such as a file, becomes an example; a bundle's manifest records it. */
  readonly preprocessing?: Preprocessing;
  /** How its classes were split; opening the data again by it holds back the same ones. */
  readonly split?: SplitRecord;
  /** What its reader should know of the data, one sentence each: files that were left out, say. */
  readonly notes?: readonly string[];
  /** How many classes a split has; Infinity where tasks are drawn without end. */
  classCount(split: Split): number;
  /** The class of a split with the fewest examples; absent where examples have no end, or are not counted. */
  smallestClass?(split: Split): { readonly name: string; readonly examples: number } | undefined;
  /** The same data without classes that have fewer examples, which are named with their numbers. */
  withExamples?(least: number): { readonly tasks: TaskSource; readonly leftOut: readonly string[] };
  /**
   * The episode number `index` of the stream `seed`: the same for the same arguments, whoever asks, in whatever order.
   *
   * @throws {InnerloopError} with status 2 where the split has too few classes or examples for the shape
   */
  episode(split: Split, seed: number, index: number, shape: EpisodeShape): Episode;
}
