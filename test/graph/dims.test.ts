// Sizes that are open while a graph is built: arithmetic with them, seen through the shapes that operators infer.
import { evaluate, grad, input, op, showShape, vmap } from "@innerloop/graph";
import { expect, test } from "vitest";
import { differences, distance, numbers, randomNumbers } from "./numbers.ts";

const x = input("x", ["support", 4, 3], "float64");
const z = input("z", ["query", 4, 3], "float64");

test("sums, products and quotients of sizes", () => {
  expect(op.Concat([x, z], 0).shape).toEqual(["query+support", 4, 3]);
  expect(op.Concat([x, x, op.ConstantOfShape([1, 4, 3], 0, "float64")], 0).shape).toEqual(["2*support+1", 4, 3]);
  expect(op.Flatten(x).shape).toEqual(["support", 12]);
  expect(op.Flatten(x, 2).shape).toEqual(["4*support", 3]);
  expect(op.Reshape(op.Flatten(x, 2), [-1, 12]).shape).toEqual(["support", 12]);
  expect(op.Reshape(op.Concat([x, z], 0), [-1, 6]).shape).toEqual(["2*query+2*support", 6]);
  expect(op.Reshape(op.Concat([x, z], 0), [12, -1]).shape).toEqual([12, "query+support"]);
  expect(op.Expand(op.Unsqueeze(x, [1]), ["support", "query", 4, 3]).shape).toEqual(["support", "query", 4, 3]);
  expect(op.Reshape(op.Expand(op.Unsqueeze(x, [1]), ["support", "query", 4, 3]), [-1, 3]).shape).toEqual([
    "4*query*support",
    3,
  ]);
});

test("a sum is the same size however it was made", () => {
  expect(op.Add(op.Concat([x, z], 0), op.Concat([z, x], 0)).shape).toEqual(["query+support", 4, 3]);
});

test("a product of sums is divided by each of them", () => {
  const cut = op.Slice(z, [1], [Number.MAX_SAFE_INTEGER], [0]);
  expect(cut.shape).toEqual(["query+-1", 4, 3]);
  const both = op.Expand(op.Unsqueeze(op.Concat([x, z], 0), [1]), ["query+support", "query", 4, 3]);
  const less = op.Slice(both, [1], [Number.MAX_SAFE_INTEGER], [1]);
  expect(op.Reshape(less, ["query+support", "query+-1", -1]).shape).toEqual(["query+support", "query+-1", 12]);
  expect(op.Reshape(less, [-1, "query+-1", 12]).shape).toEqual(["query+support", "query+-1", 12]);
  expect(op.Reshape(less, [6, -1, "query+support"]).shape).toEqual([6, "2*query+-2", "query+support"]);
  expect(() => op.Reshape(less, [-1, "query+1"])).toThrow("do not fill");
});

test("what does not come out even, or is not known to be equal, is refused", () => {
  expect(() => op.Reshape(x, [-1, 5])).toThrow(
    "Reshape(float64[support, 4, 3]): has 12*support elements, which do not fill [-1, 5]",
  );
  expect(() => op.Add(x, z)).toThrow("Add(float64[support, 4, 3], float64[query, 4, 3]): the shapes do not broadcast");
  expect(() => op.Split(x, 2, 0)).toThrow('"support"');
  expect(() => input("y", ["two words"]) && op.Flatten(input("y", ["two words", 2]), 2)).toThrow("two words");
});

test("shapes print as people write them", () => {
  expect(showShape(["support", 28, 28, 1])).toBe("[support, 28, 28, 1]");
  expect(String(op.Concat([x, z], 0))).toBe("float64[query+support, 4, 3]");
});

test("a graph is evaluated at whatever sizes its inputs have", () => {
  const joined = op.Concat([x, z], 0);
  const loss = op.ReduceMean(op.Mul(joined, op.Sin(joined)), { keepdims: false });
  const slopes = grad(loss, [x, z]);
  expect(slopes.map((slope) => slope.shape)).toEqual([x.shape, z.shape]);
  for (const [support, query] of [
    [1, 1],
    [2, 3],
  ]) {
    const next = randomNumbers(support!);
    const feeds = { x: numbers([support!, 4, 3], next), z: numbers([query!, 4, 3], next) };
    evaluate(slopes, feeds).forEach(({ data, shape }, i) => {
      expect(shape).toEqual([[support, query][i], 4, 3]);
      expect(distance(data, differences(loss, feeds, i === 0 ? "x" : "z"))).toBeLessThan(1e-8);
    });
  }
});

test("sizes are counted where a graph asks for them", () => {
  const feeds = { x: numbers([5, 4, 3], randomNumbers(1)) };
  const [shape, size] = evaluate([op.Shape(x), op.Size(x), x], feeds);
  expect([...shape!.data]).toEqual([5, 4, 3]);
  expect([...size!.data]).toEqual([60]);
  expect([
    ...evaluate(
      [op.Add(op.Range("support"), op.Cast(op.ReduceSum(op.Mul(x, 0), { axes: [1, 2], keepdims: false }), "int64"))],
      feeds,
    )[0]!.data,
  ]).toEqual([0, 1, 2, 3, 4]);
});

test("the number of tasks may be open", () => {
  const many = input("many", ["tasks", 2], "float64");
  const [y] = vmap((row) => [op.Softmax(row)], [many]);
  expect(y!.shape).toEqual(["tasks", 2]);
  const [got] = evaluate([y!], { many: { shape: [3, 2], data: [0, 0, 1, 1, 2, 2] } });
  expect([...got!.data]).toEqual([0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
});

test("a size that two inputs share has to be one", () => {
  const other = input("other", ["support"], "float64");
  const sum = op.Add(op.ReduceSum(x, { axes: [1, 2], keepdims: false }), other);
  const feeds = { x: numbers([2, 4, 3], randomNumbers(1)), other: numbers([3], randomNumbers(2)) };
  expect(() => evaluate([sum], feeds)).toThrow(/the size "support" is [23].*is [23]/);
});
