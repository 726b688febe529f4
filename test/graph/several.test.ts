// Nodes of several outputs, and inputs that are left out: through everything that walks a graph.
import {
  apply,
  constant,
  constantOf,
  cotangents,
  evaluate,
  grad,
  input,
  type Operator,
  op,
  print,
  simplify,
  type Value,
  vmap,
  writeOnnx,
} from "@innerloop/graph";
import { decodeModel } from "@innerloop/schemas/onnx";
import { expect, test } from "vitest";
import { numbers, randomNumbers } from "./numbers.ts";

type Inputs = readonly [x: Value, low?: Value | undefined, high?: Value | undefined];

/** x − low and high − x; a bound that is left out is 0. */
const distances: Operator<{ readonly times: number }, Inputs, readonly [Value, Value]> = {
  name: "Distances",
  family: "elementwise",
  summary: "from two bounds",
  infer: ([{ dtype, shape }]) => [
    { dtype, shape },
    { dtype, shape },
  ],
  gradient: ({ inputs: [, low, high], cotangents: [below, above], attributes: { times } }) => {
    const scaled = (g: Value | undefined) => g && op.Mul(g, times);
    const [a, b] = [scaled(below), scaled(above)];
    return [a && b ? op.Sub(a, b) : (a ?? (b && op.Neg(b))), low && a && op.Neg(a), high && b];
  },
  batch: ([x, low, high], _, attributes) => apply(distances, [x, low, high], attributes),
  evaluate({ inputs: [x, low, high], attributes: { times } }) {
    const bound = (array: typeof low, i: number) => array?.data[i] ?? 0;
    return [x.data.map((v, i) => times * (v - bound(low, i))), x.data.map((v, i) => times * (bound(high, i) - v))];
  },
};

const x = input("x", [2], "float64");
const high = input("high", [2], "float64");
const numbersOf = (...values: number[]) => ({ shape: [values.length], data: values });
const feeds = { x: numbersOf(1, 2), high: numbersOf(5, 7) };
const read = (values: readonly Value[], given = feeds) => evaluate(values, given).map(({ data }) => [...data]);

test("an input that is left out has its place, and at the end none", () => {
  expect(apply(distances, [x, undefined, high], { times: 1 })[0].node.inputs).toEqual([x, undefined, high]);
  const short = apply(distances, [x], { times: 1 });
  expect(apply(distances, [x, undefined, undefined], { times: 1 })).toBe(short);
  expect(apply(distances, [x, high], { times: 1 })[0]).not.toBe(
    apply(distances, [x, undefined, high], { times: 1 })[0],
  );
});

test("they are printed and evaluated", () => {
  const both = apply(distances, [x, undefined, high], { times: 2 });
  expect(print(both)).toBe("%0, %1 = Distances(x, _, high, times=2) : float64[2], float64[2]\nreturn %0, %1\n");
  expect(read(both)).toEqual([
    [2, 4],
    [8, 10],
  ]);
});

test("their derivatives go by the cotangents that are there", () => {
  const [below, above] = apply(distances, [x, undefined, high], { times: 3 });
  const seed = constant([1, 10], [2], "float64");
  const slopes = cotangents([above], [seed], [x, high]).map((slope) => slope!);
  expect(read(slopes)).toEqual([
    [-3, -30],
    [3, 30],
  ]);
  const loss = op.ReduceSum(op.Mul(below, above), { keepdims: false });
  expect(read(grad(loss, [x, high]))).toEqual([
    [9 * (5 - 1 - 1), 9 * (7 - 2 - 2)],
    [9, 18],
  ]);
});

test("they are batched", () => {
  const rows = [input("x", [3, 2], "float64"), input("high", [3, 2], "float64")];
  const next = randomNumbers(3);
  const given = { x: numbers([3, 2], next), high: numbers([3, 2], next) };
  const batched = vmap((v, bound) => [...apply(distances, [v, undefined, bound], { times: 1 })], rows);
  expect(evaluate(batched, given)).toEqual(
    evaluate(apply(distances, [rows[0]!, undefined, rows[1]], { times: 1 }), given),
  );
});

test("of constants, all outputs are folded", () => {
  const known = constant([1, 2], [2], "float64");
  const folded = simplify(apply(distances, [known, undefined, constant([5, 7], [2], "float64")], { times: 1 }));
  expect(folded.map((value) => [...constantOf(value)!.data])).toEqual([
    [1, 2],
    [4, 5],
  ]);
});

test("what is before them is simplified, and they stay", () => {
  const [, above] = apply(distances, [op.Neg(op.Neg(x)), undefined, high], { times: 1 });
  expect(simplify([above])).toEqual([apply(distances, [x, undefined, high], { times: 1 })[1]]);
});

test("an input that is left out has the empty name in a file", () => {
  const { graph } = decodeModel(writeOnnx({ y: op.Clip(input("x", [2]), undefined, input("most", [])) }), "the graph");
  expect(graph?.node?.map(({ opType, input: names }) => [opType, names])).toEqual([["Clip", ["x", "", "most"]]]);
});
