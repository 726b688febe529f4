// Optimizers and schedules, as graphs.

export { scheduledRate } from "./schedule.ts";
export {
  adam,
  initialNumbers,
  initialState,
  type OptimizerRule,
  optimizerRule,
  sgd,
  type UpdateOptions,
  update,
} from "./update.ts";
