// What a case for engines is: a graph, numbers for its inputs, and what the graph room's float64 evaluation makes of them.
import { constant, cotangents, evaluate, input, type ShapedNumbers, type Value } from "@innerloop/graph";
import { type DType, ELEMENTS, encodeNumbers, sizeOf, type Tensor } from "@innerloop/schemas";
import { uniformNumbers } from "../support/numbers.ts";

const uniform = uniformNumbers(1);
const random = (low: number, high: number): number => low + (high - low) * uniform();

/** Random numbers between two bounds; whole ones where the type has no others. */
export function tensor(shape: readonly number[], low = -2, high = 2, dtype: DType = "float32"): Tensor {
  const whole = dtype !== "float32" && dtype !== "float64";
  const numbers = Array.from({ length: sizeOf(shape) }, () =>
    whole ? Math.floor(random(low, high + 1)) : random(low, high),
  );
  const data = new ELEMENTS[dtype].array(encodeNumbers(dtype, numbers).buffer);
  return { dtype, shape, data };
}

const numbersOf = ({ shape, data }: Tensor): ShapedNumbers => ({
  shape,
  data: Float64Array.from(data as Float32Array, Number),
});

/** What the graphs make of these feeds in float64. */
export const reference = (
  outputs: readonly Value[],
  feeds: Readonly<Record<string, Tensor>>,
): ReturnType<typeof evaluate> =>
  evaluate(outputs, Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, numbersOf(t)])));

export interface Case {
  readonly title: string;
  readonly outputs: readonly Value[];
  readonly feeds: Readonly<Record<string, Tensor>>;
}

/** All that `on` and `withGradient` have added. */
export const cases: Case[] = [];

/** A case: inputs `a`, `b`, … of these numbers, and what is made of them. */
export function on(
  title: string,
  build: (...x: Value[]) => Value | readonly Value[],
  ...tensors: readonly Tensor[]
): void {
  const names = tensors.map((_, i) => String.fromCharCode(97 + i));
  const made = build(...tensors.map(({ shape, dtype }, i) => input(names[i]!, shape, dtype)));
  const feeds = Object.fromEntries(tensors.map((t, i) => [names[i]!, t]));
  cases.push({ title, outputs: Array.isArray(made) ? made : [made as Value], feeds });
}

/** The same, with the derivative of Σ y·c for fixed c besides. */
export function withGradient(title: string, build: (...x: Value[]) => Value, ...tensors: readonly Tensor[]): void {
  on(
    title,
    (...x) => {
      const y = build(...x);
      const c = constant(
        Array.from({ length: sizeOf(y.shape as number[]) }, () => random(-1, 1)),
        y.shape as number[],
      );
      return [y, ...cotangents([y], [c], x).filter((g) => g !== undefined)];
    },
    ...tensors,
  );
}
