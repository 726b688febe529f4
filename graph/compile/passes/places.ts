// The pass `places`: an array between two products has its places in the order in which it is made, and a place of zeros where one is read.
import { constant, constantOf } from "../../core/build.ts";
import { at, upTo } from "../../core/lists.ts";
import { likelySize, sameShape, sizeOf } from "../../core/shapes.ts";
import { is, madeBy, type Node, type Value } from "../../core/value.ts";
import { readersIn, topological } from "../../core/walk.ts";
import { lookedUp, reordered } from "../../lowering/interleaved.ts";
import { HardSigmoid } from "../../ops/activation.ts";
import { Mul } from "../../ops/arithmetic.ts";
import { Relu } from "../../ops/functions.ts";
import { Gather } from "../../ops/indexing.ts";
import { appendZero } from "../../ops/internal/slicing.ts";
import { transposeLast } from "../../ops/internal/transpose.ts";
import { MatMul } from "../../ops/linear-algebra.ts";
import { Expand, Reshape } from "../../ops/movement.ts";
import { Concat } from "../../ops/parts.ts";
import { rewrite } from "../../transforms/rewrite.ts";
import type { Pass } from "../pass.ts";

export const places: Pass = {
  name: "places",
  why: "What a strided convolution gives back to its pictures comes in classes of places and is put in the order of the pictures, and what it reads has a place of zeros joined to it, each a walk over a large array. Where the array comes of a product of few numbers a place and goes into another one, its order is nobody's: these few are put in the order of the classes, with a place of zeros among them, and no walk over the array is left. An array that nothing puts in order has its own, with that place.",
  everywhere: false,
  run(outputs) {
    const plans = plansOf(outputs);
    return plans.size === 0 ? outputs : rewrite(outputs, (node, inputs) => plans.get(node)?.(inputs));
  },
};

/** From so many numbers on, a walk over an array costs more than the nodes that save it. */
const large = 1 << 14;

/** So many times fewer numbers than the array has a place are put in order for it, at least. */
const thin = 4;

/** What becomes of a node. */
type Plan = (inputs: Node["inputs"]) => readonly Value[];

/** An array that is put in another order: `[N, places, C]`, and all that is computed of its places one by one. */
interface Region {
  readonly examples: Value["shape"][number];
  readonly size: number;
  readonly channels: number;
  /** For each place of the new order, which one it is; and the other way round. */
  readonly order: readonly number[];
  readonly where: readonly number[];
}

function plansOf(outputs: readonly Value[]): Map<Node, Plan> {
  const nodes = topological(outputs);
  const readers = readersIn(nodes);
  const kept = new Set(outputs);
  const plans = new Map<Node, Plan>();
  const readersOf = (value: Value) => (kept.has(value) ? undefined : (readers.get(value) ?? []));
  // Where two orders meet, the array has the first one; where none is needed, it has its own.
  for (const beginningOf of [reorderedBy, paddedBy])
    for (const node of nodes) {
      const beginning = beginningOf(node);
      if (!beginning || plans.has(node)) continue;
      const found = spread(beginning, readersOf);
      if (found && [...found.keys()].every((one) => !plans.has(one)))
        for (const [one, plan] of found) plans.set(one, plan);
    }
  return plans;
}

/** An array of a region. */
interface Beginning {
  readonly value: Value;
  readonly region: Region;
}

/** What a look-up puts in another order that was joined of parts. */
function reorderedBy(node: Node): Beginning | undefined {
  if (!is(node, Gather)) return undefined;
  const [value] = node.outputs;
  const found = reordered(value);
  if (!found || found.indices.every((index, place) => index === place)) return undefined;
  if (madeBy(found.source, Concat)?.attributes.axis !== 1) return undefined;
  const order = new Array<number>(found.indices.length);
  found.indices.forEach((index, place) => {
    order[index] = place;
  });
  return beginning(value, order, found.indices);
}

/** What a place of zeros is joined to. */
function paddedBy(node: Node): Beginning | undefined {
  const [value] = node.inputs;
  const size = value?.shape[1];
  if (!value || typeof size !== "number" || !isPadded(node, value)) return undefined;
  return beginning(value, upTo(size), upTo(size));
}

function beginning(value: Value, order: readonly number[], where: readonly number[]): Beginning | undefined {
  const [examples, size, channels] = value.shape;
  if (value.rank !== 3 || likelySize(value.shape) < large) return undefined;
  if (examples === undefined || typeof size !== "number" || typeof channels !== "number") return undefined;
  return { value, region: { examples, size, channels, order, where } };
}

/**
 * Goes from an array to all that is computed of the same places.
 * @param readersOf what reads a value; undefined where it is an output
 * @returns undefined where something needs the places as they are
 */
