// Simplification keeps the numbers, does not stop half-way, and does what it is for.
import {
  constant,
  evaluate,
  grad,
  input,
  inputName,
  isInput,
  op,
  print,
  simplify,
  topological,
  type Value,
} from "@innerloop/graph";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { distance, numbers, randomNumbers } from "./numbers.ts";

const shape = [2, 3];
const feeds = {
  a: numbers(shape, randomNumbers(1)),
  b: numbers(shape, randomNumbers(2)),
  c: numbers([3], randomNumbers(3)),
};

type Step = (x: Value, y: Value) => Value;
const scalar = (x: number): Value => constant(x, [], "float64");

/** Steps that take two arrays of one shape, [2, 3], and give another of it: what simplification meets, in any order. */
const steps: readonly Step[] = [
  (x, y) => op.Add(x, y),
  (x, y) => op.Sub(x, y),
  (x, y) => op.Mul(x, y),
  (x) => op.Neg(x),
  (x) => op.Tanh(x),
  (x) => op.Mul(x, 0),
  (x) => op.Mul(1, x),
  (x) => op.Mul(x, -1),
  (x) => op.Mul(x, 0.5),
  (x) => op.Mul(-2, x),
  (x) => op.Add(x, 0),
  (x) => op.Sub(0, x),
  (x) => op.Sub(x, 1.5),
  (x) => op.Div(x, 4),
  (x) => op.Reshape(op.Reshape(x, [3, 2]), shape),
  (x) => op.Reshape(op.Transpose(x), shape),
  (x, y) => op.Reshape(op.Add(op.Reshape(x, [3, 2]), op.Reshape(y, [3, 2])), shape),
  (x, y) => op.Reshape(op.Mul(op.Reshape(x, [2, 1, 3]), op.ReduceMax(y, { axes: [0], keepdims: false })), shape),
  (x, y) => op.Reshape(op.Sub(op.Reshape(x, [1, 2, 3]), y), shape),
  (x) => op.Add(x, x),
  (x) => op.Mul(x, constant([3, 3, 3], [3], "float64")),
  (x) => op.Transpose(op.Transpose(x)),
  (x) => op.Squeeze(op.Transpose(op.Unsqueeze(x, [0]), [1, 0, 2]), [1]),
  (x) => op.Expand(op.ReduceSum(x, { axes: [1] }), shape),
  (x) => op.ReduceSum(op.Expand(op.Unsqueeze(x, [1]), [2, 4, 3]), { axes: [1], keepdims: false }),
  (x) => op.ReduceSum(op.Expand(op.Unsqueeze(x, [0, 2]), [1, 2, 5, 3]), { axes: [0, 2], keepdims: false }),
  (x) => op.Mul(x, op.Expand(op.ReduceMax(x), shape)),
  (x, y) => op.Slice(op.Concat([x, y, x], 1), [3], [6], [1]),
  (x, y) => op.Slice(op.Concat([x, op.Concat([y, x], 0)], 0), [1], [3]),
  (x, y) => op.Where(op.Greater(x, op.Expand(scalar(0.1), shape)), x, y),
  (x, y) => op.Max(x, op.Expand(op.Cast(op.Cast(op.ReduceMin(y), "float32"), "float64"), shape)),
  (x) => op.stopGradient(x),
  () => constant([1, 2, 3, 4, 5, 6], shape, "float64"),
  () => op.Expand(scalar(1), shape),
  () => op.Reshape(op.Expand(scalar(0), [6]), shape),
  (x) => op.MatMul(x, constant([1, 0, 0, 0, 0, 1, 0, 1, 0], [3, 3], "float64")),
  (x) => op.MatMul(x, op.Expand(scalar(0), [3, 3])),
];

const [a, b, c] = [input("a", shape, "float64"), input("b", shape, "float64"), input("c", [3], "float64")];

/** A random graph: each step takes two of the values made so far. */
const graphs = fc
  .array(fc.tuple(fc.nat(steps.length - 1), fc.nat(), fc.nat()), { minLength: 1, maxLength: 12 })
  .map((program) => {
    const made: Value[] = [a, b, op.Expand(c, shape)];
    for (const [step, i, j] of program) made.push(steps[step]!(made[i % made.length]!, made[j % made.length]!));
    return made.at(-1)!;
  });

test("the numbers stay, of random graphs and of their gradients", () => {
  fc.assert(
    fc.property(graphs, (y) => {
      const loss = op.ReduceSum(op.Tanh(op.Mul(y, 0.1)), { keepdims: false });
      const outputs = [y, ...grad(loss, [a, b, c])];
      const before = evaluate(outputs, feeds);
      evaluate(simplify(outputs), feeds).forEach((after, i) => {
        expect(after.shape).toEqual(before[i]!.shape);
        expect(after.dtype).toBe(before[i]!.dtype);
        expect(distance(after.data, before[i]!.data)).toBeLessThan(1e-12);
      });
    }),
    { numRuns: 300, seed: 1 },
  );
});

