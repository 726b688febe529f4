// Random graphs for the tests of the pass `rows`: operators that make rows of rows, and many that read some of them alone.
import { constant, type Dim, input, op, type ShapedNumbers, type Value } from "@innerloop/graph";
import fc from "fast-check";
import { inputs64, numbers, randomNumbers, size } from "./numbers.ts";

const next = randomNumbers(11);
const fixed = (...shape: number[]): Value => constant(numbers(shape, next).data as number[], shape, "float64");

/** A step of a random graph: another value of two that are there, by three whole numbers. */
type Step = (x: Value, y: Value, numbers: readonly [number, number, number]) => Value | undefined;

const sized = ({ shape }: Value, axis: number): number => (typeof shape[axis] === "number" ? shape[axis] : 1);
const units = (x: Value, axis: number): number[] => x.shape.map((_, i) => (i === axis ? sized(x, axis) : 1));

const steps: Readonly<Record<string, Step>> = {
  tanh: (x) => op.Tanh(x),
  gelu: (x) => op.Gelu(x),
  add: (x, y) => (x.shape.join() === y.shape.join() ? op.Add(x, y) : op.Mul(x, x)),
  scaled: (x, _, [a]) => op.Mul(x, fixed(...units(x, a % x.rank))),
  larger: (x, y) => (x.shape.join() === y.shape.join() ? op.Where(op.Greater(x, y), x, op.Neg(y)) : undefined),
  projected: (x, _, [a]) =>
    typeof x.shape.at(-1) === "number" && x.rank > 1
      ? op.MatMul(x, fixed(Number(x.shape.at(-1)), 2 + (a % 7)))
      : undefined,
  attended: (x) => {
    if (x.rank < 2 || x.rank > 4) return undefined;
    const turned = op.Transpose(x, [...Array(x.rank - 2).keys(), x.rank - 1, x.rank - 2]);
    return op.MatMul(op.Softmax(op.MatMul(x, turned)), x);
  },
  batched: (x, y) =>
    x.rank > 2 && x.shape.join() === y.shape.join()
      ? op.MatMul(op.Transpose(x, [...Array(x.rank - 2).keys(), x.rank - 1, x.rank - 2]), y)
      : undefined,
  transposed: (x, _, [a]) => {
    const axes = [...Array(x.rank).keys()];
    return op.Transpose(x, [...axes.slice(a % x.rank), ...axes.slice(0, a % x.rank)]);
  },
  split: (x) =>
    Number(x.shape.at(-1)) % 2 === 0
      ? op.Reshape(x, [...x.shape.slice(0, -1), 2, Number(x.shape.at(-1)) / 2])
      : undefined,
  joined: (x) => {
    const [a, b] = x.shape.slice(-2);
    return typeof a === "number" && typeof b === "number" ? op.Reshape(x, [...x.shape.slice(0, -2), a * b]) : undefined;
  },
  flat: (x, _, [a]) => {
    const axis = a % Math.max(1, x.rank - 1);
    return x.rank > 1 ? op.Reshape(x, [...x.shape.slice(0, axis), -1, ...x.shape.slice(axis + 2)]) : undefined;
  },
  apart: (x, _, [a]) => {
    const axis = a % x.rank;
    const dim = x.shape[axis];
    const fits = typeof dim === "string" ? dim === "6*n" : Number(dim) % 6 === 0;
    return fits ? op.Reshape(x, [...x.shape.slice(0, axis), -1, 6, ...x.shape.slice(axis + 1)]) : undefined;
  },
  widened: (x, _, [a]) => {
    const axis = a % (x.rank + 1);
    const more = op.Unsqueeze(x, [axis]);
    return op.Expand(
      more,
      more.shape.map((dim, i) => (i === axis ? 5 : dim)),
    );
  },
  summed: (x, _, [a, b]) => (x.rank > 1 ? op.ReduceSum(x, { axes: [a % x.rank], keepdims: b % 2 === 0 }) : undefined),
  largest: (x, _, [a, b]) => (x.rank > 1 ? op.ReduceMax(x, { axes: [a % x.rank], keepdims: b % 2 === 0 }) : undefined),
  mean: (x, _, [a]) => op.Sub(x, op.ReduceMean(x, { axes: [a % x.rank] })),
  softmax: (x, _, [a]) => op.Softmax(x, a % x.rank),
  standard: (x, _, [a]) => (sized(x, a % x.rank) > 1 ? op.Standardize(x, [a % x.rank], 0.1) : undefined),
  normed: (x) => {
    const width = x.shape.at(-1);
    if (typeof width !== "number" || width < 2) return undefined;
    return op.LayerNormalization(x, fixed(width), fixed(width), { epsilon: 0.1 });
  },
  beside: (x, y, [a]) => op.Concat([x, x.shape.join() === y.shape.join() ? y : op.Tanh(x)], a % x.rank),
  cut: (x, _, [a, b, c]) => {
    const axis = a % x.rank;
    const start = b % sized(x, axis);
    return op.Slice(x, [start], [start + 1 + (c % (sized(x, axis) - start))], [axis]);
  },
  cutFromEnd: (x, _, [a, b]) => {
    const axis = (a % x.rank) - x.rank;
    return typeof x.shape.at(axis) === "number" ? op.Slice(x, [-1 - (b % 2)], [2 ** 31], [axis]) : undefined;
  },
  stepped: (x, _, [a, b]) => {
    const axis = a % x.rank;
    if (typeof x.shape[axis] !== "number") return undefined;
    return b % 2 === 0 ? op.Slice(x, [b % 3], [99], [axis], [2 + (b % 3)]) : op.Slice(x, [-1], [-99], [axis], [-2]);
  },
  taken: (x, _, [a, b]) => (x.rank > 1 ? op.Gather(x, constant(-1 * (b % 2), [], "int64"), a % x.rank) : undefined),
  looked: (x, _, [a, b, c]) => {
    const axis = a % x.rank;
    const of = sized(x, axis);
    const indices = [b % of, b % of, (c % of) - of, 0].slice(c % 2);
    return op.Gather(x, constant(indices, c % 2 === 0 ? [2, 2] : [3], "int64"), axis);
  },
};
export const names = Object.keys(steps);