function spread(
  { value: first, region }: Beginning,
  readersOf: (value: Value) => readonly Node[] | undefined,
): Map<Node, Plan> | undefined {
  const plans = new Map<Node, Plan>();
  const inside = new Set<Value>();
  const waiting: Value[] = [];
  const enter = (value: Value): void => {
    if (!inside.has(value)) waiting.push(value);
    inside.add(value);
  };
  enter(first);
  for (let value = waiting.pop(); value; value = waiting.pop()) {
    const maker = makerOf(value, region);
    const readers = readersOf(value);
    if (!maker || !readers) return undefined;
    plans.set(value.node, maker.plan);
    maker.from.forEach(enter);
    for (const reader of readers) {
      const result = reader.outputs[0];
      if (inside.has(result)) continue;
      const own = makerOf(result, region);
      if (own?.from.includes(value)) enter(result);
      else if (!read(reader, value, region, readersOf, plans)) return undefined;
    }
  }
  return [...inside].some(({ node }) => is(node, MatMul)) ? plans : undefined;
}

/** How a value of the region is made anew, and of which others of it. */
function makerOf(value: Value, region: Region): { readonly plan: Plan; readonly from: readonly Value[] } | undefined {
  const { node } = value;
  if (!isOfRegion(value, region)) return undefined;
  if (is(node, Reshape)) {
    const [x] = node.inputs;
    return isOfRegion(x, region) ? { plan: ([now]) => [now!], from: [x] } : undefined;
  }
  if (is(node, Relu)) return { plan: ([x]) => [Relu(x!)], from: node.inputs };
  // What a place of zeros gives here is a number, which meets zeros.
  if (is(node, HardSigmoid)) return { plan: ([x]) => [HardSigmoid(x!, node.attributes)], from: node.inputs };
  if (is(node, Mul)) {
    const alike = node.inputs.every((x) => sameShape(x.shape, value.shape));
    return alike ? { plan: ([a, b]) => [Mul(a!, b!)], from: node.inputs } : undefined;
  }
  if (is(node, MatMul)) {
    const [rows, weights] = node.inputs;
    if (value.rank !== 3 || rows.rank !== 3 || !isThin(at(rows.shape, 2), region)) return undefined;
    return weights.rank > 3 ? undefined : { plan: ([a, b]) => [MatMul(inOrder(a!, region), b!)], from: [] };
  }
  const found = is(node, Gather) && value.rank === 3 ? reordered(value) : undefined;
  if (!found || found.indices.some((index, place) => index !== region.where[place])) return undefined;
  return { plan: ([source]) => [appendZero(source!, 1)], from: [] };
}

/** Plans for what takes a value of the region and gives none. @returns whether it can do without the order of the places */
function read(
  reader: Node,
  value: Value,
  region: Region,
  readersOf: (value: Value) => readonly Node[] | undefined,
  plans: Map<Node, Plan>,
): boolean {
  if (value.rank !== 3) return false;
  if (is(reader, MatMul)) {
    const [left, right] = reader.inputs;
    if (right !== value || left === value || left.rank !== 3 || !isThin(at(left.shape, 1), region)) return false;
    plans.set(reader, ([a, b]) => [MatMul(transposeLast(inOrder(transposeLast(a!), region)), b!)]);
    return true;
  }
  const padded = is(reader, Concat) ? reader.outputs[0] : undefined;
  const looked = padded ? readersOf(padded) : [reader];
  if (padded && !(isPadded(reader, value) && zeroStays(value))) return false;
  if (!looked?.every((node) => is(node, Gather) && lookedUp(node.outputs[0])?.source === node.inputs[0])) return false;
  if (padded) plans.set(reader, ([x]) => [x!]);
  for (const node of looked) {
    const { indices } = lookedUp(node.outputs[0])!;
    const now = indices.map((index) => region.where[index] ?? region.size);
    plans.set(node, ([x]) => [Gather(x!, constant(now, [now.length], "int32"), 1)]);
  }
  return true;
}

/** Whether a node joins one place of zeros to a value. */
function isPadded(node: Node, value: Value): boolean {
  if (!is(node, Concat) || node.attributes.axis !== 1 || node.inputs.length !== 2) return false;
  const [x, more] = node.inputs;
  return x === value && more !== undefined && more.shape[1] === 1 && isZero(more);
}

function isZero(value: Value): boolean {
  const repeated = madeBy(value, Expand);
  if (repeated) return isZero(repeated.inputs[0]);
  return constantOf(value)?.data.every((number) => number === 0) ?? false;
}

/** Whether rows of zeros are made to zeros on the way to a value. */
function zeroStays(value: Value): boolean {
  const [x] = madeBy(value, Reshape)?.inputs ?? madeBy(value, Relu)?.inputs ?? [];
  return x ? zeroStays(x) : is(value.node, MatMul);
}

/** Whether a value has the numbers of a region, `[N, …space, C]`. */
function isOfRegion({ shape }: Value, { examples, size, channels }: Region): boolean {
  return (
    shape.length > 2 &&
    sameShape([at(shape, 0), at(shape, -1)], [examples, channels]) &&
    sizeOf(shape.slice(1, -1)) === size
  );
}

const isThin = (count: unknown, { channels }: Region): boolean => typeof count === "number" && count * thin <= channels;

/** `[N, places, K]` in the order of a region, with a place of zeros behind. */
function inOrder(x: Value, { order, size }: Region): Value {
  const padded = appendZero(x, 1);
  if (order.every((index, place) => index === place)) return padded;
  return Gather(padded, constant([...order, size], [size + 1], "int32"), 1);
}
