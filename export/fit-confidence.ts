// From logits of held-back classes to what a manifest says of confidence: one temperature, one threshold, and how both
// change with the number of examples and of classes. Pure functions over numbers.
import { rejectionScore, temperatureAt, thresholdAt } from "@innerloop/runtime";
import type { Confidence, Rejection } from "@innerloop/schemas";

/** What a bundle answered in episodes of one size. */
export interface Answers {
  readonly ways: number;
  readonly shots: number;
  /** One row of `ways` logits for each query. */
  readonly logits: readonly (readonly number[])[];
  /** The column of each query's class. */
  readonly labels: readonly number[];
  /** Rows of logits for examples of classes that were not in the episode. */
  readonly outsiders: readonly (readonly number[])[];
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
 * them while the given share of outsiders passes.
 *
 * @param answers one entry for each size of episodes, that of the options among them
 */
export function fitConfidence(answers: readonly Answers[], options: FitOptions): Confidence {
  const { ways, shots, episodes, falseAccepts } = options;
  const temperatures = fitTemperature(answers, shots);
  const own = answers.filter((it) => it.shots === shots);
  const plain = { ways, shots, ...temperatures, expectedCalibrationError: 0, uncalibratedError: 0, episodes };
  const fitted: Confidence = {
    ...plain,
    expectedCalibrationError: errorOf(own, plain.temperature),
    uncalibratedError: errorOf(own, 1),
  };
  const rejection = fitRejection(answers, fitted, falseAccepts);
  return rejection ? { ...fitted, rejection } : fitted;
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

/** The calibration error over answers of several sizes. */
function errorOf(answers: readonly Answers[], temperature: number): number {
  const each = answers.flatMap(({ logits, labels }) =>
    logits.map((row, i) => ({
      sure: rejectionScore("probability", row, temperature),
      right: row.indexOf(Math.max(...row)) === labels[i],
    })),
  );
  return expectedCalibrationError(
    each.map(({ sure }) => sure),
    each.map(({ right }) => right),
  );
}

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

/** The score that keeps most queries, over all sizes of episodes; undefined where outsiders are too few to tell. */
function fitRejection(
  answers: readonly Answers[],
  confidence: Confidence,
  falseAccepts: number,
): Rejection | undefined {
  const withOutsiders = answers.filter(({ outsiders }) => outsiders.length > 0);
  const own = answers.find((it) => it.ways === confidence.ways && it.shots === confidence.shots)!;
  const outsiders = withOutsiders.reduce((sum, it) => sum + it.outsiders.length, 0);
  if (falseAccepts * outsiders < 1) return undefined;
  const found = scores.map((score) => {
    const of = (it: Answers, rows: Answers["logits"]) =>
      rows.map((row) => rejectionScore(score, row, temperatureAt(confidence, it.shots)));
    const theirs = withOutsiders.map((it) => of(it, it.outsiders));
    const rejection = fitThreshold(withOutsiders, theirs, { confidence, score, falseAccepts });
    const keptBy = (it: Answers) => {
      const least = thresholdAt({ ...confidence, rejection }, it.ways, it.shots);
      return of(it, it.logits).filter((value) => value >= least).length / it.logits.length;
    };
    const kept = withOutsiders.reduce((sum, it) => sum + keptBy(it), 0);
    return { rejection: { ...rejection, kept: keptBy(own) }, kept };
  });
  return found.reduce((best, it) => (it.kept > best.kept ? it : best)).rejection;
}

/** A plane over 1 / shots and ln ways through the thresholds of each size, raised until all outsiders together obey. */
function fitThreshold(
  answers: readonly Answers[],
  theirs: readonly (readonly number[])[],
  { confidence, score, falseAccepts }: { confidence: Confidence; score: Rejection["score"]; falseAccepts: number },
): Rejection {
  const [height, shotsSlope, waysSlope] = leastSquares(
    answers.map(({ ways, shots }) => [1, 1 / shots - 1 / confidence.shots, Math.log(ways / confidence.ways)]),
    theirs.map((values) => thresholdFor(values, falseAccepts)),
  );
  const plane = { score, threshold: height!, shotsSlope: shotsSlope!, waysSlope: waysSlope!, falseAccepts, kept: 0 };
  const over = answers.flatMap(({ ways, shots }, i) => {
    const least = thresholdAt({ ...confidence, rejection: plane }, ways, shots);
    return theirs[i]!.map((value) => value - least);
  });
  return { ...plane, threshold: plane.threshold + thresholdFor(over, falseAccepts) };
}

/**
 * Coefficients b with the smallest Σ (rows·b − targets)². A column that never changes apart from the first has 0: a touch
 * of ridge sees to it.
 */
function leastSquares(rows: readonly (readonly number[])[], targets: readonly number[]): number[] {
  const width = rows[0]!.length;
  const normal = Array.from({ length: width }, (_, i) => [
    ...Array.from(
      { length: width },
      (_, j) => sum(rows.map((row) => row[i]! * row[j]!)) + (i === j && i > 0 ? 1e-9 : 0),
    ),
    sum(rows.map((row, k) => row[i]! * targets[k]!)),
  ]);
  for (const [i, pivot] of normal.entries())
    for (const [k, row] of normal.entries()) {
      const factor = row[i]! / pivot[i]!;
      if (k !== i) for (let j = i; j <= width; j++) row[j]! -= factor * pivot[j]!;
    }
  return normal.map((row, i) => row[width]! / row[i]!);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
