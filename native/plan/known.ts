// Numbers that no run changes, computed while a plan is made.
import { sizeOf, type Tensor } from "@innerloop/schemas";
import type { Kernels } from "../addon.ts";
import { encoded } from "./encode.ts";
import { apart } from "./memory.ts";
import { refused } from "./refusal.ts";
import { type Access, accessesOf, type Step, type Store } from "./steps.ts";

export class Known {
  readonly #kernels: Kernels;
  /** Each array by itself. What no step and no value is of any more may go. */
  readonly #numbers = new WeakMap<Store, Float32Array>();
  /** Those of a model are many numbers and stay where they are, which may be in a file's bytes. */
  readonly #given = new WeakMap<Store, Tensor>();
  /** Where the kernels compute: one step at a time, with copies of what it reads. */
  #memory = new Float32Array(0);

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  /** A store with the numbers of an array of float32, which nobody writes to. */
  given(tensor: Tensor): Store {
    const store = { size: sizeOf(tensor.shape), depth: 0 };
    this.#given.set(store, tensor);
    return store;
  }

  /** The array that a store has as it was given. */
  givenAs(store: Store): Tensor | undefined {
    return this.#given.get(store);
  }

  of(store: Store): Float32Array {
    const there = this.#there(store);
    if (there) return there;
    const numbers = new Float32Array(store.size);
    this.#numbers.set(store, numbers);
    return numbers;
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
      if (numbers) memory.set(numbers, at);
      else memory.fill(0, at, at + store.size);
    }
    const whole = new Int32Array(memory.buffer, memory.byteOffset, memory.length);
    for (const [numbers, at] of tables) whole.set(numbers, at);
    const wrong = this.#kernels.run(words, memory.buffer as ArrayBuffer, memory.byteOffset);
    if (wrong === 1) throw refused("an index beyond the end of its axis");
    if (wrong !== 0) throw new Error(`the kernels refuse a step with ${wrong}`);
    for (const { store } of accessesOf(step).writes) {
      const at = stores.get(store);
      // A step over no places is no words.
      if (at !== undefined) this.#numbers.set(store, memory.slice(at, at + store.size));
    }
  }

  #room(size: number): Float32Array {
    if (size <= this.#memory.length) return this.#memory;
    const numbers = Math.max(size, 4096);
    const bytes = new ArrayBuffer(4 * numbers + 64);
    this.#memory = new Float32Array(bytes, this.#kernels.misaligned(bytes), numbers);
    return this.#memory;
  }
}

/** A matrix of points as a step reads it: its numbers without gaps. */
export function matrixOf(known: Pick<Known, "of">, numbers: ArrayLike<number>): Access {
  const store = { size: numbers.length, depth: 0 };
  known.of(store).set(numbers);
  return { store, offset: 0, strides: [] };
}
