// What a run of a model does for sizes that are known: steps, by the turns in which what they compute changes.
import { type DType, sizeOf, type Tensor } from "@innerloop/schemas/bundle";
import type { Kernels } from "../addon.ts";
import type { Graph, Node } from "../read.ts";
import { type Costs, usualCosts } from "./costs.ts";
import { Known } from "./known.ts";
import type { Origins } from "./origins.ts";
import { Pending } from "./pending.ts";
import { refused } from "./refusal.ts";
import type { Access, Step, Store, View } from "./steps.ts";
import { Alike } from "./tables.ts";
import { accessOf, naturalStrides, placesOf, type Shape, together, type Value } from "./views.ts";

export type { Value };

/** Names of a graph, and around it those of the graph that it stands in. */
export class Scope {
  readonly #values = new Map<string, Value>();
  readonly #around: Scope | undefined;
  readonly depth: number;

  constructor(depth: number, around?: Scope) {
    this.depth = depth;
    this.#around = around;
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }

  get(name: string): Value {
    const value = this.#values.get(name) ?? this.#around?.get(name);
    if (value) return value;
    throw refused(`the value "${name}"`);
  }
}

/** What an operator is computed by. What is left out among the inputs is nothing. */
export type Compute = (
  plan: Plan,
  inputs: readonly (Value | undefined)[],
  node: Node,
  scope: Scope,
) => readonly (Value | undefined)[];

export type Operators = Readonly<Record<string, Compute>>;

/** Dtypes whose numbers are held as float32. */
const held: ReadonlySet<DType> = new Set<DType>(["float32", "int32", "int64", "bool"]);
/** Whole numbers up to this one are held exactly. */
export const mostExact = 2 ** 24;
/** Whole numbers from here on say "to the end" and need not be exact. */
const endless = 2 ** 31 - 1;

export class Plan {
  readonly known: Known;
  /** By which passes choose forms. */
  readonly costs: Costs;
  /** Inputs whose numbers each run has. */
  readonly inputs = new Map<string, Store>();
  readonly outputs = new Map<string, View>();
  /** What the plan rests on beside sizes: the largest number of inputs, which tells how many classes there are. */
  readonly largest = new Map<string, number>();
  /** Which nodes stores are of, where that is asked for. */
  readonly origins: Origins | undefined;
  /** The name of the node that is computed. */
  #node = "";
  readonly #operators: Operators;
  readonly #fed = new Map<Store, Tensor>();
  /** By which products look up. */
  readonly tables = new Alike();
  /** Arrays that are written when something reads them one by one. */
  readonly pending = new Pending(this);
  /** By the turns in which they are taken; those of depth 0 have been. */
  readonly #steps: Step[][] = [[], []];

  constructor(kernels: Kernels, operators: Operators, origins?: Origins) {
    this.#operators = operators;
    this.origins = origins;
    this.known = new Known(kernels);
    this.costs = kernels.costs ?? usualCosts();
  }

  get steps(): readonly Step[] {
    return this.#steps[1]!;
  }

