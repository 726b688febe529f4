// Elementwise operators that one walk computes: a node and what is made for it alone. Operands may repeat along axes; Reshapes
// between the operators do not matter, since numbers stay in their order.
import { constantOf, type Entry, isInput, type Node, op, operandsOf, type Value } from "@innerloop/graph";
import { sizeOf } from "@innerloop/schemas";
import { looksOnly } from "./absorbed.ts";
import type { Shape } from "./kernel.ts";
import { joinBroadcast } from "./shapes.ts";
import type { Chain, Operation, Read } from "./wasm/chain.ts";

type Sizes = (value: Value) => number[];

const operations: ReadonlyMap<Node["operator"], Operation> = new Map(
  (
    [
      [op.Add, "add"],
      [op.Sub, "subtract"],
      [op.Mul, "multiply"],
      [op.Div, "divide"],
      [op.Min, "smaller"],
      [op.Max, "larger"],
      [op.Neg, "negative"],
      [op.Abs, "absolute"],
      [op.Sqrt, "root"],
      [op.Reciprocal, "reciprocal"],
      [op.Relu, "relu"],
      [op.Positive, "positive"],
      [op.Expand, "same"],
    ] as const
  ).map(([{ operator }, operation]: readonly [Pick<Entry, "operator">, Operation]) => [operator, operation]),
);

/** How an operand lies in what is walked over: the sizes of joined axes, and whether it has numbers of its own along each. */
interface Layout {
  readonly sizes: Shape;
  readonly moves: readonly boolean[];
}

/** A chain, and the values that it reads. */
export interface Chained {
  readonly chain: Chain;
  readonly operands: readonly Value[];
}

/** Chains of more axes, operands or steps than this are cut. */
const atMost = { axes: 4, operands: 10, steps: 24 };

/** Nodes that are computed together, the last one being what others read. */
interface Group {
  readonly last: Node;
  readonly nodes: Set<Node>;
}

/** The chains of a graph by the node that gives their result, and what lies within them and is not computed for itself. */
export interface Chains {
  readonly chains: ReadonlyMap<Node, Chained>;
  readonly inside: ReadonlySet<Value>;
}

/** Finds chains of two operators or more. */
export function chainsOf(nodes: readonly Node[], outputs: readonly Value[], sizes: Sizes): Chains {
  const looks = (node: Node): boolean => {
    const [output] = node.outputs;
    const [source] = operandsOf(node);
    return source !== undefined && !constantOf(output) && looksOnly(node, source, sizes(output), sizes);
  };
  /** The value whose numbers a value has. */
  const behind = (value: Value): Value => {
    const [source] = operandsOf(value.node);
    return source && looks(value.node) ? behind(source) : value;
  };
  const readers = new Map<Value, Set<Node>>();
  for (const node of nodes)
    if (!looks(node))
      for (const value of operandsOf(node).map(behind)) readers.set(value, (readers.get(value) ?? new Set()).add(node));
  const given = new Set(outputs.map(behind));
  const groups = new Map<Node, Group>();
  for (const node of nodes.toReversed()) {
    if (!isStep(node, sizes) || looks(node)) continue;
    const [output] = node.outputs;
    const around = [...(readers.get(output) ?? [])].map((reader) => groups.get(reader));
    const [group] = around;
    const joins =
      group !== undefined &&
      !given.has(output) &&
      around.every((other) => other === group) &&
      sizeOf(sizes(output)) === sizeOf(sizes(group.last.outputs[0]));
    const joined = joins ? { last: group.last, nodes: new Set([...group.nodes, node]) } : undefined;
    if (group && joined && chainOf(joined, behind, sizes)) {
      group.nodes.add(node);
      groups.set(node, group);
    } else groups.set(node, { last: node, nodes: new Set([node]) });
  }
  const chains = new Map<Node, Chained>();
  const inside = new Set<Value>();
  for (const group of new Set(groups.values())) {
    const chained = group.nodes.size > 1 ? chainOf(group, behind, sizes) : undefined;
    if (!chained) continue;
    chains.set(group.last, chained);
    for (const { outputs } of group.nodes) if (outputs[0].node !== group.last) inside.add(outputs[0]);
  }
  for (const node of nodes) if (looks(node) && inside.has(behind(node.outputs[0]))) inside.add(node.outputs[0]);
  return { chains, inside };
}

