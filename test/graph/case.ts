// What an operator is tried on: a function of values, and the shapes of these.
import type { ShapedNumbers, Value } from "@innerloop/graph";

export interface Case {
  readonly build: (...x: Value[]) => Value;
  readonly shapes: readonly (readonly number[])[];
  /** What inputs are drawn from: −1…1 unless given. */
  readonly from?: (x: number) => number;
  /** What it computes, in plain numbers: for what stands in no recording. */
  readonly formula?: (...x: ShapedNumbers[]) => ArrayLike<number>;
}

export const on = (build: Case["build"], ...shapes: (readonly number[])[]): Case => ({ build, shapes });
const positive = (x: number): number => Math.abs(x) + 0.5;
export const onPositive = (build: Case["build"], ...shapes: (readonly number[])[]): Case => ({
  build,
  shapes,
  from: positive,
});
