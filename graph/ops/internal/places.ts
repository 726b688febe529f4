// Sizes and positions as values: what masks, frames and sampling grids count with.
import { constant } from "../../core/build.ts";
import type { Dim } from "../../core/dims.ts";
import type { Value } from "../../core/value.ts";
import { ConstantOfShape, Size } from "../graph.ts";

/** A size as an int64 scalar: a constant, or counted when the graph runs. */
export const countOf = (dim: Dim): Value =>
  typeof dim === "number" ? constant(dim, [], "int64") : Size(ConstantOfShape([dim], 0, "int64"));
