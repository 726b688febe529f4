// A sum over all turns of something that each turn of a repeated body adds to a total, such as the cotangent of weights: one
// product over the stacks where a turn has a product.
import { type Dim, multiplyDims } from "../core/dims.ts";
import { at } from "../core/lists.ts";
import { sameShape } from "../core/shapes.ts";
import { is, madeBy, type Value } from "../core/value.ts";
import { Add } from "../ops/arithmetic.ts";
import { transposeLast } from "../ops/internal/transpose.ts";
import { MatMul } from "../ops/linear-algebra.ts";
import { Expand, Reshape, Transpose } from "../ops/movement.ts";
import { ReduceSum } from "../ops/reduction.ts";

/** Gives values of a turn for all turns at once. */
interface Stacks {
  /** Those that there are: what each is made of may be known of no turn but the one that runs. */
  readonly stacks: ReadonlyMap<Value, Value>;
  all(values: readonly Value[]): readonly { readonly value: Value; readonly varies: boolean }[];
  stack(value: Value): Value;
}

/** Σ over all turns of a value of a turn. */
export function summedOverTurns(value: Value, stacks: Stacks, length: Dim): Value {
  const known = stacks.stacks.get(value);
  if (known) return ReduceSum(known, { axes: [0], keepdims: false });
  const sum = (part: Value): Value => summedOverTurns(part, stacks, length);
  const { node } = value;
  if (is(node, Add)) {
    const [a, b] = node.inputs;
    if (sameShape(a.shape, value.shape) && sameShape(b.shape, value.shape)) return Add(sum(a), sum(b));
  }
  if (is(node, Reshape)) return Reshape(sum(node.inputs[0]), value.shape);
  if (is(node, Transpose)) return Transpose(sum(node.inputs[0]), node.attributes.perm);
  if (is(node, Expand) && sameShape(node.inputs[0].shape, value.shape)) return sum(node.inputs[0]);
  if (is(node, ReduceSum)) {
    const { axes } = node.attributes;
    const inner = stacks.stack(node.inputs[0]);
    return Reshape(ReduceSum(inner, { axes: [0, ...axes.map((axis) => axis + 1)], keepdims: false }), value.shape);
  }
  const product = madeBy(value, MatMul);
  const joined = product && productOverTurns(product.inputs, stacks, length);
  return joined ?? ReduceSum(stacks.stack(value), { axes: [0], keepdims: false });
}

/** Σ of products of matrices, as one product in which the turns are part of the axis that is summed over. */
function productOverTurns([a, b]: readonly [Value, Value], stacks: Stacks, length: Dim): Value | undefined {
  if (a.rank !== 2 || b.rank !== 2) return undefined;
  const turned = stacks.stacks.has(a) ? undefined : madeBy(a, Transpose)?.inputs[0];
  const [left, right] = stacks.all([turned ?? a, b]);
  if (!left?.varies || !right?.varies) return undefined;
  const depth = multiplyDims(length, at(b.shape, 0));
  const rows = at(a.shape, 0);
  const first = turned
    ? transposeLast(Reshape(left.value, [depth, rows]))
    : Reshape(Transpose(left.value, [1, 0, 2]), [rows, depth]);
  return MatMul(first, Reshape(right.value, [depth, at(b.shape, 1)]));
}
