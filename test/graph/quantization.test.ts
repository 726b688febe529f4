// Numbers in few bits: derivatives go through the rounding as if it were not there, and stop beyond the range.
import { constant, evaluate, grad, input, op, type Value, vmap } from "@innerloop/graph";
import { expect, test } from "vitest";
import { distance } from "./numbers.ts";

const sum = (x: Value): Value => op.ReduceSum(x, { keepdims: false });
const whole = (list: readonly number[], shape: readonly number[], dtype: "int8" | "uint8" = "int8"): Value =>
  constant(list, shape, dtype);
const x = input("x", [2, 3], "float64");
const scale = input("scale", [3], "float64");
const numbers = [0.26, -1.9, 3.3, -0.4, 50, -0.2];
const scales = [0.1, 0.25, 0.5];
const feeds = { x: { shape: [2, 3], data: numbers }, scale: { shape: [3], data: scales } };
const zeroPoint = whole([3, -8, 0], [3]);
const fake = (v: Value, s: Value): Value => {
  const stored = op.QuantizeLinear(v, s, { zeroPoint, axis: 1 });
  expect(stored.dtype).toBe("int8");
  return op.DequantizeLinear(stored, s, { zeroPoint, axis: 1 });
};

/** The rounded numbers that PyTorch's fake_quantize_per_channel_affine has, and which of them are in the range. */
const expected = numbers.map((v, i) => {
  const [s, z] = [scales[i % 3]!, [3, -8, 0][i % 3]!];
  const q = Math.round(v / s) + z;
  return { y: (Math.min(Math.max(q, -128), 127) - z) * s, inside: q > -128 && q < 127, q, z, s, v };
});

test("a number in range has the derivative 1, one beyond it none", () => {
  const y = fake(x, scale);
  const [slope] = grad(sum(op.Mul(y, y)), [x]);
  const [value, d] = evaluate([y, slope!], feeds);
  expect(
    distance(
      value!.data,
      expected.map((e) => e.y),
    ),
  ).toBeLessThan(1e-12);
  expect(
    distance(
      d!.data,
      expected.map((e) => (e.inside ? 2 * e.y : 0)),
    ),
  ).toBeLessThan(1e-12);
});

test("the scale has the derivative of learned step sizes (arXiv 1902.08153)", () => {
  const [slope] = grad(sum(fake(x, scale)), [scale]);
  const one = (e: (typeof expected)[number]) =>
    e.inside ? e.q - e.z - e.v / e.s : Math.min(Math.max(e.q, -128), 127) - e.z;
  const perScale = [0, 1, 2].map((i) => expected.filter((_, n) => n % 3 === i).reduce((total, e) => total + one(e), 0));
  expect(distance(evaluate([slope!], feeds)[0]!.data, perScale)).toBeLessThan(1e-9);
});

test("through whole numbers that are moved between", () => {
  const stored = op.QuantizeLinear(x, constant(0.5, [], "float64"), { dtype: "int8" });
  const moved = op.Concat([op.Transpose(stored, [1, 0]), op.Reshape(stored, [3, 2])], 1);
  const y = op.DequantizeLinear(moved, constant(0.5, [], "float64"));
  const [slope] = grad(sum(op.Mul(y, constant([1, 2, 3, 4], [1, 4], "float64"))), [x]);
  // Entry (i, j) of the transpose has the weight i + 1, that of the reshape 3 or 4 by its place.
  const weights = [0, 1, 2, 3, 4, 5].map((n) => (n < 3 ? 1 : 2) + (n % 2 === 0 ? 3 : 4));
  expect(distance(evaluate([slope!], feeds)[0]!.data, weights)).toBeLessThan(1e-12);
});

test("of any order", () => {
  const y = fake(x, scale);
  const [first] = grad(sum(op.Mul(op.Mul(y, y), y)), [x]);
  const [second] = grad(sum(first!), [x]);
  expect(
    distance(
      evaluate([second!], feeds)[0]!.data,
      expected.map((e) => (e.inside ? 6 * e.y : 0)),
    ),
  ).toBeLessThan(1e-9);
});

test("a product in few bits has the derivatives of the product", () => {
  const s = constant(0.25, [], "float64");
  const [a, b] = [op.QuantizeLinear(x, s, { dtype: "int8" }), whole([4, -2, 7], [3, 1])];
  const out = { scale: constant(0.125, [], "float64"), zeroPoint: whole([1], []) };
  const stored = op.QLinearMatMul(
    { x: a, scale: s, zeroPoint: whole([0], []) },
    { x: b, scale: s, zeroPoint: whole([0], []) },
    out,
  );
  const y = op.DequantizeLinear(stored, out.scale, { zeroPoint: out.zeroPoint });
  const small = { x: { shape: [2, 3], data: [0.25, 1, -0.5, 0.5, -0.25, 0.75] } };
  const [slope] = grad(sum(y), [x]);
  const [value, d] = evaluate([y, slope!], small);
  // 1.9375 is 15.5 steps, and of its neighbours 16 is even.
  expect([...value!.data]).toEqual([-1.125, 2]);
  expect(distance(d!.data, [1, -0.5, 1.75, 1, -0.5, 1.75])).toBeLessThan(1e-12);
});

test("for many tasks at once", () => {
  const many = input("many", [2, 2, 3], "float64");
  const [batched] = vmap((v) => [fake(v, scale)], [many]);
  const both = { many: { shape: [2, 2, 3], data: [...numbers, ...numbers.toReversed()] }, scale: feeds.scale };
  const each = [numbers, numbers.toReversed()].flatMap((data) => [
    ...evaluate([fake(x, scale)], { ...feeds, x: { shape: [2, 3], data } })[0]!.data,
  ]);
  expect(distance(evaluate([batched!], both)[0]!.data, each)).toBe(0);
});
