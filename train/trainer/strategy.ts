// The contract of the two ways to run a step: all tasks in one graph on an engine, or over worker threads.
import { InnerloopError, type Tensor } from "@innerloop/schemas";
import type { Episode } from "../tasks/index.ts";
import type { EpisodeSizes } from "./objective.ts";
import type { State, Tensors } from "./state.ts";

/** Sums over the tasks of a batch, and the norm of the mean gradient. */
export interface Measures {
  readonly loss: number;
  readonly accuracy: number;
  readonly gradientNorm: number;
}

/** A step that computes. */
export interface Submitted {
  /** The state after it, where it is there before its numbers are: on engines that queue. */
  readonly next?: State;
  /** In how many parts the batch runs. */
  readonly parts: number;
  /** Waits for it; to be called once. The caller owns the state. */
  finish(): Promise<{ readonly next: State; readonly measures: Measures }>;
}

export interface Strategy {
  /** In words. */
  readonly name: string;
  /** So many episodes are evaluated side by side. */
  readonly atOnce: number;
  /** Another step may be submitted before one is finished. */
  readonly defers: boolean;
  /** @param scalars `step`, `progress`, and `step_weights` where the loss has them */
  submit(state: State, episodes: readonly Episode[], sizes: EpisodeSizes, scalars: Tensors): Promise<Submitted>;
  /** Outputs of the evaluation graph for each episode. */
  evaluate(
    state: State,
    episodes: readonly Episode[],
    sizes: EpisodeSizes,
    steps: number,
  ): Promise<readonly Readonly<Record<string, Tensor>>[]>;
  dispose(): Promise<void>;
}

export const isOutOfMemory = (error: unknown): error is InnerloopError =>
  error instanceof InnerloopError && error.code === "out-of-memory";

/** The error for one task that is too large. */
export const taskTooLarge = (where: string, { support, query }: EpisodeSizes, cause: InnerloopError): InnerloopError =>
  new InnerloopError(
    "out-of-memory",
    `One task of ${support} support and ${query} query examples does not fit into the memory of ${where} (${cause.message}); ` +
      "lower --queries, --shots, --ways or --training-ways, --steps, or the size of the model (--filters, --hidden), " +
      "free memory that other programs hold, or train on the processor (--engine onnxruntime:cpu).",
    { cause },
  );
