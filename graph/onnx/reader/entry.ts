// What a name in a model stands for while it is read.
import type { NumericName } from "@innerloop/schemas";
import { constant } from "../../core/build.ts";
import type { Dim } from "../../core/dims.ts";
import type { Value } from "../../core/value.ts";
import type { StoredArray } from "../tensors.ts";

/** A scalar or a list of int64 whose entries are sizes. */
export interface Sizes {
  readonly axes: "scalar" | "list";
  readonly dims: readonly Dim[];
}

/** An array of an element type that graphs do not have, in one that holds its numbers: a Cast reads it, and nothing else. */
export interface Narrow {
  readonly stored: NumericName;
  readonly wide: Value;
}

/** A value, sizes of which some are open, or an array for a Cast. */
export type Entry = Value | Sizes | Narrow;

export const isSizes = (entry: Entry): entry is Sizes => "dims" in entry;
export const isNarrow = (entry: Entry): entry is Narrow => "stored" in entry;

/** An array of a file as a constant, or as another value of the dtype that holds it. */
export function entryOf(array: StoredArray, wide: Value = constant(array.data, array.shape, array.dtype)): Entry {
  return array.stored === array.dtype ? wide : { stored: array.stored, wide };
}