  store(size: number, depth: number): Store {
    const store: Store = { size, depth };
    if (depth > 0) this.origins?.set(store, this.#node);
    return store;
  }

  /** A place for an array. */
  room(shape: Shape, dtype: DType, depth: number): Value {
    return { store: this.store(sizeOf(shape), depth), offset: 0, shape, strides: naturalStrides(shape), dtype, depth };
  }

  constant(numbers: ArrayLike<number>, shape: Shape, dtype: DType = "float32"): Value {
    const value = this.room(shape, dtype, 0);
    this.known.of(value.store).set(numbers);
    return value;
  }

  /** An array of the model. */
  tensor(tensor: Tensor): Value {
    const { shape, dtype } = tensor;
    if (!held.has(dtype)) throw refused(`an array of ${dtype}`);
    const store = this.known.given(dtype === "float32" ? tensor : { dtype: "float32", shape, data: asHeld(tensor) });
    return { store, offset: 0, shape, strides: naturalStrides(shape), dtype, depth: 0 };
  }

  /** An input, whose numbers each run has. */
  input(name: string, tensor: Tensor): Value {
    if (!held.has(tensor.dtype)) throw refused(`an array of ${tensor.dtype}`);
    const value = this.room(tensor.shape, tensor.dtype, 1);
    this.inputs.set(name, value.store);
    this.#fed.set(value.store, tensor);
    return value;
  }

  /** Whether it is an input as each run has it. */
  isFed({ store, shape }: Value): boolean {
    return this.#fed.has(store) && sizeOf(shape) === store.size;
  }

  /** The largest whole number of an input, which runs of this plan have in common. */
  largestOf({ store }: Value): number {
    const tensor = this.#fed.get(store);
    const [name] = [...this.inputs].find(([, fed]) => fed === store) ?? [];
    if (!tensor || name === undefined) throw refused("the largest number of what runs compute as a size");
    const most = largest(tensor.data);
    this.largest.set(name, most);
    return most;
  }

  /** The numbers of a value that no run changes. */
  numbers(value: Value): number[] {
    if (value.depth > 0) throw refused("a size or an index that runs compute");
    const all = this.known.of(value.store);
    const places = placesOf(value);
    const numbers = new Array<number>(places.length);
    for (let i = 0; i < numbers.length; i++) numbers[i] = all[places[i]!]!;
    return numbers;
  }

  /** What is done in the turns in which something changes; at once, where nothing does. */
  step(depth: number, step: Step): void {
    if (depth === 0) this.known.run(step);
    else this.#steps[depth]!.push(step);
  }

  /** Steps that are taken in each of some turns. */
  turns(depth: number, make: () => void): readonly Step[] {
    const around = this.#steps[depth];
    const steps: Step[] = [];
    this.#steps[depth] = steps;
    make();
    if (around) this.#steps[depth] = around;
    else this.#steps.length = depth;
    return steps;
  }

  /** A value whose numbers are there to be read, forwards along all axes. */
  real(value: Value): Value {
    const real = this.pending.real(value);
    return real.strides.some((stride) => stride < 0) ? this.written(value) : real;
  }

  /** A value whose numbers are there in their order without gaps. */
  written(value: Value): Value {
    const real = this.pending.real(value);
    if (together(real)) return real;
    const written = this.#written.get(value) ?? this.copied(real);
    this.#written.set(value, written);
    return written;
  }
  readonly #written = new WeakMap<Value, Value>();

  /** A copy in its order without gaps. */
  copied(value: Value): Value {
    const out = this.room(value.shape, value.dtype, value.depth);
    this.copy(value, out);
    return out;
  }

  /** Copies numbers to where another view of the same shape has its own. */
  copy(from: Value, to: Value): void {
    const { shape } = from;
    const reads: Access[] = [accessOf(this.pending.real(from))];
    const writes = [{ ...accessOf(to), register: 0, how: "set" as const }];
    this.step(to.depth, { kind: "chain", shape, reads, code: [], writes });
  }

  /** Computes the nodes of a graph. */
  walk(graph: Graph, scope: Scope): void {
    for (const [name, tensor] of graph.initializers) scope.set(name, this.tensor(tensor));
    for (const node of graph.nodes) {
      const compute = Object.hasOwn(this.#operators, node.operator) ? this.#operators[node.operator] : undefined;
      if (!compute) throw refused(`the operator ${node.operator}`);
      const inputs = node.inputs.map((name) => (name === "" ? undefined : scope.get(name)));
      const around = this.#node;
      this.#node = node.name;
      const results = compute(this, inputs, node, scope);
      this.#node = around;
      node.outputs.forEach((name, i) => {
        if (results[i]) scope.set(name, results[i]);
        else if (name !== "") throw refused(`the output ${i} of ${node.operator}`);
      });
    }
  }
}

/** Whole numbers as they are held. */
function asHeld({ data, dtype }: Tensor): Float32Array {
  const isWhole = dtype === "int32" || dtype === "int64";
  const numbers = new Float32Array(data.length);
  for (let i = 0; i < numbers.length; i++) {
    const number = Number(data[i]);
    numbers[i] = number;
    if (isWhole && numbers[i] !== number && Math.abs(number) < endless) throw refused(`the whole number ${number}`);
  }
  return numbers;
}

export function largest(numbers: ArrayLike<number | bigint>): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < numbers.length; i++) most = Math.max(most, Number(numbers[i]));
  return most;
}

/** Whether a plan is for this very number: how many steps are taken, and the like. */
export const settles = ({ dtype, shape }: Tensor): boolean => dtype === "int64" && shape.length === 0;
