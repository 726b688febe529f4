// The time of a run, over all its resumptions: how much is over, how fast it goes, and how long it will take.
import type { RunConfig } from "@innerloop/schemas";
import type { StepReport } from "../trainer/reports.ts";
import type { RunPace, TrainingProgress } from "./options.ts";
import { shortened } from "./plan.ts";

/** Seconds that a pace is measured over. */
const paceSeconds = 10;

export class RunClock {
  readonly #asked: RunConfig;
  #config: RunConfig;
  #share = 1;
  readonly #secondsBefore: number;
  #started: number | undefined;
  #first: { readonly iteration: number; readonly at: number } | undefined;
  #told = false;
  #recent = { iteration: 0, at: performance.now() };

  /** @param secondsBefore of training before this process */
  constructor(config: RunConfig, secondsBefore: number) {
    this.#asked = config;
    this.#config = config;
    this.#secondsBefore = secondsBefore;
  }

  /** Time counts from here. @param share of the length that the config says, for the run; the rest is for those beside it */
  begin(share: number): void {
    this.#share = share;
    this.#config = shortened(this.#asked, share);
    this.#started ??= performance.now();
    this.#recent = { ...this.#recent, at: performance.now() };
  }

  get seconds(): number {
    const now = performance.now();
    return this.#secondsBefore + (now - (this.#started ?? now)) / 1000;
  }

  /** What iterations take, once after the first few; the very first is slower, since it compiles. */
  firstPace(iteration: number): RunPace | undefined {
    if (this.#told) return undefined;
    const now = performance.now();
    this.#first ??= { iteration, at: now };
    const [count, seconds] = [iteration - this.#first.iteration, (now - this.#first.at) / 1000];
    if (count === 0 || (seconds < 10 && (count < 5 || seconds < 1))) return undefined;
    this.#told = true;
    const { iterations = Number.POSITIVE_INFINITY, minutes = Number.POSITIVE_INFINITY } = this.#config;
    const secondsPerIteration = seconds / count;
    const left = Math.min(iterations - iteration, (60 * minutes - this.seconds) / secondsPerIteration);
    return {
      secondsPerIteration,
      iterations: Math.max(iteration, Math.round(iteration + left)),
      seconds: this.seconds + Math.max(0, left) * secondsPerIteration,
    };
  }

  /** How much is over once so many iterations are, 0 to 1. */
  fraction(iterations: number): number {
    if (this.#share === 0) return 1;
    const { iterations: all = Number.POSITIVE_INFINITY, minutes = Number.POSITIVE_INFINITY } = this.#config;
    return Math.min(1, Math.max(iterations / all, this.seconds / (60 * minutes)));
  }

  /** The pace is measured from an iteration on. */
  measureFrom(iteration: number): void {
    this.#recent = { iteration, at: performance.now() };
  }

  /** Where a run is after a step. @param submitted iterations that were handed over, this one among them */
  progress({ step: iteration, loss, accuracy }: StepReport, submitted: number): TrainingProgress {
    const { validation, metaBatch, minutes } = this.#config;
    const fraction = this.fraction(submitted);
    const pace = this.#paceAt(iteration);
    const iterations = this.#config.iterations ?? Math.max(iteration, Math.round(iteration / Math.max(fraction, 1e-6)));
    return {
      iteration,
      iterations,
      epoch: Math.floor((iteration - 1) / validation.every) + 1,
      batch: ((iteration - 1) % validation.every) + 1,
      fraction,
      loss,
      accuracy,
      tasksPerSecond: pace * metaBatch,
      secondsLeft:
        this.#config.iterations === undefined
          ? 60 * minutes! * (1 - fraction)
          : (iterations - iteration) / Math.max(pace, 1e-6),
    };
  }

  /** Iterations a second. */
  #paceAt(iteration: number): number {
    const now = performance.now();
    const { iteration: from, at } = this.#recent;
    if (now - at > 1000 * paceSeconds) this.measureFrom(iteration);
    return ((iteration - from) * 1000) / Math.max(1, now - at);
  }
}
