// Numbers that no run changes, computed while a plan is made.
import { sizeOf } from "@innerloop/schemas/bundle";
import type { Kernels } from "../addon.ts";
import { letGo } from "../beside.ts";
import type { Numbers } from "../read.ts";
import { encoded } from "./encode.ts";
import { refused } from "./refusal.ts";
import { type Access, accessesOf, type Chain, type Step, type Store, type Turns, type Write } from "./steps.ts";
import { apart } from "./taken.ts";

/** Numbers from which on an array stays where it was computed, and those from which on its pages are given back when nobody reads them any more. */
const [largeKnown, paged] = [2 ** 18, 2 ** 14];

export class Known {
  readonly #kernels: Kernels;
  /** Each array by itself. What no step and no value is of any more may go. */
  readonly #numbers = new WeakMap<Store, Float32Array>();
  /** Those of a model are many numbers and stay where they are, which may be in a file's bytes. */
  readonly #given = new WeakMap<Store, Numbers>();
  /** Those of them that take much memory. */
  readonly #paged: WeakRef<Float32Array>[] = [];
  /** Large copies that are made when somebody asks for them: what only another step reads is there while that is taken. */
  readonly #later = new Map<Store, Chain>();
  /** Where the kernels compute: one step at a time, with copies of what it reads. */
  #memory: Float32Array = new Float32Array(0);

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  /** A store with the numbers of an array of float32, which nobody writes to. */
  given(tensor: Numbers): Store {
    const store = { size: sizeOf(tensor.shape), depth: 0 };
    this.#given.set(store, tensor);
    return store;
  }

  /** A large array of a store that was computed, and what may be read behind it: a program reads it where it lies. */
  computed(store: Store): Float32Array | undefined {
    if (this.#later.has(store)) this.of(store);
    const numbers = store.size < largeKnown ? undefined : this.#numbers.get(store);
    return numbers && new Float32Array(numbers.buffer, numbers.byteOffset, numbers.length + apart);
  }

  /** The array that a store has as it was given. */
  givenAs(store: Store): Numbers | undefined {
    return this.#given.get(store);
  }

  of(store: Store): Float32Array {
    const later = this.#later.get(store);
    if (later) {
      this.#later.delete(store);
      this.#compute(later);
    }
    return this.#there(store) ?? this.#made(store);
  }

  /** Of which store all numbers of one are: of itself, unless it is a copy that is not made yet. */
  origin(store: Store): Store {
    const later = this.#later.get(store);
    return later ? this.origin(later.reads[0]!.store) : store;
  }

  #made(store: Store): Float32Array {
    const numbers = store.size < largeKnown ? new Float32Array(store.size) : this.#aligned(store.size);
    this.#numbers.set(store, numbers);
    if (store.size >= paged) this.#paged.push(new WeakRef(numbers));
    return numbers;
  }

  /** Gives back what is not among those arrays, once nothing of it is read any more: a collector would do so later. */
  release(others: readonly Float32Array[]): void {
    const stay = new Set(others.map(({ buffer }) => buffer));
    const known = this.#paged.splice(0).flatMap((numbers) => numbers.deref() ?? []);
    for (const { buffer } of [...known, this.#memory])
      if (!stay.has(buffer)) this.#kernels.release?.(buffer as ArrayBuffer);
  }

  /** Zeros as kernels like them best. */
  #aligned(size: number): Float32Array {
    const bytes = new ArrayBuffer(4 * (size + apart) + 64);
    return new Float32Array(bytes, this.#kernels.misaligned(bytes), size);
  }

  #there(store: Store): Float32Array | undefined {
    return this.#numbers.get(store) ?? (this.#given.get(store)?.data as Float32Array | undefined);
  }

  run(step: Step): void {
    if (step.kind === "turns") throw refused("turns that no run changes");
    const writes = new Set(accessesOf(step).writes.map(({ store }) => store));
    // A copy is of what was there when it was to be made.
    for (const [store, { reads }] of [...this.#later])
      if (writes.has(store) || writes.has(reads[0]!.store)) this.of(store);
    if (this.#isCopy(step)) this.#later.set(step.writes[0]!.store, step);
    else this.#compute(step);
  }

  /** Whether a step does nothing but copy numbers to all of a large store, which has none yet. */
  #isCopy(step: Step): step is Chain {
    if (step.kind !== "chain" || step.code.length > 0 || step.reads.length !== 1 || step.writes.length !== 1)
      return false;
    const [{ store, how }] = step.writes as [Write];
    const whole = how === "set" && store.size >= largeKnown && sizeOf(step.shape) === store.size;
    return whole && !this.#there(store) && step.reads[0]!.store !== store;
  }

  #compute(step: Exclude<Step, Turns>): void {
    // Copies that this step alone has asked for so far go again.
    const { reads } = accessesOf(step);
    const lent = [...new Set(reads.map(({ store }) => store))].flatMap((store) => {
      const later = this.#later.get(store);
      return later ? [{ store, later, numbers: this.of(store) }] : [];
    });
    const stores = new Map<Store, number>();
    const tables = new Map<Int32Array, number>();
    let end = 0;
    const place = <Key>(places: Map<Key, number>, key: Key, size: number): number => {
      const at = places.get(key) ?? end;
      places.set(key, at);
      if (at === end) end += (Math.ceil(size / apart) + 1) * apart;
      return at;
    };
    const words = encoded(
      [step],
      (store) => place(stores, store, store.size),
      (numbers) => place(tables, numbers, numbers.length),
    );
    const memory = this.#room(end);
    for (const [store, at] of stores) {
      const numbers = this.#there(store);
      if (!numbers) {
        memory.fill(0, at, at + store.size);
        continue;
      }
      memory.set(numbers, at);
      if (store.size >= largeKnown) letGo(numbers, this.#kernels);
    }
    for (const { store, later, numbers } of lent) {
      this.#numbers.delete(store);
      this.#later.set(store, later);
      this.#kernels.release?.(numbers.buffer as ArrayBuffer);
    }
    const whole = new Int32Array(memory.buffer, memory.byteOffset, memory.length);
    for (const [numbers, at] of tables) whole.set(numbers, at);
    const wrong = this.#kernels.run(words, memory.buffer as ArrayBuffer, memory.byteOffset);
    if (wrong === 1) throw refused("an index beyond the end of its axis");
    if (wrong !== 0) throw new Error(`the kernels refuse a step with ${wrong}`);
    for (const { store } of accessesOf(step).writes) {
      const at = stores.get(store);
      // A step over no places is no words.
      if (at !== undefined) this.#made(store).set(memory.subarray(at, at + store.size));
    }
  }

  #room(size: number): Float32Array {
    if (size <= this.#memory.length) return this.#memory;
    if (this.#memory.length >= largeKnown) this.#kernels.release?.(this.#memory.buffer as ArrayBuffer);
    this.#memory = this.#aligned(Math.max(size, 4096));
    return this.#memory;
  }
}

/** A matrix of points as a step reads it: its numbers without gaps. */
export function matrixOf(known: Pick<Known, "of">, numbers: ArrayLike<number>): Access {
  const store = { size: numbers.length, depth: 0 };
  known.of(store).set(numbers);
  return { store, offset: 0, strides: [] };
}
