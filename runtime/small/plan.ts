// What a run of a small model does, made ready for sizes that are known: a list of calls over places in one memory. All numbers are float32 there,
// integers and truth values as well, which holds whole numbers up to 2^24.
import { type DType, sizeOf, type Tensor } from "@innerloop/schemas/bundle";
import { type Graph, type Node, refused } from "./file.ts";
import type { Machine } from "./machine.ts";

/** An array in the memory. */
export interface Value {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Where it begins, in bytes. */
  readonly at: number;
  /** In which turns it changes: none (0), those of runs (1), of a loop (2), of a loop in it (3), …. */
  readonly depth: number;
  /** It is the transpose of this matrix, which has not been written. */
  readonly turned?: Value;
}

type Step = () => void;

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

/** Dtypes whose numbers are held as float32. */
const held: ReadonlySet<DType> = new Set<DType>(["float32", "int32", "int64", "bool"]);

/** Places in bytes between arrays: what a row's last vector may spoil. */
const margin = 32;
/** More than this is no small run. */
export const mostBytes = 2 ** 23;

export class Plan {
  readonly machine: Machine;
  /** By the turns in which they run; those of depth 0 have run. */
  readonly #steps: Step[][] = [[], []];
  readonly #from: number;
  #end: number;
  /** Inputs by where they lie. */
  readonly #fed = new Map<number, string>();
  /** What the plan rests on beside sizes: the largest number of inputs, which tells how many classes there are. */
  readonly largest = new Map<string, number>();
  /** What a run computes, in multiplications of products. */
  #work = 0;
  /** Calls of a run. */
  #calls = 0;
  #turns: number[] = [1, 1];

  /** Computes the nodes of a graph. */
  readonly walk: (graph: Graph, scope: Scope) => void;

  /** @param from where there is room */
  constructor(machine: Machine, from: number, walk: (plan: Plan, graph: Graph, scope: Scope) => void) {
    this.machine = machine;
    this.walk = (graph, scope) => walk(this, graph, scope);
    this.#from = from;
    this.#end = from;
  }

  get end(): number {
    return this.#end;
  }

  get steps(): readonly Step[] {
    return this.#steps[1]!;
  }

  /** A place for an array. */
  room(shape: readonly number[], dtype: DType, depth: number): Value {
    const at = this.#end;
    this.#end += Math.ceil((4 * sizeOf(shape) + margin) / 16) * 16;
    if (this.#end - this.#from > mostBytes) throw refused(`a run of more than ${mostBytes} bytes`);
    this.machine.reach(this.#end);
    return { shape, dtype, at, depth };
  }

  known(data: ArrayLike<number>, shape: readonly number[], dtype: DType = "float32"): Value {
    const value = this.room(shape, dtype, 0);
    this.machine.floats.set(data, value.at / 4);
    return value;
  }

  tensor({ data, shape, dtype }: Tensor, depth: number): Value {
    if (!held.has(dtype)) throw refused(`an array of ${dtype}`);
    const value = this.room(shape, dtype, depth);
    this.machine.write(value.at, data);
    return value;
  }

  /** An input, with the numbers that it has now. */
  input(name: string, tensor: Tensor, depth: number): Value {
    const value = this.tensor(tensor, depth);
    this.#fed.set(value.at, name);
    return value;
  }

  /** The largest whole number of an input, which runs of this plan have in common. */
  largestOf({ at, shape }: Value): number {
    const name = this.#fed.get(at);
    if (name === undefined) throw refused("the largest number of what runs compute as a size");
    const most = largest(this.machine.floats.subarray(at / 4, at / 4 + sizeOf(shape)));
    this.largest.set(name, most);
    return most;
  }

  /** What is done in the turns in which something changes; at once, where nothing does. */
  step(depth: number, step: Step): void {
    if (depth === 0) step();
    else {
      this.#calls += this.#turns[depth]!;
      this.#steps[depth]!.push(step);
    }
  }

  /** Counts what a step computes. */
  works(depth: number, multiplications: number): void {
    if (depth > 0) this.#work += multiplications * this.#turns[depth]!;
  }

  /** Multiplications for each call. */
  get density(): number {
    return this.#work / Math.max(1, this.#calls);
  }

  /** The numbers of a value that no run changes. */
  numbers(value: Value): number[] {
    if (value.depth > 0) throw refused("a size or an index that runs compute");
    const { at, shape } = this.written(value);
    return Array.from(this.machine.floats.subarray(at / 4, at / 4 + sizeOf(shape)));
  }

  /** Steps that are taken in each of some turns. */
  turns(count: number, depth: number, make: () => void): readonly Step[] {
    this.#turns[depth] = this.#turns[depth - 1]! * count;
    this.#steps[depth] = [];
    make();
    return this.#steps[depth]!;
  }

  /** A value where it is read number by number. */
  written(value: Value): Value {
    const { turned: from, depth } = value;
    if (!from) return value;
    const known = this.#turnedOnes.get(from);
    if (known) return known;
    const [rows = 0, columns = 0] = from.shape;
    const to = this.room(value.shape, value.dtype, depth);
    this.#turnedOnes.set(from, to);
    const { machine } = this;
    const [whole, wide] = [rows - (rows % 4), columns - (columns % 4)];
    this.step(depth, () => {
      if (whole > 0 && wide > 0) machine.routines.turn!(from.at, to.at, whole / 4, wide / 4, 4 * columns, 4 * rows);
      const { floats } = machine;
      for (let row = 0; row < rows; row++)
        for (let column = row < whole ? wide : 0; column < columns; column++)
          floats[to.at / 4 + column * rows + row] = floats[from.at / 4 + row * columns + column]!;
    });
    return to;
  }
  readonly #turnedOnes = new Map<Value, Value>();
}

/** What an operator is computed by. */
export type Compute = (plan: Plan, inputs: readonly Value[], node: Node, scope: Scope) => readonly Value[];

export function largest(numbers: ArrayLike<number | bigint>): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < numbers.length; i++) most = Math.max(most, Number(numbers[i]));
  return most;
}

export const deepest = (...values: readonly Value[]): number => Math.max(0, ...values.map(({ depth }) => depth));
