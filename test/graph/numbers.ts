// What the tests of the graph core share: reproducible numbers, and derivatives by central differences in float64.
import { constant, evaluate, input, op, type ShapedNumbers, type Value } from "@innerloop/graph";
import { sizeOf as size } from "@innerloop/schemas";

export { sizeOf as size } from "@innerloop/schemas";
export { distance, randomNumbers } from "../support/numbers.ts";

export const numbers = (shape: readonly number[], next: () => number): ShapedNumbers => ({
  shape,
  data: Array.from({ length: size(shape) }, next),
});

export const numberOf = (value: Value, feeds: Readonly<Record<string, ShapedNumbers>> = {}): number =>
  evaluate([value], feeds)[0]!.data[0]!;

export const inputs64 = (shapes: readonly (readonly number[])[]): Value[] =>
  shapes.map((shape, i) => input(`x${i}`, shape, "float64"));

/** One number out of an array, so that its derivative sees every entry: Σ w·y with fixed weights. */
export function weighed(y: Value, next: () => number): Value {
  const weights = constant(numbers(y.shape as number[], next).data as number[], y.shape as number[], "float64");
  return op.ReduceSum(op.Mul(y, weights), { keepdims: false });
}

/** The derivative of a scalar with respect to one of its inputs, by central differences. */
export function differences(
  scalar: Value,
  feeds: Readonly<Record<string, ShapedNumbers>>,
  name: string,
  h = 1e-5,
): number[] {
  const { shape, data } = feeds[name]!;
  const at = (j: number, x: number): number =>
    numberOf(scalar, { ...feeds, [name]: { shape, data: Array.from(data, (v, i) => (i === j ? x : v)) } });
  return Array.from(data, (x, j) => (at(j, x + h) - at(j, x - h)) / (2 * h));
}
