// The pass `sums`: sums of products are taken before their light factors are multiplied in, and a sum over more axes goes on from
// one over fewer.
import { at } from "../../core/lists.ts";
import { likelySize, sameShape } from "../../core/shapes.ts";
import { is, madeBy, type Node, type Value } from "../../core/value.ts";
import { topological } from "../../core/walk.ts";
import { Mul } from "../../ops/arithmetic.ts";
import { StandardizeGradient } from "../../ops/internal/standardize-gradient.ts";
import { Reshape } from "../../ops/movement.ts";
import { ReduceSum } from "../../ops/reduction.ts";
import { rewrite } from "../../transforms/rewrite.ts";
import type { Pass } from "../pass.ts";
import { usesIn } from "../reading.ts";

export const sums: Pass = {
  name: "sums",
  why: "The derivative of a norm with a gain a channel sums the same large arrays several times: over an example with the gain, over all examples without it. Σ c·x is c·Σ x along the axes where c is the same, so that one sum over the places of each channel is all that goes over the array; what is left of each sum goes over a number a channel, and the product with the gain is not needed for it.",
  everywhere: false,
  run: (outputs) => sharedSums(factorsLast(slopesApart(outputs))),
};

/** From so many numbers on, a walk over an array takes longer than the few nodes over its sums that stand for it. */
const large = 1 << 15;

/** The factors of a product that are repeated along some axes, and the rest: products without such factors stay whole. */
function factorsOf(product: Value): { readonly full: Value[]; readonly light: Value[] } {
  const isLight = (value: Value): boolean => !sameShape(value.shape, product.shape);
  const split = (value: Value): { full: Value[]; light: Value[] } => {
    if (isLight(value)) return { full: [], light: [value] };
    const parts = (madeBy(value, Mul)?.inputs ?? []).map(split);
    const light = parts.flatMap((part) => part.light);
    return light.length === 0 ? { full: [value], light } : { full: parts.flatMap((part) => part.full), light };
  };
  return split(product);
}

/** Whether a value is the same all along an axis of something of a rank that it is repeated to. */
function isSameAlong(value: Value, axis: number, rank: number): boolean {
  const own = axis - (rank - value.rank);
  return own < 0 || value.shape[own] === 1;
}

/** Derivatives of norms as their parts, among which the sums are. */
const slopesApart = (outputs: readonly Value[]): Value[] =>
  rewrite(outputs, (node, inputs, attributes) =>
    is(node, StandardizeGradient)
      ? node.operator.decompose?.(inputs as typeof node.inputs, attributes as typeof node.attributes)
      : undefined,
  );

function factorsLast(outputs: readonly Value[]): Value[] {
  const uses = usesIn(outputs);
  return rewrite(outputs, (node, [x]) => {
    if (!is(node, ReduceSum) || !x || likelySize(x.shape) < large) return undefined;
    const { axes } = node.attributes;
    const { full, light } = factorsOf(x);
    const [first, ...more] = full;
    if (!first || light.length === 0) return undefined;
    // The product without its light factors is a new one, which has to be in the place of this one.
    if (more.length > 0 && uses.get(node.inputs[0]) !== 1) return undefined;
    const early = axes.filter((axis) => light.every((factor) => isSameAlong(factor, axis, x.rank)));
    if (early.length === 0) return undefined;
    const sum = ReduceSum(more.reduce<Value>(Mul, first), { axes: early, keepdims: true });
    const scaled = light.reduce<Value>((product, factor) => Mul(product, factor), sum);
    const late = axes.filter((axis) => !early.includes(axis));
    const whole = late.length === 0 ? scaled : ReduceSum(scaled, { axes: late, keepdims: true });
    return [Reshape(whole, node.outputs[0].shape)];
  });
}

function sharedSums(outputs: readonly Value[]): Value[] {
  const found = new Map<Value, Node<{ readonly axes: readonly number[] }>[]>();
  for (const node of topological(outputs))
    if (is(node, ReduceSum) && likelySize(node.inputs[0].shape) >= large)
      found.set(node.inputs[0], [...(found.get(node.inputs[0]) ?? []), node]);
  const inner = new Map<Node, readonly number[]>();
  for (const nodes of found.values())
    for (const node of nodes) {
      const within = nodes
        .map(({ attributes: { axes } }) => axes)
        .filter(
          (axes) =>
            axes.length < node.attributes.axes.length && axes.every((axis) => node.attributes.axes.includes(axis)),
        )
        .sort((a, b) => b.length - a.length);
      if (within[0]) inner.set(node, within[0]);
    }
  return rewrite(outputs, (node, [x]) => {
    const early = inner.get(node);
    if (!early || !x || !is(node, ReduceSum)) return undefined;
    const late = node.attributes.axes.filter((axis) => !early.includes(axis));
    const sum = ReduceSum(ReduceSum(x, { axes: early, keepdims: true }), { axes: late, keepdims: true });
    return [Reshape(sum, at(node.outputs, 0).shape)];
  });
}
