// Walking a graph: what is needed for some values, in order, and what depends on some.
import { at } from "./lists.ts";
import { type Body, isBody, isSubgraph, type Node, operandsOf, type Value } from "./value.ts";

/** All nodes that `outputs` need, each after those that it needs; nodes inside loop bodies are included. */
export function topological(outputs: readonly Value[], stop: ReadonlySet<Value> = new Set()): Node[] {
  return inOrder(outputs, (value) => stop.has(value), dependencies);
}

/** The same with the nodes of graphs inside nodes. */
export const withInner = (outputs: readonly Value[]): Node[] =>
  topological(outputs).flatMap((node) => [
    node,
    ...Object.values(node.attributes).flatMap((graph) => (isSubgraph(graph) ? withInner(graph.gives) : [])),
  ]);

/** Nodes in the order in which they can be computed, without what lies behind values that `known` accepts. */
export function inOrder(
  outputs: readonly Value[],
  known: (value: Value) => boolean,
  needs: (node: Node) => readonly Value[],
): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  const stack: { node: Node; next: Iterator<Value> }[] = [];
  const visit = (value: Value) => {
    if (known(value) || seen.has(value.node)) return;
    seen.add(value.node);
    stack.push({ node: value.node, next: needs(value.node)[Symbol.iterator]() });
  };
  for (const output of outputs) {
    visit(output);
    while (stack.length > 0) {
      const top = at(stack, -1);
      const { value, done } = top.next.next();
      if (!done) visit(value);
      else {
        stack.pop();
        order.push(top.node);
      }
    }
  }
  return order;
}

/** The bodies of a loop; none of other nodes. */
export const bodiesOf = ({ attributes }: Node): Body[] => Object.values(attributes).filter(isBody);

/** What a node needs: its inputs and, for a loop, what its body reaches. */
export function dependencies(node: Node): readonly Value[] {
  return [...operandsOf(node), ...bodiesOf(node).flatMap(({ parameters, results }) => [...parameters, ...results])];
}

/** The nodes, among those that `outputs` need, that depend on any of `sources` (their own nodes included). */
export function dependents(outputs: readonly Value[], sources: Iterable<Value>): Set<Node> {
  const found = new Set<Node>([...sources].map((value) => value.node));
  for (const node of topological(outputs))
    if (dependencies(node).some((value) => found.has(value.node))) found.add(node);
  return found;
}
