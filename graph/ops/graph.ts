// ONNX operators about the graph itself: names, sizes and constants. They leave no node of their own.
import type { DType } from "@innerloop/schemas";
import { type Dim, type Shape as Sizes, sizeOf } from "../core/dims.ts";
import { spelling } from "../core/operator.ts";
import { constant, type Value } from "../core/value.ts";
import { Concat, Expand, Unsqueeze } from "./movement.ts";
import { ReduceSum } from "./reduction.ts";

spelling("Identity", "graph", 14, "nothing", "the value itself");
export const Identity = (x: Value): Value => x;

spelling("Dropout", "graph", 13, "nothing", "the value itself, as in inference");
export const Dropout = (x: Value): Value => x;

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
