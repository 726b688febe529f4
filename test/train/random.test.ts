// The random streams: xoshiro128** against the reference implementation's numbers, and what sampling promises.
import { random, xoshiro128 } from "@innerloop/train";
import { describe, expect, test } from "vitest";

describe("xoshiro128**", () => {
  test("gives the reference implementation's numbers for the state 1, 2, 3, 4", () => {
    // The first outputs of Blackman and Vigna's xoshiro128starstar.c.
    const rng = xoshiro128([1, 2, 3, 4]);
    expect(Array.from({ length: 10 }, () => rng.bits())).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });
});

describe("random", () => {
  test("is a function of the seed and the stream", () => {
    const draw = (...stream: [number, ...number[]]): number[] => {
      const rng = random(...stream);
      return Array.from({ length: 8 }, () => rng.uniform());
    };
    expect(draw(1, 2, 3)).toEqual(draw(1, 2, 3));
    const others = [
      draw(1, 2, 3),
      draw(1, 3, 2),
      draw(1, 2),
      draw(1, 2, 3, 0),
      draw(-1, 2, 3),
      draw(2 ** 32 + 1, 2, 3),
    ];
    expect(new Set(others.map(([first]) => first)).size).toBe(others.length);
  });

  test("neighbouring streams are unrelated", () => {
    const n = 20_000;
    const first = Array.from({ length: n }, (_, i) => random(0, i).uniform() - 0.5);
    let product = 0;
    for (let i = 1; i < n; i++) product += first[i]! * first[i - 1]!;
    // A correlation of independent draws has standard deviation 1/√n.
    expect(Math.abs((12 * product) / n)).toBeLessThan(4 / Math.sqrt(n));
  });

  test("uniform and normal have their mean and variance", () => {
    const rng = random(7);
    const moments = (values: number[]): [number, number] => {
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      return [mean, values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length];
    };
    const n = 40_000;
    const [uniformMean, uniformVariance] = moments(Array.from({ length: n }, () => rng.uniform(-1, 3)));
    expect(uniformMean).toBeCloseTo(1, 1);
    expect(uniformVariance).toBeCloseTo(16 / 12, 1);
    const [normalMean, normalVariance] = moments(Array.from({ length: n }, () => rng.normal(2, 0.5)));
    expect(normalMean).toBeCloseTo(2, 1);
    expect(normalVariance).toBeCloseTo(0.25, 1);
  });

  test("integer hits every value equally often", () => {
    const rng = random(3);
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 60_000; i++) counts[rng.integer(6)]!++;
    const chiSquared = counts.reduce((total, count) => total + (count - 10_000) ** 2 / 10_000, 0);
    expect(chiSquared).toBeLessThan(20.5); // 99.9 % of χ² with 5 degrees of freedom
  });

  test("every order of a shuffle is equally likely, and the items stay", () => {
    const rng = random(4);
    const counts = new Map<string, number>();
    const items = ["a", "b", "c"];
    for (let i = 0; i < 12_000; i++) {
      const order = rng.shuffle(items).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(items).toEqual(["a", "b", "c"]);
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 2000)).toBeLessThan(200);
  });

  test("sample draws without replacement, from huge ranges too", () => {
    const rng = random(5);
    expect(rng.sample(10, 10).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const many = rng.sample(2 ** 32, 1000);
    expect(new Set(many).size).toBe(1000);
    const counts = new Array<number>(5).fill(0);
    for (let i = 0; i < 10_000; i++) for (const item of rng.sample(5, 2)) counts[item]!++;
    for (const count of counts) expect(Math.abs(count - 4000)).toBeLessThan(250);
  });

  test("says what is wrong with a seed or a range", () => {
    expect(() => random(0.5)).toThrow("The seed 0.5 cannot be used; give an integer such as 0 or 42");
    expect(() => random(1).integer(0)).toThrow("integer(0): n must be an integer from 1 to 2^32");
    expect(() => random(1).sample(3, 4)).toThrow("sample(3, 4): k must be an integer from 0 to n");
  });
});
