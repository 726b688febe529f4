// Measuring an exported bundle, run through the runtime as a device runs it, on episodes of classes that it was never
// trained on.
import { join } from "node:path";
import type { Learner } from "@innerloop/runtime";
import type { Session } from "@innerloop/runtime/session";
import type { Manifest, Tensor } from "@innerloop/schemas";
import type { Episode, EpisodeShape, metrics, Split, TaskSource } from "@innerloop/train";
import { judge, SimpleScores } from "./baselines.ts";
import { withoutEffect, wrongCall } from "./command.ts";
import { Interrupted } from "./errors.ts";
import { outsidersOf, shiftedEpisode } from "./held-back.ts";
import { ConfidenceMeasure, type ConfidenceResult, rowsOf } from "./measure-confidence.ts";
import { openBundle } from "./places.ts";
import { checkStepOptions } from "./step-options.ts";
import type { Verdict } from "./verdict.ts";

/** A mean over episodes with the half-width of its 95 % interval. */
export interface Estimate {
  readonly mean: number;
  readonly ci95: number;
}

/** The half-width of a 95 % interval over clusters of examples, and how many they are. */
export interface ClusterInterval {
  readonly count: number;
  readonly ci95: number;
}

/** What to measure. What is not given comes from the bundle. */
export interface EvaluationOptions {
  /** SPEC of the data; those that the bundle was trained on unless given. */
  readonly data?: string;
  /** Default `test`. */
  readonly split?: Split;
  readonly ways?: number;
  readonly shots?: number;
  /** Per class; default 15. */
  readonly queries?: number;
  /** Inner steps. */
  readonly steps?: number;
  /** Default 600. */
  readonly episodes?: number;
  readonly seed?: number;
  /** Where it runs; default `auto`. */
  readonly provider?: "auto" | "cuda" | "webgpu" | "cpu";
  /** Normalize by the query batch's own statistics. */
  readonly transductive?: boolean;
  /** Families of shifts, of which each episode has one to three at random strengths. */
  readonly shifts?: readonly string[];
  readonly signal?: AbortSignal;
  onEpisode?(done: number, episodes: number): void;
  /** Told what a person should know of the data. */
  onNote?(note: string): void;
}

/** How the learner stands after some inner steps. */
export interface StepResult {
  readonly step: number;
  /** Classification only. */
  readonly accuracy?: Estimate;
  readonly loss: Estimate;
}

/** What an evaluation found. Means are over episodes. */
export interface Evaluation {
  readonly task: Manifest["task"];
  /** Query accuracy; classification only, as are recall and F1, which are macro averages over an episode's classes. */
  readonly accuracy?: Estimate;
  /**
   * How much of `accuracy` hangs on the classes that happened to be there: its interval over classes, and over the groups that they come
   * in, such as alphabets, by what stands before the last / in their names. Absent for fewer than two.
   */
  readonly over?: { readonly classes?: ClusterInterval; readonly groups?: ClusterInterval };
  readonly recall?: number;
  readonly f1?: number;
  /** Cross-entropy in nats, or mean squared error. */
  readonly loss: number;
  /** Regression only. */
  readonly meanSquaredError?: Estimate;
  /** After 0, 1, … steps, over the first `stepEpisodes` episodes. */
  readonly steps: readonly StepResult[];
  readonly stepEpisodes: number;
  /** The nearest support example in raw pixels, on the same episodes. */
  readonly nearestNeighbour?: Estimate;
  /** Logistic regression on the support examples in raw pixels, on the first `stepEpisodes` episodes. */
  readonly logisticRegression?: Estimate;
  /** Regression only: the mean squared error of answering with the mean of the examples, and as the nearest one does. */
  readonly meanTarget?: Estimate;
  readonly nearestExample?: Estimate;
  /** What the result is worth beside these and beside guessing. */
  readonly verdict: Verdict;
  /** Counts `matrix[true][predicted]`, where all episodes have the same classes. */
  readonly confusion?: { readonly labels: readonly string[]; readonly matrix: readonly (readonly number[])[] };
  /** Classification only, and only inductive. */
  readonly confidence?: ConfidenceResult;
  /** Whether each answer depends on its query and the support set alone. */
  readonly inductive: boolean;
  readonly episodes: number;
  readonly ways: number;
  readonly shots: number;
  readonly queries: number;
  readonly innerSteps: number;
  readonly seed: number;
  readonly provider: string;
  readonly data: string;
  readonly split: Split;
  readonly shifts?: readonly string[];
  readonly seconds: number;
}

