// ONNX operators about the graph itself: names, sizes and constants, which leave no node of their own; and what stops derivatives.
import type { DType } from "@innerloop/schemas";
import { constant } from "../core/build.ts";
import type { Dim } from "../core/dims.ts";
import { apply1, applying, define, spelling, zeroDerivative } from "../core/operator.ts";
import { type Shape as Sizes, sizeOf } from "../core/shapes.ts";
import type { None, One, Operator, Value } from "../core/value.ts";
import { Expand, ReduceSum } from "./internal/broadcasting.ts";
import { Concat } from "./internal/slicing.ts";
import { Unsqueeze } from "./movement.ts";

spelling("Identity", "graph", 14, "nothing", "the value itself");
export const Identity = (x: Value): Value => x;

spelling("Constant", "graph", 13, "a constant", "an array of numbers in the graph");
export const Constant = constant;

spelling("ConstantOfShape", "graph", 9, "Expand", "one number everywhere");
export const ConstantOfShape = (shape: Sizes, value = 0, dtype: DType = "float32"): Value =>
  Expand(constant(value, [], dtype), shape);

/** A size as an int64 scalar: a constant, or where it is open a count of ones. */
function scalarOf(dim: Dim): Value {
  if (typeof dim === "number") return constant(dim, [], "int64");
  return ReduceSum(ConstantOfShape([dim], 1, "int64"), { keepdims: false });
}

spelling("Size", "graph", 13, "a constant", "how many numbers there are");
export const Size = (x: Value): Value => scalarOf(sizeOf(x.shape));

spelling("Shape", "graph", 15, "a constant", "the sizes of the axes");
/** The sizes of the axes, int64 `[rank]`. */
export const Shape = (x: Value): Value =>
  x.shape.every((dim) => typeof dim === "number")
    ? constant(x.shape, undefined, "int64")
    : Concat(
        x.shape.map((dim) => Unsqueeze(scalarOf(dim), [0])),
        0,
      );

const stop: Operator<None, One, One> = define({
  name: "StopGradient",
  family: "graph",
  summary: "the value itself; its derivative is zero",
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  gradient: zeroDerivative,
  batch: ([x]) => [stopGradient(x)],
  decompose: ([x]) => [x],
  evaluate: ({ inputs: [x] }) => [x.data],
});
/** The value itself, which no derivative goes through. */
export const stopGradient = applying(stop, (x: Value): Value => apply1(stop, [x]));
