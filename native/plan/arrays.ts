// Arrays that callers get.
import type { DType, Tensor, TypedArray } from "@innerloop/schemas/bundle";
import { mostExact } from "./plan.ts";

/** Arrays as callers have them; nothing where what is to be a whole number is none, or may have been rounded to one. */
export const made: Partial<Record<DType, (numbers: Float32Array) => TypedArray | undefined>> = {
  float32: (numbers) => numbers.slice(),
  bool: (numbers) => Uint8Array.from(numbers),
  int32: (numbers) => (areExact(numbers) ? Int32Array.from(numbers) : undefined),
  int64: (numbers) => {
    if (!areExact(numbers)) return undefined;
    const whole = new BigInt64Array(numbers.length);
    for (let i = 0; i < numbers.length; i++) whole[i] = BigInt(numbers[i]!);
    return whole;
  },
};

const areExact = (numbers: Float32Array): boolean =>
  numbers.every((number) => number > -mostExact && number < mostExact);

/** An output that steps write into an array that a run gives. */
export interface Own {
  readonly name: string;
  readonly size: number;
  /** It is zeros before they do. */
  readonly cleared: boolean;
}

/** The arrays of a run. @param lent those of the run before, of a program that lends them @param spent results of an earlier run, whose arrays may be given again */
export const ownArrays = (
  own: readonly Own[],
  lent: readonly Float32Array[] | undefined,
  spent: Readonly<Record<string, Tensor>>,
): Float32Array[] =>
  own.map(({ name, size, cleared }, i) =>
    // To clear one again takes longer than to get one of the system, and room for all of it.
    cleared ? new Float32Array(size) : (lent?.[i] ?? ofSize(spent[name], size) ?? unwritten(size)),
  );

/** The array of a tensor, where it is one of so many numbers. */
const ofSize = (tensor: Tensor | undefined, size: number): Float32Array | undefined =>
  tensor?.data instanceof Float32Array && tensor.data.length === size ? tensor.data : undefined;

/** An array that is yet to be written: to fill it with zeros would take as long as a copy. */
const unwritten = (size: number): Float32Array => new Float32Array(Buffer.allocUnsafeSlow(4 * size).buffer);

/** Numbers as callers have them, in the array of a tensor that is spent where they fit it. */
export function given(dtype: DType, numbers: Float32Array, spent: Tensor | undefined): TypedArray | undefined {
  const again = dtype === "float32" ? ofSize(spent, numbers.length) : undefined;
  again?.set(numbers);
  return again ?? made[dtype]!(numbers);
}
