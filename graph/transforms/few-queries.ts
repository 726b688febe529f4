// Keys and values of few queries: `q · (x·W)ᵀ` is `(q·Wᵀ) · xᵀ`, and `p · (x·W)` is `(p·x) · W`. Where one token of a layer asks, neither keys nor values of all
// tokens are multiplied out, and derivatives that are taken afterwards do the same.
import { usesIn } from "../compile/reading.ts";
import { type Dim, multiplyDims } from "../core/dims.ts";
import { at, upTo } from "../core/lists.ts";
import { likelySize, type Shape, sameShape, sizeOf } from "../core/shapes.ts";
import { is, madeBy, type Node, type Value } from "../core/value.ts";
import { Softmax } from "../ops/activation.ts";
import { Add, Mul } from "../ops/arithmetic.ts";
import { transposeLast } from "../ops/internal/transpose.ts";
import { MatMul } from "../ops/linear-algebra.ts";
import { Reshape, Transpose } from "../ops/movement.ts";
import { ReduceSum } from "../ops/reduction.ts";
import { rewrite } from "./rewrite.ts";

/** What heads ask: `x · w + bias`, of which each head has its columns. */
interface Asked {
  readonly x: Value;
  readonly w: Value;
  readonly bias: Value | undefined;
  /** Axes before those of tokens, heads and columns of a head. */
  readonly lead: Shape;
  readonly tokens: Dim;
  readonly heads: Dim;
  readonly columns: Dim;
  /** Whether it stands turned, as keys do. */
  readonly turned: boolean;
}

/**
 * The same values, where few queries ask.
 * @param leaves values that stay as they are, and that nothing behind is looked at
 */
export function fewQueries(outputs: readonly Value[], leaves: ReadonlySet<Value>): readonly Value[] {
  const uses = usesIn(outputs);
  const isInner = (value: Value): boolean => uses.get(value) === 1 && !leaves.has(value);
  return rewrite(
    outputs,
    (node, [a], _attributes, now) => {
      const asked = is(node, MatMul) ? askedBy(node, isInner) : undefined;
      if (!a || !asked || !pays(a, asked)) return undefined;
      const { x, w, bias } = asked;
      return [answered(a, { ...asked, x: now(x), w: now(w), bias: bias && now(bias) })];
    },
    new Map([...leaves].map((value) => [value, value])),
  );
}

/** What the right factor of a product is, where nothing else reads it. */
function askedBy(node: Node, isInner: (value: Value) => boolean): Asked | undefined {
  const [a, right] = node.inputs;
  if (!a || !right || right.rank < 3) return undefined;
  let value = right;
  let order = upTo(value.rank);
  for (let made = madeBy(value, Transpose); made && isInner(value); made = madeBy(value, Transpose)) {
    const { perm } = made.attributes;
    order = order.map((axis) => at(perm, axis));
    [value] = made.inputs;
  }
  const { shape } = value;
  for (let made = madeBy(value, Reshape); made && isInner(value); made = madeBy(value, Reshape)) [value] = made.inputs;
  const product = isInner(value) ? productOf(value, isInner) : undefined;
  if (!product) return undefined;
  const lead = shape.slice(0, -3);
  const [tokens, heads, columns] = shape.slice(-3) as [Dim, Dim, Dim];
  const first = lead.length;
  const way = order.map((axis, i) => (i < first ? axis === i : axis - first)).join();
  const ahead = upTo(first).map(() => true);
  const turned = way === [...ahead, 1, 2, 0].join();
  if (!turned && way !== [...ahead, 1, 0, 2].join()) return undefined;
  if (at(value.shape, -1) !== multiplyDims(heads, columns)) return undefined;
  if (!sameShape(a.shape.slice(0, -2), right.shape.slice(0, -2))) return undefined;
  return { ...product, lead, tokens, heads, columns, turned };
}

function productOf(value: Value, isInner: (value: Value) => boolean): Pick<Asked, "x" | "w" | "bias"> | undefined {
  const sum = madeBy(value, Add)?.inputs;
  for (const [product, bias] of sum ? [sum, [sum[1], sum[0]] as const] : [[value, undefined] as const]) {
    const [x, w] = (product === value || isInner(product) ? madeBy(product, MatMul)?.inputs : undefined) ?? [];
    if (x && w?.rank === 2 && (!bias || (bias.rank === 1 && bias.shape[0] === w.shape[1]))) return { x, w, bias };
  }
  return undefined;
}

/** So many operations of a product take the time of a number that is moved, and so many numbers that of the nodes there are more. */
const [multiplied, moved] = [64, 40_960];

/** Whether what is multiplied out takes longer than to read weights and tokens once for all queries. */
function pays(a: Value, { x, w, lead, tokens, heads, columns }: Asked): boolean {
  const [all, weights] = [likelySize(x.shape), likelySize(w.shape)];
  const rows = likelySize([...lead, tokens]);
  const queries = likelySize([...lead, heads, at(a.shape, -2)]);
  const [depth, each] = [likelySize([at(w.shape, 0)]), likelySize([columns])];
  const before = (2 * all * likelySize([at(w.shape, 1)])) / multiplied + rows * each * likelySize([heads]);
  const more = queries * depth * (each + likelySize([tokens]));
  return moved + weights + all + queries * depth + (2 * more) / multiplied < before;
}

function answered(a: Value, { x, w, bias, lead, tokens, heads, columns, turned }: Asked): Value {
  const first = lead.length;
  const [asking, depth] = [at(a.shape, -2), at(w.shape, 0)];
  const axes = upTo(first);
  const rows = multiplyDims(sizeOf(lead), asking);
  // Of each head one matrix, with what all examples ask.
  const byHeads = (value: Value): Value =>
    Reshape(Transpose(value, [first, ...axes, first + 1, first + 2]), [heads, rows, at(value.shape, -1)]);
  const byExamples = (value: Value): Value =>
    Transpose(Reshape(value, [heads, ...lead, asking, at(value.shape, -1)]), [
      ...axes.map((axis) => axis + 1),
      ...[0, first + 1, first + 2],
    ]);
  // And of each example one, with what all heads ask.
  const joined = (value: Value): Value => Reshape(value, [...lead, multiplyDims(heads, asking), at(value.shape, -1)]);
  const apart = (value: Value): Value => Reshape(value, [...lead, heads, asking, at(value.shape, -1)]);
  const all = Reshape(x, [...lead, tokens, depth]);
  const weights = Reshape(w, [depth, heads, columns]);
  if (turned) {
    const queries = byHeads(a);
    const through = byExamples(MatMul(queries, Transpose(weights, [1, 2, 0])));
    const scores = apart(MatMul(joined(through), transposeLast(all)));
    return bias ? Add(scores, byExamples(MatMul(queries, Reshape(bias, [heads, columns, 1])))) : scores;
  }
  const weighed = byHeads(apart(MatMul(joined(a), all)));
  const result = byExamples(MatMul(weighed, Transpose(weights, [1, 0, 2])));
  if (!bias) return result;
  const own = Reshape(bias, [heads, 1, columns]);
  // Shares of a whole are one together.
  const isWhole = madeBy(a, Softmax)?.attributes.axis === a.rank - 1;
  return Add(result, isWhole ? own : Mul(ReduceSum(a, { axes: [a.rank - 1] }), own));
}
