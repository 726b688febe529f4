// From logits of held-back classes to what a manifest says of confidence: one temperature, one threshold, and how both
// change with the number of examples and of classes, and where a support set is unlike what was trained. Pure functions over
// numbers.
import { closenessOf, rejectionScore, temperatureAt, thresholdAt } from "@innerloop/runtime";
import type { Confidence, Rejection, Spread } from "@innerloop/schemas";
import { leastSquares, quantileRegression, sum } from "./regression.ts";

/** What a bundle answered in an episode, or in several of one size that are alike. */
export interface Answers {
  readonly ways: number;
  readonly shots: number;
  /** One row of `ways` logits for each query. */
  readonly logits: readonly (readonly number[])[];
  /** The column of each query's class. */
  readonly labels: readonly number[];
  /** Rows of logits for examples of classes that were not in the episode. */
  readonly outsiders: readonly (readonly number[])[];
  /** How far apart the classes of the support set are; `supportSpread` of the runtime. */
  readonly spread?: number;
  /** Not as the training's data are, but as those of users may be. */
  readonly shifted?: boolean;
}

export interface FitOptions {
  /** The size of episodes that the temperature and the threshold are told for. */
  readonly ways: number;
  readonly shots: number;
  /** How many episodes the answers are from. */
  readonly episodes: number;
  /** The share of outsiders that may pass. */
  readonly falseAccepts: number;
}

const scores: readonly Rejection["score"][] = ["maximum", "logsumexp", "margin", "probability"];

/** Temperatures from 1 / 50 to 50 are looked at. */
const widest = Math.log(50);

/**
 * Fits a temperature to the queries' likelihood (Guo et al. 2017, §4.2), and the score and threshold that keep most of
 * them while the given share of outsiders passes; and, where there are shifted episodes, how both change as classes lie closer
 * together than they usually do.
 *
 * @param all one entry for each size of episodes at least, that of the options among them
 */
export function fitConfidence(all: readonly Answers[], options: FitOptions): Confidence {
  const { ways, shots, episodes, falseAccepts } = options;
  const answers = all.filter(({ shifted }) => !shifted);
  const shifted = all.filter((it) => it.shifted);
  const temperatures = fitTemperature(answers, shots);
  const plain = { ways, shots, ...temperatures, expectedCalibrationError: 0, uncalibratedError: 0, episodes };
  const spread = shifted.length > 0 ? fitSpread(answers, shifted, plain) : undefined;
  const own = answers.filter((it) => it.shots === shots);
  const told: Confidence = { ...plain, ...(spread ? { spread } : {}) };
  const fitted: Confidence = {
    ...told,
    expectedCalibrationError: errorOf(own, told),
    uncalibratedError: errorOf(own),
  };
  const rejection = fitRejection(answers, shifted, fitted, falseAccepts);
  const confidence = rejection ? { ...fitted, rejection } : fitted;
  if (!spread) return confidence;
  return { ...confidence, spread: { ...spread, shifted: measureShifted(answers, shifted, confidence) } };
}

/**
 * The mean distance between how sure answers are and how often they are right, over 15 equal bins of probability, each
 * weighing as much as it has answers (Naeini et al. 2015; Guo et al. 2017, eq. 3).
 *
 * @param probabilities of the answers, 0…1
 * @param right whether each was right
 */
export function expectedCalibrationError(probabilities: readonly number[], right: readonly boolean[]): number {
  const gaps = new Float64Array(15);
  for (const [i, sure] of probabilities.entries())
    gaps[Math.min(gaps.length - 1, Math.floor(sure * gaps.length))]! += sure - (right[i] ? 1 : 0);
  return gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / probabilities.length;
}

/** The calibration error over answers of several sizes; without a confidence, at a temperature of 1. */
function errorOf(answers: readonly Answers[], confidence?: Confidence): number {
  const each = answers.flatMap((it) => {
    const temperature = confidence ? temperatureOf(it, confidence) : 1;
    return it.logits.map((row, i) => ({
      sure: rejectionScore("probability", row, temperature),
      right: row.indexOf(Math.max(...row)) === it.labels[i],
    }));
  });
  return expectedCalibrationError(
    each.map(({ sure }) => sure),
    each.map(({ right }) => right),
  );
}