/** The state after every number of steps is measured on this many episodes at most. */
const stepEpisodesAtMost = 100;

/** The most labels of a confusion matrix. */
const largestConfusion = 64;

/**
 * Adapts a bundle to each episode's support set, and measures on its queries.
 * @param folder the bundle
 * @throws InnerloopError what loading the bundle or opening the data throws; `wrong-data` (status 2) where they do not fit
 */
export async function evaluateBundle(folder: string, options: EvaluationOptions = {}): Promise<Evaluation> {
  const started = performance.now();
  const {
    split = "test",
    seed = 0,
    episodes = 600,
    queries = 15,
    transductive = false,
    provider = "auto",
    shifts,
  } = options;
  const learner = await openBundle(folder, { provider, threads: 1 });
  let batchSession: Session | undefined;
  try {
    const { manifest } = learner;
    checkStepOptions(manifest, options);
    if (manifest.task === "regression" && options.ways !== undefined)
      throw withoutEffect("--ways", `the bundle "${manifest.name}" is for a regression, which has no classes`);
    const train = await import("@innerloop/train");
    const { preprocessing } = manifest.input;
    const tasks = await train.openTasks(
      dataOf(options.data, manifest),
      preprocessing?.kind === "image" ? { preprocessing } : {},
    );
    for (const note of tasks.notes ?? []) options.onNote?.(note);
    checkFit(manifest, tasks);
    if (transductive) batchSession = await openTransductive(folder, learner);
    const shape = shapeOf(options, manifest, queries);
    const innerSteps =
      Object.keys(manifest.innerLoop.rates).length === 0 ? 0 : (options.steps ?? manifest.innerLoop.steps);
    const measure = new Measure(train, learner, batchSession, tasks, shape, innerSteps);
    const stepEpisodes = Math.min(episodes, stepEpisodesAtMost);
    for (let i = 0; i < episodes && !options.signal?.aborted; i++) {
      const plain = tasks.episode(split, seed, i, shape);
      const others = transductive ? undefined : outsidersOf(tasks, split, seed, i, plain.classes);
      const drawn = { ...plain, ...(others ? { outsiders: others } : {}) };
      const { outsiders, ...episode } = shifts
        ? shiftedEpisode(train, tasks, [seed, i], drawn, { families: shifts })
        : drawn;
      await measure.add(episode, i < stepEpisodes, split, outsiders);
      options.onEpisode?.(i + 1, episodes);
      // One turn of the event loop an episode, so that signals and the progress bar are heard.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (options.signal?.aborted)
      throw new Interrupted(`Stopped after ${measure.count} of ${episodes} episodes; nothing is reported.`);
    return {
      ...(await measure.results(options.data === undefined ? tasks.classCount("train") : undefined)),
      stepEpisodes,
      inductive: !transductive,
      episodes,
      ...shape,
      innerSteps,
      seed,
      provider: learner.provider.name,
      data: tasks.name,
      split,
      ...(shifts ? { shifts } : {}),
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await batchSession?.dispose();
    await learner.dispose();
  }
}

function dataOf(given: string | undefined, manifest: Manifest): string {
  const data = given ?? manifest.training?.data;
  if (data !== undefined) return data;
  throw wrongCall(
    "missing-option",
    `The bundle "${manifest.name}" does not say which data it was trained on; give --data SPEC.`,
  );
}

function shapeOf({ ways, shots }: EvaluationOptions, manifest: Manifest, queries: number): EpisodeShape {
  const { training, innerLoop, output, task } = manifest;
  const shape = {
    ways: task === "regression" ? 1 : (ways ?? training?.ways ?? output.ways ?? 5),
    shots: shots ?? innerLoop.shots ?? training?.shots ?? 1,
    queries,
  };
  if (task === "classification" && shape.ways < 2)
    throw wrongCall("bad-option", `--ways is ${shape.ways}; a whole number from 2 was expected.`);
  if (output.ways !== null && shape.ways > output.ways)
    throw wrongCall(
      "bad-option",
      `--ways is ${shape.ways}; the bundle "${manifest.name}" tells up to ${output.ways} classes apart. Give fewer, or ` +
        "train with --head prototypes, which takes any number.",
    );
  return shape;
}

function checkFit(manifest: Manifest, tasks: TaskSource): void {
  if (tasks.kind !== manifest.task)
    throw wrongCall(
      "wrong-data",
      `The data ${tasks.name} are a ${tasks.kind}, but the bundle "${manifest.name}" is for ${manifest.task}; give other data.`,
    );
  if (tasks.inputShape.join() !== manifest.input.shape.join())
    throw wrongCall(
      "wrong-data",
      `The examples of ${tasks.name} have the shape [${tasks.inputShape}], but the bundle "${manifest.name}" takes ` +
        `[${manifest.input.shape}]; give other data.`,
    );
}

async function openTransductive(folder: string, learner: Learner): Promise<Session> {
  const file = "predict-transductive.onnx";
  if (!learner.manifest.files[file])
    throw wrongCall(
      "bad-option",
      `--transductive was given, but the bundle "${learner.manifest.name}" has no batch norm (its norm is ` +
        `${learner.manifest.training?.norm ?? "unknown"}), so a query's answer cannot depend on the others; leave it out.`,
    );
  const { openSession } = await import("@innerloop/runtime/session");
  return openSession(join(folder, file), { provider: learner.provider, threads: 1 });
}

/** Query answers as logits `[queries · ways]` (a regression: values), in the order of the episode's labels. */
type Answers = Float32Array;

type Tally = metrics.Tally;

/** The room, which is loaded only when something is measured. */
type Train = typeof import("@innerloop/train");

/** What the episodes so far gave. */
class Measure {
  readonly #train: Train;
  readonly #learner: Learner;
  readonly #batchSession: Session | undefined;
  readonly #tasks: TaskSource;
  readonly #shape: EpisodeShape;
  readonly #steps: number;
  readonly #accuracies: number[] = [];
  readonly #losses: number[] = [];
  readonly #recalls: number[] = [];
  readonly #f1s: number[] = [];
  readonly #simple: SimpleScores;
  readonly #path: { accuracies: number[]; losses: number[] }[];
  readonly #confusion = new Map<string, Map<string, number>>();
  /** By class name. */
  readonly #tallies = new Map<string, { right: number; of: number }>();
  readonly #confidence: ConfidenceMeasure | undefined;

  constructor(
    train: Train,
    learner: Learner,
    batchSession: Session | undefined,
    tasks: TaskSource,
    shape: EpisodeShape,
    steps: number,
  ) {
    this.#train = train;
    this.#learner = learner;
    this.#batchSession = batchSession;
    this.#tasks = tasks;
    this.#simple = new SimpleScores(train, tasks.kind);
    this.#shape = shape;
    this.#steps = steps;
    const judged = tasks.kind === "classification" && !batchSession;
    this.#confidence = judged ? new ConfidenceMeasure(learner.manifest.confidence, shape.shots) : undefined;
    this.#path = Array.from({ length: steps + 1 }, () => ({ accuracies: [], losses: [] }));
  }

  get count(): number {
    return this.#losses.length;
  }

  async add(episode: Episode, everyStep: boolean, split: Split, outsiders: Tensor | undefined): Promise<void> {
    const { metrics } = this.#train;
    const { ways } = this.#shape;
    const { query } = episode;
    const score = (answers: Answers): { loss: number; predictions?: Int32Array; accuracy: number } => {
      if (this.#tasks.kind === "regression")
        return { loss: metrics.meanSquaredError(answers, query.y.data as Float32Array), accuracy: Number.NaN };
      const labels = query.y.data as Int32Array;
      const predictions = metrics.argmax(answers, ways);
      return {
        loss: metrics.crossEntropy(answers, labels, ways),
        predictions,
        accuracy: metrics.accuracy(predictions, labels),
      };
    };
    for (let step = everyStep ? 0 : this.#steps; step <= this.#steps; step++) {
      const last = step === this.#steps;
      const answers = await this.#answers(episode, step, last, outsiders);
      const { loss, accuracy, predictions } = score(answers.queries);
      if (everyStep) {
        this.#path[step]!.accuracies.push(accuracy);
        this.#path[step]!.losses.push(loss);
      }
      if (!last) continue;
      this.#losses.push(loss);
      this.#simple.add(episode, everyStep);
      if (!predictions) continue;
      const labels = query.y.data as Int32Array;
      const matrix = metrics.confusionMatrix(predictions, labels, ways);
      this.#accuracies.push(accuracy);
      this.#recalls.push(metrics.macroRecall(matrix));
      this.#f1s.push(metrics.macroF1(matrix));
      this.#count(episode, matrix, split);
      this.#tally(episode, matrix);
      await this.#confidence?.add({ ...answers, labels, ways });
    }
  }

  /** Adapts, and answers all queries at once; after the last step also what confidence is judged by. */
  async #answers(
    { support, query }: Episode,
    steps: number,
    last: boolean,
    others: Tensor | undefined,
  ): Promise<{ readonly queries: Answers; readonly outsiders: Answers; readonly spread?: number }> {
    const outsiders = new Float32Array(0);
    const batch = ({ data, shape }: Tensor) => ({ data: data as Float32Array, shape });
    if (this.#tasks.kind === "regression") {
      const learner = this.#learner as unknown as Learner<"regression">;
      const personal = await learner.adapt({ x: batch(support.x), y: batch(support.y) }, { steps });
      const values = await personal.predictBatch(batch(query.x));
      return { queries: Float32Array.from(values.flatMap(({ value }) => value)), outsiders };
    }
    const names = this.#learner.manifest.labels;
    const labels = Array.from(support.y.data as Int32Array, (label) => names?.[label] ?? String(label));
    const personal = await this.#learner.adapt({ ...batch(support.x), labels }, { steps });
    const columns = Array.from({ length: this.#shape.ways }, (_, way) =>
      personal.labels.indexOf(names?.[way] ?? String(way)),
    );
    if (this.#batchSession) {
      const state = Object.entries(personal.state).filter(([name]) => this.#batchSession!.inputs.includes(name));
      const { logits } = await this.#batchSession.run({ ...Object.fromEntries(state), query_x: query.x });
      const width = logits!.shape[1]!;
      const queries = Float32Array.from({ length: query.x.shape[0]! * columns.length }, (_, i) => {
        const row = Math.floor(i / columns.length);
        return Number(logits!.data[row * width + columns[i % columns.length]!]);
      });
      return { queries, outsiders };
    }
    const answer = async (x: Tensor): Promise<Answers> => {
      const rows = await personal.predictBatch(batch(x));
      return Float32Array.from(rows.flatMap(({ logits }) => columns.map((column) => logits[column]!)));
    };
    const answers = { queries: await answer(query.x), outsiders: last && others ? await answer(others) : outsiders };
    if (!last || !this.#learner.manifest.confidence?.spread) return answers;
    const { supportSpread } = await import("@innerloop/runtime");
    const rows = rowsOf(await answer(support.x), columns.length);
    return { ...answers, spread: supportSpread(rows, Array.from(support.y.data as Int32Array)) };
  }

  /** Counts by class name, where the classes are few and the same in every episode. */
  #count(episode: Episode, matrix: readonly (readonly number[])[], split: Split): void {
    const { ways } = this.#shape;
    const { classes } = episode;
    if (!classes || ways > largestConfusion || this.#tasks.classCount(split) !== ways) return;
    for (const [i, row] of matrix.entries()) {
      const counts = this.#confusion.get(classes[i]!) ?? new Map<string, number>();
      for (const [j, count] of row.entries()) counts.set(classes[j]!, (counts.get(classes[j]!) ?? 0) + count);
      this.#confusion.set(classes[i]!, counts);
    }
  }

  #tally({ classes = [] }: Episode, matrix: readonly (readonly number[])[]): void {
    for (const [label, name] of classes.entries()) {
      const tally = this.#tallies.get(name) ?? { right: 0, of: 0 };
      this.#tallies.set(name, tally);
      tally.right += matrix[label]![label]!;
      tally.of += matrix[label]!.reduce((a, b) => a + b, 0);
    }
  }

  /** @param trainingClasses that the bundle was trained on, where that is known */
  async results(trainingClasses: number | undefined) {
    const confidence = await this.#confidence?.results();
    const { estimate } = this.#train.metrics;
    const { kind } = this.#tasks;
    const mean = (values: readonly number[]) => estimate(values).mean;
    const classes = kind === "classification";
    const scores = classes ? this.#accuracies : this.#losses;
    const labels = [...this.#confusion.keys()].sort();
    const matrix = labels.map((label) => labels.map((other) => this.#confusion.get(label)?.get(other) ?? 0));
    return {
      task: kind,
      ...(classes
        ? {
            accuracy: estimate(this.#accuracies),
            over: intervalsOver(this.#tallies, this.#train.metrics.clusterInterval),
            recall: mean(this.#recalls),
            f1: mean(this.#f1s),
          }
        : { meanSquaredError: estimate(this.#losses) }),
      ...this.#simple.estimates(),
      verdict: judge({
        task: kind,
        ways: this.#shape.ways,
        episodes: this.count,
        score: estimate(scores),
        baselines: this.#simple.besideScores(scores),
        ...(trainingClasses === undefined ? {} : { trainingClasses }),
      }),
      loss: mean(this.#losses),
      steps: this.#path.map(({ accuracies, losses }, step) => ({
        step,
        ...(classes ? { accuracy: estimate(accuracies) } : {}),
        loss: estimate(losses),
      })),
      ...(labels.length > 0 ? { confusion: { labels, matrix } } : {}),
      ...(confidence ? { confidence } : {}),
    };
  }
}

/** The intervals over classes, a turned one with its original, and over groups, where classes come in several. */
function intervalsOver(
  tallies: ReadonlyMap<string, Tally>,
  clusterInterval: Train["metrics"]["clusterInterval"],
): NonNullable<Evaluation["over"]> {
  const over = (clusterOf: (name: string) => string): ClusterInterval | undefined => {
    const clusters = new Map<string, { right: number; of: number }>();
    for (const [name, { right, of }] of tallies) {
      const { right: before, of: all } = clusters.get(clusterOf(name)) ?? { right: 0, of: 0 };
      clusters.set(clusterOf(name), { right: before + right, of: all + of });
    }
    const ci95 = clusterInterval([...clusters.values()]);
    return ci95 === undefined ? undefined : { count: clusters.size, ci95 };
  };
  const unturned = (name: string) => name.replace(/@\d+$/, "");
  const classes = over(unturned);
  const grouped = [...tallies.keys()].every((name) => name.includes("/"));
  const groups = grouped ? over((name) => name.slice(0, name.lastIndexOf("/"))) : undefined;
  const several = groups && groups.count < classes!.count;
  return { ...(classes && { classes }), ...(several && { groups }) };
}
