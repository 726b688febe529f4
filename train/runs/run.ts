// A whole training run from a config: batches of episodes, validation, the best weights, checkpoints, going on later.
import type { Learner } from "@innerloop/graph";
import {
  type CheckpointHeader,
  type HistoryEntry,
  InnerloopError,
  type RunConfig,
  type RunTasks,
  type Tensor,
} from "@innerloop/schemas";
import { buildLearner } from "../algorithms/index.ts";
import type { Engine } from "../engines/index.ts";
import { estimate } from "../metrics.ts";
import { buildModel } from "../models/index.ts";
import { type Episode, isSpec, KeptTasks, openTasks, shifted, type TaskSource } from "../tasks/index.ts";
import { MetaTrainer } from "../trainer/meta-trainer.ts";
import type { EpisodeReport, MetaTrainerOptions, PendingStep } from "../trainer/reports.ts";
import { type Checkpoint, checkpointFile, readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { keepEpisodes, keptEpisodes } from "./kept-episodes.ts";
import { deviceLost, isDeviceLost, trainerElsewhere } from "./recovery.ts";
import { checkResumable, checkSameTasks, describeTasks, shapeOf, trainingWaysOf } from "./resume.ts";
import { holdRun } from "./run-folder.ts";

/** Where a run is. */
export interface Progress {
  readonly iteration: number;
  /** How many iterations there will be, as far as can be told. */
  readonly iterations: number;
  /** Iterations are counted in epochs of `validation.every`. */
  readonly epoch: number;
  readonly batch: number;
  /** How much is over, 0 to 1. */
  readonly fraction: number;
  /** Of the last iteration. */
  readonly loss: number;
  readonly accuracy: number;
  readonly tasksPerSecond: number;
  readonly secondsLeft: number;
}

export interface Validation {
  readonly iteration: number;
  readonly loss: number;
  /** Query accuracy over held-back classes; for a regression, the loss. */
  readonly accuracy: { readonly mean: number; readonly ci95: number };
  readonly best: boolean;
}

export interface RunOptions {
  readonly config: RunConfig;
  /** The run's folder; without one nothing is written. */
  readonly out?: string;
  /** Go on from the checkpoint in `out`. */
  readonly resume?: boolean;
  /** Opened tasks, where they are not to be opened from `config.data`. */
  readonly tasks?: TaskSource;
  /** An open engine, in place of the one that the config names. */
  readonly engine?: Engine;
  /** Finishes the iteration, saves, and stops. */
  readonly signal?: AbortSignal;
  onStart?(start: {
    readonly task: TaskSource["kind"];
    readonly engine: string;
    readonly reason: string;
    readonly rejected: readonly { name: string; reason: string }[];
    readonly strategy: string;
    readonly parameters: number;
    readonly iteration: number;
  }): void;
  onProgress?(progress: Progress): void;
  /** While a validation runs. */
  onValidating?(progress: { readonly iteration: number; readonly done: number; readonly episodes: number }): void;
  onValidation?(validation: Validation): void;
  /** Told what a person should know: that batches run in parts, that the run goes on with another engine. */
  onMessage?(message: string): void;
}

export interface RunResult {
  readonly learner: Learner;
  readonly tasks: TaskSource;
  /** The weights that did best in validation. */
  readonly weights: Readonly<Record<string, Tensor>>;
  readonly header: CheckpointHeader;
  /** Whether it was stopped by its signal. */
  readonly stopped: boolean;
}

/**
 * The data of a config, opened.
 * @param known what a run knows of its data, which are then opened as it had them
 * @throws InnerloopError what opening them throws; `data-missing` (status 2) for data that only a program has
 */
export async function tasksOf(
  { data, rotations }: Pick<RunConfig, "data" | "rotations">,
  known?: RunTasks,
): Promise<TaskSource> {
  const spec = known?.name ?? data;
  if (known && !isSpec(spec))
    throw new InnerloopError(
      "data-missing",
      `The data "${spec}" were given by a program, which has them; go on in that program: runTraining({ config, tasks, out, resume: true }).`,
      { exitStatus: 2 },
    );
  const preprocessing = known?.preprocessing;
  return openTasks(spec, {
    ...(rotations === undefined ? {} : { rotations }),
    ...(preprocessing?.kind === "image" ? { preprocessing } : {}),
  });
}

/** The learner of a config, for tasks. */
export function learnerOf(config: RunConfig, tasks: Pick<TaskSource, "kind" | "inputShape" | "outputSize">): Learner {
  const outputs = tasks.kind === "regression" ? tasks.outputSize! : trainingWaysOf(config);
  return buildLearner(config, buildModel(config.model, tasks.inputShape, outputs), tasks.kind);
}

/** The tasks that training draws: some of them shifted, where the config says so. What a regression answers would shift along. */
function trainingTasks({ shifts }: RunConfig, tasks: TaskSource): TaskSource {
  return shifts && shifts.share > 0 && tasks.kind === "classification" ? shifted(tasks, shifts) : tasks;
}

/** Streams of episodes that never meet: training, validation, and evaluation by whoever asks. */
const stream = { train: 1, val: 2 };

/** Validation episode number `index` of a run, for whoever compares something else on them as well. */
export const validationEpisode = (tasks: TaskSource, config: RunConfig, index: number): Episode =>
  tasks.episode("val", config.seed * 4 + stream.val, index, shapeOf(config, tasks));

/** Between two checkpoints, at most. */
const checkpointSeconds = 60;

/**
 * Runs a config to its end, or goes on with a run that was stopped. The run's folder is tried first, and nobody else writes
 * to it meanwhile.
 * @throws InnerloopError `run-exists`, `run-missing`, `other-run` (status 2) where the call does not fit what is there;
 *   `run-in-use`, `write-failed`; `diverged`, `device-lost`, `worker-failed`, after which the run can go on from what it saved
 */
export async function runTraining(options: RunOptions): Promise<RunResult> {
  const { out, resume = false } = options;
  if (out === undefined) return train(options, undefined);
  const release = await holdRun(out, resume);
  try {
    const before = resume ? await readCheckpoint(out) : undefined;
    if (before) checkResumable(out, before.header.config, options.config);
    return await train(options, before);
  } finally {
    await release();
  }
}

/** What a run knows of its data, which may have moved. */
const knownTasks = ({ config, tasks }: CheckpointHeader, { data }: Pick<RunConfig, "data">): RunTasks | undefined =>
  tasks && data !== config.data ? { ...tasks, name: data } : tasks;

async function train(options: RunOptions, before: Checkpoint | undefined): Promise<RunResult> {
  const { config, out, signal } = options;
  const tasks = options.tasks ?? (await tasksOf(config, before && knownTasks(before.header, config)));
  for (const note of tasks.notes ?? []) options.onMessage?.(note);
  const learner = learnerOf(config, tasks);
  if (tasks.kind === "classification" && config.ways < 2)
    throw new InnerloopError(
      "bad-option",
      `ways is ${config.ways} (--ways), but a task of ${tasks.name} tells classes apart; give 2 or more.`,
      { exitStatus: 2 },
    );
  const trainingShape = shapeOf({ ...config, ways: trainingWaysOf(config) }, tasks);
  const drawn = trainingTasks(config, tasks);
  drawn.episode("train", config.seed, 0, trainingShape);
  const held = await drawEach(config.validation.episodes, (i) => validationEpisode(tasks, config, i));
  const described = describeTasks(tasks, held);
  if (out !== undefined && before) checkSameTasks(out, before.header, described);
  const trainerOptions: MetaTrainerOptions = {
    optimizer: config.optimizer,
    schedule: config.schedule,
    clip: config.clip,
    seed: config.seed,
    engine: options.engine ?? config.engine,
    tasks: config.metaBatch,
    multiStepLoss: config.multiStepLoss,
    ...(config.workers === undefined ? {} : { workers: config.workers }),
    ...(config.precision === undefined ? {} : { precision: config.precision }),
    onMessage: (message) => options.onMessage?.(message),
  };
  const run = new Run(config, described, learner, await MetaTrainer.create(learner, trainerOptions), before);
  const save = async () => {
    const checkpoint = await run.checkpoint();
    if (out !== undefined) await writeCheckpoint(out, checkpoint);
    return checkpoint;
  };
  /** The iteration whose checkpoint is in the run's folder. */
  let saved = before?.header.iteration ?? 0;
  const batchAt = (iteration: number): Promise<Episode[]> =>
    drawEach(config.metaBatch, (i) =>
      drawn.episode("train", config.seed * 4 + stream.train, iteration * config.metaBatch + i, trainingShape),
    );
  /** Stops between two episodes where the run is stopped; it is then made up for when the run goes on. */
  const validate = async () => {
    const validation = await run.validate(held, {
      ...(signal ? { signal } : {}),
      onEpisode: (done) => options.onValidating?.({ iteration: run.iteration, done, episodes: held.length }),
    });
    if (validation) options.onValidation?.(validation);
  };
  const due = () => run.over || (run.iteration > 0 && run.iteration % config.validation.every === 0);
  const train = async (): Promise<Checkpoint> => {
    if (due() && run.validatedAt !== run.iteration && !signal?.aborted) await validate();
    let next = await batchAt(run.iteration);
    let pending: PendingStep | undefined;
    const settle = async (step: PendingStep) => {
      const progress = await run.settle(step);
      options.onProgress?.(progress);
    };
    while (!run.over && !signal?.aborted) {
      const step = await run.submit(next);
      // While this step computes, the next batch is drawn, and where steps queue, the one before is looked at.
      next = await batchAt(run.submitted);
      if (pending) await settle(pending);
      pending = step;
      const stops = run.submitted % config.validation.every === 0 || run.secondsUnsaved > checkpointSeconds;
      if (run.trainer.defers && !stops && !run.over && !signal?.aborted) continue;
      await settle(step);
      pending = undefined;
      if (due() && !signal?.aborted) await validate();
      if (run.secondsUnsaved > checkpointSeconds) saved = (await save()).header.iteration;
    }
    if (pending) await settle(pending);
    if (due() && run.validatedAt !== run.iteration && !signal?.aborted) await validate();
    return save();
  };
  const lost = new Set<string>();
  /** Goes on elsewhere, from the last state that the host knows. */
  const changeOver = async (error: InnerloopError) => {
    const { name } = run.trainer.engine.engine;
    lost.add(name);
    if (config.onDeviceLost !== "fallback")
      throw deviceLost(error, name, out === undefined ? undefined : { out, iteration: saved });
    const at = run.submitted;
    await run.trainer.dispose().catch(() => {});
    run.goOn(await trainerElsewhere(learner, trainerOptions, lost));
    options.onMessage?.(
      `the engine ${name} lost its device in iteration ${at} (${error.message}); the run goes on from iteration ` +
        `${run.iteration} with ${run.trainer.engine.engine.name}, ${run.trainer.strategy}`,
    );
  };
  try {
    const { engine, strategy } = run.trainer;
    options.onStart?.({
      task: tasks.kind,
      engine: engine.engine.name,
      reason: engine.reason,
      rejected: engine.rejected,
      strategy,
      parameters: Object.values(learner.parameters).reduce(
        (total, { shape: s }) => total + s.reduce((a, b) => a * b, 1),
        0,
      ),
      iteration: run.iteration,
    });
    // What to go on from is there from the start.
    if (!before) await save();
    if (out !== undefined && !before && !isSpec(tasks.name)) await keepEpisodes(out, tasks, config);
    for (;;) {
      try {
        const checkpoint = await train();
        return { learner, tasks, weights: checkpoint.best, header: checkpoint.header, stopped: !run.finished };
      } catch (error) {
        if (!isDeviceLost(error)) throw error;
        await changeOver(error);
      }
    }
  } catch (error) {
    if (out === undefined || (error instanceof InnerloopError && ["write-failed", "device-lost"].includes(error.code)))
      throw error;
    // Whatever went wrong, what was learned before it is not lost.
    const kept = await save().catch(() => undefined);
    if (!kept || !(error instanceof InnerloopError)) throw error;
    const words =
      error.code === "diverged" ? "The last good weights are" : `Iteration ${kept.header.iteration} is saved`;
    throw new InnerloopError(error.code, `${error.message} ${words} in ${checkpointFile(out)}.`, {
      cause: error,
      exitStatus: error.exitStatus,
    });
  } finally {
    await run.trainer.dispose().catch(() => {});
  }
}

/** Milliseconds that drawing takes before it gives way. */
const longestTurn = 30;

/** Draws episodes; where that takes long, signals are heard in between. */
async function drawEach(count: number, draw: (index: number) => Episode): Promise<Episode[]> {
  const episodes: Episode[] = [];
  let since = performance.now();
  for (let i = 0; i < count; i++) {
    if (performance.now() - since > longestTurn) {
      await new Promise((resolve) => setImmediate(resolve));
      since = performance.now();
    }
    episodes.push(draw(i));
  }
  return episodes;
}

/** The state of one run. */
class Run {
  readonly #config: RunConfig;
  readonly #tasks: RunTasks;
  readonly #learner: Learner;
  trainer: MetaTrainer;
  readonly #secondsBefore: number;
  readonly #started = performance.now();
  #history: HistoryEntry[] = [];
  #best: CheckpointHeader["best"] = null;
  #bestWeights: Readonly<Record<string, Tensor>> = {};
  #savedAt = performance.now();
  #recent = { iteration: 0, at: performance.now() };
  /** The last state that is known on the host. */
  #known: Checkpoint | undefined;
  /** Iterations whose steps are over. */
  iteration = 0;
  /** Iterations whose steps were handed over. */
  submitted = 0;
  validatedAt = -1;

  constructor(
    config: RunConfig,
    tasks: RunTasks,
    learner: Learner,
    trainer: MetaTrainer,
    before: Checkpoint | undefined,
  ) {
    this.#config = config;
    this.#tasks = tasks;
    this.#learner = learner;
    this.trainer = trainer;
    this.#secondsBefore = before?.header.elapsedSeconds ?? 0;
    if (!before) return;
    this.#known = before;
    this.goOn(trainer);
  }

  get seconds(): number {
    return this.#secondsBefore + (performance.now() - this.#started) / 1000;
  }

  get secondsUnsaved(): number {
    return (performance.now() - this.#savedAt) / 1000;
  }

  /** How much is over once all that was handed over is. */
  get fraction(): number {
    const { iterations = Number.POSITIVE_INFINITY, minutes = Number.POSITIVE_INFINITY } = this.#config;
    return Math.min(1, Math.max(this.submitted / iterations, this.seconds / (60 * minutes)));
  }

  get over(): boolean {
    return this.fraction >= 1;
  }

  /** Over, with its last validation made. */
  get finished(): boolean {
    return this.over && this.validatedAt === this.iteration;
  }

  async submit(batch: readonly Episode[]): Promise<PendingStep> {
    const step = await this.trainer.submit(batch, this.fraction);
    this.submitted++;
    return step;
  }

  async settle(step: PendingStep): Promise<Progress> {
    const { loss, accuracy, step: done } = await step.report();
    this.iteration = done;
    const { iteration, fraction } = this;
    const { every } = this.#config.validation;
    const now = performance.now();
    const pace = ((iteration - this.#recent.iteration) * 1000) / Math.max(1, now - this.#recent.at);
    if (now - this.#recent.at > 10_000) this.#recent = { iteration, at: now };
    const iterations = this.#config.iterations ?? Math.max(iteration, Math.round(iteration / Math.max(fraction, 1e-6)));
    const secondsLeft =
      this.#config.iterations !== undefined
        ? (iterations - iteration) / Math.max(pace, 1e-6)
        : 60 * this.#config.minutes! * (1 - fraction);
    return {
      iteration,
      iterations,
      epoch: Math.floor((iteration - 1) / every) + 1,
      batch: ((iteration - 1) % every) + 1,
      fraction,
      loss,
      accuracy,
      tasksPerSecond: pace * this.#config.metaBatch,
      secondsLeft,
    };
  }

  /** @returns nothing where it was stopped */
  async validate(
    episodes: readonly Episode[],
    { signal, onEpisode }: { readonly signal?: AbortSignal; onEpisode?(done: number): void } = {},
  ): Promise<Validation | undefined> {
    const reports: EpisodeReport[] = [];
    const several = this.trainer.atOnce;
    while (reports.length < episodes.length) {
      reports.push(...(await this.trainer.evaluate(episodes.slice(reports.length, reports.length + several))));
      onEpisode?.(reports.length);
      // Signals are heard in between.
      await new Promise((resolve) => setImmediate(resolve));
      if (signal?.aborted && reports.length < episodes.length) return undefined;
    }
    const loss = reports.reduce((total, report) => total + report.loss, 0) / reports.length;
    const accuracy = estimate(reports.map((report) => report.accuracy));
    const score = this.#learner.task === "classification" ? accuracy.mean : -loss;
    const best = this.#best === null || score >= this.#best.score;
    if (best) {
      this.#best = { iteration: this.iteration, score };
      this.#bestWeights = await this.trainer.weights();
    }
    this.#history.push({ iteration: this.iteration, loss, score, elapsedSeconds: this.seconds });
    this.validatedAt = this.iteration;
    return { iteration: this.iteration, loss, accuracy, best };
  }

  async checkpoint(): Promise<Checkpoint> {
    const { steps, tensors } = await this.trainer.save();
    const best = Object.keys(this.#bestWeights).length > 0 ? this.#bestWeights : await this.trainer.weights();
    this.#savedAt = performance.now();
    const header: CheckpointHeader = {
      format: "innerloop-checkpoint",
      version: 1,
      config: this.#config,
      tasks: this.#tasks,
      iteration: steps,
      elapsedSeconds: this.seconds,
      seed: this.#config.seed,
      best: this.#best,
      history: [...this.#history],
      parameters: Object.entries(this.#learner.parameters).map(([name, { shape }]) => ({ name, shape: [...shape] })),
    };
    this.#known = { header, tensors, best };
    return this.#known;
  }

  /** Goes on with a trainer, from the last checkpoint that is known. */
  goOn(trainer: MetaTrainer): void {
    const { header, tensors, best } = this.#known!;
    this.trainer = trainer;
    trainer.restore({ steps: header.iteration, tensors });
    this.#history = [...header.history];
    this.#best = header.best;
    // Before the first validation a checkpoint has the weights of its time for the best.
    this.#bestWeights = header.best ? best : {};
    this.iteration = header.iteration;
    this.submitted = header.iteration;
    this.#recent = { iteration: header.iteration, at: performance.now() };
    this.validatedAt = header.history.at(-1)?.iteration ?? -1;
  }
}

/** A finished run, opened: its learner, and the weights that did best. Data that only a program has are a few kept episodes. */
export async function openRun(
  folder: string,
  { data }: { readonly data?: string } = {},
): Promise<{
  header: CheckpointHeader;
  learner: Learner;
  tasks: TaskSource;
  weights: Readonly<Record<string, Tensor>>;
}> {
  const { header, best } = await readCheckpoint(folder);
  const config = { ...header.config, ...(data === undefined ? {} : { data }) };
  const facts = knownTasks(header, config);
  const tasks =
    facts && !isSpec(facts.name)
      ? new KeptTasks(facts, await keptEpisodes(folder, facts.name))
      : await tasksOf(config, facts);
  const learner = learnerOf(header.config, facts ?? tasks);
  const wanted = learner.inputShape.join();
  if (tasks.kind !== learner.task || tasks.inputShape.join() !== wanted)
    throw new InnerloopError(
      "wrong-data",
      `${folder} was trained on ${header.tasks?.name ?? header.config.data}, a ${learner.task} of examples [${learner.inputShape}], but ` +
        `${tasks.name} is a ${tasks.kind} of examples [${tasks.inputShape}]; give the data of the run (--data).`,
      { exitStatus: 2 },
    );
  return { header, learner, tasks, weights: best };
}
