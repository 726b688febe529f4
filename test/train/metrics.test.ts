// Metrics against numbers worked out by hand.
import { metrics } from "@innerloop/train";
import { describe, expect, test } from "vitest";

const { accuracy, argmax, confusionMatrix, crossEntropy, estimate, macroF1, macroRecall, meanSquaredError } = metrics;

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
