// The pass `grams`, before derivatives are taken: a norm of a convolution of few channels is part of that convolution.
import { constant, constantOf, inScopeOf } from "../../core/build.ts";
import { at, upTo } from "../../core/lists.ts";
import { likelySize, sizeOf } from "../../core/shapes.ts";
import { is, madeBy, type Node, type Value } from "../../core/value.ts";
import { topological } from "../../core/walk.ts";
import type { Window } from "../../core/windows.ts";
import { Add, Mul, Neg, Sub } from "../../ops/arithmetic.ts";
import { Conv, Convolution } from "../../ops/convolution.ts";
import { Reciprocal, Sqrt } from "../../ops/functions.ts";
import { transposeLast } from "../../ops/internal/transpose.ts";
import { MatMul } from "../../ops/linear-algebra.ts";
import { Expand, Reshape, Transpose } from "../../ops/movement.ts";
import { Standardize } from "../../ops/normalization.ts";
import { Concat } from "../../ops/parts.ts";
import { ReduceMean } from "../../ops/reduction.ts";
import { rewrite } from "../../transforms/rewrite.ts";
import { usesIn } from "../reading.ts";
import { leftOut } from "../switches.ts";

/** What is told of it beside the passes that go over a finished graph. */
export const gramsPass = {
  name: "grams",
  why: "A convolution of one channel makes 64 numbers of the nine that a place reads, and a norm goes over the 64 several times, forward and back. But mean and variance of what is linear in nine numbers follow from the means and products of these nine (their Gram matrix), which are a seventh of the array and the same whatever the weights are. So deviation, gain and bias are multiplied into weights of each example, one product makes what the norm gives, and backward one product gives all that its derivative needs.",
} as const;

/** The norm of a convolution with its gain and its bias. */
interface Normed {
  readonly x: Value;
  readonly w: Value;
  readonly convolution: Node;
  readonly window: Window;
  readonly gain: Value;
  readonly bias: Value;
  readonly epsilon: number;
}

/** So many times fewer numbers than a place has filters are read there, and so many times fewer than an example has places. */
const thin = 4;

/**
 * From so many numbers on, walks over an array cost more than the nodes that save them: where derivatives are taken, where turns compute
 * the array again and again, before which most of these nodes are computed once, and where it is computed and no more.
 */
const large = { differentiated: 1 << 17, turns: 1 << 14, answers: 1 << 16 };

/**
 * The same values, where convolutions of data and their norms over whole examples are one product.
 * @param data what no derivative is taken for
 * @param use what becomes of the values
 */
export function grams(
  outputs: readonly Value[],
  data: readonly Value[],
  use: keyof typeof large = "differentiated",
): Value[] {
  if (leftOut().includes(gramsPass.name)) return [...outputs];
  const isData = ofData(data);
  const uses = usesIn(outputs);
  // Where a derivative reads what lies in between, it would be computed all the same.
  const once = (value: Value): boolean => uses.get(value) === 1;
  const found = new Map<Node, Normed>();
  for (const node of topological(outputs)) {
    const normed = is(node, Add) ? normedBy(node.inputs, isData, once, large[use]) : undefined;
    if (normed) found.set(node, normed);
  }
  if (found.size === 0) return [...outputs];
  return rewrite(outputs, (node, _inputs, _attributes, now) => {
    const normed = found.get(node);
    return normed && [inScopeOf(normed.convolution, () => asProduct(normed, now, node.outputs[0]))];
  });
}

/** Tells what is made of data and constants alone. */
function ofData(data: readonly Value[]): (value: Value) => boolean {
  const known = new Map<Node, boolean>();
  const nodes = new Set(data.map(({ node }) => node));
  const isOne = (node: Node): boolean => {
    const before = known.get(node);
    if (before !== undefined) return before;
    const result =
      nodes.has(node) ||
      constantOf(node.outputs[0]) !== undefined ||
      (node.inputs.length > 0 && node.inputs.every((value) => value === undefined || isOne(value.node)));
    known.set(node, result);
    return result;
  };
  return ({ node }) => isOne(node);
}

