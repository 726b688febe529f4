// What logits mean: the best label, probabilities with the temperature that was fitted at export, and whether the example
// is of any of the classes at all. Export fits with the same functions.
import type { Confidence, Rejection } from "@innerloop/schemas/bundle";

/** The answer for one example. */
export interface ClassPrediction {
  /** The most probable label. */
  readonly label: string;
  /** Its probability, 0…1. */
  readonly probability: number;
  /** The probability of each label; they sum to 1. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** What the softmax was taken of, before the temperature; one for each label, in the order of `labels`. */
  readonly logits: readonly number[];
  /** False: none of these. Absent where the bundle's manifest has no `confidence.rejection`. */
  readonly known?: boolean;
}

/**
 * The answer in the logits of one example.
 *
 * @param logits finite, one for each label
 * @param confidence of the manifest; without it the temperature is 1
 * @param shots how many examples a label was taught with, in the mean; those that the confidence names when not given
 */
export function classify(
  logits: readonly number[],
  labels: readonly string[],
  confidence?: Confidence,
  shots?: number,
): ClassPrediction {
  const temperature = temperatureAt(confidence, shots);
  const chances = softmax(logits, temperature);
  const best = logits.indexOf(Math.max(...logits));
  const rejection = confidence?.rejection;
  return {
    label: labels[best]!,
    probability: chances[best]!,
    probabilities: Object.fromEntries(labels.map((label, index) => [label, chances[index]!])),
    logits,
    ...(rejection && {
      known: rejectionScore(rejection.score, logits, temperature) >= thresholdAt(confidence, logits.length, shots),
    }),
  };
}

/** What logits are divided by, after so many examples a class. */
export function temperatureAt(confidence: Confidence | undefined, shots = confidence?.shots ?? 1): number {
  if (!confidence) return 1;
  return confidence.temperature * Math.exp(confidence.temperatureSlope * (1 / shots - 1 / confidence.shots));
}

/** What an example of `ways` classes with so many examples each has to score; −∞ where nothing is rejected. */
export function thresholdAt(confidence: Confidence, ways: number, shots = confidence.shots): number {
  const { rejection } = confidence;
  if (!rejection) return Number.NEGATIVE_INFINITY;
  return (
    rejection.threshold +
    rejection.shotsSlope * (1 / shots - 1 / confidence.shots) +
    rejection.waysSlope * Math.log(ways / confidence.ways)
  );
}

/** How much an example looks like one of the classes; see {@link Rejection}. */
export function rejectionScore(score: Rejection["score"], logits: readonly number[], temperature: number): number {
  const highest = Math.max(...logits);
  if (score === "maximum") return highest;
  if (score === "probability") return Math.max(...softmax(logits, temperature));
  if (score === "margin") return highest - Math.max(...logits.filter((_, index) => index !== logits.indexOf(highest)));
  return highest + temperature * Math.log(logits.reduce((sum, it) => sum + Math.exp((it - highest) / temperature), 0));
}

function softmax(logits: readonly number[], temperature: number): number[] {
  const highest = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp((logit - highest) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
