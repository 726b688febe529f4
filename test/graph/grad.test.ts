// Differentiation: orders beyond the second, what stops it, what it refuses, and what it costs.
import {
  constant,
  cotangents,
  evaluate,
  grad,
  gradients,
  input,
  op,
  print,
  topological,
  type Value,
} from "@innerloop/graph";
import { describe, expect, test } from "vitest";
import { refusalOf } from "../support/refusal.ts";
import { distance, numberOf } from "./numbers.ts";

const sum = (x: Value): Value => op.ReduceSum(x, { keepdims: false });
const at = (x: number) => ({ x: { shape: [], data: [x] } });

/** The derivatives of a function of one number, of the orders 1, 2, 3 … */
function* derivatives(f: (x: Value) => Value): Generator<Value> {
  const x = input("x", [], "float64");
  for (let y = f(x); ; ) {
    [y] = grad(y, [x]) as [Value];
    yield y;
  }
}

/** x · Φ(x), Φ the normal distribution function. */
const writtenOutGelu = (x: Value): Value => op.Mul(op.Mul(x, op.Add(op.Erf(op.Div(x, Math.SQRT2)), 1)), 0.5);

describe("higher orders", () => {
  // Φ and its density at 0.7, of tables; the derivatives of x · Φ(x) are Φ + xφ, φ(2 − x²), φ(x³ − 4x).
  const [distribution, density] = [0.758036347776927, 0.312253933366761];
  const gelu = [distribution + 0.7 * density, density * (2 - 0.49), density * (0.7 ** 3 - 2.8)];
  // erf(1.4), and 2/√π · e^(−1.4²).
  const [erf14, bell] = [0.952285119762649, (2 / Math.sqrt(Math.PI)) * Math.exp(-1.96)];
  const s = 1 / (1 + Math.exp(-0.7));
  const t = Math.tanh(0.7);
  test.each<[string, (x: Value) => Value, number[]]>([
    ["x⁵", (x) => op.Pow(x, 5), [5 * 0.7 ** 4, 20 * 0.7 ** 3, 60 * 0.7 ** 2, 120 * 0.7]],
    ["sin x", (x) => op.Sin(x), [Math.cos(0.7), -Math.sin(0.7), -Math.cos(0.7), Math.sin(0.7)]],
    ["eˣ", (x) => op.Exp(x), new Array(4).fill(Math.exp(0.7))],
    ["1/x", (x) => op.Reciprocal(x), [-(0.7 ** -2), 2 * 0.7 ** -3, -6 * 0.7 ** -4, 24 * 0.7 ** -5]],
    ["log x", (x) => op.Log(x), [1 / 0.7, -(0.7 ** -2), 2 * 0.7 ** -3, -6 * 0.7 ** -4]],
    ["tanh x", (x) => op.Tanh(x), [1 - t * t, -2 * t * (1 - t * t), (1 - t * t) * (6 * t * t - 2)]],
    ["softplus x", (x) => op.Softplus(x), [s, s * (1 - s), s * (1 - s) * (1 - 2 * s)]],
    ["GELU, as exporters write it", writtenOutGelu, gelu],
    ["GELU, its half elsewhere", (x) => op.Mul(op.Mul(0.5, x), op.Add(1, op.Erf(op.Mul(x, Math.SQRT1_2)))), gelu],
    ["GELU, one operator", (x) => op.Gelu(x), gelu],
    [
      "a third of x (1 + erf 2x)",
      (x) => op.Div(op.Mul(op.Add(op.Erf(op.Mul(2, x)), 1), x), 3),
      [(1 + erf14 + 1.4 * bell) / 3, (4 * bell - 8 * 2 * 0.7 * 0.7 * bell) / 3],
    ],
    ["x · |x|", (x) => op.Mul(x, op.Abs(x)), [1.4, 2, 0]],
  ])("%s", (_, f, expected) => {
    const orders = derivatives(f);
    for (const value of expected) expect(numberOf(orders.next().value, at(0.7))).toBeCloseTo(value, 9);
  });

  test("a mixed third derivative: ∂³/∂a∂b∂c of sin(a·b·c)", () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => input(name, [], "float64")) as [Value, Value, Value];
    let y = op.Sin(op.Mul(op.Mul(a, b), c));
    for (const v of [a, b, c]) [y] = grad(y, [v]) as [Value];
    const [p, feeds] = [
      0.4 * 0.8 * 1.5,
      Object.fromEntries([0.4, 0.8, 1.5].map((v, i) => ["abc"[i]!, { shape: [], data: [v] }])),
    ];
    expect(numberOf(y, feeds)).toBeCloseTo((1 - p * p) * Math.cos(p) - 3 * p * Math.sin(p), 10);
  });
});

