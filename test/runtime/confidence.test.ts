// What logits become: against softmax written out, and the formulas of the manifest worked out by hand.
import { type Confidence, classify, rejectionScore, temperatureAt, thresholdAt } from "@innerloop/runtime";
import { describe, expect, it } from "vitest";

const confidence: Confidence = {
  ways: 5,
  shots: 1,
  temperature: 2,
  temperatureSlope: 0.5,
  expectedCalibrationError: 0.01,
  uncalibratedError: 0.05,
  episodes: 100,
};
const rejection = { threshold: -10, shotsSlope: -4, waysSlope: 3, falseAccepts: 0.05, kept: 0.9 } as const;
const labels = ["a", "b", "c"];
const logits = [-9, -6, -12];
const odds = (row: readonly number[], temperature: number) => {
  const powers = row.map((logit) => Math.exp(logit / temperature));
  return powers.map((power) => power / powers.reduce((sum, it) => sum + it, 0));
};

describe("probabilities", () => {
  it("are the softmax at a temperature of 1 where nothing was fitted", () => {
    const answer = classify(logits, labels);
    expect(answer).toMatchObject({ label: "b", logits });
    expect(Object.keys(answer.probabilities)).toEqual(labels);
    for (const [i, chance] of odds(logits, 1).entries())
      expect(answer.probabilities[labels[i]!]).toBeCloseTo(chance, 12);
    expect(answer.probability).toBe(answer.probabilities.b);
    expect("known" in answer).toBe(false);
  });

  it("are the softmax at the fitted temperature, which follows the number of examples", () => {
    expect(classify(logits, labels, confidence).probability).toBeCloseTo(odds(logits, 2)[1]!, 12);
    const four = 2 * Math.exp(0.5 * (1 / 4 - 1));
    expect(temperatureAt(confidence, 4)).toBeCloseTo(four, 12);
    expect(classify(logits, labels, confidence, 4).probability).toBeCloseTo(odds(logits, four)[1]!, 12);
    expect("known" in classify(logits, labels, confidence, 4)).toBe(false);
  });

  it("hold for logits that are far apart, or all far below 0", () => {
    expect(classify([-1e9, 0, 1e4], labels, confidence)).toMatchObject({ label: "c", probability: 1 });
    expect(classify([-3e4, -3e4, -3e4], labels).probability).toBeCloseTo(1 / 3, 12);
  });

  it("name the first of two labels that are equally good", () => {
    expect(classify([1, 1], ["x", "y"])).toMatchObject({ label: "x", probability: 0.5 });
  });

  it("are right for labels that objects have by themselves", () => {
    const { label, probabilities } = classify([0, 3], ["constructor", "__proto__"]);
    expect([label, Object.keys(probabilities)]).toEqual(["__proto__", ["constructor", "__proto__"]]);
  });
});

describe("none of these", () => {
  it("scores as the manifest's format says", () => {
    expect(rejectionScore("maximum", logits, 2)).toBe(-6);
    expect(rejectionScore("margin", logits, 2)).toBe(3);
    expect(rejectionScore("margin", [4, 4, 1], 2)).toBe(0);
    expect(rejectionScore("probability", logits, 2)).toBeCloseTo(odds(logits, 2)[1]!, 12);
    const energy = 2 * Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit / 2), 0));
    expect(rejectionScore("logsumexp", logits, 2)).toBeCloseTo(energy, 12);
  });

  it("begins below a threshold that follows the numbers of classes and of examples", () => {
    const given: Confidence = { ...confidence, rejection: { score: "maximum", ...rejection } };
    expect(thresholdAt(given, 5)).toBe(-10);
    expect(thresholdAt(given, 5, 2)).toBeCloseTo(-10 + 4 * 0.5, 12);
    expect(thresholdAt(given, 10, 1)).toBeCloseTo(-10 + 3 * Math.log(2), 12);
    const five = ["a", "b", "c", "d", "e"];
    const row = (highest: number) => [-20, -30, highest, -25, -40];
    expect(classify(row(-9.9), five, given)).toMatchObject({ label: "c", known: true });
    expect(classify(row(-10), five, given).known).toBe(true);
    expect(classify(row(-10.1), five, given)).toMatchObject({ label: "c", known: false });
    // Two examples a class allow no more than 8, ten classes no more than 10 - 3 · ln 2.
    expect(classify(row(-8.1), five, given, 2).known).toBe(false);
    const ten = [...row(-8.1), ...row(-50)];
    expect(classify(ten, [...five, "f", "g", "h", "i", "j"], given).known).toBe(false);
  });
});