const excessOf = ({ ways, shots, spread }: Answers, confidence: Confidence): number =>
  closenessOf(confidence, ways, shots, spread)?.excess ?? 0;

const temperatureOf = (it: Answers, confidence: Confidence): number =>
  temperatureAt(confidence, it.shots, excessOf(it, confidence));

const thresholdOf = (it: Answers, confidence: Confidence): number =>
  thresholdAt(confidence, it.ways, it.shots, excessOf(it, confidence));

/** How many score enough to pass, of queries or of outsiders. */
const passing = (it: Answers, rows: Answers["logits"], score: Rejection["score"], confidence: Confidence): number => {
  const [least, temperature] = [thresholdOf(it, confidence), temperatureOf(it, confidence)];
  return rows.filter((row) => rejectionScore(score, row, temperature) >= least).length;
};

/**
 * A threshold that at most the given share of scores reaches, and no lower one does better.
 *
 * @param scores of outsiders, in any order; at least one
 */
export function thresholdFor(scores: readonly number[], falseAccepts: number): number {
  const falling = Float64Array.from(scores).sort().reverse();
  const allowed = Math.floor(falseAccepts * falling.length);
  if (allowed === falling.length) return falling.at(-1)!;
  const [passing, refused] = [falling[allowed - 1], falling[allowed]!];
  return passing !== undefined && passing > refused ? (passing + refused) / 2 : above(refused);
}

/** A little more than a number, which then does not reach it. */
const above = (value: number): number => value + Math.max(1, Math.abs(value)) * 1e-9;

/** For each number of shots the best temperature; through their logarithms a line over 1 / shots. */
function fitTemperature(answers: readonly Answers[], shots: number) {
  const counts = [...new Set(answers.map((it) => it.shots))];
  const best = counts.map((count) => bestTemperature(answers.filter((it) => it.shots === count)));
  const [height, slope] = leastSquares(
    counts.map((count) => [1, 1 / count - 1 / shots]),
    best.map(Math.log),
  );
  return { temperature: Math.exp(height!), temperatureSlope: slope! };
}

/**
 * Where the queries' mean negative log-likelihood, which is convex in 1 / T, is smallest: a golden-section search. The
 * targets are smoothed by one answer in all of them (Platt 1999, §2.2), or queries that are all right would ask for 0.
 */
