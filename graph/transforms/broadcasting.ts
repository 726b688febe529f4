// Simplification of operators that broadcast: what was repeated before them need not be, and what was reshaped before them is
// reshaped after them.
import { apply } from "../core/build.ts";
import { broadcastAll, type Shape, sameShape } from "../core/shapes.ts";
import { type Attributes, madeBy, type Node, type Value } from "../core/value.ts";
import { Expand, Reshape } from "../ops/movement.ts";

/** Drops an Expand in front of an operator that broadcasts anyway. */
export function withoutExpands(node: Node, inputs: readonly Value[], attributes: Attributes): Value | undefined {
  const target = broadcastAll(inputs);
  for (const [i, value] of inputs.entries()) {
    const repeated = madeBy(value, Expand);
    if (!repeated) continue;
    const slim = inputs.with(i, repeated.inputs[0]);
    const shape = broadcastAll(slim);
    if (shape && target && sameShape(shape, target)) return apply(node.operator, slim, attributes)[0];
  }
  return undefined;
}

/**
 * An elementwise operator on operands that were all reshaped from one shape, before the reshape instead of after it: where
 * these follow each other, one reshape is left at the end, or none. An operand that was not reshaped may stand beside axes
 * of size 1 that come or go, if it reaches none of them.
 */
export function reshapedLater(node: Node, inputs: readonly Value[], attributes: Attributes): Value | undefined {
  const { shape } = node.outputs[0];
  const operands = inputs.filter((value) => value.rank > 0);
  const sources = operands.flatMap((value) => madeBy(value, Reshape)?.inputs ?? []);
  const [from] = sources;
  if (!from || sources.some((value) => !sameShape(value.shape, from.shape))) return undefined;
  const others = operands.filter((value) => !madeBy(value, Reshape));
  if (!operands.every((value) => others.includes(value) || sameShape(value.shape, shape))) return undefined;
  const kept = sharedTail(from.shape, shape);
  if (others.some((value) => value.rank > kept) || (others.length > 0 && !sameButUnits(from.shape, shape)))
    return undefined;
  const before = inputs.map((value) => (value.rank > 0 ? (madeBy(value, Reshape)?.inputs[0] ?? value) : value));
  return Reshape(apply(node.operator, before, attributes)[0], shape);
}

/** How many of the last axes two shapes have in common. */
function sharedTail(a: Shape, b: Shape): number {
  let count = 0;
  while (count < Math.min(a.length, b.length) && a.at(-1 - count) === b.at(-1 - count)) count++;
  return count;
}

const sameButUnits = (a: Shape, b: Shape): boolean =>
  sameShape(
    a.filter((dim) => dim !== 1),
    b.filter((dim) => dim !== 1),
  );
