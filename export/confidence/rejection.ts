// "None of these": the score and the threshold that keep most queries while a share of outsiders passes, and how the threshold
// changes with the size of an episode and with how close its classes lie.
import { rejectionScore, temperatureAt, thresholdAt } from "@innerloop/runtime";
import type { Confidence, Rejection } from "@innerloop/schemas";
import { type Answers, excessOf, passing, temperatureOf, thresholdFor } from "./answers.ts";
import { leastSquares, mean, quantileRegression, sum } from "./regression.ts";
import { knee } from "./spread.ts";

const scores: readonly Rejection["score"][] = ["maximum", "logsumexp", "margin", "probability"];

/**
 * The share of the stated false accepts that shifted episodes are fitted to: no shift that was fitted to is a user's own, and from one
 * to another the share that passes differs by a factor of two and more.
 */
const shiftedShare = 0.5;

/** The score that keeps most queries, over all sizes of episodes; undefined where outsiders are too few to tell. */
export function fitRejection(
  answers: readonly Answers[],
  shifted: readonly Answers[],
  confidence: Confidence,
  falseAccepts: number,
): Rejection | undefined {
  const withOutsiders = answers.filter(({ outsiders }) => outsiders.length > 0);
  const ofItsSize = answers.filter((episode) => episode.ways === confidence.ways && episode.shots === confidence.shots);
  const outsiders = sum(withOutsiders.map((episode) => episode.outsiders.length));
  if (falseAccepts * outsiders < 1) return undefined;
  const found = scores.map((score) => {
    const plane = fitThreshold(withOutsiders, { confidence, score, falseAccepts });
    const slopes = confidence.spread ? fitCloseThreshold(shifted, { ...confidence, rejection: plane }) : {};
    const rejection = { ...plane, ...slopes };
    const passed = (some: readonly Answers[]) =>
      sum(some.map((episode) => passing(episode, episode.logits, score, { ...confidence, rejection })));
    const kept = passed(ofItsSize) / sum(ofItsSize.map(({ logits }) => logits.length));
    return {
      rejection: { ...rejection, kept },
      kept: mean(bySize(withOutsiders).map((some) => passed(some) / sum(some.map(({ logits }) => logits.length)))),
    };
  });
  return found.reduce((best, other) => (other.kept > best.kept ? other : best)).rejection;
}

/** Answers of the same ways and shots together. */
function bySize(answers: readonly Answers[]): Answers[][] {
  const groups = new Map<string, Answers[]>();
  for (const episode of answers) {
    const key = `${episode.ways} ${episode.shots}`;
    groups.set(key, [...(groups.get(key) ?? []), episode]);
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
    some.flatMap((episode) =>
      episode.outsiders.map((row) => rejectionScore(score, row, temperatureAt(confidence, episode.shots))),
    ),
  );
  const [height, shotsSlope, waysSlope] = leastSquares(
    sizes.map(([episode]) => [1, 1 / episode!.shots - 1 / confidence.shots, Math.log(episode!.ways / confidence.ways)]),
    theirs.map((values) => thresholdFor(values, falseAccepts)),
  );
  const plane = { score, threshold: height!, shotsSlope: shotsSlope!, waysSlope: waysSlope!, falseAccepts, kept: 0 };
  const over = sizes.flatMap(([episode], i) => {
    const least = thresholdAt({ ...confidence, rejection: plane }, episode!.ways, episode!.shots);
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
  for (const episode of shifted) {
    const excess = excessOf(episode, confidence);
    const least = thresholdAt(confidence, episode.ways, episode.shots);
    if (excess === 0 || least === 0) continue;
    const temperature = temperatureOf(episode, confidence);
    for (const row of episode.outsiders) {
      const ratio = rejectionScore(score, row, temperature) / least;
      // Below 0 a score passes that is nearer to 0 than the threshold; above, one that is further.
      rows.push([Math.min(excess, knee) * Math.sign(-least), excess * Math.sign(-least)]);
      heights.push(Math.sign(least) * Math.log(Math.min(farRatio, Math.max(1 / farRatio, ratio))));
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
const farRatio = 1e9;
