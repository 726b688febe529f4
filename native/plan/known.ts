// Numbers that no run changes, computed while a plan is made.
import { sizeOf } from "@innerloop/schemas/bundle";
import type { Kernels } from "../addon.ts";
import { letGo } from "../beside.ts";
import type { Numbers } from "../read.ts";
import { encoded } from "./encode.ts";
import { refused } from "./refusal.ts";
import { type Access, accessesOf, type Step, type Store } from "./steps.ts";
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
    const numbers = store.size < largeKnown ? undefined : this.#numbers.get(store);
    return numbers && new Float32Array(numbers.buffer, numbers.byteOffset, numbers.length + apart);
  }

  /** The array that a store has as it was given. */
  givenAs(store: Store): Numbers | undefined {
    return this.#given.get(store);
  }

  of(store: Store): Float32Array {
    return this.#there(store) ?? this.#made(store);
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
