// Random lists of steps: what passes may not change the results of.

import {
  type Access,
  type Call,
  type FunctionName,
  naturalStrides,
  type Operand,
  type Step,
  type Store,
  type Write,
} from "@innerloop/native/plan";
import { sizeOf } from "@innerloop/schemas";

/** An array that steps have written, or that is there before. */
interface Value {
  readonly store: Store;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

export interface Listed {
  readonly steps: readonly Step[];
  readonly outputs: readonly Store[];
  /** Stores that are there before, with their numbers. */
  readonly begun: ReadonlyMap<Store, Float64Array>;
  readonly known: ReadonlyMap<Store, number>;
}

/** Numbers from 0 to below 1, the same for the same seed. */
export function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const unary: readonly FunctionName[] = [
  "copy",
  "negative",
  "relu",
  "absolute",
  "tanh",
  "sigmoid",
  "truth",
  "not",
  "sign",
];
const binary: readonly FunctionName[] = ["add", "subtract", "multiply", "minimum", "maximum", "greater", "lessOrEqual"];

class Maker {
  readonly #random: () => number;
  readonly begun = new Map<Store, Float64Array>();
  readonly known = new Map<Store, number>();

  constructor(seed: number) {
    this.#random = dice(seed);
  }

  below(end: number): number {
    return Math.floor(this.#random() * end);
  }

  chance(part: number): boolean {
    return this.#random() < part;
  }

  one<Of>(from: readonly Of[]): Of {
    return from[this.below(from.length)]!;
  }

  fresh(shape: readonly number[], depth: number): Value {
    return { store: { size: sizeOf(shape), depth }, offset: 0, shape, strides: naturalStrides(shape) };
  }

  /** An input. */
  input(shape: readonly number[]): Value {
    const value = this.fresh(shape, 1);
    const numbers = Float64Array.from({ length: sizeOf(shape) }, () => (this.below(33) - 16) / 8);
    this.begun.set(value.store, numbers);
    return value;
  }

  number(): Value {
    const value = this.input([]);
    this.begun.get(value.store)![0] = this.one([0, 1, -1, 0.5, 2]);
    this.known.set(value.store, this.begun.get(value.store)![0]!);
    return value;
  }

  shape(): number[] {
    return Array.from({ length: 1 + this.below(3) }, () => this.one([1, 2, 3, 4]));
  }

  /** Another view of an array. */
  seen(value: Value): Value {
    const { shape } = value;
    const axis = this.below(shape.length);
    if (shape.length === 0) return value;
    switch (this.below(7)) {
      case 0: {
        const order = shape.map((_, i) => i).sort(() => this.#random() - 0.5);
        return { ...value, shape: order.map((i) => shape[i]!), strides: order.map((i) => value.strides[i]!) };
      }
      case 1: {
        const start = this.below(shape[axis]!);
        const offset = value.offset + start * value.strides[axis]!;
        return { ...value, offset, shape: shape.with(axis, shape[axis]! - start) };
      }
      case 2: {
        const count = Math.ceil(shape[axis]! / 2);
        return {
          ...value,
          shape: shape.with(axis, count),
          strides: value.strides.with(axis, 2 * value.strides[axis]!),
        };
      }
      case 3:
        return { ...value, shape: [this.one([2, 3]), ...shape], strides: [0, ...value.strides] };
      case 4: {
        const natural = naturalStrides(shape);
        if (value.strides.some((stride, i) => stride !== natural[i] && shape[i] !== 1)) return value;
        return { ...value, shape: [sizeOf(shape)], strides: [1] };
      }
      case 5: {
        const inner = this.one([2, 3]);
        if (shape[axis]! % inner !== 0) return value;
        const stride = value.strides[axis]!;
        return {
          ...value,
          shape: shape.toSpliced(axis, 1, shape[axis]! / inner, inner),
          strides: value.strides.toSpliced(axis, 1, stride * inner, stride),
        };
      }
      default:
        return value;
    }
  }

  /** Steps of one place, and what they give. */
  body(around: readonly Value[], depth: number, count: number): { readonly steps: Step[]; readonly values: Value[] } {
    const steps: Step[] = [];
    const values = [...around];
    for (let i = 0; i < count; i++) {
      const make = this.one([
        ...new Array<() => void>(12).fill(() => this.chain(steps, values, depth)),
        () => this.product(steps, values, depth),
        () => this.product(steps, values, depth),
        () => this.norm(steps, values, depth),
        () => this.rowwise(steps, values, depth),
        () => this.concat(steps, values, depth),
        ...(depth < 3 ? [() => this.loop(steps, values, depth)] : []),
      ]);
      make();
    }
    return { steps, values: values.slice(around.length) };
  }

  /** Lately made ones more often. */
  some(values: readonly Value[]): Value {
    const value =
      values[this.chance(0.7) ? Math.max(0, values.length - 1 - this.below(4)) : this.below(values.length)]!;
    return this.chance(0.4) ? this.seen(value) : value;
  }

  /** How an array is read for a shape; a constant where it does not fit. */
  fitted(value: Value, shape: readonly number[]): Access {
    const before = shape.length - value.shape.length;
    const fits = before >= 0 && value.shape.every((size, i) => size === 1 || size === shape[i + before]);
    if (!fits) return { ...(({ store, offset }) => ({ store, offset }))(value), strides: shape.map(() => 0) };
    const along = shape.map((_, i) => (i >= before && value.shape[i - before] !== 1 ? value.strides[i - before]! : 0));
    return { store: value.store, offset: value.offset, strides: along };
  }

  chain(steps: Step[], values: Value[], depth: number): void {
    const first = this.some(values);
    const { shape } = first;
    const reads = [this.fitted(first, shape)];
    while (this.chance(0.5)) {
      const other = this.some(values);
      const fits = other.shape.length === shape.length && other.shape.every((size, i) => size === shape[i]);
      if (fits || this.chance(0.4)) reads.push(this.fitted(other, shape));
    }
    const code: Call[] = [];
    const operand = (): Operand =>
      this.chance(0.15) ? { number: this.one([0, 1, -1, 0.5]) } : { register: this.below(reads.length + code.length) };
    for (let i = this.below(4); i > 0; i--) {
      if (this.chance(0.1)) code.push({ name: "where", operands: [operand(), operand(), operand()] });
      else if (this.chance(0.4)) code.push({ name: this.one(unary), operands: [operand()] });
      else code.push({ name: this.one(binary), operands: [operand(), operand()] });
    }
    const writes: Write[] = [];
    do {
      const register = this.below(reads.length + code.length);
      const reduced = shape.map(() => this.chance(0.5));
      if (this.chance(0.25)) {
        const out = this.fresh(
          shape.map((size, i) => (reduced[i] ? 1 : size)),
          depth,
        );
        const along = out.strides.map((stride, i) => (reduced[i] ? 0 : stride));
        writes.push({
          store: out.store,
          offset: 0,
          strides: along,
          register,
          how: this.one(["sum", "sum", "max", "min"]),
        });
        values.push(out);
      } else {
        const out = this.fresh(shape, depth);
        writes.push({ store: out.store, offset: 0, strides: out.strides, register, how: "set" });
        values.push(out);
      }
    } while (this.chance(0.15));
    steps.push({ kind: "chain", shape, reads, code, writes });
  }

  /** Numbers that are all the same, and known. */
  all(shape: readonly number[]): Value {
    const value = this.input(shape);
    const number = this.one([1, 0.5]);
    this.begun.get(value.store)!.fill(number);
    this.known.set(value.store, number);
    return value;
  }

  product(steps: Step[], values: Value[], depth: number): void {
    const matrices = values.flatMap((value) => (value.shape.length === 2 ? [value] : []));
    if (matrices.length === 0) return;
    const first = this.one(matrices);
    const left = this.chance(0.2) ? this.all([1, first.shape[0]!]) : first;
    const [m, k] = left.shape as [number, number];
    const right = this.chance(0.1)
      ? this.all([k, 1])
      : left !== first
        ? first
        : this.one([...matrices.filter(({ shape }) => shape[0] === k), this.input([k, this.one([2, 3, 4])])]);
    const n = right.shape[1]!;
    const out = this.fresh([m, n], depth);
    const added = this.chance(0.3) ? this.fitted(this.some(values), [m, n]) : undefined;
    steps.push({
      kind: "product",
      batch: [],
      m,
      n,
      k,
      left,
      right,
      out,
      ...(added && { added }),
      alpha: this.one([1, 1, -1, 0.5]),
      beta: this.one([1, 1, -0.5]),
      relu: this.chance(0.2),
    });
    values.push(out);
    // What passes look for.
    if (this.chance(0.5)) {
      const plus = this.fitted(this.some(values), [m, n]);
      const result = this.fresh([m, n], depth);
      const name = this.one<FunctionName>(["add", "subtract", "multiply"]);
      const other: Operand = this.chance(0.5) ? { register: 1 } : { number: 0.5 };
      const operands = this.chance(0.5) ? [{ register: 0 }, other] : [other, { register: 0 }];
      steps.push({
        kind: "chain",
        shape: [m, n],
        reads: [out, plus],
        code: [{ name, operands }],
        writes: [{ ...result, register: 2, how: "set" }],
      });
      values.push(result);
    }
  }

  norm(steps: Step[], values: Value[], depth: number): void {
    const value = this.#rows(steps, values, depth);
    const [rows, size] = value.shape as [number, number];
    const [out, mean, inverse] = [
      this.fresh([rows, size], depth),
      this.fresh([rows], depth),
      this.fresh([rows], depth),
    ];
    const along = (each: Value, by: number): Access => ({ store: each.store, offset: 0, strides: [by] });
    const gain = this.chance(0.5) ? along(this.input([size]), 0) : undefined;
    steps.push({
      kind: "norm",
      rows,
      size,
      epsilon: 0.125,
      from: along(value, size),
      ...(gain && { gain }),
      gainRows: 1,
      out: along(out, size),
      mean: along(mean, 1),
      inverse: along(inverse, 1),
    });
    values.push(mean, inverse, out);
  }

  rowwise(steps: Step[], values: Value[], depth: number): void {
    const value = this.#rows(steps, values, depth);
    const [rows, size] = value.shape as [number, number];
    const out = this.fresh([rows, size], depth);
    const from = { store: value.store, offset: 0, strides: [size] };
    const what = this.one(["softmax", "logSoftmax"] as const);
    steps.push({ kind: "rowwise", what, rows, size, from, out: { store: out.store, offset: 0, strides: [size] } });
    values.push(out);
  }

  /** A matrix in its order, copied if need be. */
  #rows(steps: Step[], values: Value[], depth: number): Value {
    const value = this.some(values);
    const size = value.shape.at(-1) ?? 1;
    const shape = [sizeOf(value.shape) / size, size];
    const out = this.fresh(value.shape, depth);
    const writes: Write[] = [{ ...out, register: 0, how: "set" }];
    steps.push({ kind: "chain", shape: value.shape, reads: [value], code: [], writes });
    return { ...out, shape, strides: naturalStrides(shape) };
  }

  /** Two arrays one after the other in a store. */
  concat(steps: Step[], values: Value[], depth: number): void {
    const parts = [this.some(values), this.some(values)].map((part) => ({ ...part, size: sizeOf(part.shape) }));
    const out = this.fresh([parts[0]!.size + parts[1]!.size], depth);
    let offset = 0;
    for (const part of parts) {
      const writes: Write[] = [
        { store: out.store, offset, strides: naturalStrides(part.shape), register: 0, how: "set" },
      ];
      steps.push({ kind: "chain", shape: part.shape, reads: [part], code: [], writes });
      offset += part.size;
    }
    values.push(out);
  }

  /** Turns that hand an array on and gather another. */
  loop(steps: Step[], values: Value[], depth: number): void {
    const start = this.some(values);
    const carried = this.fresh(start.shape, depth + 1);
    const turn: Store = { size: 1, depth: depth + 1 };
    const writes: Write[] = [{ ...carried, register: 0, how: "set" }];
    steps.push({ kind: "chain", shape: start.shape, reads: [start], code: [], writes });
    const seen: Value = { store: turn, offset: 0, shape: [], strides: [] };
    const { steps: body, values: made } = this.body([...values, seen, carried], depth + 1, 2 + this.below(6));
    const count = 1 + this.below(3);
    const next = made.find(({ shape }) => `${shape}` === `${carried.shape}`);
    const size = carried.store.size;
    const gatheredOne = made.at(-1);
    const results: Value[] = [carried];
    if (gatheredOne) {
      const gathered = this.fresh([count, ...gatheredOne.shape], depth);
      const own = gatheredOne.store.size;
      const [from, to] = [gatheredOne, gathered].map(({ store }) => ({ store, offset: 0, strides: [] }));
      body.push({ kind: "move", size: own, from: from!, fromStep: 0, to: to!, toStep: own, turn });
      results.push(gathered);
    }
    if (next) {
      const [from, to] = [next, carried].map(({ store }) => ({ store, offset: 0, strides: [] }));
      if (this.chance(0.3)) body.push({ kind: "move", size, from: from!, fromStep: 0, to: to!, toStep: 0 });
      else body.push({ kind: "chain", shape: carried.shape, reads: [next], code: [], writes });
    }
    steps.push({ kind: "turns", count, turn, body });
    values.push(...results);
  }
}

/** Steps that have all kinds of views, loops in loops, and outputs among them. */
export function listed(seed: number, count: number): Listed {
  const make = new Maker(seed);
  const inputs = [make.number(), make.number(), ...Array.from({ length: 4 }, () => make.input(make.shape()))];
  const { steps, values } = make.body(inputs, 1, count);
  const outputs = values.filter((_, i) => i === values.length - 1 || make.chance(0.15)).map(({ store }) => store);
  return { steps, outputs, begun: make.begun, known: make.known };
}
