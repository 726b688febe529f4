// What an algorithm is: one object that says all that is known of it, and makes learners of models.
import type { Learner, LoopKind } from "@innerloop/graph";
import type { RunConfig } from "@innerloop/schemas";
import type { Loss } from "../losses.ts";
import type { Model } from "../models/sequential.ts";

/** What a learner is made with. Every algorithm takes `task` and `loss`; of the others, those that its `options` name. */
export interface LearnerOptions {
  readonly task?: "classification" | "regression";
  /** The loss of both loops; cross-entropy, or squared error for a regression. */
  readonly loss?: Loss;
  /** Where the head starts at each task: with learned weights unless given, and at the class means where it can be nothing else. */
  readonly head?: RunConfig["head"];
  /** Inner steps in training. */
  readonly steps?: number;
  /** Inner steps of an adaptation after training; as many as in training unless given. */
  readonly testSteps?: number;
  /**
   * `guarded`, the default: no step is kept that raises the loss, and steps of a head alone go over centred features.
   * `plain`: the papers' loop.
   */
  readonly loop?: LoopKind;
  /** The inner learning rate, or where learned ones start. */
  readonly innerRate?: number;
  /** A learned rate for each moved array (Li et al. 2017, one a tensor), held in [0, maxInnerRate]. */
  readonly learnRates?: boolean;
  readonly maxInnerRate?: number;
}

/** The settings of a run config that only some algorithms take. */
export type InnerSetting = Exclude<keyof LearnerOptions, "task" | "loss" | "head"> | "multiStepLoss" | "innerLoop";

export interface Algorithm {
  /** What configs, flags and bundles call it. */
  readonly name: string;
  /** What it does, in a line. */
  readonly summary: string;
  /** Where it is described. */
  readonly paper: string;
  /** The settings that it takes, with what each is where a program gives none. Configs have their presets' values. */
  readonly options: Readonly<Partial<Record<InnerSetting, unknown>>>;
  /** Why the settings that it does not take do nothing. */
  readonly without?: string;
  /** The heads that it may have; the first is its own where only the algorithm is chosen. */
  readonly heads: readonly [RunConfig["head"], ...RunConfig["head"][]];
  /** Whether an array of a model moves in the inner loop, by its name: `conv1.weight`, `head.bias`. */
  moves(parameter: string): boolean;
  /** Whether arrays of the body move, so that each class of a task costs more. */
  readonly bodyMoves: boolean;
  /** 2: the meta-gradient goes through the inner gradients; 1: these count as constants; 0: there are none. */
  readonly order: 0 | 1 | 2;
  /** What a preset has instead where this is chosen and its own algorithm leaves the body alone: figures that suited that one. */
  readonly suited?: Pick<RunConfig, "steps" | "testSteps">;
  /** @throws InnerloopError `bad-option` (status 2) for a head or a task that it cannot have */
  build(model: Model, options?: LearnerOptions): Learner;
}
