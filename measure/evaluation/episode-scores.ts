// The scores of a bundle's answers over the episodes so far, after each number of steps, and what they come to.
import type { Manifest, Tensor } from "@innerloop/schemas";
import { type Episode, type EpisodeShape, metrics, type Split, type TaskSource } from "@innerloop/train";
import { judge } from "../baselines/judge.ts";
import { SimpleScores } from "../baselines/simple-scores.ts";
import { ClassCounts } from "./class-counts.ts";
import { ConfidenceMeasure } from "./confidence.ts";
import type { Answers } from "./question.ts";

/** How each episode is measured. */
export interface Measurement extends EpisodeShape {
  /** Inner steps. */
  readonly steps: number;
  readonly split: Split;
  /** Each query is answered alone. */
  readonly inductive: boolean;
}

/** Losses, and the accuracies of a classification, of the episodes in their order. */
interface Scores {
  readonly losses: number[];
  readonly accuracies: number[];
}

const noScores = (): Scores => ({ losses: [], accuracies: [] });

/** Collects the scores of a bundle. */
export class EpisodeScores {
  readonly #tasks: TaskSource;
  readonly #measurement: Measurement;
  readonly #final = noScores();
  /** After each number of steps. */
  readonly #path: readonly Scores[];
  readonly #recalls: number[] = [];
  readonly #f1s: number[] = [];
  readonly #simple: SimpleScores;
  readonly #counts = new ClassCounts();
  readonly #confidence: ConfidenceMeasure | undefined;

  /** @param confidence that of the bundle */
  constructor(confidence: Manifest["confidence"], tasks: TaskSource, measurement: Measurement) {
    this.#tasks = tasks;
    this.#measurement = measurement;
    this.#simple = new SimpleScores(tasks.kind);
    const inductive = tasks.kind === "classification" && measurement.inductive;
    this.#confidence = inductive ? new ConfidenceMeasure(confidence, measurement.shots) : undefined;
    this.#path = Array.from({ length: measurement.steps + 1 }, noScores);
  }

  /**
   * Scores the answers to an episode.
   * @param answers after each number of steps where `everyStep`, else after the last alone
   */
  add(episode: Episode, answers: readonly Answers[], everyStep: boolean): void {
    const { ways } = this.#measurement;
    const { query } = episode;
    const scores = answers.map((each) => {
      const predictions = this.#tasks.kind === "regression" ? undefined : metrics.argmax(each.queries, ways);
      const accuracy = predictions ? metrics.accuracy(predictions, query.y.data as Int32Array) : Number.NaN;
      return { answers: each, predictions, accuracy, loss: this.#lossOf(each, query.y) };
    });
    if (everyStep) for (const [step, { loss, accuracy }] of scores.entries()) push(this.#path[step]!, loss, accuracy);
    const last = scores.at(-1)!;
    push(this.#final, last.loss, last.accuracy);
    this.#simple.add(episode, everyStep);
    if (last.predictions) this.#addClasses(episode, last.answers, last.predictions);
  }

  #lossOf({ queries }: Answers, { data }: Tensor): number {
    return this.#tasks.kind === "regression"
      ? metrics.meanSquaredError(queries, data as Float32Array)
      : metrics.crossEntropy(queries, data as Int32Array, this.#measurement.ways);
  }

  #addClasses({ query, classes = [] }: Episode, answers: Answers, predictions: Int32Array): void {
    const { ways, split } = this.#measurement;
    const labels = query.y.data as Int32Array;
    const matrix = metrics.confusionMatrix(predictions, labels, ways);
    this.#recalls.push(metrics.macroRecall(matrix));
    this.#f1s.push(metrics.macroF1(matrix));
    this.#counts.add(classes, matrix, this.#tasks.classCount(split));
    this.#confidence?.add({ ...answers, labels, ways });
  }

  /** @param trainingClasses that the bundle was trained on, where that is known */
  results(trainingClasses: number | undefined) {
    const confidence = this.#confidence?.results();
    const { kind } = this.#tasks;
    const { estimate } = metrics;
    const { losses, accuracies } = this.#final;
    const classes = kind === "classification";
    const scores = classes ? accuracies : losses;
    const confusion = this.#counts.confusion();
    return {
      task: kind,
      ...(classes
        ? {
            accuracy: estimate(accuracies),
            over: this.#counts.intervals(),
            recall: estimate(this.#recalls).mean,
            f1: estimate(this.#f1s).mean,
          }
        : { meanSquaredError: estimate(losses) }),
      ...this.#simple.estimates(),
      verdict: judge({
        task: kind,
        ways: this.#measurement.ways,
        episodes: losses.length,
        score: estimate(scores),
        baselines: this.#simple.besideScores(scores),
        ...(trainingClasses === undefined ? {} : { trainingClasses }),
      }),
      loss: estimate(losses).mean,
      steps: this.#path.map((after, step) => ({
        step,
        ...(classes ? { accuracy: estimate(after.accuracies) } : {}),
        loss: estimate(after.losses),
      })),
      ...(confusion ? { confusion } : {}),
      ...(confidence ? { confidence } : {}),
    };
  }
}

function push({ losses, accuracies }: Scores, loss: number, accuracy: number): void {
  losses.push(loss);
  accuracies.push(accuracy);
}
