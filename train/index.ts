// The door of the room: tasks, models, algorithms, engines and the trainer.

export * from "./algorithms/index.ts";
export { parted } from "./batch.ts";
export { type Checkpoint, checkpointFile, notWritten, readCheckpoint, replaceFile } from "./checkpoint.ts";
export { completeConfig, completed } from "./complete.ts";
export * from "./data/index.ts";
export * from "./engines/index.ts";
export { verificationEpisodes } from "./kept-episodes.ts";
export * from "./losses.ts";
export {
  type EpisodeReport,
  MetaTrainer,
  type MetaTrainerOptions,
  type PendingStep,
  prefersOneGraph,
  type StepReport,
} from "./meta-trainer.ts";
export * as metrics from "./metrics.ts";
export * from "./models/index.ts";
export { type EpisodeSizes, type MetaGradient, metaGradient, parameterValues } from "./objective.ts";
export * from "./optimizers/index.ts";
export { type Preset, presetNamed, presets } from "./presets.ts";
export { type Random, random, xoshiro128 } from "./random.ts";
export { openReference, type Reference, type ReferenceAnswer } from "./reference.ts";
export {
  learnerOf,
  openRun,
  type Progress,
  type RunOptions,
  type RunResult,
  runTraining,
  tasksOf,
  type Validation,
  validationEpisode,
} from "./run.ts";
export { otherwise, runConfigSchema, settingSchema, validateRunConfig } from "./run-config.ts";
export {
  checkEffects,
  type IdleSetting,
  idleSettings,
  type Naming,
  type SettingPath,
  settingAt,
  settingsOf,
} from "./settings.ts";
export { measuredTraining, measureEngine, rateOf } from "./speed/index.ts";
export { type FitOptions, fit } from "./supervised.ts";
export type { Job } from "./workers/messages.ts";
export { Pool } from "./workers/pool.ts";
