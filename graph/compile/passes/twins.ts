// A node as it was authored, of whose parts some are computed anyhow because a derivative needs them, is these parts: what it
// has in common with them is computed once.
import { constantOf } from "../../core/build.ts";
import { isAuthored } from "../../core/operator.ts";
import { type Node, operandsOf, type Value } from "../../core/value.ts";
import { inOrder, topological } from "../../core/walk.ts";
import { rewrite } from "../../transforms/rewrite.ts";
import type { Pass } from "../pass.ts";

export const twins: Pass = {
  name: "twins",
  why: "A node of a model that was read stays as its author wrote it. Where a derivative needs some of its parts, both would be computed: the node, and what it is made of. Such a node becomes its parts, so that what they have in common is computed once.",
  everywhere: true,
  run: withoutTwins,
};

/** The same values, no authored node standing beside its own parts. */
function withoutTwins(outputs: readonly Value[]): readonly Value[] {
  const nodes = topological(outputs);
  if (!nodes.some(({ operator }) => isAuthored(operator))) return outputs;
  const present = new Set(nodes);
  const twins = new Set(nodes.filter((node) => isAuthored(node.operator) && hasParts(node, present)));
  if (twins.size === 0) return outputs;
  return rewrite(outputs, (node, inputs, attributes) =>
    twins.has(node) ? node.operator.decompose?.(inputs, attributes) : undefined,
  );
}

/** Whether some of what a node is made of is in a graph: something that is computed, not only moved. */
function hasParts(node: Node, present: ReadonlySet<Node>): boolean {
  const given = new Set(operandsOf(node));
  const inner = inOrder(
    node.operator.decompose?.(node.inputs, node.attributes) ?? [],
    (value) => given.has(value) || constantOf(value) !== undefined,
    operandsOf,
  );
  return inner.some((part) => present.has(part) && part.operator.family !== "movement" && part.inputs.length > 0);
}
