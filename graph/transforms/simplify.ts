// Simplification: the same numbers from fewer and cheaper nodes. Equal nodes are one by construction and unused ones
// are never reached; what is left is folding constants and algebra, one rule an operator. As everywhere in this kind of
// work, x · 0 is taken for 0 although it is NaN for infinite x.
import { apply, constantOf } from "../core/build.ts";
import { asConstants } from "../core/evaluate.ts";
import { isAuthored } from "../core/operator.ts";
import { isKnown, sameShape, sizeOf } from "../core/shapes.ts";
import { toldBy } from "../core/told.ts";
import {
  type Attributes,
  type Inputs,
  is,
  isBody,
  isSubgraph,
  type Node,
  operandsOf,
  type Subgraph,
  type Value,
} from "../core/value.ts";
import { Expand } from "../ops/movement.ts";
import { reshapedLater, withoutExpands } from "./broadcasting.ts";
import { again, rewrite } from "./rewrite.ts";
import { rules } from "./rules.ts";

/** Constants up to this many numbers are computed while the graph is built; an Expand says as much in fewer. */
const [largestFold, largestRepeated] = [1 << 17, 4096];

/** Simplifies until nothing changes. */
export function simplify(outputs: readonly Value[]): Value[] {
  let before = [...outputs];
  for (let pass = 0; pass < 8; pass++) {
    const after = rewrite(before, simplifyNode, new Map(), simplifyInside);
    if (after.every((value, i) => value === before[i])) return after;
    before = after;
  }
  return before;
}

/** Graphs inside nodes that were simplified, so that what is nested is gone through once. */
const simplified = new WeakMap<Subgraph, Subgraph>();

function simplifyInside(graph: Subgraph): Subgraph {
  const known = simplified.get(graph);
  if (known) return known;
  const result = { takes: graph.takes, gives: simplify(graph.gives) };
  simplified.set(graph, result);
  simplified.set(result, result);
  return result;
}

/** Nodes that no rule has anything for, in whatever graph they stand: a rule goes by what a node is made of, which stays. */
const settled = new WeakSet<Node>();

function simplifyNode(node: Node, inputs: Inputs, attributes: Attributes): readonly Value[] {
  const same = inputs === node.inputs && attributes === node.attributes;
  if (same && settled.has(node)) return node.outputs;
  const simpler = simplerThan(node, inputs, attributes);
  if (simpler) return simpler;
  const outputs = again(node, inputs, attributes);
  if (sameShape(outputs[0].shape, node.outputs[0].shape)) settled.add(outputs[0].node);
  return outputs;
}

function simplerThan(node: Node, inputs: Inputs, attributes: Attributes): readonly Value[] | undefined {
  const known = folded(node, inputs, attributes);
  if (known) return known;
  const broadcasts = node.operator.traits?.broadcasts === true;
  const value =
    (broadcasts ? withoutExpands(node, operandsOf({ inputs }), attributes) : undefined) ??
    rules.get(node.operator)?.rewrite(inputs, attributes, node.outputs[0]) ??
    (broadcasts ? reshapedLater(node, operandsOf({ inputs }), attributes) : undefined);
  return value && [value];
}

/** A node of constants as constants. */
function folded(node: Node, inputs: Inputs, attributes: Attributes): readonly Value[] | undefined {
  if (inputs.length === 0 || toldBy(node).length > 0) return undefined;
  if (!(node.operator.evaluate || isAuthored(node.operator))) return undefined;
  if (node.operator.traits?.random) return undefined;
  if (inputs.some((value) => value && !constantOf(value))) return undefined;
  if (Object.values(attributes).some((attribute) => isBody(attribute) || isSubgraph(attribute))) return undefined;
  // Of what an authored node was given some may be sizes, which no constant tells where they are open.
  if (Object.values(attributes).some((list) => Array.isArray(list) && list.some((entry) => typeof entry === "string")))
    return undefined;
  const outputs = apply(node.operator, inputs, attributes);
  const most = is(node, Expand) ? largestRepeated : largestFold;
  if (outputs.some(({ shape }) => !isKnown(shape) || sizeOf(shape) > most)) return undefined;
  return asConstants(outputs);
}