function normedBy(
  sides: readonly [Value, Value],
  isData: (value: Value) => boolean,
  once: (value: Value) => boolean,
  least: number,
): Normed | undefined {
  for (const [product, bias] of [sides, sides.toReversed()] as [Value, Value][]) {
    const factors = madeBy(product, Mul)?.inputs;
    if (!factors) continue;
    for (const [value, gain] of [factors, factors.toReversed()] as [Value, Value][]) {
      const norm = madeBy(value, Standardize);
      const convolution = norm && madeBy(norm.inputs[0], Convolution);
      if (!convolution || gain.rank !== 1 || bias.rank !== 1) continue;
      if (![product, value, convolution.outputs[0]].every(once)) continue;
      const { kernel, groups } = convolution.attributes;
      const [y] = convolution.outputs;
      const [x, w] = convolution.inputs;
      const { axes, epsilon } = norm.attributes;
      if (groups !== 1 || y.rank !== kernel.length + 2 || axes.join() !== upTo(y.rank).slice(1).join()) continue;
      const reads = Number(sizeOf(w.shape.slice(0, -1)));
      const [filters, places] = [Number(at(w.shape, -1)), Number(sizeOf(y.shape.slice(1, -1)))];
      // Sizes that are not known are no numbers, and compare as false.
      if (!(reads * thin <= filters && reads * thin <= places && likelySize(y.shape) >= least)) continue;
      if (isData(x)) return { x, w, convolution, window: convolution.attributes, gain, bias, epsilon };
    }
  }
  return undefined;
}

function asProduct(normed: Normed, now: (value: Value) => Value, { shape }: Value): Value {
  const [x, w, gain, bias] = [now(normed.x), now(normed.w), now(normed.gain), now(normed.bias)];
  const { kernel, strides, dilations, before, after } = normed.window;
  const examples = at(shape, 0);
  const filters = at(shape, -1);
  const places = Number(sizeOf(shape.slice(1, -1)));
  const reads = Number(sizeOf(w.shape.slice(0, -1)));
  const channels = at(x.shape, -1);
  const spatial = kernel.length;
  // What each place reads, `[examples, reads, places]`: a convolution with a filter for each number that is read.
  const first = Transpose(x, [0, spatial + 1, ...upTo(spatial).map((i) => i + 1)]);
  const taps = Number(sizeOf(kernel));
  const each = upTo(reads).flatMap((row) =>
    upTo(Number(channels)).flatMap((c) => upTo(taps).map((tap) => (row === tap * Number(channels) + c ? 1 : 0))),
  );
  const filtersOfOne = constant(each, [reads, Number(channels), ...kernel], x.dtype);
  const window = { strides, dilations, pads: [...before, ...after] };
  const read = Reshape(Conv(first, filtersOfOne, undefined, window), [examples, reads, places]);
  const means = ReduceMean(read, { axes: [2] });
  const centred = Sub(read, means);
  const gram = Reshape(Mul(MatMul(centred, transposeLast(centred)), 1 / places), [examples, reads * reads]);
  const weights = Reshape(w, [reads, filters]);
  const squares = Reshape(MatMul(weights, transposeLast(weights)), [reads * reads, 1]);
  // The variance within each filter, all of them together, and that of their means.
  const within = Mul(MatMul(gram, squares), 1 / Number(filters));
  const filterMeans = MatMul(Reshape(means, [examples, reads]), weights);
  const mean = ReduceMean(filterMeans, { axes: [1] });
  const away = Sub(filterMeans, mean);
  const variance = Add(within, ReduceMean(Mul(away, away), { axes: [1] }));
  const scale = Reshape(Reciprocal(Sqrt(Add(variance, normed.epsilon))), [examples, 1, 1]);
  const scaled = Mul(Reshape(Mul(weights, gain), [1, reads, filters]), scale);
  const shift = Add(Mul(Reshape(Mul(Neg(mean), gain), [examples, 1, filters]), scale), bias);
  const ones = Expand(constant(1, [1, 1, 1], x.dtype), [examples, 1, places]);
  const rows = transposeLast(Concat([read, ones], 1));
  return Reshape(MatMul(rows, Concat([scaled, shift], 1)), shape);
}
