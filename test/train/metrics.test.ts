// Metrics against numbers worked out by hand.
import { metrics, random } from "@innerloop/train";
import { describe, expect, test } from "vitest";

const {
  accuracy,
  argmax,
  clusterInterval,
  confusionMatrix,
  crossEntropy,
  estimate,
  macroF1,
  macroRecall,
  meanSquaredError,
} = metrics;

describe("metrics", () => {
  const labels = [0, 0, 0, 1, 1, 2];
  const predictions = [0, 0, 1, 1, 2, 2];
  const matrix = [
    [2, 1, 0],
    [0, 1, 1],
    [0, 0, 1],
  ];

  test("estimate is the mean ± 1.96·s/√n", () => {
    // Values 1, 2, 3, 4: mean 2.5, s² = 5/3, half-width 1.96·√(5/12).
    const { mean, ci95 } = estimate([1, 2, 3, 4]);
    expect(mean).toBe(2.5);
    expect(ci95).toBeCloseTo(1.96 * Math.sqrt(5 / 12), 12);
    expect(estimate([0.7])).toEqual({ mean: 0.7, ci95: 0 });
    expect(() => estimate([])).toThrow("No episode was measured");
  });

  test("accuracy and the confusion matrix count", () => {
    expect(accuracy(predictions, labels)).toBeCloseTo(4 / 6, 12);
    expect(confusionMatrix(predictions, labels, 3)).toEqual(matrix);
  });

  test("macro recall is 1/3·(2/3 + 1/2 + 1), macro F1 1/3·(4/5 + 1/2 + 2/3)", () => {
    expect(macroRecall(matrix)).toBeCloseTo((2 / 3 + 1 / 2 + 1) / 3, 12);
    expect(macroF1(matrix)).toBeCloseTo((4 / 5 + 1 / 2 + 2 / 3) / 3, 12);
  });

  test("a class without examples has no recall, and no F1 unless it was predicted", () => {
    expect(
      macroRecall([
        [1, 1],
        [0, 0],
      ]),
    ).toBe(0.5);
    expect(
      macroF1([
        [1, 1],
        [0, 0],
      ]),
    ).toBeCloseTo((2 / 3 + 0) / 2, 12);
    expect(
      macroF1([
        [2, 0],
        [0, 0],
      ]),
    ).toBe(1);
  });

  test("argmax takes the first of equals", () => {
    expect([...argmax([1, 3, 2, 5, 5, 0], 3)]).toEqual([1, 0]);
  });

  test("cross-entropy is −log softmax, also far from zero", () => {
    // softmax(0, ln 3) = (1/4, 3/4).
    expect(crossEntropy([0, Math.log(3)], [1], 2)).toBeCloseTo(Math.log(4 / 3), 12);
    expect(crossEntropy([0, Math.log(3), 0, Math.log(3)], [1, 0], 2)).toBeCloseTo(
      (Math.log(4 / 3) + Math.log(4)) / 2,
      12,
    );
    expect(crossEntropy([1000, 0], [1], 2)).toBeCloseTo(1000, 9);
  });

  test("mean squared error", () => {
    expect(meanSquaredError([1, 2, 3], [1, 0, 0])).toBeCloseTo(13 / 3, 12);
  });

  test("says what does not fit", () => {
    expect(() => accuracy([1], [1, 2])).toThrow("1 predictions for 2 labels; expected one for each");
    expect(() => argmax([1, 2, 3], 2)).toThrow("3 logits; expected a multiple of 2 ways");
    expect(() => confusionMatrix([3], [0], 3)).toThrow("expected both to be classes 0…2");
  });
});

describe("the interval over clusters", () => {
  test("is Student's t times the deviation of the mean, where clusters are of one size", () => {
    // The published quantiles for 0.95 on both sides, by degrees of freedom.
    for (const [freedom, quantile] of [
      [1, 12.7062],
      [2, 4.30265],
      [3, 3.18245],
      [9, 2.26216],
      [30, 2.04227],
      [120, 1.97993],
    ] as const) {
      const shares = Array.from({ length: freedom + 1 }, (_, i) => (i * 7) % 11);
      const mean = shares.reduce((a, b) => a + b, 0) / shares.length;
      const variance = shares.reduce((total, it) => total + (it - mean) ** 2, 0) / freedom;
      const expected = quantile * Math.sqrt(variance / shares.length) * 0.1;
      expect(clusterInterval(shares.map((right) => ({ right, of: 10 })))).toBeCloseTo(expected, 4);
    }
  });

  test("is what resampling whole clusters gives, where they are of many sizes", () => {
    const rng = random(11);
    const clusters = Array.from({ length: 80 }, () => {
      const of = 20 + rng.integer(200);
      return { of, right: Math.round(of * rng.uniform(0.5, 1)) };
    });
    const shares = Array.from({ length: 4000 }, () => {
      let [right, of] = [0, 0];
      for (let i = 0; i < 80; i++) {
        const drawn = clusters[rng.integer(80)]!;
        right += drawn.right;
        of += drawn.of;
      }
      return right / of;
    });
    const mean = shares.reduce((a, b) => a + b, 0) / shares.length;
    const deviation = Math.sqrt(shares.reduce((total, it) => total + (it - mean) ** 2, 0) / shares.length);
    // 1.9905 is Student's t with 79 degrees of freedom.
    expect(clusterInterval(clusters)! / (1.9905 * deviation)).toBeGreaterThan(0.95);
    expect(clusterInterval(clusters)! / (1.9905 * deviation)).toBeLessThan(1.05);
  });

  test("holds the true share 95 times of 100 with ten alphabets, where that over episodes does not", () => {
    const rng = random(12);
    const [alphabets, episodes, times] = [10, 60, 1500];
    let [held, naive] = [0, 0];
    for (let time = 0; time < times; time++) {
      // Alphabets are easier or harder; the share that all alphabets there could be have is 0.8.
      const chances = Array.from({ length: alphabets }, () => rng.uniform(0.65, 0.95));
      const tallies = chances.map(() => ({ right: 0, of: 0 }));
      const accuracies = Array.from({ length: episodes }, () => {
        let right = 0;
        for (let query = 0; query < 10; query++) {
          const which = rng.integer(alphabets);
          const hit = rng.uniform() < chances[which]! ? 1 : 0;
          tallies[which]!.right += hit;
          tallies[which]!.of++;
          right += hit;
        }
        return right / 10;
      });
      const { mean, ci95 } = estimate(accuracies);
      if (Math.abs(mean - 0.8) <= ci95) naive++;
      if (Math.abs(mean - 0.8) <= clusterInterval(tallies)!) held++;
    }
    expect(held / times).toBeGreaterThan(0.93);
    expect(held / times).toBeLessThan(0.97);
    expect(naive / times).toBeLessThan(0.75);
  });

  test("tells nothing of one cluster", () => {
    expect(clusterInterval([{ right: 3, of: 4 }])).toBeUndefined();
    expect(clusterInterval([])).toBeUndefined();
  });
});
