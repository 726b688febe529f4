// The door of the room: tasks, models, algorithms, engines and the trainer.
export * from "./metrics.ts";
export { type Random, random, xoshiro128 } from "./random.ts";
export * from "./tasks/index.ts";
