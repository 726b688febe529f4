// Looking up and putting in by index, the largest few and determinants for targets that know less: by blocks, one largest after
// the other, by smaller determinants.
import { constant } from "../core/build.ts";
import { at, upTo } from "../core/lists.ts";
import { isFloat } from "../core/operator.ts";
import type { Value } from "../core/value.ts";
import { Abs, Div, Floor, Mul, Neg, Sign, Sub } from "../ops/arithmetic.ts";
import { Mod } from "../ops/bits.ts";
import { Equal, Where } from "../ops/comparison.ts";
import { Cast } from "../ops/dtypes.ts";
import { Gather, GatherElements, GatherND, Range, ScatterElements, ScatterND } from "../ops/indexing.ts";
import { Det } from "../ops/matrices.ts";
import { Expand, Reshape, Unsqueeze } from "../ops/movement.ts";
import { TopK } from "../ops/ordering.ts";
import { Concat } from "../ops/parts.ts";
import { ArgMax, ReduceSum } from "../ops/reduction.ts";
import { type Lowering, lowering } from "./lower.ts";

/** The whole index of each entry, of which one axis is given. */
function wholeIndices(indices: Value, axis: number): Value {
  const along = indices.shape.map((size, i) => {
    if (i === axis) return Unsqueeze(indices, [-1]);
    const places = Reshape(
      Cast(Range(size), indices.dtype),
      indices.shape.map((_, j) => (j === i ? size : 1)),
    );
    return Unsqueeze(Expand(places, indices.shape), [-1]);
  });
  return Concat(along, -1);
}

const gatherElements = lowering(GatherElements, ([x, indices], { axis }) => [GatherND(x, wholeIndices(indices, axis))]);
const scatterElements = lowering(ScatterElements, ([x, indices, updates], { axis, reduction }) => [
  ScatterND(x, wholeIndices(indices, axis), updates, reduction),
]);

/** Each largest is taken out before the next one is looked for. */
const topK = lowering(TopK, ([x], { k, axis, largest }) => {
  const size = at(x.shape, axis);
  if (typeof k !== "number" || typeof size !== "number" || !isFloat(x.dtype)) return undefined;
  const places = Reshape(
    Range(size),
    x.shape.map((_, i) => (i === axis ? size : 1)),
  );
  let left = largest ? x : Neg(x);
  const chosen = upTo(k).map(() => {
    const best = ArgMax(left, axis, true);
    left = Where(Equal(places, best), Number.NEGATIVE_INFINITY, left);
    return best;
  });
  const [first] = chosen;
  if (!first) return undefined;
  const indices = Concat(chosen, axis);
  return [GatherElements(x, indices, axis), indices];
});

/** The remainder of floats, of the divisor's sign, which ONNX Runtime leaves out. */
export const flooredRemainder = lowering(Mod, ([a, b], { fmod }) =>
  fmod || !isFloat(a.dtype) ? undefined : [Sub(a, Mul(b, Floor(Div(a, b))))],
);

const mod = lowering(Mod, ([a, b], { fmod }) => {
  if (!isFloat(a.dtype)) return undefined;
  const quotient = Div(a, b);
  return [Sub(a, Mul(b, fmod ? Mul(Sign(quotient), Floor(Abs(quotient))) : Floor(quotient)))];
});

/** Along the first row, by what is left without it and a column: matrices that are larger have too many of these. */
const det = lowering(Det, ([x]) => {
  const n = at(x.shape, -1);
  if (typeof n !== "number" || n > 5) return undefined;
  const entry = (column: number) => Gather(row(0), constant(column, [], "int64"), x.rank - 2);
  const row = (i: number) => Gather(x, constant(i, [], "int64"), x.rank - 2);
  if (n === 1) return [entry(0)];
  const below = Gather(x, constant(upTo(n).slice(1), undefined, "int64"), x.rank - 2);
  const minors = upTo(n).map((column) => {
    const others = constant(
      upTo(n).filter((i) => i !== column),
      undefined,
      "int64",
    );
    const part = Mul(entry(column), Det(Gather(below, others, x.rank - 1)));
    return Unsqueeze(column % 2 === 0 ? part : Neg(part), [0]);
  });
  return [ReduceSum(Concat(minors, 0), { axes: [0], keepdims: false })];
});

/** For targets that look up and put in whole blocks only. */
export const indexingAsBlocks: readonly Lowering[] = [gatherElements, scatterElements, topK, mod, det];
