// The heads of attention: side by side in the last axis, or in an axis of their own.
import type { Value } from "../../core/value.ts";
import { Reshape, Transpose } from "../movement.ts";

/** `[batch, length, heads·size]` as `[batch, heads, length, size]`. */
export const headsApart = (x: Value, count: number): Value => Transpose(Reshape(x, [0, 0, count, -1]), [0, 2, 1, 3]);

/** `[batch, heads, length, size]` as `[batch, length, heads·size]`. */
export const headsJoined = (x: Value): Value => Reshape(Transpose(x, [0, 2, 1, 3]), [0, 0, -1]);
