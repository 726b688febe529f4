// The run config: all that decides a training run. A file holds any part of it; presets and defaults fill in the rest.
import { configSchema as schema, config as validator } from "./generated/validators.js";
import { checkFormat } from "./validate.ts";

/** The version of the run config format that this release writes, and the newest that it reads. */
export const CONFIG_VERSION = 1;

export const configSchema = schema;

export interface ModelConfig {
  /** The name of a model: `conv4`, `mlp`, … */
  kind: string;
  /** mlp: the width of each hidden layer. */
  hidden?: number[];
  /** conv4: filters of each convolution. */
  filters?: number | number[];
  /** conv4: the stride of each convolution. */
  strides?: number[];
  /** conv4: a 2×2 max-pool after each convolution. */
  pool?: boolean;
  norm?: "layer" | "group" | "batch" | "instance" | "none";
  /** What the head sees: all positions, or their mean. */
  pooling?: "flat" | "mean";
  /** conv4: what is made of each example first. Standardized examples have mean 0 and deviation 1; polarity-free ones are the same inverted. */
  input?: "raw" | "standardized" | "polarity-free";
}

export interface OptimizerConfig {
  kind: "adam" | "sgd";
  /** The outer learning rate, at its peak. */
  rate: number;
  momentum?: number;
  weightDecay?: number;
}

/** The course of the outer rate. */
export interface ScheduleConfig {
  /** Iterations over which the rate rises from zero. */
  warmup: number;
  decay: "cosine" | "none";
  /** Where the decay ends, as a fraction of the peak rate. */
  floor: number;
}

/** A complete run config. */
export interface RunConfig {
  version?: 1;
  preset?: string;
  /** A data SPEC: `glyphs`, `sinusoid`, `omniglot:DIR`, `images:DIR`, `arrays:FILE`. */
  data: string;
  model: ModelConfig;
  /** The name of an algorithm: `maml`, `anil`, … */
  algorithm: string;
  /** What the head starts from at each task. */
  head: "learned" | "zero" | "prototypes";
  /** Inner steps. */
  steps: number;
  /** Inner steps of an adaptation after training, in validation and on devices; `steps` unless given. */
  testSteps?: number;
  /** How inner steps are taken: `guarded` takes back those that raise the loss, `plain` is the papers'; `guarded` unless given. */
  loop?: "guarded" | "plain";
  /** The inner learning rate, where learned ones start. */
  innerRate: number;
  learnRates: boolean;
  /** The upper bound of learned inner rates; the lower one is zero. */
  maxInnerRate: number;
  /** The meta-loss is a weighted sum of the query loss after every inner step (Antoniou et al. 2019). */
  multiStepLoss: boolean;
  ways: number;
  /**
   * Classes of a training task: more make each task harder and teach more (Snell et al. 2017, §3.1). A learned head has
   * as many outputs, of which tasks with fewer classes use the first. As many as `ways` unless given.
   */
  trainingWays?: number;
  /** Support examples a class. */
  shots: number;
  /** Query examples a class. */
  queries: number;
  /** Tasks a meta-iteration. */
  metaBatch: number;
  optimizer: OptimizerConfig;
  schedule: ScheduleConfig;
  /** The largest norm of the meta-gradient; null: no clipping. */
  clip: number | null;
  /** The run ends after this many meta-iterations, or after `minutes` of wall time, whichever comes first. */
  iterations?: number;
  minutes?: number;
  engine: string;
  /** What the run does when the engine loses its device: it ends, or goes on with the next engine that works; `stop` unless given. */
  onDeviceLost?: "stop" | "fallback";
  /** What gradients are computed in; weights and their updates are float32 in any case. `float32` unless given. */
  precision?: "float32" | "float16";
  /** Worker threads; 0: none. */
  workers?: number;
  seed: number;
  /** Iterations between two validations, and episodes of each. */
  validation: { every: number; episodes: number };
  /** glyphs, omniglot: characters of train turned by 90°, 180° and 270° are classes of their own; true unless given. */
  rotations?: boolean;
  /** Some training tasks look as the data of users may; null or left out: none do. */
  shifts?: ShiftsConfig | null;
}

/** Training tasks that expect what users bring: shifted input, and wrong labels. */
export interface ShiftsConfig {
  /** How many of the training tasks are shifted, 0 to 1. */
  share: number;
  /** Names of shifts, of which a task has one to three; all that there are for such data unless given. */
  families?: string[];
  /** How many labels of a shifted task's support set are wrong, at most; where classes have several examples. */
  wrongLabels: number;
}

/** What a file or flags may give: any part of a run config, at any depth. */
export type RunConfigInput = { [K in keyof RunConfig]?: Part<RunConfig[K]> };

type Part<T> = T extends readonly unknown[] ? T : T extends object ? { [K in keyof T]?: T[K] } : T;

/**
 * Checks types, ranges and names of what a config gives; what it leaves out is for presets and defaults.
 *
 * @param source the file's name, for messages
 * @throws InnerloopError (exit status 2) `config-invalid`, `unknown-option` for a name that is none (with the nearest one
 *   that is), or `newer-version`.
 */
export function validateConfig(value: unknown, source: string): RunConfigInput {
  checkFormat(
    { title: "run config", version: CONFIG_VERSION, schema, validator, code: "config-invalid", exitStatus: 2 },
    value,
    source,
  );
  return value as RunConfigInput;
}
