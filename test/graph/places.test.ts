// The pass `places`: ONNX Runtime computes the same numbers with it as without it, and fewer large arrays are moved.
import { grad, input, lower, onnxTarget, op, print, topological, type Value, writeOnnx } from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import type { Tensor } from "@innerloop/schemas";
import { expect, test } from "vitest";
import { randomNumbers, size } from "./numbers.ts";

const next = randomNumbers(3);
const shapes = { rows: [24, 169, 6], weights: [24, 6, 36], w: [3, 3, 36, 8], t: [24, 7, 7, 8] };
const feeds = Object.fromEntries(
  Object.entries(shapes).map(([name, shape]): [string, Tensor] => [
    name,
    { dtype: "float32", shape, data: Float32Array.from({ length: size(shape) }, () => next()) },
  ]),
);

const sumOf = (value: Value): Value => op.ReduceSum(value, { keepdims: false });

/** Pictures that a product of few numbers makes, and a convolution of stride 2 of them: slopes of both, and more of the pictures. */
function placed(more: (pictures: Value) => Readonly<Record<string, Value>> = () => ({})): Record<string, Value> {
  const [rows, weights] = [input("rows", shapes.rows), input("weights", shapes.weights)];
  const [w, t] = [input("w", shapes.w), input("t", shapes.t)];
  const y = op.Relu(op.Reshape(op.MatMul(rows, weights), [24, 13, 13, 36]));
  const loss = sumOf(op.Mul(op.Convolution(y, w, { strides: [2, 2], pads: [1, 1, 1, 1] }), t));
  const [first, second] = grad(loss, [weights, w]) as [Value, Value];
  return { loss, first, second, ...more(y) };
}

async function run(without: readonly string[], outputs = placed()): Promise<Record<string, Tensor>> {
  const session = await openSession(writeOnnx(outputs, { passes: { without } }));
  const results = await session.run(
    Object.fromEntries(Object.entries(feeds).filter(([name]) => session.inputs.includes(name))),
  );
  await session.dispose();
  return results;
}

const lowered = (outputs: Readonly<Record<string, Value>>, without: readonly string[] = []) =>
  lower(Object.values(outputs), onnxTarget(), { without });

/** Moves of arrays of all places. */
const moves = (outputs: readonly Value[]): number =>
  topological(outputs).filter(
    ({ operator: { name }, outputs: [y] }) =>
      (name === "Gather" || name === "Concat") && size(y.shape.map(Number)) >= size([24, 169, 36]),
  ).length;

test("keeps the numbers", async () => {
  const [without, with_] = [await run(["places"]), await run([])];
  for (const [name, tensor] of Object.entries(without)) {
    const [before, after] = [tensor.data as Float32Array, with_[name]!.data as Float32Array];
    const most = Math.max(...before.map(Math.abs));
    for (const [i, x] of before.entries()) expect(Math.abs(x - after[i]!), name).toBeLessThan(3e-6 * most);
  }
});

test("moves what it reads and what comes back once each", () => {
  expect([moves(lowered(placed(), ["places"])), moves(lowered(placed()))]).toEqual([4, 2]);
});

test("has the place of zeros among the few numbers where pictures are only read", async () => {
  const pictures = (): Record<string, Value> => ({
    y: placed((y) => ({ y: op.Convolution(y, input("w", shapes.w), window) })).y!,
  });
  const window = { strides: [2, 2], pads: [1, 1, 1, 1] };
  expect([moves(lowered(pictures(), ["places"])), moves(lowered(pictures()))]).toEqual([3, 2]);
  const [without, with_] = [await run(["places"], pictures()), await run([], pictures())];
  expect(with_).toEqual(without);
});

test("leaves places that an output, or a product that tells them apart, reads", () => {
  const far = input("far", [1, 169, 1]);
  for (const more of [
    (y: Value) => ({ y }),
    (y: Value) => ({ sums: op.ReduceSum(op.Mul(op.Reshape(y, [24, 169, 36]), far), { axes: [1] }) }),
  ])
    expect(print(lowered(placed(more)))).toBe(print(lowered(placed(more), ["places"])));
});
