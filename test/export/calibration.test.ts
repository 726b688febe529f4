// Calibration: numbers drawn from known temperatures and thresholds are found again, and on a real bundle what was fitted
// holds on episodes that it was not fitted on.
import { join } from "node:path";
import {
  type Answers,
  type CalibrationEpisode,
  calibrateBundle,
  type EpisodeSize,
  expectedCalibrationError,
  exportBundle,
  fitConfidence,
  quantileRegression,
  thresholdFor,
} from "@innerloop/export";
import type { Learner } from "@innerloop/graph";
import { Learner as Bundled, closenessOf, rejectionScore, temperatureAt, thresholdAt } from "@innerloop/runtime";
import { sizeOf, type Tensor } from "@innerloop/schemas";
import { random } from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { refusal } from "../support/refusal.ts";
import { learners, randomEpisode, randomWeights, unrolled } from "./learners.ts";

describe("expected calibration error", () => {
  it("is the gap between sure and right, bin by bin", () => {
    // 0.90 and 0.92 lie in one bin of 15 (13.5 and 13.8 of 15), 0.5 in another.
    const error = expectedCalibrationError([0.9, 0.92, 0.5, 0.5], [true, false, true, false]);
    expect(error).toBeCloseTo((2 / 4) * Math.abs(0.91 - 0.5) + 0, 12);
    expect(expectedCalibrationError([1, 1], [true, true])).toBe(0);
    expect(expectedCalibrationError([1], [false])).toBe(1);
  });
});

describe("a threshold", () => {
  const scores = Array.from({ length: 40 }, (_, i) => i);
  const passing = (threshold: number) => scores.filter((score) => score >= threshold).length;

  it("lets pass what it may and no more", () => {
    expect(passing(thresholdFor(scores, 0.05))).toBe(2);
    expect(passing(thresholdFor([...scores].reverse(), 0.06))).toBe(2);
    expect(passing(thresholdFor(scores, 0.001))).toBe(0);
  });

  it("refuses scores that are equal together", () => {
    const equal = [5, 5, 5, 1, 1, 1, 1, 1, 1, 1];
    const threshold = thresholdFor(equal, 0.2);
    expect(threshold).toBeGreaterThan(5);
    expect(thresholdFor(equal, 0.3)).toBe(3);
  });
});

const sizes: EpisodeSize[] = [2, 5, 10].flatMap((ways) => [1, 2, 5].map((shots) => ({ ways, shots })));

/** Answers whose labels are drawn from softmax(logits / T), and outsiders whose largest logit is normal about a plane. */
function drawn(temperature: (shots: number) => number, plane: (size: EpisodeSize) => number, seed = 1): Answers[] {
  const stream = random(seed);
  const queries = 4000;
  return sizes.map(({ ways, shots }) => {
    const logits = Array.from({ length: queries }, () => Array.from({ length: ways }, () => 4 * stream.normal() - 12));
    const labels = logits.map((row) => {
      const highest = Math.max(...row);
      const odds = row.map((logit) => Math.exp((logit - highest) / temperature(shots)));
      let left = stream.uniform() * odds.reduce((sum, it) => sum + it, 0);
      const label = odds.findIndex((it) => {
        left -= it;
        return left < 0;
      });
      return label < 0 ? ways - 1 : label;
    });
    const outsiders = Array.from({ length: queries }, () => {
      const highest = plane({ ways, shots }) + stream.normal();
      return Array.from({ length: ways }, (_, way) => (way === 1 ? highest : highest - 60));
    });
    return { ways, shots, logits, labels, outsiders };
  });
}

