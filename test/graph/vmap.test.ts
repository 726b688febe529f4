// Batching: what tasks share, what they do not, and what cannot be batched. (operators.test.ts has every operator.)
import { evaluate, grad, innerLoop, input, op, type Value, vmap } from "@innerloop/graph";
import { expect, test } from "vitest";
import { distance, numbers, randomNumbers } from "./numbers.ts";

const x = input("x", [3, 4, 2], "float64");
const w = input("w", [2, 2], "float64");

test("results that do not depend on the task are repeated for each", () => {
  const [same] = vmap(() => [op.Tanh(w)], [x]);
  expect(same!.shape).toEqual([3, 2, 2]);
});

test("the gradient of a batch is the batch of gradients, and of a shared weight the sum of them", () => {
  const loss = (rows: Value, weight: Value) => op.ReduceMean(op.Tanh(op.MatMul(rows, weight)), { keepdims: false });
  const [losses] = vmap((rows) => [loss(rows, w)], [x]);
  const [perTask] = vmap((rows) => grad(loss(rows, w), [w]), [x]);
  const [total] = grad(op.ReduceSum(losses!, { keepdims: false }), [w]);
  const next = randomNumbers(1);
  const feeds = { x: numbers([3, 4, 2], next), w: numbers([2, 2], next) };
  const [sum, expected] = evaluate([total!, op.ReduceSum(perTask!, { axes: [0], keepdims: false })], feeds);
  expect(distance(sum!.data, expected!.data)).toBeLessThan(1e-14);
});

test("MAML: adapting tasks at once is adapting them one by one, and so is the meta-gradient", () => {
  const y = input("y", [3, 4, 1], "float64");
  const parameters = { w: input("weight", [2, 1], "float64"), b: input("bias", [1], "float64") };
  const metaLoss = (rows: Value, targets: Value): Value => {
    const loss = (p: Readonly<Record<string, Value>>) => {
      const error = op.Sub(op.Tanh(op.Add(op.MatMul(rows, p.w!), p.b!)), targets);
      return op.ReduceMean(op.Mul(error, error), { keepdims: false });
    };
    return loss(innerLoop(loss, parameters, { steps: 2, rates: { w: 0.4, b: 0.2 } }).adapted);
  };
  const [batch] = vmap((rows, targets) => [metaLoss(rows, targets)], [x, y]);
  const task = (v: Value, t: number) => op.Squeeze(op.Slice(v, [t], [t + 1], [0]), [0]);
  const loop = [0, 1, 2].map((t) => metaLoss(task(x, t), task(y, t))).reduce((a, b) => op.Add(a, b));
  const wrt = Object.values(parameters);
  const next = randomNumbers(6);
  const feeds = {
    x: numbers([3, 4, 2], next),
    y: numbers([3, 4, 1], next),
    weight: numbers([2, 1], next),
    bias: numbers([1], next),
  };
  const together = evaluate(grad(op.ReduceSum(batch!, { keepdims: false }), wrt), feeds);
  evaluate(grad(loop, wrt), feeds).forEach(({ data }, i) => {
    expect(data.some((slope) => Math.abs(slope) > 1e-3)).toBe(true);
    expect(distance(together[i]!.data, data)).toBeLessThan(1e-13);
  });
});

test("arguments need one number of tasks", () => {
  expect(() => vmap((a, b) => [op.Add(a, b)], [x, w])).toThrow(
    "vmap(float64[3, 4, 2], float64[2, 2]): every argument needs a leading axis of the same size.",
  );
});

test("a Loop cannot be batched, and the message says what to do", () => {
  const steps = input("steps", [], "int64");
  const double = (v: Value) =>
    op.Loop(steps, [v], (c) => ({ carried: [op.Mul(c, 2)], collected: [] }), "steps").carried;
  expect(() => vmap((v) => double(v), [x])).toThrow(
    "Loop has no batching rule; for a Loop, give the number of steps as a number",
  );
});
