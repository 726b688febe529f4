// Numbers by chance: drawn when a graph runs, by the runtime, and never worked out before; no derivative goes through them.
import {
  constant,
  evaluate,
  grad,
  input,
  op,
  readOnnx,
  simplify,
  topological,
  type Value,
  vmap,
  writeOnnx,
} from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import { describe, expect, test } from "vitest";

const x = input("x", [200, 5]);
const ones = { x: { shape: [200, 5], data: new Array<number>(1000).fill(1) } };
const sum = (v: Value): Value => op.ReduceSum(v, { keepdims: false });
const mean = (data: ArrayLike<number>): number => Array.from(data).reduce((a, b) => a + b, 0) / data.length;

/** The numbers that ONNX Runtime gives for values of the input `x`, and those of a second run. */
async function runs(outputs: Record<string, Value>): Promise<Record<string, number[]>[]> {
  const session = await openSession(writeOnnx(outputs, { inputs: [x] }));
  const feed = { x: { dtype: "float32" as const, shape: [200, 5], data: new Float32Array(1000).fill(1) } };
  const run = async () =>
    Object.fromEntries(
      Object.entries(await session.run(feed)).map(([name, { data }]) => [name, Array.from(data, Number)]),
    );
  return [await run(), await run()];
}

describe("draws", () => {
  test("of what they are asked for", () => {
    const [uniform, normal, coin] = evaluate(
      [
        op.RandomUniformLike(x, { low: 2, high: 4 }),
        op.RandomNormalLike(x, { mean: 3, scale: 2 }),
        op.Bernoulli(op.Mul(x, 0.25)),
      ],
      ones,
    );
    expect(Math.min(...uniform!.data)).toBeGreaterThanOrEqual(2);
    expect(Math.max(...uniform!.data)).toBeLessThan(4);
    expect(mean(uniform!.data)).toBeCloseTo(3, 0);
    expect(mean(normal!.data)).toBeCloseTo(3, 0);
    expect(mean(normal!.data.map((v) => (v - 3) ** 2))).toBeCloseTo(4, -1);
    expect(mean(coin!.data)).toBeGreaterThan(0.15);
    expect(mean(coin!.data)).toBeLessThan(0.35);
    const [classes] = evaluate([op.Multinomial(constant([0, 30, 0], [1, 3]), 4)]);
    expect([...classes!.data]).toEqual([1, 1, 1, 1]);
  });

  test("are not one unless they have the same seed, and no constants", () => {
    expect(op.RandomNormalLike(x)).not.toBe(op.RandomNormalLike(x));
    expect(op.RandomNormalLike(x, { seed: 7 })).toBe(op.RandomNormalLike(x, { seed: 7 }));
    const y = op.Mul(op.RandomNormal([3]), constant([1, 2, 3]));
    const names = topological(simplify([y])).map((node) => node.operator.name);
    expect(names).toContain("RandomNormalLike");
  });

  test("have no derivative", () => {
    const y = op.Mul(x, op.RandomNormalLike(x, { seed: 1 }));
    const [slope] = grad(sum(y), [x]);
    const [drawn, d] = evaluate([op.RandomNormalLike(x, { seed: 1 }), slope!], ones);
    expect(d!.data).toEqual(drawn!.data);
  });

  test("are made by ONNX Runtime, and are the same again where the seed is", async () => {
    const [first, second] = await runs({
      free: op.RandomUniformLike(x, { high: 2 }),
      seeded: op.RandomNormalLike(x, { seed: 5 }),
      again: op.RandomNormal([200, 5], { seed: 5 }),
      coin: op.Bernoulli(op.Mul(x, 0.5), { seed: 3 }),
      classes: op.Multinomial(op.Mul(x, 0), 6),
    });
    expect(mean(first!.free!)).toBeCloseTo(1, 0);
    expect(first!.free).not.toEqual(second!.free);
    expect(first!.seeded).toEqual(first!.again);
    expect(new Set(first!.coin)).toEqual(new Set([0, 1]));
    expect(Math.max(...first!.classes!)).toBe(4);
  });
});

describe("Dropout", () => {
  test("in inference is the value itself", () => {
    expect(op.Dropout(x)).toBe(x);
  });

  test("in training leaves numbers out, and its derivative the same ones", async () => {
    const [y, mask] = op.dropped(x, { ratio: 0.25 });
    const [slope] = grad(sum(op.Mul(y, y)), [x]);
    const values = { y, slope: slope!, mask: op.Cast(mask, "float32") };
    const ours = Object.fromEntries(
      Object.keys(values).map((name, i) => [name, [...evaluate(Object.values(values), ones)[i]!.data]]),
    );
    const [theirs, again] = await runs(values);
    for (const run of [ours, theirs!]) {
      expect(mean(run.mask!)).toBeCloseTo(0.75, 0);
      for (const [i, kept] of run.mask!.entries()) {
        expect(run.y![i]).toBeCloseTo(kept / 0.75, 5);
        expect(run.slope![i]).toBeCloseTo((2 * kept) / 0.75 ** 2, 5);
      }
    }
    expect(theirs!.mask).not.toEqual(again!.mask);
  });

  test("by its ratio has the derivative of what the numbers that are kept are multiplied by", () => {
    const [small, ratio] = [input("x", [4, 3], "float64"), input("ratio", [], "float64")];
    const [y] = op.dropped(small, { ratio, seed: 4 });
    const [slope] = grad(sum(op.Mul(y, y)), [ratio]);
    const feeds = (at: number) => ({
      x: { shape: [4, 3], data: Array.from({ length: 12 }, (_, i) => i - 5) },
      ratio: { shape: [], data: [at] },
    });
    const squares = (at: number): number => evaluate([sum(op.Mul(y, y))], feeds(at))[0]!.data[0]!;
    const h = 1e-6;
    expect(evaluate([slope!], feeds(0.3))[0]!.data[0]).toBeCloseTo((squares(0.3 + h) - squares(0.3 - h)) / (2 * h), 4);
  });

  test("is read as it was written", () => {
    const [y, mask] = op.dropped(x, { ratio: 0.25, seed: 3 });
    const again = readOnnx(writeOnnx({ y, mask }, { inputs: [x] }), "dropout.onnx");
    const { y: same } = again.apply({ x });
    expect(same).toBe(y);
  });

  test("for many tasks at once leaves out what it will", () => {
    const [many] = vmap((task) => [op.Dropout(task, { training: true, ratio: 0.5 })], [x]);
    const kept = evaluate([many!], ones)[0]!.data.filter((v) => v !== 0);
    expect(new Set(kept)).toEqual(new Set([2]));
    expect(kept.length).toBeGreaterThan(400);
  });
});
