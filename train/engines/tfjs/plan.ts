// The plan of a run: which kernels in which order, what each reads and fills, and which tensors are of no use after it. Made
// once for a graph and the sizes of its inputs. Only what computes is a step: a Reshape is another way to look at a tensor.
import { constantOf, type Dim, isInput, type Node, operandsOf, topological, type Value } from "@innerloop/graph";
import { sizeOf } from "@innerloop/schemas";
import type * as Core from "@tensorflow/tfjs-core";
import { looksOnly, type Sum, sumsOfProducts, transposesOfProducts } from "./absorbed.ts";
import { type Chained, type Chains, chainsOf } from "./chains.ts";
import { type Call, type Device, few, type Place, type Ready, type Shape, type Site, view } from "./kernel.ts";
import { walk, walksChains } from "./kernels/chain.ts";
import { prepare } from "./kernels/index.ts";
import { addsInProducts } from "./kernels/products.ts";
import { sameShape } from "./shapes.ts";

/** Backends count in 32 bits; what is larger would come out wrong, not fail. */
const numbersAtMost = 2 ** 31 - 1;

const noChains: Chains = { chains: new Map(), inside: new Set() };

/** One kernel of a run. */
export interface Step {
  readonly run: Call;
  readonly reads: readonly number[];
  /** The slots of its results. */
  readonly fills: readonly number[];
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
export function planOf(options: PlanOptions): Plan {
  const planner = new Planner(options);
  for (const node of topological(options.outputs)) planner.add(node);
  return planner.finish();
}

class Planner {
  readonly #options: PlanOptions;
  readonly #steps: Omit<Step, "frees">[] = [];
  readonly #start: (Core.Tensor | undefined)[];
  /** The shape in which each slot is held; of a constant there is a slot for each shape in which it is taken. */
  readonly #held: Shape[] = [];
  readonly #slots = new Map<Value, number>();
  readonly #views = new Map<string, number>();
  /** Transposes that products do, and what lies between a product and what is added to it. */
  readonly #absorbed: Set<Value>;
  readonly #sums: ReadonlyMap<Node, Sum>;
  readonly #chains: Chains;

  constructor(options: PlanOptions) {
    const { outputs, inputs, device } = options;
    this.#options = options;
    this.#start = inputs.map(() => undefined);
    for (const value of inputs) this.#slots.set(value, this.#slotFor(this.#sizes(value)));
    const nodes = topological(outputs);
    this.#absorbed = transposesOfProducts(nodes, outputs);
    this.#sums = addsInProducts(device) ? sumsOfProducts(nodes, outputs, (value) => this.#sizes(value)) : new Map();
    this.#chains = walksChains(device) ? chainsOf(nodes, outputs, (value) => this.#sizes(value)) : noChains;
    for (const { passed } of this.#sums.values()) for (const value of passed) this.#absorbed.add(value);
  }

  #sizes(value: Value): number[] {
    return value.shape.map((dim) => this.#options.size(dim));
  }

  #slotFor(shape: Shape, tensor?: Core.Tensor): number {
    if (sizeOf(shape) > numbersAtMost)
      throw new Error(
        `out of memory: a tensor [${shape}] was needed; there are ones of up to ${numbersAtMost} numbers`,
      );
    this.#start[this.#held.length] = tensor;
    return this.#held.push(shape) - 1;
  }

  #once(key: string, make: () => number): number {
    const slot = this.#views.get(key) ?? make();
    this.#views.set(key, slot);
    return slot;
  }

