// The plan of a run: which kernels in which order, what each reads and fills, and which tensors are of no use after it. Made
// once for a graph and the sizes of its inputs. Only what computes is a step: a Reshape is another way to look at a tensor.
import { constantOf, type Dim, isInput, type Node, topological, type Value } from "@innerloop/graph";
import type * as Core from "@tensorflow/tfjs-core";
import {
  addsInProducts,
  type Call,
  type Device,
  kernelDType,
  kernels,
  type Place,
  transposesInProducts,
  view,
} from "./tfjs-kernels.ts";
import { joinBroadcast, product, sameShape } from "./tfjs-shapes.ts";

/** Backends count in 32 bits; what is larger would come out wrong, not fail. */
const numbersAtMost = 2 ** 31 - 1;

type Shape = readonly number[];

/** One kernel of a run. */
export interface Step {
  readonly run: Call;
  readonly reads: readonly number[];
  readonly fills: number;
  /** Slots that nothing reads after this. */
  readonly frees: readonly number[];
}

/** What a run walks over. Tensors are in numbered slots; those of inputs come first. */
export interface Plan {
  readonly steps: readonly Step[];
  /** What every run starts from: the constants, in their slots. */
  readonly start: readonly (Core.Tensor | undefined)[];
  /** The slot of each output. It was filled by a step, and no other output has it. */
  readonly results: readonly number[];
}

export interface PlanOptions {
  readonly outputs: readonly Value[];
  readonly inputs: readonly Value[];
  readonly device: Device;
  /** The number that a size stands for. */
  size(dim: Dim): number;
  /** A constant on the device, in a shape. */
  constant(value: Value, shape: Shape): Core.Tensor;
}

/** Makes the plan of a lowered graph. */
export function planOf({ outputs, inputs, device, size, constant }: PlanOptions): Plan {
  const steps: Omit<Step, "frees">[] = [];
  const start: (Core.Tensor | undefined)[] = inputs.map(() => undefined);
  /** The shape in which each slot is held; of a constant there is a slot for each shape in which it is taken. */
  const held: Shape[] = [];
  const slots = new Map<Value, number>();
  const views = new Map<string, number>();
  const sizes = (value: Value): number[] => value.shape.map(size);
  const slotFor = (shape: Shape, tensor?: Core.Tensor): number => {
    if (product(shape) > numbersAtMost)
      throw new Error(
        `out of memory: a tensor [${shape}] was needed; there are ones of up to ${numbersAtMost} numbers`,
      );
    start[held.length] = tensor;
    return held.push(shape) - 1;
  };
  const once = (key: string, make: () => number): number => {
    const slot = views.get(key) ?? make();
    views.set(key, slot);
    return slot;
  };
  const reshaped = (from: number, shape: Shape): number => {
    const fills = slotFor(shape);
    steps.push({ run: view(device, shape), reads: [from], fills });
    return fills;
  };
  /** The slot where a value is found in a shape. */
  const slotOf = (value: Value, shape: Shape): number => {
    if (constantOf(value)) return once(`${value.node.id}:${shape}`, () => slotFor(shape, constant(value, shape)));
    const slot = slots.get(value)!;
    return sameShape(held[slot]!, shape) ? slot : once(`${slot}@${shape}`, () => reshaped(slot, shape));
  };
  for (const value of inputs) slots.set(value, slotFor(sizes(value)));
  const nodes = topological(outputs);
  const absorbed = transposesInProducts(device) ? transposesOfProducts(nodes, outputs) : new Set<Value>();
  const sums = addsInProducts(device) ? sumsOfProducts(nodes, outputs, sizes) : new Map<Node, Sum>();
  for (const { passed } of sums.values()) for (const value of passed) absorbed.add(value);
  const placeOf = (value: Value): Place => {
    const transposed = absorbed.has(value);
    const source = transposed ? value.node.inputs[0]! : value;
    const shape = sizes(value);
    const place = { value: source, shape, held: constantOf(source) ? sizes(source) : held[slots.get(source)!]! };
    return { ...place, dtype: value.dtype, ...(transposed ? { transposed } : {}) };
  };
  for (const node of nodes) {
    const [output] = node.outputs as [Value];
    if (isInput(output) || constantOf(output) || absorbed.has(output)) continue;
    const shape = sizes(output);
    if (looksOnly(node, shape, sizes)) {
      slots.set(
        output,
        slotOf(node.inputs[0]!, constantOf(node.inputs[0]!) ? shape : held[slots.get(node.inputs[0]!)!]!),
      );
      continue;
    }
    const sum = sums.get(node);
    const { operator, inputs, outputs: made, attributes } = sum?.product ?? node;
    const places = inputs.map(placeOf);
    const bias = sum && placeOf(sum.bias);
    const target = { shape: sizes(made[0]!), dtype: output.dtype };
    const site = { inputs: places, output: target, attributes, size, ...(bias ? { bias } : {}) };
    const { takes, gives, run } = kernels[operator.name]!(site, device);
    const reads = [...places, ...(bias ? [bias] : [])].map(({ value }, i) => slotOf(value, takes[i]!));
    const fills = slotFor(gives);
    steps.push({ run, reads, fills });
    slots.set(output, fills);
  }
  const computed = new Set(steps.map(({ fills }) => fills));
  const given = new Set<number>();
  const results = outputs.map((value) => {
    const shape = sizes(value);
    let slot = constantOf(value) ? slotOf(value, shape) : slots.get(value)!;
    if (!computed.has(slot) || given.has(slot) || !sameShape(held[slot]!, shape)) slot = reshaped(slot, shape);
    given.add(slot);
    return slot;
  });
  return { steps: withFrees(steps, given, start), start, results };
}