function isStep({ operator, inputs, outputs: [output] }: Node, sizes: Sizes): boolean {
  const ofFloats = [output, ...inputs].every((value) => value === undefined || isFloat(value));
  return operations.has(operator) && ofFloats && !constantOf(output) && !isInput(output) && sizeOf(sizes(output)) > 0;
}

const isFloat = ({ dtype }: Value): boolean => dtype === "float32" || dtype === "float64";

/** The chain of some nodes; undefined where it would be too long, or would walk in too many ways. */
function chainOf({ last, nodes }: Group, behind: (value: Value) => Value, sizes: Sizes): Chained | undefined {
  const operands: Value[] = [];
  const layouts: Layout[] = [];
  const steps: Chain["steps"][number][] = [];
  const made = new Map<Value, number>();
  const operand = (value: Value, layout: Layout): Read => {
    const number = constantOf(value)?.data.length === 1 ? constantOf(value)?.data[0] : undefined;
    if (number !== undefined) return { kind: "number", value: number };
    const known = operands.findIndex((other, i) => other === value && sameLayout(layouts[i], layout));
    if (known >= 0) return { kind: "operand", index: known };
    layouts.push(layout);
    return { kind: "operand", index: operands.push(value) - 1 };
  };
  const step = (node: Node): number => {
    const [output] = node.outputs;
    const known = made.get(output);
    if (known !== undefined) return known;
    const shape = sizes(output);
    const reads = operandsOf(node).map((value): Read => {
      const source = behind(value);
      return nodes.has(source.node)
        ? { kind: "step", index: step(source.node) }
        : operand(source, layoutOf(sizes(value), shape));
    });
    const index = steps.push({ operation: operations.get(node.operator) ?? "same", reads }) - 1;
    made.set(output, index);
    return index;
  };
  step(last);
  if (steps.length > atMost.steps || operands.length > atMost.operands) return undefined;
  const walked = together([...layouts, { sizes: [sizeOf(sizes(last.outputs[0]))], moves: [true] }]);
  if (!walked || walked.sizes.length > atMost.axes) return undefined;
  return { chain: { sizes: walked.sizes, operands: walked.moves.slice(0, -1), steps }, operands };
}

function layoutOf(own: Shape, whole: Shape): Layout {
  const { a, out } = joinBroadcast(own, whole, whole);
  return out.length > 0
    ? { sizes: out, moves: a.map((size, axis) => size === out[axis]) }
    : { sizes: [1], moves: [true] };
}

const sameLayout = (a: Layout | undefined, b: Layout): boolean =>
  a?.sizes.join() === b.sizes.join() && a.moves.join() === b.moves.join();

/** How many numbers lie within each axis and those after it, and how many within those after it. */
const spans = (sizes: Shape): { readonly outer: number; readonly inner: number }[] =>
  sizes.map((_, axis) => ({ outer: sizeOf(sizes.slice(axis)), inner: sizeOf(sizes.slice(axis + 1)) }));

/** The fewest axes that suit several layouts of as many numbers; undefined where some would cut across others. */
function together(
  layouts: readonly Layout[],
): { readonly sizes: number[]; readonly moves: readonly (readonly boolean[])[] } | undefined {
  const cuts = [...new Set([1, ...layouts.flatMap(({ sizes }) => spans(sizes).map(({ outer }) => outer))])];
  cuts.sort((a, b) => b - a);
  const axes = cuts.slice(0, -1).map((outer, i) => ({ outer, inner: cuts[i + 1] ?? 1 }));
  if (axes.some(({ outer, inner }) => outer % inner !== 0)) return undefined;
  const moves = layouts.map(({ sizes, moves }) => {
    const own = spans(sizes);
    return axes.map(({ outer, inner }) => moves[own.findIndex((axis) => axis.inner <= inner && outer <= axis.outer)]);
  });
  // Neighbouring axes along which all do the same are one.
  const joined: number[] = [];
  const kept: number[] = [];
  axes.forEach(({ outer, inner }, axis) => {
    const alike = axis > 0 && moves.every((each) => each[axis] === each[axis - 1]);
    if (!alike) kept.push(axis);
    joined.push((alike ? (joined.pop() ?? 1) : 1) * (outer / inner));
  });
  if (joined.length === 0) return { sizes: [1], moves: layouts.map(() => [true]) };
  return { sizes: joined, moves: moves.map((each) => kept.map((axis) => each[axis] === true)) };
}
