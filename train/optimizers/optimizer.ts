// What an optimizer is: one object that says all that is known of it, and gives the rule by which arrays are updated.
import { op, type Value } from "@innerloop/graph";
import type { OptimizerConfig } from "@innerloop/schemas";

/** One update rule for one array. */
export interface OptimizerRule {
  /** The arrays that it keeps for each parameter, by name; they start at zero. */
  readonly slots: readonly string[];
  /** @param step the number of this update, from 1, a float32 scalar */
  update(
    parameter: Value,
    gradient: Value,
    slots: readonly Value[],
    rate: Value,
    step: Value,
  ): { parameter: Value; slots: readonly Value[] };
}

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

/** A parameter after decoupled weight decay (Loshchilov and Hutter 2019). */
export const decayed = (parameter: Value, rate: Value, weightDecay: number): Value =>
  weightDecay === 0 ? parameter : op.Mul(parameter, op.Sub(1, op.Mul(rate, weightDecay)));
