// The contract of the two ways to run a step: all tasks in one graph on an engine, or over worker threads.
import { InnerloopError, type Tensor } from "@innerloop/schemas";
import type { Episode } from "../data/index.ts";
import type { EpisodeSizes } from "./objective.ts";
import type { State, Tensors } from "./state.ts";

/** A step that computes. */
export interface SubmittedStep {
  /** In how many parts the batch runs. */
  readonly parts: number;
  /**
   * Outputs of its graphs: `next/<name>` of the whole state, `loss` and `accuracy` summed over the tasks, and `gradient_norm`
   * of the mean gradient. To be called once, after which they are the caller's. On engines that queue they are there at once,
   * and reading their numbers waits for the step; elsewhere this does.
   */
  outputs(): Promise<State>;
}

export interface Strategy {
  /** In words. */
  readonly name: string;
  /** So many episodes are evaluated side by side. */
  readonly atOnce: number;
  /** Another step may be submitted before the numbers of one are read. */
  readonly defers: boolean;
  /** How many graphs of a step run at once, and of how many tasks each is; undefined: one, without a task axis. */
  atOnceOf(tasks: number): { readonly graphs: number; readonly tasks: number | undefined };
  /** @param scalars those of the step graphs */
  submit(state: State, episodes: readonly Episode[], sizes: EpisodeSizes, scalars: Tensors): Promise<SubmittedStep>;
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
