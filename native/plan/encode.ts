// Steps as the words that kernels take: what they are is in source/words.md.

import { movesOf } from "./moving.ts";
import { refused } from "./refusal.ts";
import {
  type Access,
  accessesOf,
  type Call,
  type Chain,
  functions,
  type Points,
  type Product,
  type Step,
  type Store,
  type Turns,
  type Windows,
} from "./steps.ts";

/** Codes of instructions. */
export const codes = {
  product: 1,
  chain: 2,
  norm: 3,
  rowwise: 4,
  rows: 5,
  move: 6,
  turns: 7,
  windows: 8,
  points: 9,
  scatter: 10,
} as const;

const functionNumbers = new Map(Object.keys(functions).map((name, i) => [name, i]));
const hows = { set: 0, sum: 1, max: 2, min: 3 } as const;
const rowwises = { softmax: 0, logSoftmax: 1, argmax: 2 } as const;
const productFlags = { added: 1, relu: 2, rows: 4, columns: 8 } as const;
const windowed = { sums: 0, weights: 1, maxima: 2, back: 3 } as const;
const pointed = { points: 0, places: 1 } as const;
const adding = 2;
const none = -1;
/** And for zeros that are there. */
const cleared = -2;
/** Words that are given as arguments of one call. */
const mostAtOnce = 4096;
/** Axes that a chain may have. */
const mostAxes = 8;

/** What the numbers that a reduction has begun with. */
const beginnings = { sum: 0, max: Number.NEGATIVE_INFINITY, min: Number.POSITIVE_INFINITY } as const;

/**
 * @param at where a store lies, in numbers
 * @param table where a table lies, in numbers
 * @param made gets the step of each instruction, in the order of the words, but for turns
 */
export function encoded(
  steps: readonly Step[],
  at: (store: Store) => number,
  table: (numbers: Int32Array) => number,
  made?: Step[],
): Int32Array {
  return new Int32Array(new Encoder(at, table, made).words(steps));
}

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);
const bitsOf = (number: number): number => {
  float[0] = number;
  return bits[0]!;
};

/** Axes of a chain or of a batch, outermost first, with the distances of every access along each. */
interface Axes {
  readonly sizes: number[];
  /** Of each access. */
  readonly strides: number[][];
}

/** A word to which something is added in each of some turns. */
interface Shift {
  readonly at: number;
  readonly turn: Store;
  readonly by: number;
}

class Encoder {
  readonly #at: (store: Store) => number;
  readonly #table: (numbers: Int32Array) => number;
  /** Turns that are written out. */
  readonly #apart = new Set<Store>();
  /** Words that are others in each turn. */
  #shifts: Shift[] = [];
  readonly #made: Step[] | undefined;

  constructor(at: (store: Store) => number, table: (numbers: Int32Array) => number, made?: Step[]) {
    this.#at = at;
    this.#table = table;
    this.#made = made;
  }

  words(steps: readonly Step[]): number[] {
    const words: number[] = [];
    for (const step of steps) this.#step(words, step);
    return words;
  }

  #turns(words: number[], { count, turn, body }: Turns): void {
    const around = this.#shifts;
    this.#shifts = [];
    const apart = differs(body, turn);
    if (apart) this.#apart.add(turn);
    const begin = this.#made?.length;
    const once = this.words(body);
    const made = this.#made?.splice(begin!) ?? [];
    const shifts = this.#shifts;
    this.#shifts = around;
    const own = shifts.filter((shift) => shift.turn === turn);
    const append = (): void => {
      for (const shift of shifts) if (shift.turn !== turn) this.#shifts.push({ ...shift, at: words.length + shift.at });
      for (let from = 0; from < once.length; from += mostAtOnce) words.push(...once.slice(from, from + mostAtOnce));
      this.#made?.push(...made);
    };
    if (!apart) {
      words.push(codes.turns, once.length + 5, count, this.#at(turn), once.length);
      append();
      return;
    }
    // Turns that differ in their places are written out.
    const told = any(body, ({ store }) => store === turn);
    for (let i = 0; i < count; i++) {
      if (told) this.#step(words, number(turn, i));
      append();
      for (const { at, by } of own) once[at]! += by;
    }
  }

