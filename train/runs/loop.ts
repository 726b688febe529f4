// The loop of a run: draw, submit, settle, validate, save. It knows how far it is and what it found, and can change its
// trainer for another one in between.
import { setImmediate } from "node:timers/promises";
import type { Learner } from "@innerloop/graph";
import type { CheckpointHeader, HistoryEntry, RunConfig, RunTasks, Tensor } from "@innerloop/schemas";
import { estimate } from "../metrics.ts";
import type { MetaTrainer } from "../trainer/meta-trainer.ts";
import type { EpisodeReport, PendingStep } from "../trainer/reports.ts";
import { type Checkpoint, writeCheckpoint } from "./checkpoint.ts";
import { RunClock } from "./clock.ts";
import type { RunEpisodes } from "./episodes.ts";
import type { RunOptions } from "./options.ts";

/** What stays as it is from a run's beginning to its end. */
export interface RunSetup {
  readonly config: RunConfig;
  readonly learner: Learner;
  readonly tasks: RunTasks;
  readonly episodes: RunEpisodes;
  /** Whether the weights that it starts with are validated, too. */
  readonly validatesStart: boolean;
}

/** Who is told what happens, where it is saved, and what ends it before its time. */
type Surroundings = Pick<RunOptions, "out" | "signal" | "onPace" | "onProgress" | "onValidating" | "onValidation">;

/** Between two checkpoints, at most. */
const checkpointSeconds = 60;

export class TrainingLoop {
  readonly #setup: RunSetup;
  readonly #surroundings: Surroundings;
  readonly #clock: RunClock;
  #trainer: MetaTrainer;
  /** Iterations whose steps are over. */
  #iteration = 0;
  /** Iterations whose steps were handed over. */
  #submitted = 0;
  #history: HistoryEntry[] = [];
  #best: CheckpointHeader["best"] = null;
  #bestWeights: Readonly<Record<string, Tensor>> | undefined;
  #checkpoint: Checkpoint | undefined;
  #checkpointAt = performance.now();
  #savedIteration = 0;

  /** @param before the checkpoint that a run goes on from */
  constructor(setup: RunSetup, surroundings: Surroundings, trainer: MetaTrainer, before: Checkpoint | undefined) {
    this.#setup = setup;
    this.#surroundings = surroundings;
    this.#clock = new RunClock(setup.config, before?.header.elapsedSeconds ?? 0);
    this.#trainer = trainer;
    this.#checkpoint = before;
    if (!before) return;
    this.#savedIteration = before.header.iteration;
    this.goOnWith(trainer);
  }

  get trainer(): MetaTrainer {
    return this.#trainer;
  }

  get iteration(): number {
    return this.#iteration;
  }

  get submitted(): number {
    return this.#submitted;
  }

  /** The iteration whose checkpoint is in the run's folder. */
  get savedIteration(): number {
    return this.#savedIteration;
  }

  /** Over, with its last validation made. */
  get finished(): boolean {
    return this.#over && this.#validated;
  }

  /** The last state that is known on the host: what was saved last, or gone on from. */
  get checkpoint(): Checkpoint | undefined {
    return this.#checkpoint;
  }

  /** The time of the run begins. @param share of the length that its config says */
  begin(share: number): void {
    this.#clock.begin(share);
  }

  /** Keeps other weights, that did better than any of its own. */
  async keep(score: number, weights: Readonly<Record<string, Tensor>>): Promise<void> {
    this.#best = { iteration: this.#iteration, score };
    this.#bestWeights = weights;
    await this.save();
  }

