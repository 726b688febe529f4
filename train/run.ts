// A whole training run from a config: batches of episodes, validation, the best weights, checkpoints, going on later.
import { existsSync } from "node:fs";
import type { Learner } from "@innerloop/graph";
import {
  type CheckpointHeader,
  type HistoryEntry,
  InnerloopError,
  type RunConfig,
  type Tensor,
} from "@innerloop/schemas";
import { buildLearner } from "./algorithms/index.ts";
import { type Checkpoint, checkpointFile, readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import type { Engine } from "./engines/index.ts";
import { MetaTrainer, type MetaTrainerOptions, type PendingStep } from "./meta-trainer.ts";
import { estimate } from "./metrics.ts";
import { buildModel } from "./models/index.ts";
import { deviceLost, isDeviceLost, trainerElsewhere } from "./recovery.ts";
import { type Episode, openTasks, shifted, type TaskSource } from "./tasks/index.ts";

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
    readonly engine: string;
    readonly reason: string;
    readonly rejected: readonly { name: string; reason: string }[];
    readonly strategy: string;
    readonly parameters: number;
    readonly iteration: number;
  }): void;
  onProgress?(progress: Progress): void;
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

/** The data of a config, opened. */
export const tasksOf = ({ data, rotations }: Pick<RunConfig, "data" | "rotations">): Promise<TaskSource> =>
  openTasks(data, rotations === undefined ? {} : { rotations });

/** Classes of a training task, which a learned head has as outputs. */
const trainingWaysOf = ({ ways, trainingWays = ways }: RunConfig): number => Math.max(ways, trainingWays);

/** The learner of a config, for tasks. */
export function learnerOf(config: RunConfig, tasks: TaskSource): Learner {
  const outputs = tasks.kind === "regression" ? tasks.outputSize! : trainingWaysOf(config);
  return buildLearner(config, buildModel(config.model, tasks.inputShape, outputs), tasks.kind);
}

/** The tasks that training draws: some of them shifted, where the config says so. What a regression answers would shift along. */
function trainingTasks({ shifts }: RunConfig, tasks: TaskSource): TaskSource {
  return shifts && shifts.share > 0 && tasks.kind === "classification" ? shifted(tasks, shifts) : tasks;
}

/** Streams of episodes that never meet: training, validation, and evaluation by whoever asks. */
const stream = { train: 1, val: 2 };

/** Between two checkpoints, at most. */
const checkpointSeconds = 60;

/** Runs a config to its end, or goes on with a run that was stopped. */
export async function runTraining(options: RunOptions): Promise<RunResult> {
  const { config, out, signal } = options;
  const before = await earlier(options);
  const tasks = options.tasks ?? (await tasksOf(config));
  for (const note of tasks.notes ?? []) options.onMessage?.(note);
  const learner = learnerOf(config, tasks);
  const shape = { ways: tasks.kind === "regression" ? 1 : config.ways, shots: config.shots, queries: config.queries };
  const trainingShape = { ...shape, ways: tasks.kind === "regression" ? 1 : trainingWaysOf(config) };
  const drawn = trainingTasks(config, tasks);
  drawn.episode("train", config.seed, 0, trainingShape);
  tasks.episode("val", config.seed, 0, shape);
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
  const run = new Run(config, learner, await MetaTrainer.create(learner, trainerOptions), before);
  const save = async () => {
    const checkpoint = await run.checkpoint();
    if (out !== undefined) await writeCheckpoint(out, checkpoint);
    return checkpoint;
  };
  /** The iteration whose checkpoint is in the run's folder. */
  let saved = before?.header.iteration ?? 0;
  const batchAt = (iteration: number): Episode[] =>
    Array.from({ length: config.metaBatch }, (_, i) =>
      drawn.episode("train", config.seed * 4 + stream.train, iteration * config.metaBatch + i, trainingShape),
    );
  const held: Episode[] = [];
  const validate = async () => {
    if (held.length === 0)
      for (let i = 0; i < config.validation.episodes; i++)
        held.push(tasks.episode("val", config.seed * 4 + stream.val, i, shape));
    const validation = await run.validate(held);
    options.onValidation?.(validation);
  };
  const train = async (): Promise<Checkpoint> => {
    let next = batchAt(run.iteration);
    let pending: PendingStep | undefined;
    const settle = async (step: PendingStep) => {
      const progress = await run.settle(step);
      options.onProgress?.(progress);
    };
    while (!run.over && !signal?.aborted) {
      const step = await run.submit(next);
      // While this step computes, the next batch is drawn, and where steps queue, the one before is looked at.
      next = batchAt(run.submitted);
      if (pending) await settle(pending);
      pending = step;
      const due = run.submitted % config.validation.every === 0 || run.secondsUnsaved > checkpointSeconds;
      if (run.trainer.defers && !due && !run.over && !signal?.aborted) continue;
      await settle(step);
      pending = undefined;
      if (run.iteration % config.validation.every === 0 && !run.over) await validate();
      if (run.secondsUnsaved > checkpointSeconds) saved = (await save()).header.iteration;
    }
    if (pending) await settle(pending);
    if (run.over && run.validatedAt !== run.iteration) await validate();
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
    // A place that cannot be written to is found out now, not after hours.
    if (before) await run.checkpoint();
    else await save();
    for (;;) {
      try {
        const checkpoint = await train();
        return { learner, tasks, weights: checkpoint.best, header: checkpoint.header, stopped: !run.over };
      } catch (error) {
        if (!isDeviceLost(error)) throw error;
        await changeOver(error);
      }
    }
  } catch (error) {
    if (error instanceof InnerloopError && error.code === "diverged" && out !== undefined) {
      await save();
      throw new InnerloopError("diverged", `${error.message} The last good weights are in ${checkpointFile(out)}.`, {
        cause: error,
      });
    }
    throw error;
  } finally {
    await run.trainer.dispose().catch(() => {});
  }
}

