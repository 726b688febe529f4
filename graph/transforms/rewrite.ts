// The bottom-up rebuilding of a graph that every rewriting pass goes through.
import { apply, inScopes, reapply } from "../core/build.ts";
import { zip } from "../core/lists.ts";
import { rebuilding } from "../core/told.ts";
import {
  type Attributes,
  type Inputs,
  isBody,
  isSubgraph,
  type Node,
  type Outputs,
  type Subgraph,
  type Value,
} from "../core/value.ts";
import { dependencies, inOrder } from "../core/walk.ts";

/** What a pass makes of a graph inside a node, which is left as it is unless the pass says. */
export type Inside = (graph: Subgraph) => Subgraph;

/** What a pass makes of one node, given its new inputs and attributes, and what values that were visited are by now; undefined leaves the operator as it is. */
export type Visit = (
  node: Node,
  inputs: Inputs,
  attributes: Attributes,
  now: (value: Value) => Value,
) => readonly Value[] | undefined;

/**
 * Rebuilds what `outputs` need, each node after its inputs.
 * @param replaced values that stand for others; nothing behind them is visited
 * @param besides what a node comes after although it does not read it
 */
export function rewrite(
  outputs: readonly Value[],
  visit: Visit,
  replaced: ReadonlyMap<Value, Value> = new Map(),
  inside?: Inside,
  besides?: (node: Node) => readonly Value[],
): Value[] {
  const results = new Map<Value, Value>(replaced);
  const now = (value: Value): Value => results.get(value) ?? value;
  return rebuilding((became) =>
    inScopes((enter) => {
      const needs = besides ? (node: Node) => [...dependencies(node), ...besides(node)] : dependencies;
      for (const node of inOrder(outputs, (value) => replaced.has(value), needs)) {
        const inputs = inputsNow(node.inputs, now);
        const attributes = withSubgraphs(withBodies(node.attributes, now), inside);
        enter(node);
        const made = visit(node, inputs, attributes, now) ?? again(node, inputs, attributes);
        became(node, made);
        if (made === node.outputs) continue;
        zip(node.outputs, made, (output, result) => {
          if (!results.has(output) && result !== output) results.set(output, result);
        });
      }
      return outputs.map(now);
    }),
  );
}

/** Inputs as they are by now; the list itself where they are what they were. */
function inputsNow(inputs: Inputs, now: (value: Value) => Value): Inputs {
  for (const value of inputs) if (value && now(value) !== value) return inputs.map((each) => each && now(each));
  return inputs;
}

/** A node with other inputs and attributes; itself where they are its own. */
export function again(node: Node, inputs: Inputs, attributes: Attributes): Outputs {
  if (attributes !== node.attributes) return apply(node.operator, inputs, attributes);
  return inputs === node.inputs ? node.outputs : reapply(node, inputs);
}

function withBodies(attributes: Attributes, now: (value: Value) => Value): Attributes {
  let changed: Record<string, Attributes[string]> | undefined;
  for (const name in attributes) {
    const attribute = attributes[name];
    if (!isBody(attribute)) continue;
    const results = attribute.results.map(now);
    if (results.every((value, i) => value === attribute.results[i])) continue;
    changed ??= { ...attributes };
    changed[name] = { parameters: attribute.parameters, results };
  }
  return changed ?? attributes;
}

function withSubgraphs(attributes: Attributes, inside: Inside | undefined): Attributes {
  if (!inside) return attributes;
  let changed: Record<string, Attributes[string]> | undefined;
  for (const name in attributes) {
    const attribute = attributes[name];
    if (!isSubgraph(attribute)) continue;
    const graph = inside(attribute);
    if (graph.gives.every((value, i) => value === attribute.gives[i])) continue;
    changed ??= { ...attributes };
    changed[name] = graph;
  }
  return changed ?? attributes;
}
