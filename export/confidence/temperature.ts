// The temperature that makes probabilities of held-back classes mean something, and how it changes with the number of examples.
import { rejectionScore } from "@innerloop/runtime";
import type { Answers } from "./answers.ts";
import { leastSquares, sum } from "./regression.ts";

/** Temperatures from 1 / 50 to 50 are looked at. */
const widest = Math.log(50);

/** For each number of shots the best temperature; through their logarithms a line over 1 / shots. */
export function fitTemperature(answers: readonly Answers[], shots: number) {
  const counts = [...new Set(answers.map((episode) => episode.shots))];
  const best = counts.map((count) => bestTemperature(answers.filter((episode) => episode.shots === count)));
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
    answers.reduce((total, episode) => total + lossOf(episode, Math.exp(logarithm), smoothed), 0);
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
