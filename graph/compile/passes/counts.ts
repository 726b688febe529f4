// The pass `counts`: how many numbers an array has is told by its size, not by counting them.
import { constant } from "../../core/build.ts";
import { isTold } from "../../core/fresh.ts";
import { at } from "../../core/lists.ts";
import { isFloat } from "../../core/operator.ts";
import { sizeOf } from "../../core/shapes.ts";
import { is, madeBy, type Value } from "../../core/value.ts";
import { Equal } from "../../ops/comparison.ts";
import { Cast } from "../../ops/dtypes.ts";
import { sizeNumber } from "../../ops/internal/sizes.ts";
import { Expand, Reshape } from "../../ops/movement.ts";
import { ReduceSum } from "../../ops/reduction.ts";
import { rewrite } from "../../transforms/rewrite.ts";
import type { Pass } from "../pass.ts";

export const counts: Pass = {
  name: "counts",
  why: "A mean over an axis of open size divides by a sum of ones, which are made by comparing the array with itself, so that a task axis can be put in front of it. Such a sum stands in every turn of the inner loop, since what is counted moves; but the size does not. As a size it is computed once, before the loop, and so is what is made of it alone.",
  everywhere: false,
  run: (outputs) =>
    rewrite(outputs, (node, [x]) => {
      if (!is(node, ReduceSum) || !x) return undefined;
      const counted = selfCompared(x);
      const [y] = node.outputs;
      if (!counted || !isFloat(y.dtype)) return undefined;
      const sizes = node.attributes.axes.map((axis) => at(x.shape, axis));
      if (sizes.some(isTold)) return undefined;
      const count = sizeOf(sizes);
      const number = typeof count === "number" ? constant(count, [], y.dtype) : Cast(sizeNumber(count), y.dtype);
      return [y.shape.every((dim) => dim === 1) ? Reshape(number, y.shape) : Expand(number, y.shape)];
    }),
};

/** What is compared with itself, where a value is ones made so. */
function selfCompared(value: Value): Value | undefined {
  const [same] = madeBy(value, Cast)?.inputs ?? [];
  const [a, b] = (same && madeBy(same, Equal)?.inputs) ?? [];
  return a === b ? a : undefined;
}
