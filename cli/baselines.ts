// What a learner is compared with: what it was before, and what one would do with the same few examples without it.
import type { Learner as TrainedLearner } from "@innerloop/graph";
import type { Learner } from "@innerloop/runtime";
import type { RunConfig, Tensor } from "@innerloop/schemas";
import type { Episode, TaskSource } from "@innerloop/train";
import type { Estimate, Evaluation } from "./evaluation.ts";
import { type Baseline, baselineNames, type Judged, type Verdict, verdictOf } from "./verdict.ts";

/** Episodes of a comparison at most; its answer need not be as sharp as the result's. */
const mostEpisodes = 200;

/**
 * The accuracy of a run's net with the weights from which its training started, adapted in the same way to the first
 * episodes of an evaluation.
 */
export async function untrainedAccuracy(
  learner: TrainedLearner,
  { seed, engine }: RunConfig,
  { episodes, ways, shots, queries, innerSteps, seed: episodeSeed, split }: Evaluation,
  tasks: TaskSource,
): Promise<Estimate> {
  const { MetaTrainer, metrics } = await import("@innerloop/train");
  const trainer = await MetaTrainer.create(learner, { seed, engine });
  try {
    const drawn = Array.from({ length: Math.min(episodes, mostEpisodes) }, (_, i) =>
      tasks.episode(split, episodeSeed, i, { ways, shots, queries }),
    );
    const reports = await trainer.evaluate(drawn, { steps: innerSteps });
    return metrics.estimate(reports.map(({ accuracy }) => accuracy));
  } finally {
    await trainer.dispose();
  }
}

/**
 * The accuracy of a bundle before it adapts to a task: while it is still adapted to the task before, whose classes are
 * others. (A head that is made from the examples answers nothing before it saw any.)
 */
export async function unadaptedAccuracy(bundle: string, tasks: TaskSource, evaluation: Evaluation): Promise<Estimate> {
  const { episodes, ways, shots, queries, innerSteps, seed, split } = evaluation;
  const [{ Learner }, { metrics }] = await Promise.all([import("@innerloop/runtime"), import("@innerloop/train")]);
  const learner: Learner = await Learner.load(bundle, { provider: "cpu", threads: 1 });
  const shape = { ways, shots, queries };
  try {
    const accuracies: number[] = [];
    let earlier = tasks.episode(split, seed, episodes, shape);
    for (let i = 0; i < Math.min(episodes, mostEpisodes); i++) {
      const { x, y } = earlier.support;
      const labels = Array.from(y.data, String);
      const other = await learner.adapt(
        { data: x.data as Float32Array, shape: x.shape, labels },
        { steps: innerSteps },
      );
      const episode = tasks.episode(split, seed, i, shape);
      const { x: asked, y: truth } = episode.query;
      const answers = await other.predictBatch({ data: asked.data as Float32Array, shape: asked.shape });
      const predictions = Int32Array.from(answers, ({ label }) => Number(label));
      accuracies.push(metrics.accuracy(predictions, truth.data as Int32Array));
      earlier = episode;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return metrics.estimate(accuracies);
  } finally {
    await learner.dispose();
  }
}

/** The room, which is loaded only when something is measured. */
type Train = typeof import("@innerloop/train");

type Name = keyof typeof baselineNames;

/** Logistic regression is for a few examples; with more, its time would be most of an evaluation's. */
const mostExamples = 60;

/**
 * What simple ways reach on an episode: accuracies; squared errors of a regression.
 * @param thorough logistic regression as well, which takes some milliseconds
 */
function simpleScores(
  { metrics, nearestExamples, nearestNeighbours, logisticRegression }: Train,
  episode: Episode,
  kind: TaskSource["kind"],
  thorough: boolean,
): { readonly [name in Name]?: number } {
  const { support, query } = episode;
  if (kind === "regression") {
    const error = (answers: Float32Array) => metrics.meanSquaredError(answers, query.y.data as Float32Array);
    return {
      meanTarget: error(meanTargets(support.y, query.y)),
      nearestExample: error(targetsAt(nearestExamples(episode), support.y, query.y)),
    };
  }
  const labels = query.y.data as Int32Array;
  const known = support.y.data as Int32Array;
  const ways = known.reduce((most, label) => Math.max(most, label + 1), 0);
  return {
    nearestNeighbour: metrics.accuracy(nearestNeighbours(episode), labels),
    ...(thorough && known.length <= mostExamples
      ? { logisticRegression: metrics.accuracy(logisticRegression(episode, ways), labels) }
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
  readonly #train: Train;
  readonly #kind: TaskSource["kind"];
  readonly #scores = new Map<Name, number[]>();

  constructor(train: Train, kind: TaskSource["kind"]) {
    this.#train = train;
    this.#kind = kind;
  }

  add(episode: Episode, thorough: boolean): void {
    for (const [name, score] of Object.entries(simpleScores(this.#train, episode, this.#kind, thorough)))
      this.#scores.set(name as Name, [...(this.#scores.get(name as Name) ?? []), score]);
  }

  /** The mean of each way's scores. */
  estimates(): { readonly [name in Name]?: Estimate } {
    return Object.fromEntries([...this.#scores].map(([name, scores]) => [name, this.#train.metrics.estimate(scores)]));
  }

  /** Beside the learner's scores on the same episodes, in the same order. */
  besideScores(scores: readonly number[]): Baseline[] {
    const { estimate } = this.#train.metrics;
    return [...this.#scores].map(([name, own]) => ({
      name: baselineNames[name],
      score: estimate(own),
      difference: estimate(own.map((score, i) => scores[i]! - score)),
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

/** Judges a result beside baselines. @param luck as {@link verdictOf} */
export function judge(judged: Omit<Judged, "guessing">, luck?: number): Verdict {
  const { baselines } = judged;
  const guessing = baselines.find(({ name }) => name === baselineNames.meanTarget);
  return verdictOf(
    { ...judged, ...(guessing ? { guessing, baselines: baselines.filter((it) => it !== guessing) } : {}) },
    luck,
  );
}

/**
 * Judges a run by its best validation, beside simple ways on the same episodes.
 * @param score of the best validation, with the interval that was measured; a regression's is its loss
 * @param validations of which it is the best one
 */
export async function runVerdict(
  config: RunConfig,
  tasks: TaskSource,
  score: Estimate,
  validations: number,
): Promise<Verdict> {
  const train = await import("@innerloop/train");
  const simple = new SimpleScores(train, tasks.kind);
  const { ways, validation } = config;
  const episodes = Math.min(validation.episodes, mostEpisodes);
  for (let i = 0; i < episodes; i++) {
    simple.add(train.validationEpisode(tasks, config, i), true);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return judge(
    {
      task: tasks.kind,
      ways,
      episodes: validation.episodes,
      score,
      baselines: simple.besideMean(score),
      trainingClasses: tasks.classCount("train"),
    },
    // The largest of k values of a normal distribution lies √(2 ln k) deviations above their mean, at most.
    Math.sqrt(2 * Math.log(Math.max(1, validations))) / 1.96,
  );
}
