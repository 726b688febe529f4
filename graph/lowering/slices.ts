// ONNX Slice over several axes with steps, in one pass over memory. Only lowering makes it.
import { at } from "../core/lists.ts";
import { apply1 } from "../core/operator.ts";
import type { One, Operator, Value } from "../core/value.ts";

type Cuts = {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly axes: readonly number[];
  readonly steps: readonly number[];
};

const slices: Operator<Cuts, One, One> = {
  name: "Slices",
  family: "movement",
  summary: "cut out of several axes, with steps",
  writtenAs: "Slice",
  infer([x], { starts, ends, axes, steps }) {
    const shape = [...x.shape];
    axes.forEach((axis, i) => {
      const end = at(ends, i);
      // Counted from the end, where a step back is to reach the first place.
      const stop = end < 0 ? end + Number(at(shape, axis)) : end;
      shape[axis] = Math.ceil((stop - at(starts, i)) / at(steps, i));
    });
    return [{ dtype: x.dtype, shape }];
  },
};

/** By which its nodes are known. */
export const LoweredSlices = { operator: slices };

/** What lies between places of some axes, going by steps; the places are known to be there. */
export const cutSteps = (x: Value, cuts: Cuts): Value => apply1(slices, [x], cuts);

/** The last place of some axes first; their sizes are known. */
export function reversed(x: Value, axes: readonly number[]): Value {
  const sizes = axes.map((axis) => Number(at(x.shape, axis)));
  const [starts, ends] = [sizes.map((size) => size - 1), sizes.map((size) => -size - 1)];
  return cutSteps(x, { starts, ends, axes, steps: axes.map(() => -1) });
}