  #step(words: number[], step: Step): void {
    if (step.kind === "turns") {
      if (!empty(step)) this.#turns(words, step);
      return;
    }
    const begin = words.length;
    words.push(codes[step.kind], 0);
    if (step.kind === "chain") {
      if (step.shape.includes(0)) {
        words.length = begin;
        for (const fill of fills(step)) this.#step(words, fill);
        return;
      }
      this.#chain(words, step);
    } else if (empty(step)) {
      words.length = begin;
      return;
    } else if (step.kind === "product") this.#product(words, step);
    else if (step.kind === "norm") {
      const { rows, size, epsilon, from, gain, bias, gainRows, out, mean, inverse } = step;
      words.push(rows, size, bitsOf(epsilon));
      this.#places(words, from, gain, bias);
      words.push(gainRows);
      this.#places(words, out, mean, inverse);
    } else if (step.kind === "rowwise") {
      words.push(rowwises[step.what], step.rows, step.size);
      this.#places(words, step.from, step.out);
    } else if (step.kind === "rows") {
      const { outer, count, inner, limit, from, indices, table, out } = step;
      words.push(outer, count, inner, limit);
      this.#place(words, from);
      words.push(from.strides[0] ?? 0, from.strides[1] ?? 0);
      this.#places(words, indices);
      words.push(table ? this.#table(table) : none);
      this.#place(words, out);
      words.push(out.strides[0] ?? 0, out.strides[1] ?? 0);
    } else if (step.kind === "scatter") {
      const { how, count, inner, limit, base, from, indices, table, out } = step;
      words.push(hows[how], count, inner, limit);
      if (step.cleared) words.push(cleared, 0);
      else this.#places(words, base);
      this.#places(words, from, indices);
      words.push(table ? this.#table(table) : none);
      this.#places(words, out);
    } else if (step.kind === "windows") this.#windows(words, step);
    else if (step.kind === "points") this.#points(words, step);
    else {
      const { size, from, fromStep, to, toStep, turn } = step;
      const moves = turn !== undefined && !this.#apart.has(turn);
      const place = (access: Access, by: number): void => {
        if (turn && !moves) this.#shifts.push({ at: words.length, turn, by });
        this.#place(words, access);
        words.push(moves ? by : 0);
      };
      words.push(size);
      place(from, fromStep);
      place(to, toStep);
      words.push(moves ? this.#at(turn) : none);
    }
    words[begin + 1] = words.length - begin;
    this.#made?.push(step);
  }

  #place(words: number[], access: Access): void {
    for (const { turn, by } of movesOf(access)) this.#shifts.push({ at: words.length, turn, by });
    words.push(this.#at(access.store) + access.offset);
  }

  /** Where they are, each with its distance along rows. */
  #places(words: number[], ...accesses: readonly (Access | undefined)[]): void {
    for (const access of accesses)
      if (access) {
        this.#place(words, access);
        words.push(access.strides[0] ?? 0);
      } else words.push(none, 0);
  }

  #product(words: number[], step: Product): void {
    const { n, k, alpha, beta, left, right, out, added, lookup, relu } = step;
    const { m, batch } = rowsOf(step);
    const flags = (added ? productFlags.added : 0) | (relu ? productFlags.relu : 0);
    words.push(flags | (lookup ? productFlags[lookup.by] : 0), m, n, k, bitsOf(alpha), bitsOf(beta));
    const matrix = (access: Access, count = 2): void => {
      this.#place(words, access);
      words.push(...access.strides.slice(-2, count === 1 ? -1 : undefined));
    };
    matrix(left);
    matrix(right);
    matrix(out, 1);
    if (added) matrix(added);
    else words.push(none, 0, 0);
    if (lookup) words.push(this.#table(lookup.table), lookup.taps, lookup.segment);
    else words.push(none, 0, 0);
    words.push(batch.sizes.length);
    batch.sizes.forEach((size, axis) => {
      words.push(size, ...batch.strides.map((each) => each[axis]!));
    });
  }

  #windows(words: number[], step: Windows): void {
    const { what, examples, channels, rows, columns, steps, size, taps, field, out, weight, bias, where } = step;
    const grid = (access: Access | undefined): void => {
      if (access) {
        this.#place(words, access);
        words.push(...access.strides);
      } else words.push(none, 0, 0, 0);
    };
    words.push(windowed[what], examples, channels, rows, columns, ...steps, ...size);
    grid(field);
    grid(out);
    this.#places(words, weight, bias);
    grid(where);
    words.push(taps.length);
    const apart = weight?.strides[0] ?? 0;
    for (const [row, column, place] of taps) words.push(row, column, place * apart);
  }