describe("what is fitted", () => {
  const temperature = (shots: number) => 2.5 * Math.exp(0.8 * (1 / shots - 1));
  const plane = ({ ways, shots }: EpisodeSize) => -14 - 3 * (1 / shots - 1) + 1.5 * Math.log(ways / 5);
  const answers = drawn(temperature, plane);
  const confidence = fitConfidence(answers, { ways: 5, shots: 1, episodes: 90, falseAccepts: 0.05 });

  it("is the temperature that the labels were drawn with, for any number of examples", () => {
    expect(confidence).toMatchObject({ ways: 5, shots: 1, episodes: 90 });
    for (const shots of [1, 2, 5, 10])
      expect(Math.log(temperatureAt(confidence, shots) / temperature(shots))).toBeCloseTo(0, 1);
    expect(confidence.expectedCalibrationError).toBeLessThan(0.01);
    expect(confidence.uncalibratedError).toBeGreaterThan(0.05);
  });

  it("lets pass the share of outsiders that was stated, in episodes of every size", () => {
    // At 5 % the normal distribution lies 1.645 above its mean.
    const { score, falseAccepts, kept } = confidence.rejection!;
    expect(["maximum", "logsumexp"]).toContain(score);
    expect(falseAccepts).toBe(0.05);
    for (const size of [...sizes, { ways: 7, shots: 3 }, { ways: 20, shots: 10 }])
      expect(Math.abs(thresholdAt(confidence, size.ways, size.shots) - plane(size) - 1.645)).toBeLessThan(0.15);
    const own = answers.find(({ ways, shots }) => ways === 5 && shots === 1)!;
    const scores = own.logits.map((row) => rejectionScore(score, row, temperatureAt(confidence, 1)));
    expect(kept).toBe(scores.filter((it) => it >= thresholdAt(confidence, 5, 1)).length / scores.length);
  });

  it("follows the share of false accepts that is asked for", () => {
    const strict = fitConfidence(answers, { ways: 5, shots: 1, episodes: 90, falseAccepts: 0.01 }).rejection!;
    expect(Math.abs(strict.threshold - plane({ ways: 5, shots: 1 }) - 2.326)).toBeLessThan(0.2);
    expect(strict.kept).toBeLessThan(confidence.rejection!.kept);
  });

  it("takes the score that keeps most", () => {
    // Here the height says nothing; outsiders are undecided between two classes.
    const undecided = answers.map((it) => ({
      ...it,
      logits: it.logits.map((row, i) => row.map((_, way) => (way === it.labels[i] ? 8 : 0) + (i % 50))),
      outsiders: it.outsiders.map((row, i) => row.map((_, way) => (way < 2 ? 8 : 0) + (i % 50) + 0.01 * way)),
    }));
    const { rejection } = fitConfidence(undecided, { ways: 5, shots: 1, episodes: 90, falseAccepts: 0.05 });
    expect(["margin", "probability"]).toContain(rejection!.score);
    expect(rejection!.kept).toBe(1);
  });

  it("stays finite where everything is right, and where there is one size alone", () => {
    const [only] = answers;
    const certain = { ...only!, labels: only!.logits.map((row) => row.indexOf(Math.max(...row))) };
    const alone = fitConfidence([certain], { ways: 2, shots: 1, episodes: 10, falseAccepts: 0.05 });
    expect(alone.temperature).toBeGreaterThan(0.02);
    expect(alone.temperature).toBeLessThan(1);
    expect(alone).toMatchObject({ temperatureSlope: 0, rejection: { shotsSlope: 0, waysSlope: 0 } });
  });

  it("has no threshold where outsiders are missing, or too few to tell such a share", () => {
    const none = answers.map((it) => ({ ...it, outsiders: [] }));
    const few = answers.map((it, i) => ({ ...it, outsiders: i === 0 ? it.outsiders.slice(0, 19) : [] }));
    for (const given of [none, few])
      expect(fitConfidence(given, { ways: 5, shots: 1, episodes: 9, falseAccepts: 0.05 }).rejection).toBeUndefined();
  });
});

