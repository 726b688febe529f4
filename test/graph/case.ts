// What an operator is tried on.
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
