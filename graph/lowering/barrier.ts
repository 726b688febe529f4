// A value that is not there before another one, in plain ONNX: it gets an axis and loses it again, the axis' number being a zero that comes of
// the other. It moves no numbers, and no optimizer sees that the zero is one, so that nothing is joined across it and nothing runs early. A
// Reshape by numbers that are computed would do as well, but ONNX Runtime fails to join one with a Reshape that follows it.

import { apply1 } from "../core/operator.ts";
import type { Node, None, One, Operator, Two, Value } from "../core/value.ts";
import { And, Less, Not } from "../ops/comparison.ts";
import { Cast } from "../ops/dtypes.ts";
import { Barrier } from "../ops/internal/barrier.ts";
import { Reshape } from "../ops/movement.ts";
import { Concat, Slice } from "../ops/parts.ts";
import { ReduceMax } from "../ops/reduction.ts";
import { lowering } from "./lower.ts";

/** Only lowering makes them; the axis that they take is the first. */
const axisAdded: Operator<None, Two, One> = {
  name: "AxisAdded",
  family: "movement",
  summary: "the value with an axis more, whose number is computed",
  writtenAs: "Unsqueeze",
  traits: { float16: "movement" },
  infer: ([x]) => [{ dtype: x.dtype, shape: [1, ...x.shape] }],
};
const axisTaken: Operator<None, Two, One> = {
  name: "AxisTaken",
  family: "movement",
  summary: "the value without an axis, whose number is computed",
  writtenAs: "Squeeze",
  traits: { float16: "movement" },
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape.slice(1) }],
};

/** Whether a node is of a barrier, so that it gives the numbers of its first input. */
export const isOfBarrier = ({ operator }: Pick<Node, "operator">): boolean =>
  operator === axisAdded || operator === axisTaken;

export const barrierAsAxis = lowering(Barrier, ([x, ...after]) => {
  const zero = zeroOf(after);
  return [apply1(axisTaken, [apply1(axisAdded, [x, zero]), zero])];
});

/** int64 `[1]`: 0, whatever the numbers of some values are. */
function zeroOf(values: readonly Value[]): Value {
  const below = Less(Concat(values.map(firstOf), 0), 0);
  return ReduceMax(Cast(And(below, Not(below)), "int64"), { axes: [0] });
}

/** The first number of a value, float32 `[1]`. */
function firstOf(value: Value): Value {
  const ones = value.shape.map(() => 1);
  const start = ones.map(() => 0);
  const first = Reshape(value.rank === 0 ? value : Slice(value, start, ones), [1]);
  return Cast(first, "float32");
}