  #points(words: number[], step: Points): void {
    const { what, beta, examples, channels, rows, columns, steps, first, size, tile, points, odd = [0, 0] } = step;
    words.push(pointed[what] + (beta ? adding : 0), examples, channels, rows, columns);
    words.push(...steps, ...first, ...size, ...tile, ...points);
    for (const access of [step.field, step.values]) {
      this.#place(words, access);
      words.push(...access.strides);
    }
    for (const matrix of [step.down, step.across]) this.#place(words, matrix);
    words.push(...odd);
  }

  #chain(words: number[], { shape, reads, code, writes }: Chain): void {
    // Writes lead: along the innermost axis they go on by one.
    const led = [...writes.filter(({ how }) => how === "set"), ...writes.filter(({ how }) => how !== "set"), ...reads];
    const all = { sizes: [...shape], strides: led.map(({ strides }) => [...strides]) };
    const axes = code.some(({ name }) => name === "sumOfRow") ? joinedButLast(all) : joined(ordered(all));
    if (axes.sizes.length > mostAxes) throw refused(`a step over ${axes.sizes.length} axes`);
    const stridesOf = new Map(led.map((access, i) => [access, axes.strides[i]!]));
    words.push(axes.sizes.length, ...axes.sizes, reads.length);
    for (const read of reads) {
      this.#place(words, read);
      words.push(...stridesOf.get(read)!);
    }
    const numbers: number[] = [];
    words.push(code.length);
    for (const { name, operands } of code) {
      const [a = 0, b = a, c = a] = operands.map((operand) => {
        if ("register" in operand) return operand.register;
        const found = numbers.indexOf(operand.number);
        return -1 - (found < 0 ? numbers.push(operand.number) - 1 : found);
      });
      words.push(functionNumbers.get(name)!, a, b, c);
    }
    words.push(writes.length);
    for (const write of writes) {
      this.#place(words, write);
      words.push(...stridesOf.get(write)!, write.register, hows[write.how]);
    }
    words.push(numbers.length, ...numbers.map(bitsOf));
  }
}

/** Whether an access of steps, those of turns in them too, is one that is asked for. */
function any(steps: readonly Step[], asked: (access: Access) => boolean): boolean {
  return steps.some((step) => {
    if (step.kind === "turns") return any(step.body, asked);
    const { reads, writes } = accessesOf(step);
    return reads.some(asked) || writes.some(asked);
  });
}

/** Whether steps are elsewhere in each turn. */
const differs = (steps: readonly Step[], turn: Store): boolean =>
  any(steps, (access) => movesOf(access).some((moves) => moves.turn === turn));

/** Writes one number. */
const number = (store: Store, value: number): Chain => ({
  ...{ kind: "chain", shape: [], reads: [], code: [{ name: "copy", operands: [{ number: value }] }] },
  writes: [{ store, offset: 0, strides: [], register: 0, how: "set" }],
});

/** Whether a step does nothing. */
function empty(step: Exclude<Step, Chain>): boolean {
  if (step.kind === "product") return step.m * step.n === 0 || step.batch.includes(0);
  if (step.kind === "norm" || step.kind === "rowwise") return step.rows * step.size === 0;
  if (step.kind === "rows") return step.outer * step.count * step.inner === 0;
  if (step.kind === "scatter") return step.limit * step.inner === 0;
  if (step.kind === "windows" || step.kind === "points")
    return step.examples * step.channels * step.rows * step.columns === 0;
  return step.kind === "move" ? step.size === 0 : step.count === 0 || step.body.length === 0;
}

