// A value that is not there before another one, in plain ONNX: a Reshape to its own shape, to which a zero is added that comes of the other. It
// moves no numbers, and no optimizer sees that the zero is one, so that nothing is joined across it and nothing runs early.

import { constant } from "../core/build.ts";
import { apply1 } from "../core/operator.ts";
import type { None, One, Operator, Two, Value } from "../core/value.ts";
import { Add } from "../ops/arithmetic.ts";
import { And, Less, Not } from "../ops/comparison.ts";
import { Cast } from "../ops/dtypes.ts";
import { Barrier } from "../ops/internal/barrier.ts";
import { AsNumbers } from "../ops/internal/sizes.ts";
import { Reshape } from "../ops/movement.ts";
import { Concat, Slice } from "../ops/parts.ts";
import { ReduceMax } from "../ops/reduction.ts";
import { lowering } from "./lower.ts";

/** Reshape to a shape that is given as numbers, which is the value's own. Only lowering makes it. */
const reshapeBy: Operator<None, Two, One> = {
  name: "ReshapeBy",
  family: "movement",
  summary: "the value in its own shape, which is computed",
  writtenAs: "Reshape",
  traits: { float16: "movement" },
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
};

export const barrierAsReshape = lowering(Barrier, ([x, ...after]) => {
  // A scalar has no shape to add to, and what it holds is nothing.
  if (x.rank === 0) return [x];
  const open = x.shape.filter((dim) => typeof dim !== "number").length;
  const shape =
    open > 1
      ? AsNumbers(x.shape)
      : constant(
          x.shape.map((dim) => (typeof dim === "number" ? dim : -1)),
          [x.rank],
          "int64",
        );
  return [apply1(reshapeBy, [x, Add(shape, zeroOf(after))])];
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
