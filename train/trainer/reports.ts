// What a trainer is asked for, and what it reports.
import type { OptimizerConfig, ScheduleConfig, Tensor } from "@innerloop/schemas";
import type { Engine } from "../engines/index.ts";
import type { InnerLoopSetting } from "./structure.ts";

export interface MetaTrainerOptions {
  readonly optimizer?: OptimizerConfig;
  readonly schedule?: ScheduleConfig;
  /** The largest norm of the meta-gradient; null: no clipping. */
  readonly clip?: number | null;
  /** Seeds the first parameters. */
  readonly seed?: number;
  /** An engine's name, `auto`, or an open engine. */
  readonly engine?: string | Engine;
  /** Worker threads; 0: all tasks in one graph. Chosen by the model and the number of tasks unless given. */
  readonly workers?: number;
  /** How many tasks a step will have, for the choice of the strategy. */
  readonly tasks?: number;
  /** Losses after every inner step count, not the last alone. */
  readonly multiStepLoss?: boolean;
  /** `float16`: gradients are computed in it where that is safe, with float32 weights and a dynamic loss scale. */
  readonly precision?: "float32" | "float16";
  /**
   * How inner steps are laid out in graphs, with the same numbers up to rounding: `unrolled`, as turns of one body (`loop`), or as turns that
   * hold parameters alone (`checkpoints`); chosen by the learner, its steps and the engine unless given.
   */
  readonly innerLoop?: InnerLoopSetting;
  /** Told what a run should know: that a batch goes on in parts, that a step was left out. */
  onMessage?(message: string): void;
}

/** What one step saw. Means over the tasks of the batch. */
export interface StepReport {
  /** The step's number, from 1. */
  readonly step: number;
  readonly loss: number;
  /** Share of right queries; for a regression, the loss. */
  readonly accuracy: number;
  /** Of the meta-gradient, before clipping. */
  readonly gradientNorm: number;
  /** In how many parts the batch ran: more than 1 where the device's memory is too small for all tasks at once. */
  readonly parts: number;
  /** In float16, a step whose gradient was not finite changes nothing but the loss scale. */
  readonly skipped: boolean;
}

/** A step that was handed over and may still be computed. */
export interface PendingStep {
  /**
   * Waits for the step.
   * @throws InnerloopError `diverged` where loss or gradient is not finite: parameters stay as they were before this step
   */
  report(): Promise<StepReport>;
}

/** How one episode went. */
export interface EpisodeReport {
  readonly loss: number;
  readonly accuracy: number;
  /** Query predictions, `[n, classes of the episode]` or for a regression `[n, outputs]`. */
  readonly predictions: Tensor;
}