/** Whether a node gives the numbers that it gets, in another shape at most. */
function looksOnly({ operator, inputs, outputs }: Node, shape: Shape, sizes: (value: Value) => number[]): boolean {
  const [from, to] = [inputs[0]!, outputs[0]!];
  if (operator.name === "Cast") return kernelDType(from.dtype) === kernelDType(to.dtype);
  return operator.name === "Reshape" || (operator.name === "Expand" && sameShape(sizes(from), shape));
}

/** Transposes of the last two axes that only products read, which can do that themselves. */
function transposesOfProducts(nodes: readonly Node[], outputs: readonly Value[]): Set<Value> {
  const found = new Set<Value>();
  for (const { operator, outputs, attributes } of nodes) {
    if (operator.name !== "Transpose" || constantOf(outputs[0]!)) continue;
    const perm = attributes.perm as readonly number[];
    const last = perm.length - 1;
    const swaps = perm.every((from, to) => from === (to === last ? last - 1 : to === last - 1 ? last : to));
    if (swaps) found.add(outputs[0]!);
  }
  for (const { operator, inputs } of nodes)
    if (operator.name !== "MatMul") for (const value of inputs) found.delete(value);
  for (const value of outputs) found.delete(value);
  return found;
}

/** A product and the bias that is added to it; `passed` are the values in between, which nothing else reads. */
interface Sum {
  readonly product: Node;
  readonly bias: Value;
  readonly passed: readonly Value[];
}

/** Sums that the product in them can make, by the node that adds. */
function sumsOfProducts(
  nodes: readonly Node[],
  outputs: readonly Value[],
  sizes: (value: Value) => number[],
): Map<Node, Sum> {
  const uses = new Map<Value, number>();
  for (const value of [...nodes.flatMap(({ inputs }) => inputs), ...outputs])
    uses.set(value, (uses.get(value) ?? 0) + 1);
  const found = new Map<Node, Sum>();
  for (const node of nodes) {
    if (node.operator.name !== "Add") continue;
    const [a, b] = node.inputs as [Value, Value];
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
  while (passed.at(-1)!.node.operator.name === "Reshape") passed.push(passed.at(-1)!.node.inputs[0]!);
  const made = passed.at(-1)!;
  if (made.node.operator.name !== "MatMul" || passed.some((it) => uses.get(it) !== 1)) return undefined;
  const [whole, shape] = [sizes(made), sizes(value)];
  const [matrices, width] = [product(whole.slice(0, -2)), whole.at(-1)!];
  if (product(sizes(bias)) > product(shape)) return undefined;
  const joined = joinBroadcast(shape, sizes(bias), shape);
  const shared = sameShape(joined.b, [1, width]);
  const perMatrix = matrices > 1 && sameShape(joined.b, [matrices, 1, width]);
  // One factor for all matrices makes them one.
  const batched = product(sizes(made.node.inputs[1]!).slice(0, -2)) > 1;
  return shared || (perMatrix && batched) ? { product: made.node, bias, passed } : undefined;
}

/** Each slot is freed by the last step that reads it, or by the one that fills it in vain. */
function withFrees(
  steps: readonly Omit<Step, "frees">[],
  kept: ReadonlySet<number>,
  start: readonly (Core.Tensor | undefined)[],
): Step[] {
  const seen = new Set<number>(kept);
  const backwards = [...steps].reverse().map((step): Step => {
    const frees = [...new Set([...step.reads, step.fills])].filter((slot) => !seen.has(slot) && !start[slot]);
    for (const slot of frees) seen.add(slot);
    return { ...step, frees };
  });
  return backwards.reverse();
}