describe("GELU written out", () => {
  const x = input("x", [], "float64");

  test("has its derivatives of x alone, far from 0 as well", () => {
    const y = writtenOutGelu(x);
    const [first] = grad(y, [x]) as [Value];
    const [second] = grad(first, [x]) as [Value];
    const forward = new Set(topological([y]).filter(({ operator }) => operator === op.Erf.operator));
    expect(topological([first]).some((node) => forward.has(node))).toBe(false);
    for (const far of [-60, -15, 15, 60]) {
      expect(numberOf(first, at(far))).toBeCloseTo(far > 0 ? 1 : 0, 12);
      expect(numberOf(second, at(far))).toBeCloseTo(0, 12);
    }
  });

  test("is no unit where something between x and its result is asked for", () => {
    const erf = op.Erf(op.Div(x, Math.SQRT2));
    const [slope] = grad(op.Mul(op.Mul(x, op.Add(erf, 1)), 0.5), [erf]) as [Value];
    expect(numberOf(slope, at(0.7))).toBeCloseTo(0.35, 12);
  });
});

describe("what it goes through", () => {
  const x = input("x", [], "float64");

  test("stopGradient: the value stays, the derivative does not", () => {
    const y = op.Mul(x, op.stopGradient(op.Mul(x, x)));
    expect(numberOf(y, at(3))).toBe(27);
    expect(numberOf(grad(y, [x])[0]!, at(3))).toBe(9);
    expect(gradients(op.stopGradient(x), [x])).toEqual([undefined]);
  });

  test("no dependence: absent, or zeros of the shape", () => {
    const other = input("other", [2, 3], "float64");
    expect(gradients(op.Mul(x, x), [other])).toEqual([undefined]);
    const [zeros] = grad(op.Mul(x, x), [other]);
    expect(zeros!.shape).toEqual([2, 3]);
    expect([...evaluate([zeros!])[0]!.data]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("the scalar itself has the derivative 1, and a value used twice has the sum", () => {
    expect(numberOf(grad(x, [x])[0]!, at(3))).toBe(1);
    expect(numberOf(grad(op.Add(x, op.Mul(x, x)), [x])[0]!, at(3))).toBe(7);
  });

  test("inner values: with respect to one, what lies before it counts as fixed", () => {
    const squared = op.Mul(x, x);
    const y = op.Mul(squared, x);
    const [bySquare, byX] = grad(y, [squared, x]);
    expect(numberOf(bySquare!, at(3))).toBe(3);
    expect(numberOf(byX!, at(3))).toBe(9);
    expect(numberOf(grad(y, [x])[0]!, at(3))).toBe(27);
  });

  test("cotangents are a vector times the Jacobian", () => {
    const v = input("v", [2], "float64");
    const matrix = constant([1, 2, 3, 4, 5, 6], [2, 3], "float64");
    const [g] = cotangents(
      [op.MatMul(v, matrix), op.Mul(v, v)],
      [constant([1, 0, -1], [3], "float64"), undefined],
      [v],
    );
    expect([...evaluate([g!], { v: { shape: [2], data: [7, 8] } })[0]!.data]).toEqual([-2, -2]);
  });

  test("an operator that is made of others is taken apart, its own rule is used where it has one", () => {
    const v = input("v", [3], "float64");
    const names = topological(grad(sum(op.Mul(op.Softmax(v), v)), [v])).map((node) => node.operator.name);
    expect(names).toContain("Softmax");
    expect(names).not.toContain("Exp");
    expect(print(grad(sum(op.Mish(v)), [v]))).toContain("Sigmoid");
  });
});

describe("equal nodes are one", () => {
  const [a, b] = [input("a", [2, 3]), input("b", [2, 3])];

  test("by operator, inputs and attributes", () => {
    expect(op.Add(a, b)).toBe(op.Add(a, b));
    expect(op.Add(a, b)).not.toBe(op.Add(b, a));
    expect(op.Softmax(a, 0)).not.toBe(op.Softmax(a, 1));
    expect(op.Softmax(a, -1)).toBe(op.Softmax(a, 1));
    expect(op.Mul(a, 2)).toBe(op.Mul(a, constant(2)));
  });

  test("constants by their numbers, shape and dtype; inputs never", () => {
    const long = Array.from({ length: 100 }, (_, i) => i);
    expect(constant(long)).toBe(constant([...long]));
    expect(constant(long)).not.toBe(constant([...long.slice(0, 99), 0]));
    expect(constant(1)).not.toBe(constant(1, [1]));
    expect(constant(1)).not.toBe(constant(1, [], "int64"));
    expect(input("a", [2])).not.toBe(input("a", [2]));
  });

  test("what forward and backward share is made once", () => {
    const y = op.Exp(op.Mul(a, b));
    const names = topological([sum(y), ...grad(sum(y), [a, b])]).map((node) => node.operator.name);
    expect(names.filter((name) => name === "Exp")).toHaveLength(1);
  });
});

describe("what it refuses, in the user's terms", () => {
  const x = input("x", [4, 3]);
  test.each<[string, () => unknown, string, string]>([
    [
      "no scalar",
      () => grad(x, [x]),
      "not-a-scalar",
      "grad needs a float scalar, but got float32[4, 3]; take the mean or the sum of it.",
    ],
    [
      "no float",
      () => grad(input("n", [], "int64"), [x]),
      "not-a-scalar",
      "grad needs a float scalar, but got int64[]",
    ],
    [
      "MatMul",
      () => op.MatMul(x, input("w", [4, 2])),
      "shape-mismatch",
      "MatMul(float32[4, 3], float32[4, 2]): the last axis of the first (3) has to equal the last but one of the second (4)",
    ],
    [
      "dtypes",
      () => op.Add(x, input("n", [3], "int64")),
      "shape-mismatch",
      "Add(float32[4, 3], int64[3]): the operands need one dtype; use Cast",
    ],
    [
      "Concat",
      () => op.Concat([x, input("y", [4])], 0),
      "shape-mismatch",
      "Concat(float32[4, 3], float32[4]): the inputs have to agree",
    ],
    [
      "axis",
      () => op.Softmax(x, 2),
      "bad-axis",
      "Softmax: axis 2 is not an axis of an array with 2 axes; give -2 to 1.",
    ],
    [
      "Transpose",
      () => op.Transpose(x, [0, 0]),
      "shape-mismatch",
      "Transpose(float32[4, 3]): perm [0,0] has to name each of the 2 axes once.",
    ],
    ["Squeeze", () => op.Squeeze(x, [0]), "shape-mismatch", "Squeeze(float32[4, 3]): axis 0 has size 4, not 1."],
    [
      "Unsqueeze",
      () => op.Unsqueeze(x, [0, 0]),
      "shape-mismatch",
      "Unsqueeze(float32[4, 3]): axes [0,0] has to name each axis once.",
    ],
    ["Expand", () => op.Expand(x, [4, 2]), "shape-mismatch", "Expand(float32[4, 3]): does not broadcast to [4, 2]."],
    ["Gather", () => op.Gather(x, input("i", [2])), "shape-mismatch", "the indices have to be int64 or int32"],
    [
      "channels",
      () => op.Convolution(input("i", [1, 5, 5, 2]), input("w", [3, 3, 1, 4])),
      "shape-mismatch",
      "the channels (2, in 1 groups) do not fit the weights",
    ],
    [
      "kernel",
      () => op.Convolution(input("i", [1, 2, 2, 1]), input("w", [3, 3, 1, 4])),
      "shape-mismatch",
      "the kernel [3,3] is larger than the padded input",
    ],
    [
      "pool",
      () => op.MaxPooling(input("i", [1, 2, 2, 1]), [3, 3]),
      "shape-mismatch",
      "the kernel [3,3] is larger than the padded input",
    ],
    [
      "strides",
      () => op.Convolution(input("i", [1, 5, 5, 1]), input("w", [3, 3, 1, 4]), { strides: [1] }),
      "bad-window",
      "A kernel [3,3] needs 2 strides and dilations and 4 pads.",
    ],
    ["constant", () => constant([1, 2, 3], [2]), "bad-constant", "3 numbers do not fill the shape [2]."],
    [
      "feeds",
      () => evaluate([x], { x: { shape: [3, 4], data: new Array(12).fill(0) } }),
      "shape-mismatch",
      "The input x needs float32[4, 3], but got [3,4] with 12 numbers.",
    ],
    [
      "no feeds",
      () => evaluate([op.Neg(x)]),
      "missing-input",
      "The input x (float32[4, 3]) has no numbers; give it some.",
    ],
  ])("%s", (_, act, code, message) => {
    const { code: gotCode, message: gotMessage } = refusalOf(act);
    expect(gotCode).toBe(code);
    expect(gotMessage).toContain(message);
  });

  test("a Loop has no derivative, and the message says what to do", () => {
    const w = input("w", [2]);
    const { carried } = op.Loop(input("k", [], "int64"), [w], (v) => ({ carried: [op.Mul(v, 2)], collected: [] }), "k");
    const { code, message } = refusalOf(() => grad(sum(carried[0]!), [w]));
    expect(code).toBe("no-derivative");
    expect(message).toContain("give the number of steps as a number so that it is unrolled");
  });
});

test("a derivative at float64 precision: a small net against its formula", () => {
  const [w, x] = [input("w", [2, 2], "float64"), constant([0.3, -0.2], [2, 1], "float64")];
  const y = sum(op.Tanh(op.MatMul(w, x)));
  const data = [0.5, 1, -1, 2];
  const slope = (a: number, b: number) => 1 - Math.tanh(a * 0.3 - b * 0.2) ** 2;
  const expected = [slope(0.5, 1) * 0.3, slope(0.5, 1) * -0.2, slope(-1, 2) * 0.3, slope(-1, 2) * -0.2];
  expect(distance(evaluate(grad(y, [w]), { w: { shape: [2, 2], data } })[0]!.data, expected)).toBeLessThan(1e-15);
});
