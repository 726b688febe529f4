// Arrays and the steps over them that tests of passes are made of.

import {
  type Access,
  type Chain,
  type FunctionName,
  naturalStrides,
  type Operand,
  type Product,
  type Step,
} from "@innerloop/native/plan";
import { sizeOf } from "@innerloop/schemas";
import { expect } from "vitest";

export interface Array_ extends Access {
  readonly shape: readonly number[];
}

export const array = (...shape: readonly number[]): Array_ => ({
  store: { size: sizeOf(shape), depth: 1 },
  offset: 0,
  shape,
  strides: naturalStrides(shape),
});
export const turned = (of: Array_): Array_ => ({
  ...of,
  shape: of.shape.toReversed(),
  strides: of.strides.toReversed(),
});
export const row = (of: Array_, rows: number): Array_ => ({
  ...of,
  shape: [rows, ...of.shape],
  strides: [0, ...of.strides],
});

/** One call, of arrays of one shape and of numbers, that writes `out`. */
export function call(
  name: FunctionName,
  from: readonly (Array_ | number)[],
  out: Array_,
  how: "set" | "sum" = "set",
): Chain {
  const reads = from.filter((each) => typeof each !== "number");
  const operands = from.map(
    (each): Operand => (typeof each === "number" ? { number: each } : { register: reads.indexOf(each) }),
  );
  const { shape } = reads[0]!;
  return { kind: "chain", shape, reads, code: [{ name, operands }], writes: [{ ...out, register: reads.length, how }] };
}

export const copy = (from: Array_, out: Array_): Chain => ({
  kind: "chain",
  shape: from.shape,
  reads: [from],
  code: [],
  writes: [{ ...out, register: 0, how: "set" }],
});
export const summed = (from: Array_, out: Array_): Chain => ({
  ...copy(from, out),
  writes: [{ ...out, strides: from.shape.map(() => 0), register: 0, how: "sum" }],
});
export const product = (left: Array_, right: Array_, out: Array_): Product => {
  const [m = 0, k = 0] = left.shape;
  return { kind: "product", batch: [], m, n: right.shape[1]!, k, left, right, out, alpha: 1, beta: 0, relu: false };
};
export const kinds = (steps: readonly Step[]): string => steps.map(({ kind }) => kind).join(" ");
export const only = <Kind extends Step["kind"]>(steps: readonly Step[], kind: Kind) => {
  expect(kinds(steps)).toBe(kind);
  return steps[0] as Extract<Step, { kind: Kind }>;
};