test("nothing is left to do after it, and it adds no nodes", () => {
  fc.assert(
    fc.property(graphs, (y) => {
      const loss = op.ReduceSum(op.Tanh(op.Mul(y, 0.1)), { keepdims: false });
      const outputs = [y, ...grad(loss, [a, b, c])];
      const once = simplify(outputs);
      expect(print(simplify(once))).toBe(print(once));
      expect(topological(once).length).toBeLessThanOrEqual(topological(outputs).length);
    }),
    { numRuns: 300, seed: 2 },
  );
});

describe("what it is for", () => {
  const x = input("x", ["support", 3], "float64");
  const simple = (y: Value): string =>
    print(simplify([y]))
      .replace("return ", "")
      .trim();

  test.each<[string, Value, Value]>([
    ["x + 0", op.Add(x, 0), x],
    ["1 · x", op.Mul(1, x), x],
    ["x · 0", op.Mul(x, 0), op.Expand(scalar(0), x.shape)],
    ["−(−x)", op.Neg(op.Neg(x)), x],
    ["x − (−x)", op.Sub(x, op.Neg(x)), op.Add(x, x)],
    ["2 · (3 · x)", op.Mul(2, op.Mul(3, x)), op.Mul(x, 6)],
    ["x / 4", op.Div(x, 4), op.Mul(x, 0.25)],
    ["x + x", op.Mul(0.5, op.Add(x, x)), x],
    ["a constant that is one number", op.Mul(x, constant([2, 2, 2], [3], "float64")), op.Mul(x, 2)],
    [
      "reshapes between sums",
      op.Reshape(op.Add(op.Reshape(a, [1, 2, 3]), op.Add(op.Reshape(b, [1, 2, 3]), c)), [2, 3]),
      op.Add(a, op.Add(b, c)),
    ],
    ["two transposes", op.Transpose(op.Transpose(x)), x],
    ["two reshapes", op.Reshape(op.Reshape(x, [-1]), x.shape), x],
    ["a transpose that moves nothing", op.Transpose(op.Unsqueeze(x, [1]), [0, 2, 1]), op.Unsqueeze(x, [2])],
    ["constants", op.Add(op.Exp(scalar(0)), op.Mul(scalar(2), scalar(3))), scalar(7)],
    ["a repeated value added", op.Add(x, op.Expand(c, x.shape)), op.Add(x, c)],
    ["a part of what was joined", op.Slice(op.Concat([x, x], 1), [3], [6], [1]), x],
    ["stopGradient", op.stopGradient(x), x],
  ])("%s", (_, given, expected) => {
    expect(simple(given)).toBe(simple(expected));
    expect(simplify([given])[0]).toBe(simplify([expected])[0]);
  });

  test("the sum of something repeated is a product", () => {
    const y = op.ReduceSum(op.Expand(op.Unsqueeze(a, [1]), [2, 7, 3]), { axes: [1], keepdims: false });
    expect(topological(simplify([y])).map((node) => node.operator.name)).not.toContain("Expand");
  });

  test("bodies of loops too", () => {
    const steps = input("steps", [], "int64");
    const { carried } = op.Loop(
      steps,
      [a],
      (v) => ({ carried: [op.Add(op.Mul(v, 1), op.Mul(b, 0))], collected: [] }),
      "k",
    );
    const names = topological(simplify([op.Add(carried[0]!, 0)])).map((node) => node.operator.name);
    expect(names).not.toContain("Mul");
    const [got] = evaluate(simplify([...carried]), { ...feeds, steps: { shape: [], data: [3] } });
    expect([...got!.data]).toEqual(Array.from(feeds.a.data));
  });

  test("inputs stay the inputs that they are", () => {
    const [y] = simplify([op.Add(op.Mul(a, 2), op.Mul(b, 0))]);
    expect(topological([y!]).flatMap((node) => node.outputs.filter(isInput).map(inputName))).toEqual(["a"]);
  });
});

test("what is known is as 32 bits give it, so that whole numbers made of it are", () => {
  // As T5 tells how far apart two tokens are: PyTorch's file has log(128 / 8), rounded to 32 bits.
  const apart = constant([8, 16, 32, 64, 128], [5], "float32");
  const logarithm = op.Log(op.Div(apart, constant(8, [], "float32")));
  const bucket = op.Mul(
    op.Div(logarithm, constant(Math.fround(Math.log(16)), [], "float32")),
    constant(8, [], "float32"),
  );
  const buckets = [0, 2, 4, 6, 8];
  const folded = (value: Value) => [...evaluate(simplify([value]))[0]!.data];
  expect(folded(op.Cast(bucket, "int64"))).toEqual(buckets);
  expect(folded(op.Floor(bucket))).toEqual(buckets);
  expect(folded(op.Cast(op.Equal(bucket, constant(buckets, [5], "float32")), "int64"))).toEqual([1, 1, 1, 1, 1]);
  expect(folded(op.Ceil(op.Neg(bucket)))).toEqual(buckets.map((number) => -number));
});
