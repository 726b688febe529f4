// Optimizers and schedules, as graphs.
export {
  adam,
  initialNumbers,
  initialState,
  type OptimizerRule,
  optimizerRule,
  sgd,
  type UpdateOptions,
  update,
} from "./optimizer.ts";
export { scheduledRate } from "./schedule.ts";
