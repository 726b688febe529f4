// Numbers that no run changes, computed while a plan is made.
import type { Kernels } from "../addon.ts";
import { encoded } from "./encode.ts";
import { apart } from "./memory.ts";
import { refused } from "./refusal.ts";
import type { Step, Store } from "./steps.ts";

export class Known {
  readonly #kernels: Kernels;
  #floats = new Float32Array(0);
  #end = 0;

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  store(size: number): Store {
    const known = this.#end;
    this.#end += (Math.ceil(size / apart) + 1) * apart;
    this.#reach(this.#end);
    return { size, depth: 0, known };
  }

  of({ known = 0, size }: Store): Float32Array {
    return this.#floats.subarray(known, known + size);
  }

  run(step: Step): void {
    const end = this.#end;
    const words = encoded(
      [step],
      ({ known }) => known!,
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

  #reach(end: number): void {
    if (end <= this.#floats.length) return;
    const size = Math.max(end, 2 * this.#floats.length, 4096);
    const bytes = new ArrayBuffer(4 * size + 64);
    const grown = new Float32Array(bytes, this.#kernels.misaligned(bytes), size);
    grown.set(this.#floats);
    this.#floats = grown;
  }
}
