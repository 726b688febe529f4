// Shapes that a model computes while it runs (Shape, Gather, Concat, Reshape …), worked out while it is read, with
// sizes that may be open: exporters write such chains wherever a program says x.shape[0].
import type { onnx } from "@innerloop/schemas/onnx";
import { spend } from "../../core/budget.ts";
import { constant, constantOf } from "../../core/build.ts";
import type { Dim } from "../../core/dims.ts";
import { isFloat } from "../../core/operator.ts";
import type { Value } from "../../core/value.ts";
import { AsNumbers, sizeNumber } from "../../ops/internal/sizes.ts";
import { type Entry, isSizes, type Sizes } from "./entry.ts";

/** Sizes that are all known are a constant like any other. */
export function sizes(dims: readonly Dim[], axes: Sizes["axes"] = "list"): Entry {
  spend("numbers", dims.length);
  if (!dims.every((dim) => typeof dim === "number")) return { axes, dims };
  return constant(dims, axes === "list" ? [dims.length] : [], "int64");
}

/** Whether a file names a size: "?" and the like name none, wherever they stand. */
const isNamed = (name: string | null | undefined): name is string => !!name && !/^(\W*|_+|None|-1)$/.test(name);

/** A name of a size as graphs spell them: letters, digits and underscores. */
const symbol = (name: string): string => name.replaceAll(/\W/g, "_").replace(/^(?=\d)/, "_");

type Dimension = onnx.TensorShapeProto.Dimension.$Properties;

/** A size as a file says it; undefined where it is open and has no name. Some exporters write -1 for a size that is open. */
export function saidSize({ dimValue, dimParam }: Dimension): Dim | undefined {
  if (dimValue !== undefined && dimValue !== null && Number(dimValue) !== -1) return Number(dimValue);
  return isNamed(dimParam) ? symbol(dimParam) : undefined;
}

/** A size of an input: a number, or the name of one that is open, which it has by its place where the file gives it none. */
export const sizeOfInput = (dim: Dimension, input: string, axis: number): Dim =>
  saidSize(dim) ?? symbol(`${input}_axis${axis}`);

/** Whole numbers as sizes, where they can be. */
export function asSizes(entry: Entry): Sizes | undefined {
  if (isSizes(entry)) return entry;
  const known = constantOf(entry);
  if (!known || known.shape.length > 1 || isFloat(known.dtype)) return undefined;
  return { axes: known.shape.length === 0 ? "scalar" : "list", dims: [...known.data] };
}

/** Sizes as a value that is counted when the graph runs. */
export function asValue({ axes, dims }: Sizes): Value {
  if (axes === "list") return AsNumbers(dims);
  return sizeNumber(dims[0] ?? 1);
}
