// What an optimizer is: one object that says all that is known of it, and gives the rule by which arrays are updated.
import type { OptimizerRule } from "@innerloop/graph";
import type { OptimizerConfig } from "@innerloop/schemas";

/** A setting of a run config's `optimizer` that only some optimizers take; the rate is every one's. */
export type OptimizerSetting = Exclude<keyof OptimizerConfig, "kind" | "rate">;

export interface Optimizer {
  /** What configs and flags call it. */
  readonly name: string;
  /** What it does, in a line. */
  readonly summary: string;
  /** Where it is described. */
  readonly paper: string;
  /** The settings that it takes. */
  readonly options: readonly OptimizerSetting[];
  /** Why the settings that it does not take do nothing. */
  readonly without?: string;
  /** Its rule, which says what arrays it keeps. */
  rule(settings: Readonly<Pick<OptimizerConfig, OptimizerSetting>>): OptimizerRule;
}
