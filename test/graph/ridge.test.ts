// A head from ridge regression solves the equations of one, whatever there is of each class, and nothing of a class that is not there.
import { balancingWeights, evaluate, input, oneHot, ridgeHead } from "@innerloop/graph";
import { describe, expect, it } from "vitest";
import { randomNumbers } from "../support/numbers.ts";

const width = 6;
const ridge = { decay: 0.05, sharpness: 10, turns: 10 };

function headOf(labels: readonly number[], ways: number | "ways", features: Float64Array) {
  const [x, y] = [input("x", ["n", width]), input("y", ["n"], "int64")];
  const hot = oneHot(y, ways);
  const weights = balancingWeights(hot);
  const { "head.weight": weight, "head.bias": bias } = ridgeHead(x, hot, weights, ridge);
  const found = evaluate([weight!, bias!, hot, weights], {
    x: { shape: [labels.length, width], data: features },
    y: { shape: [labels.length], data: Float64Array.from(labels) },
  });
  return found.map(({ data }) => [...data]) as [number[], number[], number[], number[]];
}

const features = (n: number): Float64Array => {
  const numbers = randomNumbers(4);
  return Float64Array.from({ length: n * width }, () => 2 * numbers() - 1);
};

describe("a head from ridge regression", () => {
  it.each([
    ["classes of different sizes", [0, 0, 0, 1, 2, 2, 1, 0], 3],
    ["one example of each", [0, 1, 2, 3], 4],
    ["a class of a fixed number that is not there", [0, 2, 2, 0, 3], 5],
  ] as const)("solves its equations: %s", (_, labels, ways) => {
    const x = features(labels.length);
    const [weight, bias, hot, weights] = headOf(labels, ways, x);
    const there = new Set<number>(labels);
    for (let row = 0; row < width; row++)
      for (let way = 0; way < ways; way++) {
        let slope = (ridge.decay * weight[row * ways + way]!) / ridge.sharpness;
        for (let i = 0; i < labels.length; i++) {
          let answer = 0;
          for (let k = 0; k < width; k++) answer += (x[i * width + k]! * weight[k * ways + way]!) / ridge.sharpness;
          const target = there.has(way) ? hot[i * ways + way]! - 1 / there.size : 0;
          slope += (weights[i]! / labels.length) * x[i * width + row]! * (answer - target);
        }
        expect(slope).toBeCloseTo(0, 9);
      }
    expect(bias).toEqual(Array.from({ length: ways }, () => 0));
    expect(Math.max(...weight.map(Math.abs))).toBeGreaterThan(1);
  });

  it("never answers with a gap in an open number of classes, and makes nothing of features that are all the same", () => {
    const [, bias] = headOf([0, 2, 2, 0], "ways", features(4));
    expect(bias).toEqual([0, -1e9, 0]);
    const [weight] = headOf([0, 1, 1, 0], 2, new Float64Array(4 * width));
    expect(weight.every((value) => Math.abs(value) === 0)).toBe(true);
  });
});
