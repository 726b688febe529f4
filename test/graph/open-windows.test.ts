// Windows over spaces of open sizes whose padding follows from the sizes: the numbers and derivatives of the same model with the sizes given.
import { evaluate, gradients, input, op, type Value } from "@innerloop/graph";
import { describe, expect, test } from "vitest";
import { distance, numbers, randomNumbers } from "./numbers.ts";

const weights = numbers([3, 2, 3, 3], randomNumbers(5));

/** What is made of `x`, and the derivative of the sum of its sines. */
function both(made: (x: Value) => Value, x: Value): Value[] {
  const y = made(x);
  return [y, ...gradients(op.ReduceSum(op.Sin(y), { keepdims: false }), [x]).map((slope) => slope!)];
}

const kinds: [string, (x: Value) => Value][] = [];
for (const autoPad of ["SAME_UPPER", "SAME_LOWER"] as const)
  for (const strides of [
    [2, 2],
    [3, 1],
  ]) {
    const options = { autoPad, strides };
    kinds.push(
      [`Conv ${autoPad} ${strides}`, (x) => op.Conv(x, input("w", weights.shape, "float64"), undefined, options)],
      [`MaxPool ${autoPad} ${strides}`, (x) => op.MaxPool(x, [3, 2], options)],
      [`AveragePool ${autoPad} ${strides}`, (x) => op.AveragePool(x, [2, 3], options)],
    );
  }
for (const pads of [
  [0, 0, 0, 0],
  [1, 0, 1, 1],
]) {
  const options = { ceilMode: true, strides: [2, 3], pads };
  kinds.push(
    [`MaxPool ceil ${pads}`, (x) => op.MaxPool(x, [2, 3], options)],
    [`AveragePool ceil ${pads}`, (x) => op.AveragePool(x, [3, 2], options)],
    [
      `AveragePool ceil ${pads}, with its pads`,
      (x) => op.AveragePool(x, [3, 2], { ...options, countIncludePad: true }),
    ],
  );
}

describe.each(kinds)("%s", (_, made) => {
  const open = both(made, input("x", ["n", 2, "height", "width"], "float64"));
  test.each([
    [1, 6, 7],
    [2, 7, 9],
    [1, 5, 4],
  ])("of %d × %d × %d", (n, height, width) => {
    const shape = [n, 2, height, width];
    const feeds = { x: numbers(shape, randomNumbers(height)), w: weights };
    const wanted = evaluate(both(made, input("x", shape, "float64")), feeds);
    evaluate(open, feeds).forEach((array, i) => {
      expect(array.shape).toEqual(wanted[i]!.shape);
      expect(distance(array.data, wanted[i]!.data)).toBeLessThan(1e-12);
    });
  });
});

test("space of open sizes is moved into channels", () => {
  const feeds = { x: numbers([1, 2, 4, 6], randomNumbers(1)) };
  const [got, wanted] = [
    ["n", 2, "height", "width"],
    [1, 2, 4, 6],
  ].map((shape) => evaluate([op.SpaceToDepth(input("x", shape, "float64"), 2, "DCR")], feeds)[0]!);
  expect(got).toEqual(wanted);
});