/** The checkpoint to go on from, if that is asked for. */
async function earlier({ out, resume, config }: RunOptions): Promise<Checkpoint | undefined> {
  if (out === undefined) return undefined;
  if (!resume) {
    if (existsSync(checkpointFile(out)))
      throw new InnerloopError(
        "run-exists",
        `${out} holds a run already; go on with it (--resume), or choose another folder (--out).`,
        { exitStatus: 2 },
      );
    return undefined;
  }
  const checkpoint = await readCheckpoint(out);
  const fixed = (c: RunConfig) =>
    JSON.stringify({
      model: c.model,
      algorithm: c.algorithm,
      head: c.head,
      learnRates: c.learnRates,
      ways: c.head === "learned" ? trainingWaysOf(c) : 0,
      optimizer: c.optimizer.kind,
    });
  if (fixed(checkpoint.header.config) !== fixed(config))
    throw new InnerloopError(
      "other-run",
      `${out} was trained with ${fixed(checkpoint.header.config)}, but the config asks for ${fixed(config)}; these cannot change midway: choose another folder (--out).`,
      { exitStatus: 2 },
    );
  return checkpoint;
}

/** The state of one run. */
class Run {
  readonly #config: RunConfig;
  readonly #learner: Learner;
  trainer: MetaTrainer;
  readonly #secondsBefore: number;
  readonly #started = performance.now();
  #history: HistoryEntry[];
  #best: CheckpointHeader["best"];
  #bestWeights: Readonly<Record<string, Tensor>>;
  #savedAt = performance.now();
  #recent: { iteration: number; at: number };
  /** The last state that is known on the host. */
  #known: Checkpoint | undefined;
  /** Iterations whose steps are over. */
  iteration: number;
  /** Iterations whose steps were handed over. */
  submitted: number;
  validatedAt = -1;

  constructor(config: RunConfig, learner: Learner, trainer: MetaTrainer, before: Checkpoint | undefined) {
    this.#config = config;
    this.#learner = learner;
    this.trainer = trainer;
    if (before) trainer.restore({ steps: before.header.iteration, tensors: before.tensors });
    this.#secondsBefore = before?.header.elapsedSeconds ?? 0;
    this.#history = [...(before?.header.history ?? [])];
    this.#best = before?.header.best ?? null;
    this.#bestWeights = before?.best ?? {};
    this.iteration = trainer.steps;
    this.submitted = trainer.steps;
    this.#recent = { iteration: trainer.steps, at: performance.now() };
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

  async validate(episodes: readonly Episode[]): Promise<Validation> {
    const reports = await this.trainer.evaluate(episodes);
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

  /** Goes on with another trainer, from the last checkpoint that was made. */
  goOn(trainer: MetaTrainer): void {
    const { header, tensors, best } = this.#known!;
    this.trainer = trainer;
    trainer.restore({ steps: header.iteration, tensors });
    this.#history = [...header.history];
    this.#best = header.best;
    this.#bestWeights = header.best ? best : {};
    this.iteration = header.iteration;
    this.submitted = header.iteration;
    this.#recent = { iteration: header.iteration, at: performance.now() };
    this.validatedAt = -1;
  }
}

/** A finished run, opened: its learner, and the weights that did best. */
export async function openRun(folder: string): Promise<{
  header: CheckpointHeader;
  learner: Learner;
  tasks: TaskSource;
  weights: Readonly<Record<string, Tensor>>;
}> {
  const { header, best } = await readCheckpoint(folder);
  const tasks = await tasksOf(header.config);
  return { header, learner: learnerOf(header.config, tasks), tasks, weights: best };
}
