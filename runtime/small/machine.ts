// The memory and the routines of a model.
import type { TypedArray } from "@innerloop/schemas/bundle";
import { compiled, type Memory, newMemory } from "./assembler.ts";
import { routines } from "./routines.ts";

const page = 2 ** 16;

export class Machine {
  readonly routines: Readonly<Record<string, (...words: readonly number[]) => void>>;
  readonly #memory: Memory;
  #floats: Float32Array;

  /** @throws where the host has no WebAssembly with vectors, or does not allow it */
  constructor() {
    this.#memory = newMemory(1);
    this.#floats = new Float32Array(this.#memory.buffer);
    this.routines = compiled(routines, this.#memory);
  }

  get floats(): Float32Array {
    return this.#floats;
  }

  /** Makes the memory so large. */
  reach(bytes: number): void {
    const missing = bytes - this.#memory.buffer.byteLength;
    if (missing <= 0) return;
    this.#memory.grow(Math.ceil(missing / page));
    this.#floats = new Float32Array(this.#memory.buffer);
  }

  write(at: number, data: TypedArray): void {
    this.#floats.set(data instanceof BigInt64Array ? Float32Array.from(data, Number) : (data as Float32Array), at / 4);
  }
}
