// What of a lowered graph is no step of its own: values that are others seen in another shape, and transposes and biases that
// products take along.
import { is, madeBy, type Node, op, operandsOf, type Value } from "@innerloop/graph";
import { sizeOf } from "@innerloop/schemas";
import { kernelDType, type Shape } from "./kernel.ts";
import { joinBroadcast, sameShape, sizeAt } from "./shapes.ts";

/** Whether a node gives the numbers that it gets, in another shape at most. */
export function looksOnly(node: Node, source: Value, shape: Shape, sizes: (value: Value) => number[]): boolean {
  if (is(node, op.Cast)) return kernelDType(source.dtype) === kernelDType(node.outputs[0].dtype);
  return is(node, op.Reshape) || (is(node, op.Expand) && sameShape(sizes(source), shape));
}

/** Transposes of the last two axes that only products read, which can do that themselves. */
export function transposesOfProducts(nodes: readonly Node[], outputs: readonly Value[]): Set<Value> {
  const found = new Set<Value>();
  for (const node of nodes) {
    if (!is(node, op.Transpose)) continue;
    const { perm } = node.attributes;
    const last = perm.length - 1;
    const swaps = perm.every((from, to) => from === (to === last ? last - 1 : to === last - 1 ? last : to));
    if (swaps) found.add(node.outputs[0]);
  }
  for (const node of nodes) if (!is(node, op.MatMul)) for (const value of operandsOf(node)) found.delete(value);
  for (const value of outputs) found.delete(value);
  return found;
}

/** A product and the bias that is added to it; `passed` are the values in between, which nothing else reads. */
export interface Sum {
  readonly product: Node;
  readonly bias: Value;
  readonly passed: readonly Value[];
}

/** Sums that the product in them can make, by the node that adds. */
export function sumsOfProducts(
  nodes: readonly Node[],
  outputs: readonly Value[],
  sizes: (value: Value) => number[],
): Map<Node, Sum> {
  const uses = new Map<Value, number>();
  for (const value of [...nodes.flatMap(operandsOf), ...outputs]) uses.set(value, (uses.get(value) ?? 0) + 1);
  const found = new Map<Node, Sum>();
  for (const node of nodes) {
    if (!is(node, op.Add)) continue;
    const [a, b] = node.inputs;
    const sum = sumOf(a, b, uses, sizes) ?? sumOf(b, a, uses, sizes);
    if (sum) found.set(node, sum);
  }
  return found;
}

function sumOf(
  value: Value,
  bias: Value,
  uses: ReadonlyMap<Value, number>,
  sizes: (value: Value) => number[],
): Sum | undefined {
  const passed = [value];
  let inside = value;
  for (let shaped = madeBy(inside, op.Reshape); shaped; shaped = madeBy(inside, op.Reshape)) {
    [inside] = shaped.inputs;
    passed.push(inside);
  }
  const product = madeBy(inside, op.MatMul);
  if (!product || passed.some((each) => uses.get(each) !== 1)) return undefined;
  const [whole, shape] = [sizes(inside), sizes(value)];
  const [matrices, width] = [sizeOf(whole.slice(0, -2)), sizeAt(whole, -1)];
  if (sizes(bias).length > shape.length || sizeOf(sizes(bias)) > sizeOf(shape)) return undefined;
  const joined = joinBroadcast(shape, sizes(bias), shape);
  const shared = sameShape(joined.b, [1, width]);
  const perMatrix = matrices > 1 && sameShape(joined.b, [matrices, 1, width]);
  // One factor for all matrices makes them one.
  const batched = sizeOf(sizes(product.inputs[1]).slice(0, -2)) > 1;
  return shared || (perMatrix && batched) ? { product: inside.node, bias, passed } : undefined;
}
