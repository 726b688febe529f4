// The inner loop: steps of gradient descent as formulas give them, unrolled and as a Loop, of first and second order.
import {
  evaluate,
  grad,
  type InnerLoopOptions,
  innerLoop,
  input,
  op,
  type ShapedNumbers,
  topological,
  type Value,
} from "@innerloop/graph";
import { describe, expect, test } from "vitest";
import { differences, distance, numberOf, numbers, randomNumbers } from "./numbers.ts";

const next = randomNumbers(12);
const shapes = { w1: [3, 5], b1: [5], gain: [5], w2: [5, 2], b2: [2] };
const parameters = Object.fromEntries(
  Object.entries(shapes).map(([name, shape]) => [name, input(name, shape, "float64")]),
);
const x = input("x", ["support", 3], "float64");
const y = input("y", ["support"], "int64");
const logits = (p: Readonly<Record<string, Value>>): Value => {
  const hidden = op.Standardize(op.Add(op.MatMul(x, p.w1!), p.b1!), [1]);
  return op.Add(op.MatMul(op.Tanh(op.Mul(hidden, p.gain!)), p.w2!), p.b2!);
};
const loss = (p: Readonly<Record<string, Value>>): Value => op.SoftmaxCrossEntropyLoss(logits(p), y);
const rates = Object.fromEntries(Object.keys(shapes).map((name, i) => [name, 0.3 + 0.1 * i]));
const feeds: Record<string, ShapedNumbers> = {
  ...Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, numbers(shape, next)])),
  x: numbers([6, 3], next),
  y: { shape: [6], data: [0, 1, 0, 0, 1, 1] },
};
const run = (options: Partial<InnerLoopOptions> = {}) => innerLoop(loss, parameters, { steps: 3, rates, ...options });
const valuesOf = (values: readonly Value[], more: Record<string, ShapedNumbers> = {}) =>
  evaluate(values, { ...feeds, ...more }).map(({ data }) => [...data]);

describe("a quadratic, by hand", () => {
  const theta = input("theta", [], "float64");
  const rate = input("rate", [], "float64");
  const quadratic = (p: Readonly<Record<string, Value>>): Value => op.Mul(1.5, op.Mul(p.theta!, p.theta!));
  const loop = innerLoop(quadratic, { theta }, { steps: 2, rates: { theta: rate } });
  const at = { theta: { shape: [], data: [2] }, rate: { shape: [], data: [0.1] } };

  test("θ′ = (1 − 3α)² θ, the losses on the way, and the path", () => {
    expect(numberOf(loop.adapted.theta!, at)).toBeCloseTo(2 * 0.7 ** 2, 14);
    expect([...evaluate([loop.losses], at)[0]!.data]).toEqual(
      [2, 1.4, 0.98].map((t) => expect.closeTo(1.5 * t * t, 12)),
    );
    expect(loop.path.map((p) => numberOf(p.theta!, at))).toEqual([2, 1.4, 0.98].map((t) => expect.closeTo(t, 14)));
  });

  test("the meta-gradient, with respect to the start and to the rate", () => {
    const [byTheta, byRate] = grad(quadratic(loop.adapted), [theta, rate]);
    expect(numberOf(byTheta!, at)).toBeCloseTo(3 * 0.98 * 0.7 ** 2, 13);
    expect(numberOf(byRate!, at)).toBeCloseTo(3 * 0.98 * 2 * 2 * 0.7 * -3, 13);
  });

  test("of first order: the derivative that takes the inner gradient for fixed", () => {
    const first = innerLoop(quadratic, { theta }, { steps: 2, rates: { theta: rate }, order: 1 });
    expect(numberOf(first.adapted.theta!, at)).toBeCloseTo(0.98, 14);
    expect(numberOf(grad(quadratic(first.adapted), [theta])[0]!, at)).toBeCloseTo(3 * 0.98, 13);
  });
});

