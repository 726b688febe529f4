// How honest a bundle is about what it does not know: are its probabilities right, and does it tell examples of other
// classes.
import { expectedCalibrationError, thresholdFor } from "@innerloop/export";
import { type Confidence, classify, closenessOf, rejectionScore, temperatureAt, thresholdAt } from "@innerloop/runtime";
import { rowsOf } from "./logits.ts";

/** What was found; shares are over all episodes together. */
export interface ConfidenceResult {
  /** Over 15 equal bins, at the temperature that was fitted; absent where the bundle has none. */
  readonly expectedCalibrationError?: number;
  /** The same at a temperature of 1. */
  readonly uncalibratedError: number;
  /** The share of support sets that are said to be unlike what was trained; absent where the bundle cannot tell. */
  readonly unlike?: number;
  /** Absent where the bundle has no threshold, or the data no further classes. */
  readonly rejection?: {
    /** The share of queries that the bundle's threshold lets pass, and of examples of classes that were not taught. */
    readonly kept: number;
    readonly falseAccepts: number;
    /** What would be kept if the threshold were moved until it lets pass exactly the share that the bundle's is meant to. */
    readonly keptAtStated: number;
    readonly stated: number;
    /** Examples of other classes. */
    readonly outsiders: number;
  };
}

/** What was answered in an episode. */
export interface EpisodeAnswers {
  /** Logits `[queries · ways]`, with the column of each query's class. */
  readonly queries: Float32Array;
  readonly labels: Int32Array;
  /** `[n · ways]`: logits of examples of other classes. */
  readonly outsiders: Float32Array;
  readonly ways: number;
  /** Of the support set, as `supportSpread` measures it. */
  readonly spread?: number;
}

/** Collects answers of episodes with so many examples a class. */
export class ConfidenceMeasure {
  readonly #confidence: Confidence | undefined;
  readonly #shots: number;
  readonly #right: boolean[] = [];
  readonly #plain: number[] = [];
  readonly #fitted: number[] = [];
  readonly #familiar: boolean[] = [];
  readonly #own = { known: [] as boolean[], scores: [] as number[] };
  readonly #others = { known: [] as boolean[], scores: [] as number[] };

  constructor(confidence: Confidence | undefined, shots: number) {
    this.#confidence = confidence;
    this.#shots = shots;
  }

  add({ queries, labels, outsiders, ways, spread }: EpisodeAnswers): void {
    const confidence = this.#confidence;
    const names = Array.from({ length: ways }, (_, way) => String(way));
    const closeness = closenessOf(confidence, ways, this.#shots, spread);
    if (closeness) this.#familiar.push(closeness.familiar);
    const temperature = temperatureAt(confidence, this.#shots, closeness?.excess);
    const judge = (row: number[], side: { known: boolean[]; scores: number[] }) => {
      const answer = classify(row, names, confidence, this.#shots, spread);
      if (!confidence?.rejection) return answer;
      const least = thresholdAt(confidence, ways, this.#shots, closeness?.excess);
      side.known.push(answer.known!);
      side.scores.push(rejectionScore(confidence.rejection.score, row, temperature) - least);
      return answer;
    };
    for (const [i, row] of rowsOf(queries, ways).entries()) {
      const { label, probability } = judge(row, this.#own);
      this.#right.push(label === String(labels[i]));
      this.#fitted.push(probability);
      this.#plain.push(classify(row, names).probability);
    }
    for (const row of rowsOf(outsiders, ways)) judge(row, this.#others);
  }

  results(): ConfidenceResult {
    const uncalibratedError = expectedCalibrationError(this.#plain, this.#right);
    if (!this.#confidence) return { uncalibratedError };
    const calibrated = {
      expectedCalibrationError: expectedCalibrationError(this.#fitted, this.#right),
      uncalibratedError,
      ...(this.#familiar.length > 0 ? { unlike: 1 - share(this.#familiar) } : {}),
    };
    const stated = this.#confidence.rejection?.falseAccepts;
    if (stated === undefined || this.#others.scores.length === 0) return calibrated;
    const exact = thresholdFor(this.#others.scores, stated);
    const rejection = {
      kept: share(this.#own.known),
      falseAccepts: share(this.#others.known),
      keptAtStated: share(this.#own.scores.map((score) => score >= exact)),
      stated,
      outsiders: this.#others.scores.length,
    };
    return { ...calibrated, rejection };
  }
}

const share = (flags: readonly boolean[]): number => flags.filter(Boolean).length / flags.length;