  /** Trains until the run is over or stopped, and saves it. */
  async run(): Promise<void> {
    await this.#validateWhenDue();
    let batch = await this.#draw();
    let pending: PendingStep | undefined;
    while (!this.#over && !this.#stopped) {
      const step = await this.#submit(batch);
      // While this step computes, the next batch is drawn, and where steps queue, the one before is looked at.
      batch = await this.#draw();
      if (pending) await this.#settle(pending);
      pending = step;
      if (this.#mayQueue) continue;
      await this.#settle(step);
      pending = undefined;
      await this.#validateWhenDue();
      if (this.#saveIsDue) await this.save();
    }
    if (pending) await this.#settle(pending);
    await this.#validateWhenDue();
    await this.save();
  }

  /** Keeps all that going on needs, in the run's folder where it has one. */
  async save(): Promise<void> {
    const { config, tasks, learner } = this.#setup;
    const { steps, tensors } = await this.#trainer.save();
    const best = this.#bestWeights ?? (await this.#trainer.weights());
    this.#checkpointAt = performance.now();
    const header: CheckpointHeader = {
      format: "innerloop-checkpoint",
      version: 1,
      config,
      tasks,
      iteration: steps,
      elapsedSeconds: this.#clock.seconds,
      seed: config.seed,
      best: this.#best,
      history: [...this.#history],
      parameters: Object.entries(learner.parameters).map(([name, { shape }]) => ({ name, shape: [...shape] })),
    };
    this.#checkpoint = { header, tensors, best };
    const { out } = this.#surroundings;
    if (out !== undefined) await writeCheckpoint(out, this.#checkpoint);
    this.#savedIteration = steps;
  }

  /** Goes on with a trainer, from the last checkpoint that is known. */
  goOnWith(trainer: MetaTrainer): void {
    const { header, tensors, best } = this.#checkpoint!;
    const { iteration } = header;
    this.#trainer = trainer;
    trainer.restore({ steps: iteration, tensors });
    this.#history = [...header.history];
    this.#best = header.best;
    // Before the first validation a checkpoint has the weights of its time for the best.
    this.#bestWeights = header.best ? best : undefined;
    this.#iteration = iteration;
    this.#submitted = iteration;
    this.#clock.measureFrom(iteration);
  }

  get #stopped(): boolean {
    return this.#surroundings.signal?.aborted ?? false;
  }

  get #over(): boolean {
    return this.#clock.fraction(this.#submitted) >= 1;
  }

  /** Whether the weights of this iteration were validated. */
  get #validated(): boolean {
    return this.#history.at(-1)?.iteration === this.#iteration;
  }

  get #saveIsDue(): boolean {
    return performance.now() - this.#checkpointAt > 1000 * checkpointSeconds;
  }

  /** The next step may be submitted before this one is settled: nothing has to be known in between. */
  get #mayQueue(): boolean {
    const validates = this.#submitted % this.#setup.config.validation.every === 0;
    return this.#trainer.defers && !validates && !this.#saveIsDue && !this.#over && !this.#stopped;
  }

  #draw() {
    return this.#setup.episodes.batch(this.#submitted);
  }

  async #submit(batch: Parameters<MetaTrainer["submit"]>[0]): Promise<PendingStep> {
    const step = await this.#trainer.submit(batch, this.#clock.fraction(this.#submitted));
    this.#submitted++;
    return step;
  }

  async #settle(step: PendingStep): Promise<void> {
    const report = await step.report();
    this.#iteration = report.step;
    const pace = this.#clock.firstPace(this.#iteration);
    if (pace) this.#surroundings.onPace?.(pace);
    this.#surroundings.onProgress?.(this.#clock.progress(report, this.#submitted));
  }

  /** Where a validation is stopped between two episodes, it is made up for when the run goes on. */
  async #validateWhenDue(): Promise<void> {
    const { every } = this.#setup.config.validation;
    const starts = this.#iteration === 0 && this.#setup.validatesStart;
    const due = starts || this.#over || (this.#iteration > 0 && this.#iteration % every === 0);
    if (!due || this.#validated || this.#stopped) return;
    const reports = await this.#evaluate();
    if (!reports) return;
    const iteration = this.#iteration;
    const loss = reports.reduce((total, report) => total + report.loss, 0) / reports.length;
    const accuracy = estimate(reports.map((report) => report.accuracy));
    const score = this.#setup.learner.task === "classification" ? accuracy.mean : -loss;
    const best = this.#best === null || score >= this.#best.score;
    if (best) {
      this.#best = { iteration, score };
      this.#bestWeights = await this.#trainer.weights();
    }
    this.#history.push({ iteration, loss, score, ci95: accuracy.ci95, elapsedSeconds: this.#clock.seconds });
    this.#surroundings.onValidation?.({ iteration, loss, accuracy, best });
  }

  /** Reports of the validation's episodes; nothing where the run was stopped meanwhile. */
  async #evaluate(): Promise<readonly EpisodeReport[] | undefined> {
    const { validation } = this.#setup.episodes;
    const reports: EpisodeReport[] = [];
    while (reports.length < validation.length) {
      const some = validation.slice(reports.length, reports.length + this.#trainer.atOnce);
      reports.push(...(await this.#trainer.evaluate(some)));
      const done = reports.length;
      this.#surroundings.onValidating?.({ iteration: this.#iteration, done, episodes: validation.length });
      // Signals are heard in between.
      await setImmediate();
      if (this.#stopped && done < validation.length) return undefined;
    }
    return reports;
  }
}