describe("what is fitted to support sets whose classes are closer together", () => {
  /**
   * Episodes of a head of prototypes in a world that is e^closer times narrower: all squared distances shrink by that, strangers
   * lie at e^(2 + normal) in an ordinary world, and labels are drawn at a temperature of 1, in a narrow one of e^(−0.8 · closer).
   */
  function worlds(closer: () => number, shifted: boolean, seed: number): Answers[] {
    const stream = random(seed);
    return Array.from({ length: 400 }, (_, i) => {
      const { ways, shots } = sizes[i % sizes.length]!;
      const by = closer();
      const scale = Math.exp(-by);
      const distances = () => Array.from({ length: ways }, () => -6 * scale * (1 + stream.uniform()));
      const logits = Array.from({ length: 20 }, distances);
      const labels = logits.map((row) => {
        const temperature = shifted ? Math.exp(-0.8 * by) : 1;
        let left = stream.uniform() * row.reduce((sum, logit) => sum + Math.exp(logit / temperature), 0);
        const label = row.findIndex((logit) => {
          left -= Math.exp(logit / temperature);
          return left < 0;
        });
        return label < 0 ? ways - 1 : label;
      });
      const outsiders = Array.from({ length: 20 }, () => {
        const nearest = -scale * Math.exp(2 + 0.3 * stream.normal());
        return Array.from({ length: ways }, (_, way) => (way === 0 ? nearest : nearest - 50 * scale));
      });
      const spread = Math.exp(3 + 0.1 * stream.normal() + 0.1 * Math.log(ways / 5) - by);
      return { ways, shots, logits, labels, outsiders, spread, ...(shifted ? { shifted } : {}) };
    });
  }
  const stream = random(3);
  const fit = { ways: 5, shots: 1, episodes: 800, falseAccepts: 0.05 };
  const ordinary = worlds(() => 0, false, 1);
  const narrow = worlds(() => 0.7 + 3 * stream.uniform(), true, 2);
  const confidence = fitConfidence([...ordinary, ...narrow], fit);
  const { spread, rejection } = confidence;

  it("is what is usual of these, by their size", () => {
    expect(spread!.level).toBeCloseTo(3, 1);
    expect(spread!.waysSlope).toBeCloseTo(0.1, 1);
    expect(spread!.shotsSlope).toBeCloseTo(0, 1);
    expect(spread!.deviation).toBeCloseTo(0.1, 1);
    expect(spread!.shifted.unlike).toBe(1);
    expect(spread!.shifted.unlikeOrdinary).toBeLessThanOrEqual(0.01);
  });

  it("is a threshold that strangers of any world reach as seldom as stated", () => {
    const passing = (answers: Answers[], told: typeof confidence) => {
      const known = answers.flatMap(({ ways, shots, spread, outsiders }) => {
        const excess = closenessOf(told, ways, shots, spread)?.excess;
        const least = thresholdAt(told, ways, shots, excess);
        const temperature = temperatureAt(told, shots, excess);
        return outsiders.map((row) => rejectionScore(told.rejection!.score, row, temperature) >= least);
      });
      return known.filter(Boolean).length / known.length;
    };
    const [others, plain] = [worlds(() => 0.7 + 3 * stream.uniform(), true, 5), worlds(() => 0, false, 6)];
    expect(Math.abs(passing(plain, confidence) - 0.05)).toBeLessThan(0.02);
    // Half of what was stated, since no user's world is among those that it was fitted to.
    expect(Math.abs(passing(others, confidence) - 0.025)).toBeLessThan(0.015);
    expect(spread!.shifted.falseAccepts).toBeLessThan(0.07);
    // Without it, as they were before: nearly all strangers of such worlds pass.
    const { spread: _, ...blind } = confidence;
    expect(passing(others, blind)).toBeGreaterThan(0.9);
    expect(rejection!.slope! + rejection!.closeSlope! * (0.4 / 2.2)).toBeGreaterThan(0.9);
  });

  it("is the temperature that the labels were drawn with", () => {
    for (const by of [0.8, 1.5, 3]) {
      const excess = closenessOf(confidence, 5, 1, Math.exp(3 - by))!.excess;
      expect(Math.abs(Math.log(temperatureAt(confidence, 1, excess)) + 0.8 * by)).toBeLessThan(0.25);
    }
    expect(spread!.shifted.expectedCalibrationError).toBeLessThan(0.03);
  });

  it("changes nothing of what is fitted to ordinary ones", () => {
    const { spread: _, rejection: limit, ...alone } = fitConfidence(ordinary, fit);
    expect(_).toBeUndefined();
    const { spread: __, rejection: again, ...told } = confidence;
    const { expectedCalibrationError, ...same } = told;
    expect(alone).toMatchObject(same);
    expect(expectedCalibrationError).toBeCloseTo(alone.expectedCalibrationError, 2);
    expect(again).toMatchObject({ threshold: limit!.threshold, waysSlope: limit!.waysSlope });
    expect(limit).not.toHaveProperty("slope");
  });

  it("stays finite where classes cannot be told apart, and where no support set is unusual", () => {
    const collapsed = narrow.map((it) => ({ ...it, logits: it.logits.map((row) => row.map(() => 0)), spread: 0 }));
    for (const shifted of [collapsed, worlds(() => 0, true, 9)]) {
      const { spread, rejection } = fitConfidence([...ordinary, ...shifted], fit);
      for (const value of Object.values({ ...spread, ...rejection, ...spread!.shifted, score: 0, shifted: 0 }))
        expect(Number.isFinite(value)).toBe(true);
    }
  });
});

describe("a quantile regression", () => {
  it("lies above the share of targets that was asked for", () => {
    const stream = random(11);
    const rows = Array.from({ length: 4000 }, () => [1, stream.uniform()]);
    const targets = rows.map(([, x]) => 2 + 3 * x! + stream.normal());
    const [height, slope] = quantileRegression(rows, targets, 0.95);
    expect(Math.abs(height! - 2 - 1.645)).toBeLessThan(0.15);
    expect(Math.abs(slope! - 3)).toBeLessThan(0.25);
  });
});