  #reshaped(from: number, shape: Shape): number {
    const slot = this.#slotFor(shape);
    this.#steps.push({ run: view(this.#options.device, shape), reads: [from], fills: [slot] });
    return slot;
  }

  #computed(value: Value): number {
    const slot = this.#slots.get(value);
    if (slot !== undefined) return slot;
    throw new Error(`${value} of ${value.node.operator.name} is read before it is computed.`);
  }

  /** The shape in which a value is found. */
  #heldOf(value: Value): Shape {
    return constantOf(value) ? this.#sizes(value) : (this.#held[this.#computed(value)] ?? this.#sizes(value));
  }

  /** The slot where a value is found in a shape. */
  #slotOf(value: Value, shape: Shape): number {
    if (constantOf(value))
      return this.#once(`${value.node.id}:${shape}`, () => this.#slotFor(shape, this.#options.constant(value, shape)));
    const slot = this.#computed(value);
    if (sameShape(this.#heldOf(value), shape)) return slot;
    return this.#once(`${slot}@${shape}`, () => this.#reshaped(slot, shape));
  }

  #placeOf(value: Value): Place {
    const [source] = this.#absorbed.has(value) ? operandsOf(value.node) : [];
    const shape = this.#sizes(value);
    if (!source) return { value, shape, held: this.#heldOf(value), dtype: value.dtype };
    return { value: source, shape, held: this.#heldOf(source), dtype: value.dtype, transposed: true };
  }

  /** Plans one node, after those that it needs. */
  add(node: Node): void {
    const [output] = node.outputs;
    if (isInput(output) || constantOf(output) || this.#absorbed.has(output)) return;
    if (this.#chains.inside.has(output)) return;
    const chained = this.#chains.chains.get(node);
    if (chained) {
      this.#addChain(node, chained);
      return;
    }
    const shape = this.#sizes(output);
    const [source] = operandsOf(node);
    if (source && looksOnly(node, source, shape, (value) => this.#sizes(value))) {
      this.#slots.set(output, this.#slotOf(source, constantOf(source) ? shape : this.#heldOf(source)));
      return;
    }
    const sum = this.#sums.get(node);
    const { operator, inputs, outputs, attributes } = sum?.product ?? node;
    const [first, ...others] = outputs.map((value) => ({ shape: this.#sizes(value), dtype: value.dtype }));
    if (!first) throw new Error(`${operator.name} gives nothing.`);
    const places = inputs.map((value) => value && this.#placeOf(value));
    const bias = sum && this.#placeOf(sum.bias);
    const site: Site = {
      inputs: places,
      outputs: [first, ...others],
      attributes,
      size: this.#options.size,
      ...(bias ? { bias } : {}),
    };
    const ready = prepare(operator, site, this.#options.device);
    const read = [...places, bias].filter((place) => place !== undefined);
    const reads = read.map(({ value }, i) => this.#slotOf(value, ready.takes[i] ?? this.#sizes(value)));
    this.#push(node, ready, reads);
  }

  /** Operands are taken as they are held. The result is held as one of them is, since what follows is likely to be. */
  #addChain(node: Node, { chain, operands }: Chained): void {
    const shape = this.#sizes(node.outputs[0]);
    const places = operands.map((value) => this.#placeOf(value));
    const like = places.find(({ value, held }) => !constantOf(value) && sizeOf(held) === sizeOf(shape));
    const ready = walk(chain, few(like?.held ?? shape), places, this.#options.device);
    this.#push(
      node,
      ready,
      places.map(({ value, held }) => this.#slotOf(value, held)),
    );
  }

  #push({ outputs }: Node, { gives, run }: Ready, reads: readonly number[]): void {
    const fills = gives.map((shape) => this.#slotFor(shape));
    this.#steps.push({ run, reads, fills });
    outputs.forEach((output, i) => {
      const slot = fills[i];
      if (slot !== undefined) this.#slots.set(output, slot);
    });
  }

  /** The plan, once every node is in it. */
  finish(): Plan {
    const computed = new Set(this.#steps.flatMap(({ fills }) => fills));
    const taken = new Set<number>();
    const results = this.#options.outputs.map((value) => {
      const shape = this.#sizes(value);
      const found = constantOf(value) ? this.#slotOf(value, shape) : this.#computed(value);
      const fits = computed.has(found) && !taken.has(found) && sameShape(this.#held[found] ?? [], shape);
      const slot = fits ? found : this.#reshaped(found, shape);
      taken.add(slot);
      return slot;
    });
    return { steps: withFrees(this.#steps, taken, this.#start), start: this.#start, results };
  }
}

/** Each slot is freed by the last step that reads it, or by the one that fills it in vain. */
function withFrees(
  steps: readonly Omit<Step, "frees">[],
  kept: ReadonlySet<number>,
  start: readonly (Core.Tensor | undefined)[],
): Step[] {
  const seen = new Set<number>(kept);
  const backwards = [...steps].reverse().map((step): Step => {
    const frees = [...new Set([...step.reads, ...step.fills])].filter((slot) => !seen.has(slot) && !start[slot]);
    for (const slot of frees) seen.add(slot);
    return { ...step, frees };
  });
  return backwards.reverse();
}
