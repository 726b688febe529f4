// Sizes and positions as values: what masks, frames and sampling grids count with.
import type { DType } from "@innerloop/schemas";
import { constant } from "../../core/build.ts";
import type { Dim } from "../../core/dims.ts";
import type { Operand, Value } from "../../core/value.ts";
import { Add, Mul } from "../arithmetic.ts";
import { Cast } from "../dtypes.ts";
import { ConstantOfShape, Size } from "../graph.ts";

/** A size as an int64 scalar: a constant, or counted when the graph runs. */
export const countOf = (dim: Dim): Value =>
  typeof dim === "number" ? constant(dim, [], "int64") : Size(ConstantOfShape([dim], 0, "int64"));

/** A size to compute with: a number, or a scalar of a dtype. */
export const measureOf = (dim: Dim, dtype: DType): Operand =>
  typeof dim === "number" ? dim : Cast(countOf(dim), dtype);

/** A measure and so much more. */
export const plus = (size: Operand, more: number): Operand =>
  typeof size === "number" ? size + more : more === 0 ? size : Add(size, more);

/** A measure so many times. */
export const times = (size: Operand, often: number): Operand =>
  typeof size === "number" ? size * often : often === 1 ? size : Mul(size, often);
