// Walking a graph: what is needed for some values, in order, and what depends on some.
import { type Body, isBody, isSubgraph, type Node, type Value } from "./value.ts";

/** All nodes that `outputs` need, each after those that it needs; nodes inside loop bodies are included. */
export function topological(outputs: readonly Value[], stop: ReadonlySet<Value> = new Set()): Node[] {
  return inOrder(outputs, stop.size > 0 ? (value) => stop.has(value) : nothing, dependencies);
}

const nothing = (): boolean => false;

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
  const stack: { readonly node: Node; readonly needed: readonly Value[]; next: number }[] = [];
  const visit = (value: Value) => {
    const { node } = value;
    if (seen.has(node) || known(value)) return;
    seen.add(node);
    stack.push({ node, needed: needs(node), next: 0 });
  };
  for (const output of outputs) {
    visit(output);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const value = top.needed[top.next++];
      if (value) visit(value);
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
export const dependencies = ({ needs }: Node): readonly Value[] => needs;

/** The nodes that need each value, in their order. */
export function readersIn(nodes: readonly Node[]): Map<Value, Node[]> {
  const readers = new Map<Value, Node[]>();
  for (const node of nodes)
    for (const value of dependencies(node)) {
      const known = readers.get(value);
      if (known) known.push(node);
      else readers.set(value, [node]);
    }
  return readers;
}

/** The nodes, among those that `outputs` need, that depend on any of `sources` (their own nodes included). */
export function dependents(outputs: readonly Value[], sources: Iterable<Value>): Set<Node> {
  const found = new Set<Node>([...sources].map((value) => value.node));
  for (const node of topological(outputs))
    if (dependencies(node).some((value) => found.has(value.node))) found.add(node);
  return found;
}
