// The door of the room: tasks, models, algorithms, engines and the trainer.

export * from "./algorithms/index.ts";
export { completeConfig, completed } from "./complete.ts";
export * from "./data/index.ts";
export * from "./engines/index.ts";
export * from "./losses.ts";
export * as metrics from "./metrics.ts";
export * from "./models/index.ts";
export * from "./optimizers/index.ts";
export { type Preset, presetNamed, presets } from "./presets.ts";
export { type Random, random, xoshiro128 } from "./random.ts";
export { otherwise, runConfigSchema, settingSchema, validateRunConfig } from "./run-config.ts";
export { type Checkpoint, checkpointFile, notWritten, readCheckpoint, replaceFile } from "./runs/checkpoint.ts";
export { type Comparison, comparisonText } from "./runs/comparison.ts";
export { learnerOf, tasksOf } from "./runs/data.ts";
export { validationEpisode, verificationEpisodes } from "./runs/episodes.ts";
export { enoughExamples, heldBackEpisodes } from "./runs/held-back.ts";
export { openRun } from "./runs/open-run.ts";
export type { RunOptions, RunPace, RunResult, TrainingProgress, Validation } from "./runs/options.ts";
export { runTraining } from "./runs/run.ts";
export {
  checkEffects,
  type IdleSetting,
  idleSettings,
  type Naming,
  type SettingPath,
  settingAt,
  settingsOf,
} from "./settings.ts";
export { measuredTraining, measureEngine, measureInChild, rateOf } from "./speed/index.ts";
export { preprocessingFrom, readStart, type StartBundle, settingsFrom } from "./start/index.ts";
export { parted } from "./trainer/batch.ts";
export { prefersOneGraph } from "./trainer/choose-strategy.ts";
export { MetaTrainer } from "./trainer/meta-trainer.ts";
export {
  type EpisodeSizes,
  evaluationGraph,
  type MetaGradient,
  metaGradient,
  parameterValues,
} from "./trainer/objective.ts";
export { quickest } from "./trainer/quickest.ts";
export { openReference, type Reference, type ReferenceAnswer } from "./trainer/reference.ts";
export type { EpisodeReport, MetaTrainerOptions, PendingStep, StepReport } from "./trainer/reports.ts";
export { type InnerLoopSetting, laidOut, onProcessor, structureFor } from "./trainer/structure.ts";
export { type FitOptions, fit } from "./trainer/supervised.ts";
export { InPlace, shared } from "./trainer/workers/in-place.ts";
export type { Job } from "./trainer/workers/messages.ts";
export { Pool } from "./trainer/workers/pool.ts";
