// The scores of a bundle's answers over the episodes so far, after each number of steps, and what they come to.
import type { Tensor } from "@innerloop/schemas";
import { type Episode, type EpisodeShape, metrics, type Split, type TaskSource } from "@innerloop/train";
import { judge } from "../baselines/judge.ts";
import { SimpleScores } from "../baselines/simple-scores.ts";
import { ClassCounts } from "./class-counts.ts";
import { ConfidenceMeasure } from "./confidence.ts";
import { type Answers, classAnswers, type MeasuredBundle, regressionAnswers } from "./episode-answers.ts";

/** How each episode is measured. */
export interface Measurement extends EpisodeShape {
  /** Inner steps. */
  readonly steps: number;
  readonly split: Split;
}

/** Losses, and the accuracies of a classification, of the episodes in their order. */
interface Scores {
  readonly losses: number[];
  readonly accuracies: number[];
}

const noScores = (): Scores => ({ losses: [], accuracies: [] });

/** Collects the scores of a bundle. */
export class EpisodeScores {
  readonly #bundle: MeasuredBundle;
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

  constructor(bundle: MeasuredBundle, tasks: TaskSource, measurement: Measurement) {
    this.#bundle = bundle;
    this.#tasks = tasks;
    this.#measurement = measurement;
    this.#simple = new SimpleScores(tasks.kind);
    const inductive = tasks.kind === "classification" && !bundle.transductiveSession;
    const { confidence } = bundle.learner.manifest;
    this.#confidence = inductive ? new ConfidenceMeasure(confidence, measurement.shots) : undefined;
    this.#path = Array.from({ length: measurement.steps + 1 }, noScores);
  }

  /**
   * Adapts to an episode, and scores the answers.
   * @param everyStep after every number of steps, not the last alone
   * @param outsiders examples of other classes
   */
  async add(
    episode: Episode,
    { everyStep, outsiders }: { readonly everyStep: boolean; readonly outsiders: Tensor | undefined },
  ): Promise<void> {
    const { steps, ways } = this.#measurement;
    const { query } = episode;
    for (let step = everyStep ? 0 : steps; step <= steps; step++) {
      const last = step === steps;
      const answers =
        this.#tasks.kind === "regression"
          ? await regressionAnswers(this.#bundle, episode, step)
          : await classAnswers(this.#bundle, episode, step, { ways, last, others: outsiders });
      const predictions = this.#tasks.kind === "regression" ? undefined : metrics.argmax(answers.queries, ways);
      const loss = this.#lossOf(answers, query.y);
      const accuracy = predictions ? metrics.accuracy(predictions, query.y.data as Int32Array) : Number.NaN;
      if (everyStep) push(this.#path[step]!, loss, accuracy);
      if (!last) continue;
      push(this.#final, loss, accuracy);
      this.#simple.add(episode, everyStep);
      if (predictions) this.#addClasses(episode, answers, predictions);
    }
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