describe("a net", () => {
  const names = Object.keys(shapes);

  test("one step is θ − α ∇L, and the loss goes down", () => {
    const { adapted, losses } = run({ steps: 1 });
    const slopes = grad(loss(parameters), Object.values(parameters));
    const expected = names.map((name, i) => op.Sub(parameters[name]!, op.Mul(rates[name]!, slopes[i]!)));
    const got = valuesOf(names.map((name) => adapted[name]!));
    valuesOf(expected).forEach((numbers, i) => {
      expect(distance(got[i]!, numbers)).toBeLessThan(1e-15);
    });
    const [before, after] = valuesOf([losses])[0]!;
    expect(after).toBeLessThan(before!);
  });

  test("every parameter moves in every step", () => {
    const { path } = run();
    for (let k = 1; k < path.length; k++)
      for (const name of names) {
        const [now, then] = valuesOf([path[k]![name]!, path[k - 1]![name]!]) as [number[], number[]];
        expect(Math.max(...now.map((v, i) => Math.abs(v - then[i]!))), `${name}, step ${k}`).toBeGreaterThan(1e-4);
      }
  });

  test("θ itself stays as it is", () => {
    const { adapted, path } = run();
    for (const name of names) {
      expect(path[0]![name]).toBe(parameters[name]);
      expect(adapted[name]).not.toBe(parameters[name]);
    }
    const before = structuredClone(feeds);
    valuesOf(Object.values(adapted));
    expect(feeds).toEqual(before);
  });

  test("parameters without a rate stay", () => {
    const { adapted, path } = run({ rates: { w2: 0.4, b2: 0.4 } });
    expect(Object.keys(adapted)).toEqual(["w2", "b2"]);
    expect(Object.keys(path[1]!)).toEqual(["w2", "b2"]);
    const all = run();
    expect(valuesOf([adapted.w2!])).not.toEqual(valuesOf([all.adapted.w2!]));
  });

  test("of first and second order: the same step, another meta-gradient", () => {
    const results = ([1, 2] as const).map((order) => {
      const { adapted } = run({ order });
      const slopes = grad(loss(adapted), Object.values(parameters));
      return { adapted: valuesOf(Object.values(adapted)), slopes: valuesOf(slopes) };
    });
    const [first, second] = results as [(typeof results)[0], (typeof results)[0]];
    expect(first.adapted).toEqual(second.adapted);
    first.slopes.forEach((slope, i) => {
      expect(distance(slope, second.slopes[i]!), names[i]).toBeGreaterThan(1e-3);
    });
  });

  test("the meta-gradient is that of central differences", () => {
    const metaLoss = loss(run({ steps: 2 }).adapted);
    const slopes = valuesOf(grad(metaLoss, Object.values(parameters)));
    names.forEach((name, i) => {
      expect(distance(slopes[i]!, differences(metaLoss, feeds, name)), name).toBeLessThan(1e-8);
    });
  });
});

describe("as a Loop", () => {
  const steps = input("steps", [], "int64");
  const loop = run({ steps });

  test.each([0, 1, 2, 5])("%i steps give the numbers of as many unrolled ones", (count) => {
    const unrolled = run({ steps: count });
    const count64 = { steps: { shape: [], data: [count] } };
    const [losses, ...adapted] = valuesOf([loop.losses, ...Object.values(loop.adapted)], count64);
    const [expectedLosses, ...expected] = valuesOf([unrolled.losses, ...Object.values(unrolled.adapted)]);
    expect(losses).toHaveLength(count + 1);
    expect(distance(losses!, expectedLosses!)).toBeLessThan(1e-14);
    expected.forEach((numbers, i) => {
      expect(distance(adapted[i]!, numbers)).toBeLessThan(1e-14);
    });
  });

  test("is one node, whatever the number of steps", () => {
    const loops = topological([loop.losses]).filter((node) => node.operator.name === "Loop");
    expect(loops).toHaveLength(1);
    expect(loop.losses.shape).toEqual(["steps+1"]);
    expect(loop.path).toEqual([]);
  });

  test("takes an override of where it starts", () => {
    const elsewhere = numbers(shapes.w1, randomNumbers(99));
    const one = { steps: { shape: [], data: [1] }, w1: elsewhere };
    expect(distance(valuesOf([loop.adapted.w1!], one)[0]!, valuesOf([run({ steps: 1 }).adapted.w1!], one)[0]!)).toBe(0);
  });
});