describe("a bundle's calibration", () => {
  const most = 8;
  /** Classes are patterns, examples of them noisy; those of the last classes are outsiders. */
  function episode({ inputShape }: Learner, { ways, shots }: EpisodeSize, index: number) {
    if (ways > most) return undefined;
    const stream = random(7, index);
    const length = sizeOf(inputShape);
    const patterns = Array.from({ length: most }, () => Float64Array.from({ length }, () => stream.normal()));
    const examples = (classes: readonly Float64Array[], each: number): { x: Tensor; y: Tensor } => {
      const rows = Array.from({ length: classes.length * each }, (_, row) => row % classes.length);
      const data = rows.flatMap((row) => Array.from(classes[row]!, (value) => value + 0.3 * stream.normal()));
      return {
        x: { dtype: "float32", shape: [rows.length, ...inputShape], data: Float32Array.from(data) },
        y: { dtype: "int32", shape: [rows.length], data: Int32Array.from(rows) },
      };
    };
    const inside = patterns.slice(0, ways);
    const found: CalibrationEpisode = { support: examples(inside, shots), query: examples(inside, 2) };
    return ways < most ? { ...found, outsiders: examples(patterns.slice(ways), 2).x } : found;
  }

  async function exported(kind: keyof typeof learners, falseAccepts = 0.05) {
    const learner = learners[kind]!();
    const weights = randomWeights(learner);
    const out = join(temporaryFolder(), "bundle");
    const asked: (EpisodeSize & { index: number })[] = [];
    const progress: number[][] = [];
    const manifest = await exportBundle(learner, weights, {
      out,
      verify: {
        episodes: [randomEpisode(learner, 4, 1, 1)],
        engine: "float64",
        steps: [0],
        reference: unrolled(learner, weights),
      },
      calibrate: {
        ways: 4,
        shots: 1,
        episodes: 8,
        falseAccepts,
        episode: (size, index) => {
          asked.push({ ...size, index });
          return episode(learner, size, index);
        },
        onProgress: (done, all) => progress.push([done, all]),
      },
    });
    return { learner, out, manifest, asked, progress };
  }

  it("is in the manifest, and holds on episodes that are new", async () => {
    const { learner, out, manifest, asked, progress } = await exported("prototypes", 0.1);
    const { confidence } = manifest;
    // 2, 4 and 5 of 8 classes, with 1 and with 5 examples; 10 and 20 are more than there are.
    expect(confidence).toMatchObject({ ways: 4, shots: 1, episodes: 6 * 8, rejection: { falseAccepts: 0.1 } });
    expect(progress.at(-1)).toEqual([48, 48]);
    const used = asked.slice(-48);
    expect(new Set(used.map(({ index }) => index)).size).toBe(48);
    const bundled = await Bundled.load(out);
    const [known, accepted]: boolean[][] = [[], []];
    for (let i = 0; i < 40; i++) {
      const { support, query, outsiders } = episode(learner, { ways: 5, shots: 2 }, 5000 + i)! as CalibrationEpisode;
      const batch = ({ data, shape }: Tensor) => ({ data: data as Float32Array, shape });
      const mine = await bundled.adapt({ ...batch(support.x), labels: Array.from(support.y.data, String) });
      known!.push(...(await mine.predictBatch(batch(query.x))).map((answer) => answer.known!));
      accepted!.push(...(await mine.predictBatch(batch(outsiders!))).map((answer) => answer.known!));
    }
    await bundled.dispose();
    const share = (flags: boolean[]) => flags.filter(Boolean).length / flags.length;
    expect(share(accepted!)).toBeLessThan(0.2);
    expect(share(known!)).toBeGreaterThan(0.8);
  });

  it("asks a learned head for no more classes than it has outputs", async () => {
    const { asked, manifest } = await exported("maml, metamodel");
    expect([...new Set(asked.map(({ ways }) => ways))]).toEqual([2, 4, 5]);
    expect(manifest.confidence?.temperature).toBeGreaterThan(0);
  });

  it("takes fewer episodes, as many of each size, where they take too long", async () => {
    const { learner, out } = await exported("prototypes");
    const given = { ways: 4, shots: 1, seconds: 0, episode: episode.bind(undefined, learner) };
    expect((await calibrateBundle(out, given))!.episodes).toBe(6 * 5);
    expect((await calibrateBundle(out, { ...given, episodes: 3 }))!.episodes).toBe(6 * 3);
  });

  it("is left out where the data are too few, and refuses a share that is none", async () => {
    const { out } = await exported("prototypes");
    expect(await calibrateBundle(out, { ways: 4, shots: 1, episode: () => undefined })).toBeUndefined();
    for (const falseAccepts of [0, 1, Number.NaN]) {
      const error = await refusal(calibrateBundle(out, { ways: 4, shots: 1, falseAccepts, episode: () => undefined }));
      expect(error).toMatchObject({ code: "bad-option", exitStatus: 2 });
      expect(error.message).toMatch(/above 0 and below 1/);
    }
  });
});
