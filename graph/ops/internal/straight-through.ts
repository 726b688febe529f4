// Rounding to whole numbers whose derivative is that of no rounding: how numbers that are stored in few bits are trained.
import type { DType } from "@innerloop/schemas";
import { apply1, applying, define, isFloat } from "../../core/operator.ts";
import type { One, Operator, Value } from "../../core/value.ts";
import { Round } from "../arithmetic.ts";
import { Cast } from "../dtypes.ts";

const straight: Operator<{ readonly to: DType }, One, One> = define({
  name: "StraightThrough",
  family: "quantization",
  summary: "rounded to whole numbers, in another dtype; its derivative is that of no rounding (arXiv 1308.3432)",
  infer: ([x], { to }) => [{ dtype: to, shape: x.shape }],
  // What is whole has derivatives all the same, which are of the dtype of the numbers that it stands for.
  gradient: ({ inputs: [x], cotangents: [g] }) => [isFloat(x.dtype) ? Cast(g, x.dtype) : g],
  batch: ([x], _, { to }) => [straightThrough(x, to)],
  decompose: ([x], { to }) => [Cast(isFloat(x.dtype) ? Round(x) : x, to)],
});
/** Rounded to the nearest whole number, halves to even, in a dtype that holds it. */
export const straightThrough = applying(
  straight,
  (x: Value, to: DType): Value => (x.dtype === to && !isFloat(to) ? x : apply1(straight, [x], { to })),
);
