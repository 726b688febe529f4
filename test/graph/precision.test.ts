// Mixed precision: what is written in float16 and what is not, and how near the numbers stay to float32's.
import {
  elementDTypes,
  grad,
  halfBits,
  halfNodes,
  innerLoop,
  input,
  lower,
  onnxTarget,
  op,
  topological,
  type Value,
  writeOnnx,
} from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import type { Tensor } from "@innerloop/schemas";
import { decodeModel } from "@innerloop/schemas/onnx";
import { expect, it } from "vitest";
import { emulated } from "../support/float16.ts";
import { randomNumbers, size } from "./numbers.ts";

it("rounds to float16 as IEEE 754 says", () => {
  const cases: [number, number][] = [
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [1 / 3, 0x3555],
    [65504, 0x7bff],
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [Number.NEGATIVE_INFINITY, 0xfc00],
    [2 ** -14, 0x0400],
    [2 ** -14 - 2 ** -24, 0x03ff],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [2 ** -25 * 1.001, 0x0001],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [2 - 2 ** -12, 0x4000],
    [Number.NaN, 0x7e00],
  ];
  expect([...halfBits(cases.map(([x]) => x))]).toEqual(cases.map(([, bits]) => bits));
});

const next = randomNumbers(7);
const random = (shape: readonly number[], scale = 1): Tensor => ({
  dtype: "float32",
  shape,
  data: Float32Array.from({ length: size(shape) }, () => scale * next()),
});

/** A network of two layers with a normalization, cross-entropy, and one step of gradient descent on all of it. */
function network(lossScale?: Value) {
  const x = input("x", [12, 20]);
  const y = input("y", [12], "int64");
  const start = { w1: input("w1", [20, 32]), b1: input("b1", [32]), w2: input("w2", [32, 4]) };
  const logits = (p: Readonly<Record<string, Value>>) => {
    const hidden = op.Relu(op.Add(op.MatMul(x, p.w1!), p.b1!));
    return op.MatMul(op.Standardize(hidden, [1]), p.w2!);
  };
  const loss = (p: Readonly<Record<string, Value>>) => op.SoftmaxCrossEntropyLoss(logits(p), y);
  const rates = { w1: 0.5, b1: 0.5, w2: 0.5 };
  const { adapted } = innerLoop(loss, start, { steps: 1, rates, ...(lossScale ? { lossScale } : {}) });
  const after = loss(adapted);
  const slopes = grad(after, Object.values(start));
  return { loss: after, "gradient/w1": slopes[0]!, "gradient/b1": slopes[1]!, "gradient/w2": slopes[2]! };
}

const labels: Tensor = {
  dtype: "int64",
  shape: [12],
  data: BigInt64Array.from({ length: 12 }, (_, i) => BigInt(i % 4)),
};

/** Numbers of a graph: as ONNX Runtime's cpu provider computes them, in float16 as a device does that has it. */
async function run(outputs: Record<string, Value>, feeds: Record<string, Tensor>, precision?: "float16") {
  const bytes = precision ? emulated(writeOnnx(outputs, { precision })) : writeOnnx(outputs);
  const session = await openSession(bytes, { provider: "cpu", threads: 1 });
  const results = await session.run(feeds);
  await session.dispose();
  return results;
}

/** The distance of two arrays as a part of the second's length. */
function distance(ours: Tensor, theirs: Tensor): number {
  const [a, b] = [ours.data as Float32Array, theirs.data as Float32Array];
  const norm = (x: ArrayLike<number>) => Math.hypot(...Array.from(x));
  return norm(a.map((value, i) => value - b[i]!)) / norm(b);
}

it("computes products and activations in float16, and losses, sums and updates in float32", () => {
  const values = lower(Object.values(network()), onnxTarget({ precision: "float16" }));
  const halves = halfNodes(values);
  expect(halves.size).toBeGreaterThan(0);
  const nodes = topological(values);
  const named = (name: string) => nodes.filter((node) => node.operator.name === name);
  for (const name of ["MatMul", "Relu", "LayerNormalizationRows"]) {
    expect(named(name).length, name).toBeGreaterThan(0);
    expect(
      named(name).every((node) => halves.has(node)),
      name,
    ).toBe(true);
  }
  for (const name of ["ReduceSum", "LogSoftmax", "Softmax", "Exp", "Log"])
    expect(
      named(name).some((node) => halves.has(node)),
      name,
    ).toBe(false);
  const weights = [20 * 32, 32 * 4];
  const updates = named("Sub").filter(({ outputs: [y] }) => weights.includes(size(y!.shape as number[])));
  expect(updates.length).toBeGreaterThan(0);
  expect(updates.some((node) => halves.has(node))).toBe(false);
});

it("keeps inputs and outputs float32", () => {
  const { graph } = decodeModel(writeOnnx(network(), { precision: "float16" }), "the graph");
  const types = [...(graph!.input ?? []), ...(graph!.output ?? [])].map(({ name, type }) => [
    name,
    elementDTypes.get(type?.tensorType?.elemType ?? 0),
  ]);
  const floats = ["w1", "b1", "w2", "x", "loss", "gradient/w1", "gradient/b1", "gradient/w2"];
  expect(Object.fromEntries(types)).toEqual({
    ...Object.fromEntries(floats.map((name) => [name, "float32"])),
    y: "int64",
  });
});

it("writes types that go together, as ONNX Runtime sees them", async () => {
  const session = await openSession(writeOnnx(network(), { precision: "float16" }), { provider: "cpu" });
  expect(session.outputs).toContain("gradient/w1");
  await session.dispose();
});

it("stays near float32, through an inner step and its derivative", async () => {
  const feeds = {
    x: random([12, 20]),
    y: labels,
    w1: random([20, 32], 0.4),
    b1: random([32], 0.1),
    w2: random([32, 4], 0.3),
  };
  const full = await run(network(), feeds);
  const half = await run(network(), feeds, "float16");
  for (const name of Object.keys(full)) {
    const apart = distance(half[name]!, full[name]!);
    expect(apart, name).toBeGreaterThan(0);
    expect(apart, name).toBeLessThan(0.02);
  }
});

it("needs a loss scale where gradients are small, which changes nothing in float32", async () => {
  const [x, w, v] = [input("x", [6, 8]), input("w", [8, 3]), input("v", [3, 5])];
  // A loss whose gradient lies below the normal numbers of float16.
  const loss = (p: Readonly<Record<string, Value>>) => {
    const product = op.MatMul(op.Tanh(op.MatMul(x, p.w!)), v);
    return op.Mul(op.ReduceSum(op.Mul(product, product), { keepdims: false }), 1e-7);
  };
  const moved = (lossScale?: Value) => {
    const options = { steps: 1, rates: { w: 1e6 }, ...(lossScale ? { lossScale } : {}) };
    return { change: op.Sub(innerLoop(loss, { w }, options).adapted.w!, w) };
  };
  const feeds = { x: random([6, 8]), w: random([8, 3]), v: random([3, 5]) };
  const scale: Tensor = { dtype: "float32", shape: [], data: Float32Array.of(2 ** 12) };
  const scaled = moved(input("scale", []));
  const { change } = await run(moved(), feeds);
  const apart = async (outputs: Record<string, Value>, given: Record<string, Tensor>, precision?: "float16") =>
    distance((await run(outputs, given, precision)).change!, change!);
  expect(await apart(scaled, { ...feeds, scale })).toBeLessThan(1e-5);
  expect(await apart(moved(), feeds, "float16")).toBeGreaterThan(0.05);
  expect(await apart(scaled, { ...feeds, scale }, "float16")).toBeLessThan(0.01);
});
