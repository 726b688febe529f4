// What a bundle answered on held-back classes, and what a confidence makes of it: temperatures, thresholds, who passes, and
// how far probabilities are from how often answers are right.
import { closenessOf, rejectionScore, temperatureAt, thresholdAt } from "@innerloop/runtime";
import type { Confidence, Rejection } from "@innerloop/schemas";

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
export function errorOf(answers: readonly Answers[], confidence?: Confidence): number {
  const each = answers.flatMap((episode) => {
    const temperature = confidence ? temperatureOf(episode, confidence) : 1;
    return episode.logits.map((row, i) => ({
      sure: rejectionScore("probability", row, temperature),
      right: row.indexOf(Math.max(...row)) === episode.labels[i],
    }));
  });
  return expectedCalibrationError(
    each.map(({ sure }) => sure),
    each.map(({ right }) => right),
  );
}

export const excessOf = ({ ways, shots, spread }: Answers, confidence: Confidence): number =>
  closenessOf(confidence, ways, shots, spread)?.excess ?? 0;

export const temperatureOf = (episode: Answers, confidence: Confidence): number =>
  temperatureAt(confidence, episode.shots, excessOf(episode, confidence));

const thresholdOf = (episode: Answers, confidence: Confidence): number =>
  thresholdAt(confidence, episode.ways, episode.shots, excessOf(episode, confidence));

/** How many score enough to pass, of queries or of outsiders. */
export const passing = (
  episode: Answers,
  rows: Answers["logits"],
  score: Rejection["score"],
  confidence: Confidence,
): number => {
  const [least, temperature] = [thresholdOf(episode, confidence), temperatureOf(episode, confidence)];
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
