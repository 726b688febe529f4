// Numbers that no run changes, computed while a plan is made.
import type { Kernels } from "../addon.ts";
import { encoded } from "./encode.ts";
import { apart } from "./memory.ts";
import { refused } from "./refusal.ts";
import type { Step, Store } from "./steps.ts";

/** Arrays of fewer numbers lie with what is computed of them. */
const fewNumbers = 4096;

export class Known {
  readonly #kernels: Kernels;
  #floats = new Float32Array(0);
  #end = 0;
  /** Arrays of the model that are as they were given: where a step of a plan reads them, they are copied for it alone. */
  readonly #given = new Map<Store, Float32Array>();

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  store(size: number): Store {
    const known = this.#end;
    this.#end += (Math.ceil(size / apart) + 1) * apart;
    this.#reach(this.#end);
    return { size, depth: 0, known };
  }

  /** A store with these numbers, which nobody writes to from here on. */
  given(numbers: Float32Array): Store {
    if (numbers.length < fewNumbers) {
      const store = this.store(numbers.length);
      this.of(store).set(numbers);
      return store;
    }
    const store = { size: numbers.length, depth: 0 };
    this.#given.set(store, numbers);
    return store;
  }

  of(store: Store): Float32Array {
    const { known = 0, size } = store;
    return this.#given.get(store) ?? this.#floats.subarray(known, known + size);
  }

  run(step: Step): void {
    const end = this.#end;
    const copies = new Map<Store, number>();
    const words = encoded(
      [step],
      (store) => store.known ?? copies.get(store) ?? this.#copy(store, copies),
      (numbers) => {
        const { known } = this.store(numbers.length);
        new Int32Array(this.#floats.buffer, this.#floats.byteOffset).set(numbers, known);
        return known!;
      },
    );
    const wrong = this.#kernels.run(words, this.#floats.buffer as ArrayBuffer, this.#floats.byteOffset);
    this.#end = end;
    if (wrong !== 0) throw refused("an index beyond the end of its axis");
  }

  #copy(store: Store, copies: Map<Store, number>): number {
    const { known } = this.store(store.size);
    this.#floats.set(this.of(store), known);
    copies.set(store, known!);
    return known!;
  }

  #reach(end: number): void {
    if (end <= this.#floats.length) return;
    const size = Math.max(end, 2 * this.#floats.length, 4096);
    const bytes = new ArrayBuffer(4 * size + 64);
    const grown = new Float32Array(bytes, this.#kernels.misaligned(bytes), size);
    grown.set(this.#floats);
    this.#floats = grown;
  }
}
