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

/** What is to be said of the examples that a bundle was adapted to. */
export interface Familiarity {
  /** False: they are unlike what the bundle was trained on, so more of its answers are wrong. */
  readonly familiar: boolean;
  /**
   * How many deviations closer together the classes are, as the bundle sees them, than classes usually are; below 0 they are
   * further apart.
   */
  readonly score: number;
  /** In words. */
  readonly message: string;
}

/**
 * The answer in the logits of one example.
 *
 * @param logits finite, one for each label
 * @param confidence of the manifest; without it the temperature is 1
 * @param shots how many examples a label was taught with, in the mean; those that the confidence names when not given
 * @param spread of the support set, as {@link supportSpread} measures it; an ordinary one when not given
 */
export function classify(
  logits: readonly number[],
  labels: readonly string[],
  confidence?: Confidence,
  shots?: number,
  spread?: number,
): ClassPrediction {
  const excess = closenessOf(confidence, logits.length, shots, spread)?.excess;
  const temperature = temperatureAt(confidence, shots, excess);
  const chances = softmax(logits, temperature);
  const best = logits.indexOf(Math.max(...logits));
  const rejection = confidence?.rejection;
  return {
    label: labels[best]!,
    probability: chances[best]!,
    probabilities: Object.fromEntries(labels.map((label, index) => [label, chances[index]!])),
    logits,
    ...(rejection && {
      known:
        rejectionScore(rejection.score, logits, temperature) >= thresholdAt(confidence, logits.length, shots, excess),
    }),
  };
}

/**
 * How far apart the classes of a support set are, as the adapted bundle sees it: the mean of the logit of an example's own
 * class less that of another.
 *
 * @param logits of the support examples, one row for each
 * @param own the column of each example's class
 */
export function supportSpread(logits: readonly (readonly number[])[], own: readonly number[]): number {
  const apart = logits.map((row, i) => row[own[i]!]! - mean(row.filter((_, column) => column !== own[i])));
  return mean(apart);
}

/**
 * How unusual a spread is; see {@link Spread}. Undefined where the bundle or the support set does not say.
 *
 * @returns `score`: how many deviations the classes are closer together than usual; `excess`: how much closer than that may be
 */
export function closenessOf(
  confidence: Confidence | undefined,
  ways: number,
  shots = confidence?.shots ?? 1,
  spread?: number,
): { readonly score: number; readonly excess: number; readonly familiar: boolean } | undefined {
  const usual = confidence?.spread;
  if (!usual || spread === undefined) return undefined;
  const more = Math.log(ways / confidence.ways);
  const level = usual.level + usual.shotsSlope * (1 / shots - 1 / confidence.shots) + usual.waysSlope * more;
  const deviation = Math.hypot(usual.leastDeviation, usual.deviation * Math.exp(usual.waysExponent * more));
  const score = (level - Math.log(Math.max(spread, Number.MIN_VALUE))) / deviation;
  return {
    score,
    excess: Math.min(mostExcess, Math.max(0, deviation * (score - usual.tolerance))),
    familiar: score <= usual.closer && score >= -usual.wider,
  };
}

/** No support set counts as closer together than this: a factor of e^20. */
const mostExcess = 20;

/** What to say of a support set; undefined where the bundle or the support set does not say. */
export function familiarityOf(
  confidence: Confidence | undefined,
  ways: number,
  shots?: number,
  spread?: number,
): Familiarity | undefined {
  const found = closenessOf(confidence, ways, shots, spread);
  if (!found) return undefined;
  const { score, familiar } = found;
  const message = familiar
    ? "the examples are like what this bundle was trained on"
    : `the examples are unlike what this bundle was trained on: to it their classes look ${score > 0 ? "closer together" : "further apart"} ` +
      "than usual; expect more mistakes, prepare examples as the training's were, or give more of them";
  return { familiar, score, message };
}

/**
 * What logits are divided by, after so many examples a class.
 *
 * @param excess as {@link closenessOf} gives it
 */
export function temperatureAt(confidence: Confidence | undefined, shots = confidence?.shots ?? 1, excess = 0): number {
  if (!confidence) return 1;
  const { spread, temperature, temperatureSlope } = confidence;
  const fewer = 1 / shots - 1 / confidence.shots;
  const close = spread
    ? (spread.temperatureCloseSlope + spread.temperatureCloseShotsSlope * fewer) * Math.min(excess, spread.knee) +
      spread.temperatureSlope * excess
    : 0;
  return temperature * Math.exp(temperatureSlope * fewer + close);
}

/** What an example of `ways` classes with so many examples each has to score; −∞ where nothing is rejected. */
export function thresholdAt(confidence: Confidence, ways: number, shots = confidence.shots, excess = 0): number {
  const { rejection, spread } = confidence;
  if (!rejection) return Number.NEGATIVE_INFINITY;
  const { threshold, shotsSlope, waysSlope, closeSlope = 0, slope = 0 } = rejection;
  return (
    (threshold + shotsSlope * (1 / shots - 1 / confidence.shots) + waysSlope * Math.log(ways / confidence.ways)) *
    Math.exp(-closeSlope * Math.min(excess, spread?.knee ?? 0) - slope * excess)
  );
}

/** How much an example looks like one of the classes; see {@link Rejection}. */
export function rejectionScore(score: Rejection["score"], logits: readonly number[], temperature: number): number {
  const highest = Math.max(...logits);
  if (score === "maximum") return highest;
  if (score === "probability") return Math.max(...softmax(logits, temperature));
  if (score === "margin") return highest - Math.max(...logits.filter((_, index) => index !== logits.indexOf(highest)));
  return (
    highest + temperature * Math.log(logits.reduce((sum, logit) => sum + Math.exp((logit - highest) / temperature), 0))
  );
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function softmax(logits: readonly number[], temperature: number): number[] {
  const highest = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp((logit - highest) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