/** Of a chain over no places: what its reductions begin with. */
function fills({ shape, writes }: Chain): Chain[] {
  return writes.flatMap(({ how, ...to }): Chain[] => {
    if (how === "set") return [];
    const kept = shape.flatMap((_, axis) => (to.strides[axis] === 0 ? [] : [axis]));
    const over = kept.map((axis) => shape[axis]!);
    if (over.includes(0)) return [];
    const code: Call[] = [{ name: "copy", operands: [{ number: beginnings[how] }] }];
    const strides = kept.map((axis) => to.strides[axis]!);
    return [{ kind: "chain", shape: over, reads: [], code, writes: [{ ...to, strides, register: 0, how: "set" }] }];
  });
}

/** Axes in the order in which numbers lie, without those of one place: by the first access that tells two apart. */
function ordered({ sizes, strides }: Axes): Axes {
  const order: number[] = [];
  const outside = (a: number, b: number): boolean => {
    for (const each of strides) {
      const [first, second] = [Math.abs(each[a]!), Math.abs(each[b]!)];
      if (first !== 0 && second !== 0 && first !== second) return first > second;
    }
    return a < b;
  };
  sizes.forEach((size, axis) => {
    if (size === 1) return;
    let to = order.length;
    while (to > 0 && outside(axis, order[to - 1]!)) to--;
    order.splice(to, 0, axis);
  });
  return { sizes: order.map((axis) => sizes[axis]!), strides: strides.map((each) => order.map((axis) => each[axis]!)) };
}

/** Neighbouring axes that all accesses go along as if they were one are one; at least one is left. */
function joined({ sizes, strides }: Axes): Axes {
  const axes: Axes = { sizes: [], strides: strides.map(() => []) };
  sizes.forEach((size, axis) => {
    const last = axes.sizes.length - 1;
    if (last >= 0 && strides.every((each, i) => axes.strides[i]![last] === each[axis]! * size))
      axes.sizes[last]! *= size;
    else axes.sizes.push(size);
    const to = axes.sizes.length - 1;
    for (let i = 0; i < strides.length; i++) axes.strides[i]![to] = strides[i]![axis]!;
  });
  if (axes.sizes.length === 0) {
    axes.sizes.push(1);
    for (const each of axes.strides) each.push(1);
  }
  return axes;
}

/** The last axis stays what it is, for what is done along it. */
function joinedButLast({ sizes, strides }: Axes): Axes {
  const axes = joined(ordered({ sizes: sizes.slice(0, -1), strides: strides.map((each) => each.slice(0, -1)) }));
  axes.sizes.push(sizes.at(-1)!);
  for (const [i, each] of axes.strides.entries()) each.push(strides[i]!.at(-1)!);
  return axes;
}

/** The batch of a product, but for places that are further rows of the same matrix. */
function rowsOf({ m, batch, left, right, out, added, lookup }: Product): { readonly m: number; readonly batch: Axes } {
  const still = { store: left.store, offset: 0, strides: new Array<number>(batch.length + 2).fill(0) };
  const accesses = [left, right, out, added ?? still];
  const along = accesses.map(({ strides }) => strides.slice(0, batch.length));
  const axes = joined(ordered({ sizes: [...batch], strides: along }));
  const last = axes.sizes.length - 1;
  const rows = accesses.map(({ strides }) => strides.at(-2)!);
  const below = axes.strides.every((each, i) => each[last] === (i === 1 ? 0 : rows[i]! * m));
  if (axes.sizes[last] === 1) return { m, batch: { sizes: [], strides: along.map(() => []) } };
  if (lookup || !below) return { m, batch: axes };
  return {
    m: m * axes.sizes[last]!,
    batch: { sizes: axes.sizes.slice(0, -1), strides: axes.strides.map((each) => each.slice(0, -1)) },
  };
}
