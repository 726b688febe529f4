// The pass `together`, before derivatives are taken: what is computed in the same way of several arrays of rows is computed of all
// their rows at once.

import { inScopeOf } from "../../core/build.ts";
import { at } from "../../core/lists.ts";
import { apply1 } from "../../core/operator.ts";
import { type Attributes, type Inputs, is, type Node, operandsOf, type Value } from "../../core/value.ts";
import { topological } from "../../core/walk.ts";
import { Convolution } from "../../ops/convolution.ts";
import { Concat, cut } from "../../ops/internal/slicing.ts";
import { MatMul } from "../../ops/linear-algebra.ts";
import { Reshape, Transpose } from "../../ops/movement.ts";
import { InverseDeviation, Standardize } from "../../ops/normalization.ts";
import { MaxPooling } from "../../ops/pooling.ts";
import { ReduceSum } from "../../ops/reduction.ts";
import { rewrite } from "../../transforms/rewrite.ts";
import { leftOut } from "../switches.ts";

/** What is told of it beside the passes that go over a finished graph. */
export const togetherPass = {
  name: "together",
  why: "Support and query set of a task go through the same body with the same weights, unless the inner loop moves it. Two runs over few rows take longer than one over all of them, and so do the two backward, whose weight gradients are added. What is the same function of both becomes that function of their rows one below the other, of which each gets its part.",
} as const;

/** A value as a part of one that has the rows of all parts. */
interface Part {
  readonly whole: Value;
  readonly part: number;
}

/**
 * The same values, where what is computed of each of `parts` in the same way is computed of all of them at once.
 * @param parts arrays of rows, all of one type but for their numbers of rows
 */
export function together(outputs: readonly Value[], parts: readonly Value[]): Value[] {
  const sizes = parts.map(({ shape: [rows] }) => rows).filter((rows) => typeof rows === "number");
  if (sizes.length < parts.length || parts.length < 2 || leftOut().includes(togetherPass.name)) return [...outputs];
  const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
  const all = Concat(parts, 0);
  const found = new Map<Value, Part>(parts.map((value, part) => [value, { whole: all, part }]));
  for (const node of topological(outputs)) {
    const of = operandsOf(node).flatMap((value) => found.get(value)?.part ?? []);
    const [part] = of;
    if (part === undefined || of.some((other) => other !== part) || node.outputs.length > 1) continue;
    const attributes = overRows(node, (value) => found.has(value), at(all.shape, 0));
    if (!attributes) continue;
    const inputs = node.inputs.map((value) => (value && found.get(value)?.whole) ?? value);
    found.set(node.outputs[0], { whole: inScopeOf(node, () => apply1(node.operator, inputs, attributes)), part });
  }
  const shared = new Map<Value, Set<number>>();
  for (const { whole, part } of found.values()) shared.set(whole, (shared.get(whole) ?? new Set()).add(part));
  const replaced = new Map<Value, Value>();
  for (const [value, { whole, part }] of found) {
    if (parts.includes(value) || shared.get(whole)?.size !== parts.length) continue;
    const start = at(starts, part);
    replaced.set(
      value,
      inScopeOf(value.node, () => cut(whole, 0, start, start + at(sizes, part))),
    );
  }
  return rewrite(outputs, () => undefined, replaced);
}

/**
 * The attributes of a node for other numbers of rows, where each row of its output comes of the same row of the operands that
 * have rows.
 */
export function overRows(
  node: Node,
  hasRows: (value: Value) => boolean,
  rows: number | string,
): Attributes | undefined {
  const [x, ...others] = operandsOf(node);
  const [y] = node.outputs;
  if (!x || y.rank === 0) return undefined;
  const alone = hasRows(x) && !others.some(hasRows);
  if (is(node, Convolution)) return alone && y.rank === node.attributes.kernel.length + 2 ? node.attributes : undefined;
  if (is(node, MatMul)) return alone && x.rank > 1 && others[0]?.rank === 2 ? node.attributes : undefined;
  if (is(node, Standardize) || is(node, InverseDeviation) || is(node, ReduceSum))
    return node.attributes.axes.includes(0) ? undefined : node.attributes;
  if (is(node, MaxPooling)) return node.attributes;
  if (is(node, Transpose)) return node.attributes.perm[0] === 0 ? node.attributes : undefined;
  if (is(node, Reshape))
    return others.length === 0 && x.shape[0] === y.shape[0] ? { shape: [rows, ...y.shape.slice(1)] } : undefined;
  return isByNumber(node, hasRows) ? node.attributes : undefined;
}

const families: readonly string[] = ["elementwise", "comparison", "activation"];

/** Whether each number of an output is made of the numbers at its place, and operands without rows are the same for all. */
function isByNumber({ operator, inputs, attributes, outputs: [y] }: Node, hasRows: (value: Value) => boolean): boolean {
  if (!families.includes(operator.family) || Object.keys(attributes).length > 0) return false;
  return (inputs as Inputs).every((value) => {
    if (!value) return false;
    return hasRows(value) ? value.rank === y.rank : value.rank < y.rank || value.shape[0] === 1;
  });
}
