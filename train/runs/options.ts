// What a run is asked for, what it tells while it goes, and what it gives.
import type { Learner } from "@innerloop/graph";
import type { CheckpointHeader, RunConfig, Tensor } from "@innerloop/schemas";
import type { TaskSource } from "../data/index.ts";
import type { Engine } from "../engines/index.ts";
import type { Comparison } from "./comparison.ts";

/** What a run goes with. */
export interface RunStart {
  /** The config with what the data decided. */
  readonly config: RunConfig;
  readonly task: TaskSource["kind"];
  readonly engine: string;
  /** Why the engine was chosen, and why not those before it. */
  readonly reason: string;
  readonly rejected: readonly { name: string; reason: string }[];
  /** How tasks are run, in words. */
  readonly strategy: string;
  /** How many numbers are learned. */
  readonly parameters: number;
  /** About how many bytes the process will take at its peak: what it takes now, and what the tensors of a step will. */
  readonly bytes: number;
  /** Where it goes on from. */
  readonly iteration: number;
  /** Whether validation draws from held-back classes, and not from those that are trained on. */
  readonly heldBack: boolean;
}

/** What iterations take, measured over the first of them. */
export interface RunPace {
  readonly secondsPerIteration: number;
  /** How many the run will have at this pace. */
  readonly iterations: number;
  /** How long it will take, from the beginning. */
  readonly seconds: number;
}

/** Where a run is. */
export interface TrainingProgress {
  readonly iteration: number;
  /** How many iterations there will be, as far as can be told. */
  readonly iterations: number;
  /** Iterations are counted in epochs of `validation.every`. */
  readonly epoch: number;
  readonly batch: number;
  /** How much is over, 0 to 1. */
  readonly fraction: number;
  /** Of the last iteration. */
  readonly loss: number;
  readonly accuracy: number;
  readonly tasksPerSecond: number;
  readonly secondsLeft: number;
}

export interface Validation {
  readonly iteration: number;
  readonly loss: number;
  /** Query accuracy over held-back classes, or over those that are trained on where none are held back; for a regression, the loss. */
  readonly accuracy: { readonly mean: number; readonly ci95: number };
  readonly best: boolean;
}

export interface RunOptions {
  readonly config: RunConfig;
  /** The run's folder; without one nothing is written. */
  readonly out?: string;
  /** Go on from the checkpoint in `out`. */
  readonly resume?: boolean;
  /** The folder of the bundle to start from, where `config.from` is a name that a program knows. */
  readonly from?: string;
  /** Opened tasks, where they are not to be opened from `config.data`. */
  readonly tasks?: TaskSource;
  /** An open engine, in place of the one that the config names. */
  readonly engine?: Engine;
  /** Finishes the iteration, saves, and stops. */
  readonly signal?: AbortSignal;
  /** Told after each file of the data, before the start. */
  onRead?(done: number, all: number): void;
  onStart?(start: RunStart): void;
  /** Told once, after the first iterations. */
  onPace?(pace: RunPace): void;
  onProgress?(progress: TrainingProgress): void;
  /** While a validation runs. */
  onValidating?(progress: { readonly iteration: number; readonly done: number; readonly episodes: number }): void;
  onValidation?(validation: Validation): void;
  /** A run beside it begins, or, with nothing, it does itself. */
  onPart?(title: string | undefined): void;
  /** Told what a person should know: that batches run in parts, that the run goes on with another engine. */
  onMessage?(message: string): void;
}

export interface RunResult {
  readonly learner: Learner;
  readonly tasks: TaskSource;
  /** The weights that did best in validation. */
  readonly weights: Readonly<Record<string, Tensor>>;
  readonly header: CheckpointHeader;
  /** What runs beside it found. */
  readonly comparison?: Comparison;
  /** Whether it was stopped by its signal. */
  readonly stopped: boolean;
}
