// The optimizers, each of which gives a rule of updates, and schedules of their rate; all are graphs. Where an optimizer is to be
// chosen, by a config, a flag or a shell, it is from this list.
import type { OptimizerRule } from "@innerloop/graph";
import type { OptimizerConfig } from "@innerloop/schemas";
import { registry } from "../registry.ts";
import { namedAdam } from "./adam.ts";
import { namedSgd } from "./sgd.ts";

export { adam, type OptimizerRule, sgd } from "@innerloop/graph";
export type { Optimizer, OptimizerSetting } from "./optimizer.ts";
export { scheduledRate } from "./schedule.ts";
export { initialNumbers, initialState, type UpdateOptions, update } from "./update.ts";

/** One line each; the first that takes a setting is what an error names for it. */
export const optimizers = registry("optimizer", [namedAdam, namedSgd]);

/**
 * The rule that a run config names.
 * @throws InnerloopError (status 2) `unknown-option` for an optimizer that there is not
 */
export const optimizerRule = ({ kind, ...settings }: OptimizerConfig): OptimizerRule =>
  optimizers.named(kind).rule(settings);