export interface Made {
  readonly outputs: readonly Value[];
  readonly leaves: readonly Value[];
}

export const picked = fc.array(fc.tuple(fc.nat(names.length - 1), fc.nat(99), fc.nat(99), fc.nat(99)), {
  minLength: 3,
  maxLength: 14,
});

/** About how many numbers a value has. */
const likely = ({ shape }: Value): number => size(shape.map((dim) => (typeof dim === "number" ? dim : 3)));

/** A graph of random steps; cuts come often. */
export function graphOf(list: readonly (readonly [number, number, number, number])[]): Made {
  const shape: readonly Dim[] = ["n", 6, 8];
  const leaves = [input("x", shape, "float64"), input("y", shape, "float64"), ...inputs64([[8, 8]])];
  const [x, y, w] = leaves as [Value, Value, Value];
  const values = [x, y, op.Tanh(op.MatMul(x, w))];
  for (const [step, a, b, c] of list) {
    const [one, other] = [values.at(-1 - (b % 3))!, values.at(-1 - (c % 4)) ?? y];
    const value = steps[names[step]!]!(one, other, [a, b, c]);
    const count = value && value.rank > 0 && value.rank < 6 ? likely(value) : 0;
    if (value && count > 0 && count < 4000) values.push(value);
  }
  return { outputs: values.slice(-1 - (list[0]![1] % 2)), leaves };
}

export const feedsOf = (n: number): Record<string, ShapedNumbers> => {
  const random = randomNumbers(n);
  return { x: numbers([n, 6, 8], random), y: numbers([n, 6, 8], random), x0: numbers([8, 8], random) };
};

/** One number of them all. */
export const sums = (outputs: readonly Value[]): Value =>
  outputs
    .map((value) => op.ReduceSum(op.Mul(value, op.Sin(value)), { keepdims: false }))
    .reduce((a, b) => op.Add(a, b));
