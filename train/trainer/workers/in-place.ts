// Tensors that are written again and again into the same memory: of one thread, or of all, so that nothing is sent. ONNX Runtime takes
// no arrays over memory that threads share, so that whoever feeds it with them copies them once.
import { ELEMENTS, type Tensor, type TypedArray } from "@innerloop/schemas/bundle";
import type { Adding } from "../../engines/engine.ts";
import type { Tensors } from "../state.ts";

/** Makes memory of so many bytes. */
type Memory = (bytes: number) => ArrayBufferLike;

/** Of this thread alone. */
export const own: Memory = (bytes) => new ArrayBuffer(bytes);

/** That all threads see. */
export const shared: Memory = (bytes) => new SharedArrayBuffer(bytes);

/** Tensors in memory that stays. What was given to another thread once goes on to be seen there. */
export class InPlace {
  readonly #memory: Memory;
  #tensors: Tensors = {};

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  get tensors(): Tensors {
    return this.#tensors;
  }

  /** Writes tensors, but for arrays that are those here; where they are of other sizes than those before, elsewhere. @returns them where they lie now */
  write(tensors: Tensors): Tensors {
    const names = Object.keys(tensors);
    const same =
      names.length === Object.keys(this.#tensors).length &&
      names.every((name) => fits(this.#tensors[name], tensors[name]!));
    if (!same)
      this.#tensors = Object.fromEntries(
        names.map((name) => [name, { ...tensors[name]!, data: this.#arrayLike(tensors[name]!) }]),
      );
    for (const name of names) {
      const [to, from] = [this.#tensors[name]!.data as Float32Array, tensors[name]!.data as Float32Array];
      if (to !== from) to.set(from);
    }
    return this.#tensors;
  }

  /** Adds tensors of float32 to those that are there. */
  add(tensors: Tensors, adding: Adding = plainly): void {
    for (const [name, { data }] of Object.entries(tensors))
      adding(this.#tensors[name]!.data as Float32Array, data as Float32Array);
  }

  #arrayLike({ dtype, data }: Tensor): TypedArray {
    const { array } = ELEMENTS[dtype];
    const memory = this.#memory(data.length * array.BYTES_PER_ELEMENT);
    return new (array as Float32ArrayConstructor)(memory as ArrayBuffer) as TypedArray;
  }
}

const plainly: Adding = (to, more) => {
  for (let i = 0; i < to.length; i++) to[i]! += more[i]!;
};

const fits = (a: Tensor | undefined, b: Tensor): a is Tensor =>
  a !== undefined &&
  a.dtype === b.dtype &&
  a.shape.length === b.shape.length &&
  a.shape.every((size, axis) => size === b.shape[axis]);
