// What the loops of gradient descent share: what is descended, and what comes out.
import type { Operand, Value } from "../core/value.ts";
import { Unsqueeze } from "../ops/movement.ts";
import { Concat } from "../ops/parts.ts";

/** What a guarded loop says of itself. */
export interface Guard {
  /** The step whose result was kept, int64 `[]`: 0 is the start. */
  readonly kept: Value;
  /** How many steps were taken back, int64 `[]`. */
  readonly refused: Value;
  /** What the rates are multiplied by in the end, `[]`: ¼ for each step that was taken back. */
  readonly scale: Value;
  /** The step that was kept at the time of each loss, int64 `[steps + 1]`; only of a number of steps. */
  readonly keptAt?: Value;
}

/** What a step that is taken back, or a way that leads astray, leaves of the rate. */
export const backOff = 0.25;

/** What is descended, over the moved parameters as a list. */
export interface Problem {
  readonly start: readonly Value[];
  readonly rates: readonly Operand[];
  loss(values: readonly Value[]): Value;
  /** The derivatives of a loss. */
  slopes(loss: Value, values: readonly Value[]): Value[];
  /** How long a way from the start is, squared: the sum of squares unless given. @param at which of the values went it */
  squared?(way: Value, at: number): Value;
}

/** A loss, and what is remembered of the first look at it. */
export interface Look {
  readonly loss: Value;
  readonly memory: readonly Value[];
  /** Where the parameters are that the first look places. */
  readonly placed: readonly Value[];
}

/** Where it led: the moved parameters as lists. */
export interface Descent {
  readonly adapted: readonly Value[];
  /** The loss before each step and after the last, `[steps + 1]`. */
  readonly losses: Value;
  /** After each step, first the start; empty where the steps are a Loop. */
  readonly path: readonly (readonly Value[])[];
  readonly guard?: Guard;
  /** What is remembered of the first look at the loss. */
  readonly memory?: readonly Value[];
}

/** Scalars as one list. */
export const inRow = (scalars: readonly Value[]): Value =>
  Concat(
    scalars.map((value) => Unsqueeze(value, [0])),
    0,
  );
