// What an evaluation is asked for, and what it finds.
import type { PictureSettings, ProviderName } from "@innerloop/runtime";
import type { Manifest } from "@innerloop/schemas";
import type { Split } from "@innerloop/train";
import type { Verdict } from "../baselines/verdict.ts";
import type { ClusterInterval, Estimate } from "../estimate.ts";
import type { ConfidenceResult } from "./confidence.ts";
import type { KernelChoice } from "./kernels.ts";

/** What to measure. What is not given comes from the bundle. */
export interface EvaluationOptions {
  /** SPEC of the data; those that the bundle was trained on unless given. */
  readonly data?: string;
  /** The part of the data, or several, whose classes are drawn from together. Default `test`. */
  readonly split?: Split | readonly Split[];
  readonly ways?: number;
  readonly shots?: number;
  /** Per class; default 15. */
  readonly queries?: number;
  /** Inner steps. */
  readonly steps?: number;
  /** Default 600. */
  readonly episodes?: number;
  readonly seed?: number;
  /** Where it runs; default `auto`. */
  readonly provider?: "auto" | "cuda" | "webgpu" | "cpu";
  /** What computes on the processor; default `auto`. */
  readonly kernels?: KernelChoice;
  /**
   * Worker threads that take episodes; 0: this thread alone. On the processor as many as there are cores unless given, where bundle and
   * episodes are worth it; for the processor alone.
   */
  readonly workers?: number;
  /** What of the preprocessing of pictures is another than the bundle's. */
  readonly pictures?: PictureSettings;
  /** Normalize by the query batch's own statistics. */
  readonly transductive?: boolean;
  /** Families of shifts, of which each episode has one to three at random strengths. */
  readonly shifts?: readonly string[];
  /** Stops it after the episode that is being measured: its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Told after each episode. */
  onEpisode?(done: number, episodes: number): void;
  /** Told what a person should know of the data. */
  onNote?(note: string): void;
  /** How messages name a setting, as `--ways` on a command line; by its name here unless given. */
  readonly naming?: (setting: string) => string;
}

/** How the learner stands after some inner steps. */
export interface StepResult {
  readonly step: number;
  /** Classification only. */
  readonly accuracy?: Estimate;
  readonly loss: Estimate;
}

/** What an evaluation found. Means are over episodes; shares are from 0 to 1. */
export interface BundleEvaluation {
  readonly task: Manifest["task"];
  /** Query accuracy; classification only, as are recall and F1, which are macro averages over an episode's classes. */
  readonly accuracy?: Estimate;
  /**
   * How much of `accuracy` hangs on the classes that happened to be there: its interval over classes, and over the groups that they come
   * in, such as alphabets, by what stands before the last / in their names. Absent for fewer than two.
   */
  readonly over?: { readonly classes?: ClusterInterval; readonly groups?: ClusterInterval };
  readonly recall?: number;
  readonly f1?: number;
  /** Cross-entropy in nats, or mean squared error. */
  readonly loss: number;
  /** Regression only. */
  readonly meanSquaredError?: Estimate;
  /** After 0, 1, … steps, over the first `stepEpisodes` episodes. */
  readonly steps: readonly StepResult[];
  readonly stepEpisodes: number;
  /** The nearest support example in raw pixels, on the same episodes. */
  readonly nearestNeighbour?: Estimate;
  /** Logistic regression on the support examples in raw pixels, on the first `stepEpisodes` episodes. */
  readonly logisticRegression?: Estimate;
  /** Regression only: the mean squared error of answering with the mean of the examples, and as the nearest one does. */
  readonly meanTarget?: Estimate;
  readonly nearestExample?: Estimate;
  /** What the result is worth beside these and beside guessing. */
  readonly verdict: Verdict;
  /** Counts `matrix[true][predicted]`, where all episodes have the same classes. */
  readonly confusion?: { readonly labels: readonly string[]; readonly matrix: readonly (readonly number[])[] };
  /** Classification only, and only inductive. */
  readonly confidence?: ConfidenceResult;
  /** Whether each answer depends on its query and the support set alone. */
  readonly inductive: boolean;
  readonly episodes: number;
  readonly ways: number;
  readonly shots: number;
  /** Per class. */
  readonly queries: number;
  readonly innerSteps: number;
  readonly seed: number;
  readonly provider: ProviderName;
  readonly data: string;
  /** The part of the data that was measured; the first, where there were several. */
  readonly split: Split;
  /** All of them, where there were several. */
  readonly splits?: readonly Split[];
  readonly shifts?: readonly string[];
  readonly seconds: number;
}
