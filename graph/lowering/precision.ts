// Mixed precision: which nodes of a lowered graph compute in float16 (Micikevicius et al. 2018). Products do, and what
// lies between them; sums, everything with a wide range, and all that updates are made of, do not. Values cross over
// by a Cast, which is made when the graph is written.
import { encodeNumbers } from "@innerloop/schemas";
import { constantOf, isInput } from "../core/build.ts";
import { type Shape, sizeOf } from "../core/shapes.ts";
import { is, type Node, operandsOf, type Traits, type Value } from "../core/value.ts";
import { bodiesOf, dependents, topological } from "../core/walk.ts";
import { Cast } from "../ops/dtypes.ts";

/** The largest and the smallest positive number of float16 (IEEE 754 binary16). */
const [largest, smallest] = [65504, 2 ** -24];

/** Whether a node's operator takes part in mixed precision in one of these ways. */
const takesPart = ({ operator }: Node, ...ways: readonly Traits["float16"][]): boolean =>
  operator.traits?.float16 !== undefined && ways.includes(operator.traits.float16);

const isFloat = (value: Value): boolean => value.dtype === "float32";
const fits = (x: number): boolean => x === 0 || (Math.abs(x) <= largest && Math.abs(x) >= smallest);

/** Whether a value that a float16 node gives is a float16 one. */
export const isHalf = (value: Value, halves: ReadonlySet<Node>): boolean =>
  halves.has(value.node) && isFloat(value) && !(takesPart(value.node, "rows") && value.index > 0);

/** What a node reads as numbers; the indices of a Gather are none. */
const operands = (node: Node): readonly Value[] =>
  operandsOf(node).filter((value) => isFloat(value) && !constantOf(value));

/**
 * The nodes that compute in float16.
 * @param outputs of a graph that was lowered; they and the inputs are float32 in any case
 */
export function halfNodes(outputs: readonly Value[]): Set<Node> {
  const nodes = topological(outputs);
  const excluded = loopNodes(nodes);
  const halves = new Set<Node>();
  const flexible = new Set<Node>();
  const isUpdate = outputSizes(outputs);
  for (const node of nodes) {
    if (excluded.has(node) || isInput(node.outputs[0]) || constantOf(node.outputs[0])) continue;
    if (isFlexible(node, flexible)) flexible.add(node);
    else if (isHalfByInputs(node, halves, flexible, isUpdate)) halves.add(node);
  }
  settleByUses(nodes, outputs, halves, (node) => !excluded.has(node) && (flexible.has(node) || canMove(node)));
  return halves;
}

/** Nodes inside loops and the loops themselves, which stay as they are. */
function loopNodes(nodes: readonly Node[]): Set<Node> {
  const bodies = nodes.flatMap(bodiesOf);
  return new Set(bodies.flatMap(({ parameters, results }) => [...dependents(results, parameters)]));
}

/**
 * Tells values that have as many numbers as an output, or as a matrix among the outputs for each task. The outputs of
 * training are gradients or weights, and updates have their sizes; what has the size of a vector for each of some rows is
 * rather what a layer gives.
 */
function outputSizes(outputs: readonly Value[]): (shape: Shape) => boolean {
  const sizes = new Set(outputs.map(({ shape }) => sizeOf(shape)));
  const ofTasks = new Set(outputs.filter(({ rank }) => rank > 1).map(({ shape }) => sizeOf(shape)));
  return (shape) => sizes.has(sizeOf(shape)) || ofTasks.has(sizeOf(shape.slice(1)));
}

/** Numbers made of truth values, which are exact in both precisions. */
function isFlexible(node: Node, flexible: ReadonlySet<Node>): boolean {
  if (is(node, Cast)) return isFloat(node.outputs[0]) && !isFloat(node.inputs[0]);
  if (!takesPart(node, "movement", "range")) return false;
  return isFloat(node.outputs[0]) && operands(node).every((value) => flexible.has(value.node)) && constantsFit(node);
}

const constantsFit = (node: Node): boolean =>
  operandsOf(node).every((value) => !isFloat(value) || (constantOf(value)?.data.every(fits) ?? true));

const canMove = (node: Node): boolean => takesPart(node, "movement") && isFloat(node.outputs[0]);

function isHalfByInputs(
  node: Node,
  halves: ReadonlySet<Node>,
  flexible: ReadonlySet<Node>,
  isUpdate: (shape: Shape) => boolean,
): boolean {
  if (!constantsFit(node)) return false;
  if (takesPart(node, "product")) return operandsOf(node).every(isFloat);
  if (takesPart(node, "rows")) return true;
  if (takesPart(node, "movement")) return operands(node).some((value) => isHalf(value, halves));
  if (!takesPart(node, "range") || isUpdate(node.outputs[0].shape)) return false;
  const deciding = operands(node).filter((value) => !flexible.has(value.node));
  // Something small that is repeated over a float16 value is cast; something of its size decides.
  const size = Math.max(...deciding.map((value) => likely(value.shape)));
  return deciding.length > 0 && deciding.every((value) => isHalf(value, halves) || likely(value.shape) < size);
}

const likely = (shape: Shape): number => {
  const size = sizeOf(shape);
  return typeof size === "number" ? size : Number.POSITIVE_INFINITY;
};

/** What can be either goes by its uses, the last ones first. */
function settleByUses(
  nodes: readonly Node[],
  outputs: readonly Value[],
  halves: Set<Node>,
  free: (node: Node) => boolean,
): void {
  const uses = new Map<Node, Node[]>();
  for (const node of nodes)
    for (const value of operandsOf(node))
      if (isFloat(value)) uses.set(value.node, [...(uses.get(value.node) ?? []), node]);
  const results = new Set(outputs.map((value) => value.node));
  for (const node of [...nodes].reverse()) {
    const users = uses.get(node) ?? [];
    if (users.length === 0 || !node.outputs.every((output) => isFloat(output))) continue;
    if (halves.has(node)) {
      if (takesPart(node, "range", "movement") && users.every((user) => !halves.has(user))) halves.delete(node);
    } else if (free(node) && !results.has(node) && users.every((user) => halves.has(user))) halves.add(node);
  }
}

/** The bits of float16 numbers, rounded to the nearest, ties to even (IEEE 754 binary16). */
export function halfBits(numbers: ArrayLike<number>): Uint16Array {
  return new Uint16Array(encodeNumbers("float16", numbers).buffer);
}
