// Counting, and rows with a one where an index says.
import type { DType } from "@innerloop/schemas";
import { spend } from "../../core/budget.ts";
import { constant } from "../../core/build.ts";
import type { Dim } from "../../core/dims.ts";
import { isTold } from "../../core/fresh.ts";
import { at, upTo } from "../../core/lists.ts";
import { apply1, applying, define, spelling, unfit } from "../../core/operator.ts";
import type { One, Operator, Value } from "../../core/value.ts";
import { Equal } from "../comparison.ts";
import { Cast } from "../dtypes.ts";
import { Unsqueeze } from "../movement.ts";
import { sizeNumber } from "./sizes.ts";

const range: Operator<{ readonly size: Dim }, readonly [limit?: Value | undefined], One> = define({
  name: "Range",
  family: "movement",
  summary: "0, 1, 2 … as many as a symbol stands for, or as a scalar says",
  since: 11,
  infer: (_, { size }) => [{ dtype: "int64", shape: [size] }],
  batch: (inputs, batched) => {
    throw unfit(
      "Range",
      inputs,
      batched.length > 0 ? "its length cannot differ from task to task." : "it takes no tasks.",
    );
  },
  evaluate({ inputs: [limit], attributes: { size }, bind, resolve }) {
    const length = limit ? at(limit.data, 0) : resolve(size);
    if (limit && typeof size === "string") bind(size, length);
    return [Float64Array.from({ length }, (_, i) => i)];
  },
});

/** 0 … size−1 as int64. With `limit` (an int64 scalar) the length is known only when the graph runs, and `size` names it. */
export const Range = applying(range, (size: Dim, limit?: Value): Value => {
  const told = limit ?? (isTold(size) ? sizeNumber(size) : undefined);
  if (typeof size !== "number" || told) return apply1(range, told ? [told] : [], { size });
  if (!(Number.isSafeInteger(size) && size >= 0)) throw unfit("Range", [], `${size} is no number of entries.`);
  spend("numbers", size);
  return constant(upTo(size), [size], "int64");
});

/** The same as a node, for lengths of which a table would be long. */
export const counted = (size: Dim): Value => apply1(range, isTold(size) ? [sizeNumber(size)] : [], { size });

spelling("OneHot", "movement", 11, "Equal, Cast", "1 at the index, 0 elsewhere");
/** One-hot rows on a new last axis: 1 at the index, 0 elsewhere; indices outside 0…depth−1 give zeros. */
export function OneHot(indices: Value, depth: Dim | Value, dtype: DType = "float32"): Value {
  const classes = typeof depth === "object" ? depth : Range(depth);
  return Cast(Equal(Unsqueeze(Cast(indices, "int64"), [-1]), classes), dtype);
}
