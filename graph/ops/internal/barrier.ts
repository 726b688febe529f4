// An order that a graph does not have by itself: a value that is not there before others.
import { apply1, applying } from "../../core/operator.ts";
import type { None, One, Operator, Value } from "../../core/value.ts";

const barrier: Operator<None, readonly [Value, ...Value[]], One> = {
  name: "Barrier",
  family: "graph",
  summary: "the value itself, once others are there",
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  gradient: ({ cotangents: [g] }) => [g],
  decompose: ([x]) => [x],
};

/**
 * A value as it is, which is no earlier there than each of `after`. What is computed of it is another node than what is computed of the value
 * itself, so that it is computed again. Targets that do not order nodes take the value itself.
 */
export const Barrier = applying(barrier, (x: Value, after: readonly Value[]): Value => apply1(barrier, [x, ...after]));
