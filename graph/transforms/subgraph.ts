// Graphs inside nodes: what a function of some values computes, closed over nothing. What it reads from outside is found here,
// and becomes something that it takes; what depends on none of its parameters is computed outside, once.
import type { DType } from "@innerloop/schemas";
import { apply, constantOf, isInput } from "../core/build.ts";
import { zip } from "../core/lists.ts";
import type { Shape } from "../core/shapes.ts";
import { madeBy, type Node, type One, type Operator, operandsOf, type Subgraph, type Value } from "../core/value.ts";
import { dependents, inOrder } from "../core/walk.ts";
import { rewrite } from "./rewrite.ts";

type Kind = { readonly name: string; readonly dtype: DType; readonly type: Shape };

const parameterOperator: Operator<Kind, readonly [], One> = {
  name: "Parameter",
  family: "graph",
  summary: "What a graph inside a node takes",
  infer: (_, { dtype, type }) => [{ dtype, shape: type }],
};

/** By which the parameters of graphs inside nodes are known. */
const Parameter = { operator: parameterOperator };

/** What a graph takes under a name. Two of one name and one type are the same, so that equal graphs are. */
const parameter = (name: string, { dtype, shape }: Value): Value =>
  apply(parameterOperator, [], { name, dtype, type: shape })[0];

/** The name of what a graph inside a node takes. */
export const nameOfParameter = (value: Value): string => madeBy(value, Parameter)?.attributes.name ?? "taken";

/** A graph that was closed, and the values from outside that it takes after its own. */
export interface Closed {
  readonly graph: Subgraph;
  readonly captured: readonly Value[];
}

/**
 * `results` as a function of `parameters` and of what else they need.
 * @param parameters inputs that were made for this, and the names that they get
 */
export function closed(parameters: readonly Value[], names: readonly string[], results: readonly Value[]): Closed {
  const inside = dependents(results, parameters);
  return close(parameters, names, results, (node) => inside.has(node));
}

/** What was made since a node was, as a function of what was there before, and of inputs. */
export const closedSince = (mark: Node, results: readonly Value[]): Closed =>
  close([], [], results, (node) => node.id > mark.id && !node.outputs.some(isInput));

function close(
  parameters: readonly Value[],
  names: readonly string[],
  results: readonly Value[],
  isInside: (node: Node) => boolean,
): Closed {
  const captured = readFromOutside(results, isInside);
  const replaced = new Map([
    ...zip(parameters, names, (value, name) => [value, parameter(name, value)] as const),
    ...captured.map((value, i) => [value, parameter(`outer${names.length + i}`, value)] as const),
  ]);
  const takes = [...parameters, ...captured].map((value) => replaced.get(value) ?? value);
  return { graph: { takes, gives: rewrite(results, () => undefined, replaced) }, captured };
}

/** The values of nodes outside that are read by those inside, or are results. */
function readFromOutside(results: readonly Value[], isInside: (node: Node) => boolean): Value[] {
  const found = new Set<Value>();
  const outside = (value: Value): boolean => {
    if (isInside(value.node)) return false;
    if (!constantOf(value)) found.add(value);
    return true;
  };
  inOrder(results, outside, operandsOf);
  return [...found];
}

/** What a graph gives for some values. */
export const applied = ({ takes, gives }: Subgraph, values: readonly Value[]): Value[] =>
  rewrite(gives, () => undefined, new Map(zip(takes, values, (taken, value) => [taken, value])));

/** Whether results of a graph depend on some of what it takes: one answer for each result. */
export function dependOn(results: readonly Value[], sources: readonly Value[]): boolean[] {
  const found = dependents(results, sources);
  return results.map((value) => found.has(value.node));
}
