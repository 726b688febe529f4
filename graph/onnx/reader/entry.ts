// What a name in a model stands for while it is read.
import type { Dim } from "../../core/dims.ts";
import type { Value } from "../../core/value.ts";

/** A scalar or a list of int64 whose entries are sizes. */
export interface Sizes {
  readonly axes: "scalar" | "list";
  readonly dims: readonly Dim[];
}

/** A value, or sizes of which some are open. */
export type Entry = Value | Sizes;

export const isSizes = (entry: Entry): entry is Sizes => "dims" in entry;
