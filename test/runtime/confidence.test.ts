// What logits become: against softmax written out, and the formulas of the manifest worked out by hand.
import {
  type Confidence,
  classify,
  closenessOf,
  Learner,
  rejectionScore,
  type Spread,
  supportSpread,
  temperatureAt,
  thresholdAt,
} from "@innerloop/runtime";
import { sizeOf } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { writeBundle } from "./fixture.ts";

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

describe("a support set that is unlike the training", () => {
  const spread: Spread = {
    ...{ level: 3, shotsSlope: 0.4, waysSlope: 0.1, deviation: 0.3, waysExponent: -1, leastDeviation: 0.4 },
    ...{ tolerance: 1.5, closer: 2, wider: 3, knee: 0.4 },
    ...{ temperatureSlope: -0.9, temperatureCloseSlope: 1.5, temperatureCloseShotsSlope: 0.5 },
    shifted: { episodes: 10, expectedCalibrationError: 0, unlike: 1, unlikeOrdinary: 0 },
  };
  const told: Confidence = {
    ...confidence,
    spread,
    rejection: { score: "maximum", ...rejection, closeSlope: 1.4, slope: 1.1 },
  };
  // At five ways of one shot the deviation is hypot(0.4, 0.3) = 0.5, and ln D is usually 3.
  const closer = (deviations: number) => Math.exp(3 - 0.5 * deviations);

  it("is one whose classes, as the bundle sees them, are closer together or further apart than usual", () => {
    expect(closenessOf(told, 5, 1, closer(1))).toMatchObject({ familiar: true, excess: 0 });
    expect(closenessOf(told, 5, 1, closer(-2.9))!.familiar).toBe(true);
    expect(closenessOf(told, 5, 1, closer(-3.1))).toMatchObject({ familiar: false, excess: 0 });
    const close = closenessOf(told, 5, 1, closer(2.1))!;
    expect(close.familiar).toBe(false);
    expect(close.score).toBeCloseTo(2.1, 12);
    expect(close.excess).toBeCloseTo(0.5 * (2.1 - 1.5), 12);
    // Ten ways of four shots: usual is 3 + 0.4 · (1/4 − 1) + 0.1 · ln 2, and the deviation hypot(0.4, 0.3 / 2).
    const [usual, deviation] = [3 - 0.3 + 0.1 * Math.log(2), Math.hypot(0.4, 0.15)];
    expect(closenessOf(told, 10, 4, Math.exp(usual - 2 * deviation))!.score).toBeCloseTo(2, 12);
  });

  it("has answers at a temperature, and a threshold, of its own", () => {
    // Beyond the knee of 0.4: x = 1.
    expect(temperatureAt(told, 1, 1)).toBeCloseTo(2 * Math.exp(1.5 * 0.4 - 0.9), 12);
    expect(temperatureAt(told, 4, 0.2)).toBeCloseTo(2 * Math.exp(0.5 * -0.75 + (1.5 - 0.5 * 0.75) * 0.2 - 0.18), 12);
    expect(thresholdAt(told, 5, 1, 1)).toBeCloseTo(-10 * Math.exp(-1.4 * 0.4 - 1.1), 12);
    const far = closer(1.5 + 1 / 0.5);
    const row = [-6, -1.7, -4, -4, -4];
    const answer = classify(row, ["a", "b", "c", "d", "e"], told, 1, far);
    expect(answer.probability).toBeCloseTo(odds(row, 2 * Math.exp(1.5 * 0.4 - 0.9))[1]!, 12);
    expect(answer).toMatchObject({ label: "b", known: true });
    expect(classify([-6, -2, -4, -4, -4], ["a", "b", "c", "d", "e"], told, 1, far).known).toBe(false);
    expect(classify([-6, -2, -4, -4, -4], ["a", "b", "c", "d", "e"], told, 1, closer(0)).known).toBe(true);
  });

  it("may have classes that cannot be told apart at all", () => {
    for (const none of [0, -3]) {
      const { score, excess, familiar } = closenessOf(told, 5, 1, none)!;
      expect([Number.isFinite(score), excess, familiar]).toEqual([true, 20, false]);
      const { probabilities } = classify([-1, -1, -1], labels, told, 1, none);
      for (const chance of Object.values(probabilities)) expect(chance).toBeCloseTo(1 / 3, 12);
    }
  });

  it("is measured as the squared distance between class means, for a head of prototypes", () => {
    const points = [
      [0, 0],
      [2, 0],
      [5, 3],
      [5, 5],
    ];
    const own = [0, 0, 1, 1];
    const means = [
      [1, 0],
      [5, 4],
    ];
    const logits = points.map((point) => means.map((m) => -((point[0]! - m[0]!) ** 2) - (point[1]! - m[1]!) ** 2));
    expect(supportSpread(logits, own)).toBeCloseTo(4 ** 2 + 4 ** 2, 12);
  });

  it("is said of a personal model, of one that was saved, and counts in its answers", async () => {
    const confidence = { ...told, ways: 2 };
    const learner: Learner = await Learner.load(
      writeBundle("prototypes", (manifest) => Object.assign(manifest, { confidence })),
    );
    const size = sizeOf(learner.manifest.input.shape);
    const pattern = (phase: number, contrast: number) =>
      Float32Array.from({ length: size }, (_, i) => contrast * Math.sin(1 + phase + i * (1 + phase)));
    const of = (contrast: number) =>
      learner.adapt([
        { data: pattern(0, contrast), label: "a" },
        { data: pattern(1, contrast), label: "b" },
      ]);
    const near = await of(1e-3);
    expect(near.confidence).toMatchObject({ familiar: false });
    expect(near.confidence!.score).toBeGreaterThan(2);
    expect(near.confidence!.message).toMatch(/unlike what this bundle was trained on.* closer together/);
    const again = await learner.restore(await near.toBytes());
    expect(again.confidence).toEqual(near.confidence);
    const asked = pattern(0.3, 1e-3);
    const answer = await near.predict(asked);
    expect(await again.predict(asked)).toEqual(answer);
    const plain = classify(answer.logits, near.labels, confidence, 1);
    expect(answer.probability).toBeGreaterThan(plain.probability);
    expect(learner.start().confidence).toBeUndefined();
    await learner.dispose();
  });
});
