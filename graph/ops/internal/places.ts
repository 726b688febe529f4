// Sizes as what is computed with: masks, frames and sampling grids count with them.
import type { DType } from "@innerloop/schemas";
import type { Dim } from "../../core/dims.ts";
import type { Operand } from "../../core/value.ts";
import { Add, Mul } from "../arithmetic.ts";
import { Cast } from "../dtypes.ts";
import { sizeNumber } from "./sizes.ts";

/** A size to compute with: a number, or a scalar of a dtype. */
export const measureOf = (dim: Dim, dtype: DType): Operand =>
  typeof dim === "number" ? dim : Cast(sizeNumber(dim), dtype);

/** A measure and so much more. */
export const plus = (size: Operand, more: number): Operand =>
  typeof size === "number" ? size + more : more === 0 ? size : Add(size, more);

/** A measure so many times. */
export const times = (size: Operand, often: number): Operand =>
  typeof size === "number" ? size * often : often === 1 ? size : Mul(size, often);
