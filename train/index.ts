// The door of the room: tasks, models, algorithms, engines and the trainer.

export * from "./algorithms/index.ts";
export * from "./engines/index.ts";
export * from "./engines/index.ts";
export * from "./losses.ts";
export {
  type EpisodeReport,
  initialParameters,
  MetaTrainer,
  type MetaTrainerOptions,
  type StepReport,
} from "./meta-trainer.ts";
export * as metrics from "./metrics.ts";
export * from "./models/index.ts";
export * from "./optimizers/index.ts";
export { type Random, random, xoshiro128 } from "./random.ts";
export * from "./tasks/index.ts";