function bestTemperature(answers: readonly Answers[]): number {
  const smoothed = 1 / (answers.reduce((total, { logits }) => total + logits.length, 0) + 2);
  const loss = (logarithm: number) =>
    answers.reduce((total, it) => total + lossOf(it, Math.exp(logarithm), smoothed), 0);
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [-widest, widest];
  let [left, right] = [high - ratio * (high - low), low + ratio * (high - low)];
  let [atLeft, atRight] = [loss(left), loss(right)];
  while (high - low > 1e-4) {
    if (atLeft < atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - ratio * (high - low);
      atLeft = loss(left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + ratio * (high - low);
      atRight = loss(right);
    }
  }
  return Math.exp((low + high) / 2);
}

/** Summed over the queries; the targets have `smoothed` of their weight spread over all classes. */
const lossOf = ({ logits, labels, ways }: Answers, temperature: number, smoothed: number): number =>
  sum(
    logits.map((row, i) => {
      const target = (1 - smoothed) * row[labels[i]!]! + (smoothed * sum(row)) / ways;
      return (rejectionScore("logsumexp", row, temperature) - target) / temperature;
    }),
  );

/** Deviations of a support set's spread that are ordinary: what is within them changes nothing. */
const tolerance = 1.5;

/**
 * The least deviation of ln D: a tenth. Held-back classes are a sample of what there is, and a user's another one; with many
 * classes a support set's own deviation is less than what lies between these.
 */
const leastDeviation = 0.1;

/** Up to this excess temperature and threshold have a slope of their own: shifts that cost least already cost something. */
const knee = 0.4;

/** What is unlike the training beyond question: of ordinary support sets a hundredth, and no fewer deviations than these. */
const unlikeShare = 0.01;
const [leastCloser, leastWider] = [2.5, 3];

/**
 * The share of the stated false accepts that shifted episodes are fitted to: no shift that was fitted to is a user's own, and from one
 * to another the share that passes differs by a factor of two and more.
 */
const shiftedShare = 0.5;

/** How far apart classes usually are, and what the temperature becomes where they are closer together. */
function fitSpread(
  answers: readonly Answers[],
  shifted: readonly Answers[],
  confidence: Confidence,
): Spread | undefined {
  const ordinary = answers.filter(({ spread }) => spread !== undefined && spread > 0);
  if (ordinary.length === 0) return undefined;
  const column = ({ ways, shots }: Answers) => [1, 1 / shots - 1 / confidence.shots, Math.log(ways / confidence.ways)];
  const spreads = ordinary.map(({ spread }) => Math.log(spread!));
  const plane = leastSquares(ordinary.map(column), spreads);
  const off = ordinary.map((it, i) => spreads[i]! - sum(column(it).map((value, k) => value * plane[k]!)));
  const ways = [...new Set(ordinary.map((it) => it.ways))];
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
    (it) => closenessOf({ ...confidence, spread: usual }, it.ways, it.shots, it.spread)!.score,
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
  if (!shifted.some((it) => excessOf(it, confidence) > 0)) return {};
  const rows = shifted.map((it) => {
    const excess = excessOf(it, confidence);
    const near = Math.min(excess, confidence.spread!.knee);
    return [near, near * (1 / it.shots - 1 / confidence.shots), excess];
  });
  let slopes = [0, 0, -1];
  for (let i = 0; i < descents; i++) {
    const bends = shifted.map((it, k) =>
      bendOf(it, temperatureAt(confidence, it.shots) * Math.exp(sum(slopes.map((slope, j) => slope * rows[k]![j]!)))),
    );
    // Of what the slopes are beyond those of mere scale, so that these are what holds them.
    const beyond = [slopes[0]!, slopes[1]!, slopes[2]! + 1];
    const next = leastSquares(
      rows,
      bends.map(({ slope, curvature }, k) => sum(beyond.map((it, j) => it * rows[k]![j]!)) - slope / curvature),
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
    const expected = sum(odds.map((it, way) => (it / total) * scaled[way]!));
    slope += (scaled[labels[i]!]! - expected) / logits.length;
    curvature += sum(odds.map((it, way) => (it / total) * (scaled[way]! - expected) ** 2)) / logits.length;
  }
  return { slope, curvature };
}

function measureShifted(answers: readonly Answers[], shifted: readonly Answers[], confidence: Confidence) {
  const { rejection } = confidence;
  const unlike = (some: readonly Answers[]) => {
    const told = some.map((it) => closenessOf(confidence, it.ways, it.shots, it.spread)?.familiar === false);
    return told.filter(Boolean).length / told.length;
  };
  const share = (rows: "logits" | "outsiders") =>
    sum(shifted.map((it) => passing(it, it[rows], rejection!.score, confidence))) /
    sum(shifted.map((it) => it[rows].length));
  return {
    episodes: shifted.length,
    expectedCalibrationError: errorOf(shifted, confidence),
    ...(rejection ? { kept: share("logits"), falseAccepts: share("outsiders") } : {}),
    unlike: unlike(shifted),
    unlikeOrdinary: unlike(answers),
  };
}

/** The score that keeps most queries, over all sizes of episodes; undefined where outsiders are too few to tell. */
function fitRejection(
  answers: readonly Answers[],
  shifted: readonly Answers[],
  confidence: Confidence,
  falseAccepts: number,
): Rejection | undefined {
  const withOutsiders = answers.filter(({ outsiders }) => outsiders.length > 0);
  const own = answers.filter((it) => it.ways === confidence.ways && it.shots === confidence.shots);
  const outsiders = sum(withOutsiders.map((it) => it.outsiders.length));
  if (falseAccepts * outsiders < 1) return undefined;
  const found = scores.map((score) => {
    const plane = fitThreshold(withOutsiders, { confidence, score, falseAccepts });
    const slopes = confidence.spread ? fitCloseThreshold(shifted, { ...confidence, rejection: plane }) : {};
    const rejection = { ...plane, ...slopes };
    const passed = (some: readonly Answers[]) =>
      sum(some.map((it) => passing(it, it.logits, score, { ...confidence, rejection })));
    const kept = passed(own) / sum(own.map(({ logits }) => logits.length));
    return {
      rejection: { ...rejection, kept },
      kept: mean(bySize(withOutsiders).map((some) => passed(some) / sum(some.map(({ logits }) => logits.length)))),
    };
  });
  return found.reduce((best, it) => (it.kept > best.kept ? it : best)).rejection;
}

/** Answers of the same ways and shots together. */
function bySize(answers: readonly Answers[]): Answers[][] {
  const groups = new Map<string, Answers[]>();
  for (const it of answers) {
    const key = `${it.ways} ${it.shots}`;
    groups.set(key, [...(groups.get(key) ?? []), it]);
  }
  return [...groups.values()];
}

/** A plane over 1 / shots and ln ways through the thresholds of each size, raised until all outsiders together obey. */
function fitThreshold(
  answers: readonly Answers[],
  { confidence, score, falseAccepts }: { confidence: Confidence; score: Rejection["score"]; falseAccepts: number },
): Rejection {
  const sizes = bySize(answers);
  const theirs = sizes.map((some) =>
    some.flatMap((it) => it.outsiders.map((row) => rejectionScore(score, row, temperatureAt(confidence, it.shots)))),
  );
  const [height, shotsSlope, waysSlope] = leastSquares(
    sizes.map(([it]) => [1, 1 / it!.shots - 1 / confidence.shots, Math.log(it!.ways / confidence.ways)]),
    theirs.map((values) => thresholdFor(values, falseAccepts)),
  );
  const plane = { score, threshold: height!, shotsSlope: shotsSlope!, waysSlope: waysSlope!, falseAccepts, kept: 0 };
  const over = sizes.flatMap(([it], i) => {
    const least = thresholdAt({ ...confidence, rejection: plane }, it!.ways, it!.shots);
    return theirs[i]!.map((value) => value - least);
  });
  return { ...plane, threshold: plane.threshold + thresholdFor(over, falseAccepts) };
}

/**
 * How the threshold shrinks along the excess: the line below which all but the given share of outsiders of shifted episodes
 * fall, in logarithms of what they score in units of the threshold; half of the share, see {@link shiftedShare}.
 */
function fitCloseThreshold(shifted: readonly Answers[], confidence: Confidence): Partial<Rejection> {
  const { score, falseAccepts, threshold } = confidence.rejection!;
  const rows: number[][] = [];
  const heights: number[] = [];
  for (const it of shifted) {
    const excess = excessOf(it, confidence);
    const least = thresholdAt(confidence, it.ways, it.shots);
    if (excess === 0 || least === 0) continue;
    const temperature = temperatureOf(it, confidence);
    for (const row of it.outsiders) {
      const ratio = rejectionScore(score, row, temperature) / least;
      // Below 0 a score passes that is nearer to 0 than the threshold; above, one that is further.
      rows.push([Math.min(excess, knee) * Math.sign(-least), excess * Math.sign(-least)]);
      heights.push(Math.sign(least) * Math.log(Math.min(FAR, Math.max(1 / FAR, ratio))));
    }
  }
  if (shiftedShare * falseAccepts * rows.length < 1) return {};
  const share = 1 - shiftedShare * falseAccepts;
  const [closeSlope, slope] = quantileRegression(rows, heights, share);
  // A threshold above 0 is easier to reach where it shrinks, and its slope as careful as it is small.
  if (threshold > 0 || slope! >= 1) return { closeSlope: closeSlope!, slope: slope! };
  // Noise, for one, brings classes together and not strangers. Worlds that are merely narrower ask for a slope of 1.
  const [held] = quantileRegression(
    rows.map(([near]) => [near!]),
    heights.map((height, i) => height - rows[i]![1]!),
    share,
  );
  return { closeSlope: Math.max(0, held!), slope: 1 };
}

/** A ratio beyond which it does not matter how far. */
const FAR = 1e9;

const mean = (values: readonly number[]): number => sum(values) / values.length;
