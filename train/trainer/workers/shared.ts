// Tensors that threads have in common: one side writes them into memory that all see, and nothing is sent. ONNX Runtime takes no
// arrays over such memory, so that whoever feeds them copies them once.
import { ELEMENTS, type Tensor, type TypedArray } from "@innerloop/schemas/bundle";
import type { Tensors } from "../state.ts";

/** An array like another one over memory that threads share. */
function sharedLike({ dtype, data }: Tensor): TypedArray {
  const { array } = ELEMENTS[dtype];
  const memory = new SharedArrayBuffer(data.length * array.BYTES_PER_ELEMENT);
  return new (array as Float32ArrayConstructor)(memory as unknown as ArrayBuffer) as TypedArray;
}

const fits = (a: Tensor | undefined, b: Tensor): a is Tensor =>
  a !== undefined && a.dtype === b.dtype && a.data.length === b.data.length;

/** Tensors in memory that threads share. What was given to another thread once goes on to be seen there. */
export class SharedTensors {
  #tensors: Tensors = {};

  get tensors(): Tensors {
    return this.#tensors;
  }

  /** Writes tensors. @returns whether they lie where those before did, so that others have them already */
  write(tensors: Tensors): boolean {
    const names = Object.keys(tensors);
    const same =
      names.length === Object.keys(this.#tensors).length &&
      names.every((name) => fits(this.#tensors[name], tensors[name]!));
    if (!same)
      this.#tensors = Object.fromEntries(
        names.map((name) => [name, { ...tensors[name]!, data: sharedLike(tensors[name]!) }]),
      );
    for (const name of names) (this.#tensors[name]!.data as Float32Array).set(tensors[name]!.data as Float32Array);
    return same;
  }

  /** Adds tensors to those that are there. */
  add(tensors: Tensors): void {
    for (const [name, { data }] of Object.entries(tensors)) addTo(this.#tensors[name]!, data as Float32Array);
  }
}

function addTo({ data }: Tensor, more: Float32Array): void {
  const into = data as Float32Array;
  for (let i = 0; i < into.length; i++) into[i]! += more[i]!;
}

/** The sum of tensors of the same names, as arrays of the caller's own. @param parts the order of adding is theirs */
export function sumOf([first, ...others]: readonly Tensors[]): Tensors {
  const sums = copyOf(first!);
  for (const other of others)
    for (const [name, { data }] of Object.entries(other)) addTo(sums[name]!, data as Float32Array);
  return sums;
}

/** Copies over memory of one's own. */
export const copyOf = (tensors: Tensors): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, { ...tensor, data: ownCopy(tensor) }]));

function ownCopy({ dtype, data }: Tensor): TypedArray {
  const copy = new (ELEMENTS[dtype].array as Float32ArrayConstructor)(data.length);
  copy.set(data as Float32Array);
  return copy as TypedArray;
}
