// What one would do with the same few examples without a learner, and how well that does on the same episodes.
import type { Tensor } from "@innerloop/schemas";
import {
  type Episode,
  logisticRegression,
  metrics,
  nearestExamples,
  nearestNeighbours,
  type TaskSource,
} from "@innerloop/train";
import type { Estimate } from "../estimate.ts";
import { type Baseline, baselineNames } from "./verdict.ts";

const { accuracy, estimate, meanSquaredError } = metrics;

type Name = keyof typeof baselineNames;

/** Logistic regression is for a few examples; with more, its time would be most of an evaluation's. */
const mostExamples = 60;

/**
 * What simple ways reach on an episode: accuracies; squared errors of a regression.
 * @param thorough logistic regression as well, which takes some milliseconds
 */
function simpleScores(
  episode: Episode,
  kind: TaskSource["kind"],
  thorough: boolean,
): { readonly [name in Name]?: number } {
  const { support, query } = episode;
  if (kind === "regression") {
    const error = (answers: Float32Array) => meanSquaredError(answers, query.y.data as Float32Array);
    return {
      meanTarget: error(meanTargets(support.y, query.y)),
      nearestExample: error(targetsAt(nearestExamples(episode), support.y, query.y)),
    };
  }
  const labels = query.y.data as Int32Array;
  const known = support.y.data as Int32Array;
  const ways = known.reduce((most, label) => Math.max(most, label + 1), 0);
  return {
    nearestNeighbour: accuracy(nearestNeighbours(episode), labels),
    ...(thorough && known.length <= mostExamples
      ? { logisticRegression: accuracy(logisticRegression(episode, ways), labels) }
      : {}),
  };
}

/** For each query, the mean of the examples' targets. */
function meanTargets({ data, shape }: Tensor, { data: asked }: Tensor): Float32Array {
  const width = shape[1] ?? 1;
  const sums = new Float64Array(width);
  for (const [i, value] of (data as Float32Array).entries()) sums[i % width]! += value;
  return Float32Array.from(asked as Float32Array, (_, i) => sums[i % width]! / (data.length / width));
}

/** For each query, the targets of an example. @param rows that of each query */
function targetsAt(rows: Int32Array, { data, shape }: Tensor, { data: asked }: Tensor): Float32Array {
  const width = shape[1] ?? 1;
  return Float32Array.from(asked as Float32Array, (_, at) =>
    Number(data[rows[Math.floor(at / width)]! * width + (at % width)]),
  );
}

/** The scores of simple ways on episodes, in their order. */
export class SimpleScores {
  readonly #kind: TaskSource["kind"];
  readonly #scores = new Map<Name, number[]>();

  constructor(kind: TaskSource["kind"]) {
    this.#kind = kind;
  }

  add(episode: Episode, thorough: boolean): void {
    for (const [name, score] of Object.entries(simpleScores(episode, this.#kind, thorough)))
      this.#scores.set(name as Name, [...(this.#scores.get(name as Name) ?? []), score]);
  }

  /** The mean of each way's scores. */
  estimates(): { readonly [name in Name]?: Estimate } {
    return Object.fromEntries([...this.#scores].map(([name, scores]) => [name, estimate(scores)]));
  }

  /** Beside the learner's scores on the same episodes, in the same order. */
  besideScores(scores: readonly number[]): Baseline[] {
    return [...this.#scores].map(([name, simple]) => ({
      name: baselineNames[name],
      score: estimate(simple),
      difference: estimate(simple.map((score, i) => scores[i]! - score)),
    }));
  }

  /** Beside a mean of which the single scores are not known: as if they had been measured on episodes of their own. */
  besideMean({ mean, ci95 }: Estimate): Baseline[] {
    return Object.entries(this.estimates()).map(([name, score]) => ({
      name: baselineNames[name as Name],
      score,
      difference: { mean: mean - score.mean, ci95: Math.hypot(ci95, score.ci95) },
    }));
  }
}
