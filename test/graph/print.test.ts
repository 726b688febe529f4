// A graph as text.
import { grad, input, op, print, scope, simplify } from "@innerloop/graph";
import { expect, test } from "vitest";

test("one line a node: names, operator, attributes, type, place in the model", () => {
  const x = input("support_x", ["support", 3]);
  const [w, b] = [input("w", [3, 2]), input("b", [2])];
  const y = scope("dense", () => op.Relu(op.Add(op.MatMul(x, w), b)));
  const loss = op.ReduceMean(op.Softmax(y, 1), { axes: [1], keepdims: false });
  expect(print([loss])).toMatchInlineSnapshot(`
    "%0 = MatMul(support_x, w) : float32[support, 2]  # dense
    %1 = Add(%0, b) : float32[support, 2]  # dense
    %2 = Relu(%1) : float32[support, 2]  # dense
    %3 = Softmax(%2, axis=1) : float32[support, 2]
    %4 = ReduceSum(%3, axes=[1], keepdims=false) : float32[support]
    %5 = Mul(%4, 0.5) : float32[support]
    return %5
    "
  `);
});

test("a gradient", () => {
  const [x, w] = [input("x", [3]), input("w", [3])];
  const loss = op.ReduceSum(op.Tanh(op.Mul(x, w)), { keepdims: false });
  expect(print(simplify(grad(loss, [w])))).toMatchInlineSnapshot(`
    "%0 = Mul(x, w) : float32[3]
    %1 = Tanh(%0) : float32[3]
    %2 = Mul(%1, %1) : float32[3]
    %3 = Sub(1, %2) : float32[3]
    %4 = Mul(%3, x) : float32[3]
    return %4
    "
  `);
});

test("a loop, with its body before it", () => {
  const [steps, w] = [input("steps", [], "int64"), input("w", [2])];
  const { carried, collected } = op.Loop(
    steps,
    [w],
    (v) => ({ carried: [op.Mul(v, 0.5)], collected: [op.ReduceSum(v, { keepdims: false })] }),
    "steps",
  );
  expect(print([carried[0]!, collected[0]!])).toMatchInlineSnapshot(`
    "%0 = Mul(carried0, 0.5) : float32[2]
    %1 = ReduceSum(carried0, axes=[0], keepdims=false) : float32[]
    %2, %3 = Loop(steps, w, body={(iteration, carried0) → (%0, %1)}, length=steps) : float32[2], float32[steps]
    return %2, %3
    "
  `);
});
