// From logits of held-back classes to what a manifest says of confidence: one temperature, one threshold, and how both
// change with the number of examples and of classes, and where a support set is unlike what was trained. Pure functions over
// numbers.
import { closenessOf } from "@innerloop/runtime";
import type { Confidence, Spread } from "@innerloop/schemas";
import { type Answers, errorOf, passing } from "./answers.ts";
import { sum } from "./regression.ts";
import { fitRejection } from "./rejection.ts";
import { fitSpread } from "./spread.ts";
import { fitTemperature } from "./temperature.ts";

export interface FitConfidenceOptions {
  /** The size of episodes that the temperature and the threshold are told for. */
  readonly ways: number;
  readonly shots: number;
  /** How many episodes the answers are from. */
  readonly episodes: number;
  /** The share of outsiders that may pass. */
  readonly falseAccepts: number;
}

/**
 * Fits a temperature to the queries' likelihood (Guo et al. 2017, §4.2), and the score and threshold that keep most of
 * them while the given share of outsiders passes; and, where there are shifted episodes, how both change as classes lie closer
 * together than they usually do.
 *
 * @param all one entry for each size of episodes at least, that of the options among them
 */
export function fitConfidence(all: readonly Answers[], options: FitConfidenceOptions): Confidence {
  const { ways, shots, episodes, falseAccepts } = options;
  const answers = all.filter(({ shifted }) => !shifted);
  const shifted = all.filter((episode) => episode.shifted);
  const temperatures = fitTemperature(answers, shots);
  const plain = { ways, shots, ...temperatures, expectedCalibrationError: 0, uncalibratedError: 0, episodes };
  const spread = shifted.length > 0 ? fitSpread(answers, shifted, plain) : undefined;
  const ofItsShots = answers.filter((episode) => episode.shots === shots);
  const tempered: Confidence = { ...plain, ...(spread ? { spread } : {}) };
  const fitted: Confidence = {
    ...tempered,
    expectedCalibrationError: errorOf(ofItsShots, tempered),
    uncalibratedError: errorOf(ofItsShots),
  };
  const rejection = fitRejection(answers, shifted, fitted, falseAccepts);
  const confidence = rejection ? { ...fitted, rejection } : fitted;
  if (!spread) return confidence;
  return { ...confidence, spread: { ...spread, shifted: measureShifted(answers, shifted, confidence) } };
}

/** What the confidence is worth on shifted episodes, and how often it says so of them and of ordinary ones. */
function measureShifted(
  answers: readonly Answers[],
  shifted: readonly Answers[],
  confidence: Confidence,
): Spread["shifted"] {
  const { rejection } = confidence;
  const unlike = (some: readonly Answers[]) => {
    const verdicts = some.map(
      (episode) => closenessOf(confidence, episode.ways, episode.shots, episode.spread)?.familiar === false,
    );
    return verdicts.filter(Boolean).length / verdicts.length;
  };
  const share = (rows: "logits" | "outsiders") =>
    sum(shifted.map((episode) => passing(episode, episode[rows], rejection!.score, confidence))) /
    sum(shifted.map((episode) => episode[rows].length));
  return {
    episodes: shifted.length,
    expectedCalibrationError: errorOf(shifted, confidence),
    ...(rejection ? { kept: share("logits"), falseAccepts: share("outsiders") } : {}),
    unlike: unlike(shifted),
    unlikeOrdinary: unlike(answers),
  };
}
