// How far apart the classes of a support set usually are, which support sets are unlike the training's, and what the temperature
// becomes where classes lie closer together.
import { closenessOf, temperatureAt } from "@innerloop/runtime";
import type { Confidence, Spread } from "@innerloop/schemas";
import { type Answers, excessOf, thresholdFor } from "./answers.ts";
import { leastSquares, mean, sum } from "./regression.ts";

/** Deviations of a support set's spread that are ordinary: what is within them changes nothing. */
const tolerance = 1.5;

/**
 * The least deviation of ln D: a tenth. Held-back classes are a sample of what there is, and a user's another one; with many
 * classes a support set's own deviation is less than what lies between these.
 */
const leastDeviation = 0.1;

/** Up to this excess temperature and threshold have a slope of their own: shifts that cost least already cost something. */
export const knee = 0.4;

/** What is unlike the training beyond question: of ordinary support sets a hundredth, and no fewer deviations than these. */
const unlikeShare = 0.01;
const [leastCloser, leastWider] = [2.5, 3];

/** How far apart classes usually are, and what the temperature becomes where they are closer together. */
export function fitSpread(
  answers: readonly Answers[],
  shifted: readonly Answers[],
  confidence: Confidence,
): Spread | undefined {
  const ordinary = answers.filter(({ spread }) => spread !== undefined && spread > 0);
  if (ordinary.length === 0) return undefined;
  const column = ({ ways, shots }: Answers) => [1, 1 / shots - 1 / confidence.shots, Math.log(ways / confidence.ways)];
  const spreads = ordinary.map(({ spread }) => Math.log(spread!));
  const plane = leastSquares(ordinary.map(column), spreads);
  const off = ordinary.map((episode, i) => spreads[i]! - sum(column(episode).map((value, k) => value * plane[k]!)));
  const ways = [...new Set(ordinary.map((episode) => episode.ways))];
  const deviations = ways.map((count) =>
    Math.sqrt(mean(off.flatMap((value, i) => (ordinary[i]!.ways === count ? [value ** 2] : [])))),
  );
  const [height, exponent] = leastSquares(
    ways.map((count) => [1, Math.log(count / confidence.ways)]),
    deviations.map((value) => Math.log(Math.max(value, 1e-3))),
  );
  const usual = {
    level: plane[0]!,
    shotsSlope: plane[1]!,
    waysSlope: plane[2]!,
    deviation: Math.exp(height!),
    waysExponent: exponent!,
    ...{ leastDeviation, tolerance, knee, closer: leastCloser, wider: leastWider },
    ...{ temperatureSlope: 0, temperatureCloseSlope: 0, temperatureCloseShotsSlope: 0 },
    shifted: { episodes: shifted.length, expectedCalibrationError: 0, unlike: 0, unlikeOrdinary: 0 },
  };
  const scores = ordinary.map(
    (episode) => closenessOf({ ...confidence, spread: usual }, episode.ways, episode.shots, episode.spread)!.score,
  );
  const spread = {
    ...usual,
    closer: Math.max(leastCloser, thresholdFor(scores, unlikeShare)),
    wider: Math.max(
      leastWider,
      thresholdFor(
        scores.map((score) => -score),
        unlikeShare / 2,
      ),
    ),
  };
  return { ...spread, ...fitCloseTemperature(shifted, { ...confidence, spread }) };
}

/**
 * Where classes are closer together by a factor, so are strangers, and logits are smaller, by as much: the temperature's slopes are
 * held to that, 0 and -1, as if a third of the episodes had an excess of 1 and said so.
 */
const ridge = [0.001, 0.001, 0.3];

/** Rounds of descent, and how far a slope moves in one at most. */
const [descents, stride] = [40, 0.5];

/**
 * The temperature's slopes along the excess where the queries' likelihood is largest, each episode weighing the same: by
 * Newton's method, with the curvature that is left where answers are as probable as they say (Fisher's).
 */
function fitCloseTemperature(shifted: readonly Answers[], confidence: Confidence) {
  if (!shifted.some((episode) => excessOf(episode, confidence) > 0)) return {};
  const rows = shifted.map((episode) => {
    const excess = excessOf(episode, confidence);
    const near = Math.min(excess, confidence.spread!.knee);
    return [near, near * (1 / episode.shots - 1 / confidence.shots), excess];
  });
  let slopes = [0, 0, -1];
  for (let i = 0; i < descents; i++) {
    const bends = shifted.map((episode, k) =>
      bendOf(
        episode,
        temperatureAt(confidence, episode.shots) * Math.exp(sum(slopes.map((slope, j) => slope * rows[k]![j]!))),
      ),
    );
    // Of what the slopes are beyond those of mere scale, so that these are what holds them.
    const beyond = [slopes[0]!, slopes[1]!, slopes[2]! + 1];
    const next = leastSquares(
      rows,
      bends.map(({ slope, curvature }, k) => sum(beyond.map((value, j) => value * rows[k]![j]!)) - slope / curvature),
      { weights: Float64Array.from(bends, ({ curvature }) => curvature), ridge },
    );
    slopes = slopes.map((slope, j) => slope + Math.max(-stride, Math.min(stride, next[j]! - beyond[j]!)));
  }
  const [temperatureCloseSlope, temperatureCloseShotsSlope, temperatureSlope] = slopes as [number, number, number];
  return { temperatureCloseSlope, temperatureCloseShotsSlope, temperatureSlope };
}

/** How an episode's mean loss changes with the logarithm of the temperature: its derivative, and Fisher's second one. */
function bendOf({ logits, labels }: Answers, temperature: number): { slope: number; curvature: number } {
  let [slope, curvature] = [0, 1e-6];
  for (const [i, row] of logits.entries()) {
    const highest = Math.max(...row);
    const odds = row.map((logit) => Math.exp((logit - highest) / temperature));
    const total = sum(odds);
    const scaled = row.map((logit) => logit / temperature);
    const expected = sum(odds.map((odd, way) => (odd / total) * scaled[way]!));
    slope += (scaled[labels[i]!]! - expected) / logits.length;
    curvature += sum(odds.map((odd, way) => (odd / total) * (scaled[way]! - expected) ** 2)) / logits.length;
  }
  return { slope, curvature };
}
