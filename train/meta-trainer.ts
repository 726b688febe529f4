// The outer loop of meta-learning, one step at a time: meta-gradient over a batch of tasks, clipping, an optimizer's
// update. How it runs is a strategy's: all tasks in one graph on an engine, or over worker threads, with the same numbers
// up to rounding.
import { availableParallelism } from "node:os";
import type { Learner } from "@innerloop/graph";
import { InnerloopError, type OptimizerConfig, type ScheduleConfig, type Tensor } from "@innerloop/schemas";
import { sizesOf } from "./batch.ts";
import { type Engine, engineNamed, enginesFor, type OpenedEngine, openEngine } from "./engines/index.ts";
import { stepWeights } from "./objective.ts";
import { OneGraph } from "./one-graph.ts";
import { initialNumbers } from "./optimizers/index.ts";
import { OverThreads } from "./over-threads.ts";
import { checkPrecision } from "./precision.ts";
import { readAll, release, type State, scalar, type Tensors, vector } from "./state.ts";
import { health, StepGraphs } from "./step-graphs.ts";
import type { Measures, Strategy, Submitted } from "./strategy.ts";
import type { Episode } from "./tasks/index.ts";

export interface MetaTrainerOptions {
  readonly optimizer?: OptimizerConfig;
  readonly schedule?: ScheduleConfig;
  /** The largest norm of the meta-gradient; null: no clipping. */
  readonly clip?: number | null;
  /** Seeds the first parameters. */
  readonly seed?: number;
  /** An engine's name, `auto`, or an open engine. */
  readonly engine?: string | Engine;
  /** Worker threads; 0: all tasks in one graph. Chosen by the model and the number of tasks unless given. */
  readonly workers?: number;
  /** How many tasks a step will have, for the choice of the strategy. */
  readonly tasks?: number;
  /** Losses after every inner step count, not the last alone. */
  readonly multiStepLoss?: boolean;
  /** `float16`: gradients are computed in it where that is safe, with float32 weights and a dynamic loss scale. */
  readonly precision?: "float32" | "float16";
  /** Told what a run should know: that a batch goes on in parts, that a step was left out. */
  onMessage?(message: string): void;
}

/** What one step saw. Means over the tasks of the batch. */
export interface StepReport {
  /** The step's number, from 1. */
  readonly step: number;
  readonly loss: number;
  /** Share of right queries; for a regression, the loss. */
  readonly accuracy: number;
  /** Of the meta-gradient, before clipping. */
  readonly gradientNorm: number;
  /** In how many parts the batch ran: more than 1 where the device's memory is too small for all tasks at once. */
  readonly parts: number;
  /** In float16, a step whose gradient was not finite changes nothing but the loss scale. */
  readonly skipped: boolean;
}

/** A step that was handed over and may still be computed. */
export interface PendingStep {
  /**
   * Waits for the step.
   * @throws InnerloopError `diverged` where loss or gradient is not finite: parameters stay as they were before this step
   */
  report(): Promise<StepReport>;
}

/** How one episode went. */
export interface EpisodeReport {
  readonly loss: number;
  readonly accuracy: number;
  /** Query predictions, `[n, classes of the episode]` or for a regression `[n, outputs]`. */
  readonly predictions: Tensor;
}

/** Models of up to this many weights run fastest with many tasks in one graph; larger ones task by task over threads. */
const smallModel = 20_000;

/** A thread with fewer tasks of a small model than this costs more in messages than it saves. */
const leastShare = 8;

/** So many steps in a row that float16 cannot hold are no matter of the loss scale any more. */
const mostSkipped = 20;

/**
 * Meta-trains a learner.
 * @example
 * const trainer = await MetaTrainer.create(maml(model), { optimizer: { kind: "adam", rate: 0.001 } });
 * for (const batch of dataset.batches(100, 4)) console.log((await trainer.step(batch)).loss);
 */
export class MetaTrainer {
  readonly learner: Learner;
  /** The engine, why it was chosen, and why not the others. */
  readonly engine: OpenedEngine;
  readonly #graphs: StepGraphs;
  readonly #strategy: Strategy;
  readonly #options: MetaTrainerOptions;
  /** Parameters and the optimizer's arrays. */
  #state: State;
  #steps = 0;
  #skipped = 0;
  #last: PendingStep | undefined;

  private constructor(engine: OpenedEngine, graphs: StepGraphs, strategy: Strategy, options: MetaTrainerOptions) {
    this.learner = graphs.learner;
    this.engine = engine;
    this.#graphs = graphs;
    this.#strategy = strategy;
    this.#options = options;
    this.#state = { ...initialNumbers(this.learner.parameters, options.seed ?? 0), ...graphs.initialState() };
  }

  /** @throws InnerloopError where the engine is not there, or has no float16 and is asked for it */
  static async create(learner: Learner, options: MetaTrainerOptions = {}): Promise<MetaTrainer> {
    const { engine = "auto", precision = "float32" } = options;
    const wanted =
      typeof engine === "string" && enginesFor(engine).some(({ traits }) => traits.workers)
        ? (options.workers ?? defaultWorkers(learner, options.tasks))
        : 0;
    const opened: OpenedEngine =
      typeof engine === "string"
        ? await openEngine(engine, wanted > 0 ? { threads: 1 } : {})
        : { engine, reason: "given by the caller", rejected: [] };
    const own = opened.engine;
    try {
      if (precision === "float16") await checkPrecision(own);
      const threads = own.portable && engineNamed(own.name)?.traits.workers ? wanted : 0;
      const graphs = new StepGraphs(learner, {
        optimizer: options.optimizer ?? { kind: "adam", rate: 1e-3 },
        schedule: options.schedule ?? { warmup: 0, decay: "none", floor: 1 },
        clip: options.clip ?? null,
        multiStepLoss: (options.multiStepLoss ?? false) && learner.steps > 1,
        precision,
        guarded: threads === 0 && (own.queues ?? false),
      });
      const say = (message: string) => options.onMessage?.(message);
      const strategy =
        threads > 0 ? new OverThreads(own, graphs, threads, prefersOneGraph(learner)) : new OneGraph(own, graphs, say);
      return new MetaTrainer(opened, graphs, strategy, options);
    } catch (error) {
      if (typeof engine === "string") await own.dispose();
      throw error;
    }
  }

  /** How tasks are run, in words. */
  get strategy(): string {
    return this.#strategy.name;
  }

  /** A step may be submitted before the report of the one before it is asked for. */
  get defers(): boolean {
    return this.#strategy.defers;
  }

  /** How many episodes {@link evaluate} runs side by side; a caller that shows progress gives it so many. */
  get atOnce(): number {
    return this.#strategy.atOnce;
  }

  /** Steps taken; where the trainer {@link defers}, those submitted. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * One update from a batch of episodes of one shape.
   * @param progress how much of the run is over, 0 to 1; the schedule and the weights of a multi-step loss go by it
   * @throws InnerloopError `diverged` where loss or gradient is not finite: parameters stay as they were;
   *   `out-of-memory` where not even one task fits; `device-lost`
   */
  async step(episodes: readonly Episode[], progress = 0): Promise<StepReport> {
    return (await this.submit(episodes, progress)).report();
  }

  /**
   * Hands a step over. What is done between this and the report (drawing the next batch, say) is done while it computes,
   * on engines and threads that let it. Where the trainer does not {@link defers}, the step before is waited for first.
   * @throws InnerloopError as {@link step}
   */
  async submit(episodes: readonly Episode[], progress = 0): Promise<PendingStep> {
    if (!this.defers) await this.#last?.report().catch(() => {});
    const sizes = sizesOf(this.learner, episodes);
    const number = this.#steps + 1;
    const scalars: Tensors = {
      step: scalar(number),
      progress: scalar(progress),
      step_weights: vector(stepWeights(this.learner.steps, progress)),
    };
    const submitted = await this.#strategy.submit(this.#state, episodes, sizes, scalars);
    if (submitted.next) this.#take(submitted.next, number);
    let report: Promise<StepReport> | undefined;
    this.#last = {
      report: () => {
        report ??= this.#report(submitted, number, episodes.length);
        return report;
      },
    };
    return this.#last;
  }

  #take(next: State, steps: number): void {
    release(this.#state);
    this.#state = next;
    this.#steps = steps;
  }

  async #report({ finish, parts, next: taken }: Submitted, step: number, tasks: number): Promise<StepReport> {
    const { next, measures } = await finish();
    const finite = Number.isFinite(measures.loss) && Number.isFinite(measures.gradientNorm);
    const { loss, accuracy, gradientNorm } = measures;
    this.#skipped = finite ? 0 : this.#skipped + 1;
    const tolerated = this.#graphs.apart && this.#skipped < mostSkipped;
    if (!finite && !tolerated) {
      if (taken) this.#rewind(step - 1);
      else release(next);
      throw diverged(step, { ...measures, loss: loss / tasks }, this.#options);
    }
    if (!taken) this.#take(next, step);
    if (!finite)
      this.#options.onMessage?.(
        `step ${step} was left out: its gradient does not fit into float16; the loss scale is halved.`,
      );
    return { step, loss: loss / tasks, accuracy: accuracy / tasks, gradientNorm, parts, skipped: !finite };
  }

  /** The device has kept the state from before a step that was not finite; it may move again. */
  #rewind(steps: number): void {
    this.#steps = steps;
    if (this.#state[health]) {
      release({ [health]: this.#state[health] });
      this.#state = { ...this.#state, [health]: scalar(1) };
    }
  }

  /** Adapts to each episode's support set and measures on its queries; parameters stay as they are. */
  async evaluate(episodes: readonly Episode[], options: { readonly steps?: number } = {}): Promise<EpisodeReport[]> {
    if (episodes.length === 0) return [];
    const sizes = sizesOf(this.learner, episodes);
    const results = await this.#strategy.evaluate(
      this.#state,
      episodes,
      sizes,
      options.steps ?? this.learner.testSteps ?? this.learner.steps,
    );
    return results.map(({ loss, accuracy, predictions }) => ({
      loss: Number(loss!.data[0]),
      accuracy: Number(accuracy!.data[0]),
      predictions: predictions!,
    }));
  }

  /** The meta-parameters, as copies. */
  async weights(): Promise<Tensors> {
    return readAll(this.#state, Object.keys(this.learner.parameters));
  }

  /** Everything that going on needs: parameters, the optimizer's arrays, the number of steps. */
  async save(): Promise<{ steps: number; tensors: Tensors }> {
    const names = Object.keys(this.#state).filter((name) => name !== health);
    return { steps: this.#steps, tensors: await readAll(this.#state, names) };
  }

  /** Goes back to what `save` gave; or, with tensors for the parameters only, starts from these. */
  restore({ steps, tensors }: { readonly steps: number; readonly tensors: Readonly<Tensors> }): void {
    for (const [name, { shape }] of Object.entries(this.learner.parameters)) {
      const given = tensors[name];
      if (!given || given.shape.join() !== shape.join())
        throw new InnerloopError(
          "bad-weights",
          `The parameter ${name} needs the shape [${shape}], but ${given ? `has [${given.shape}]` : "is missing"}; these weights belong to another model.`,
        );
    }
    const fresh: Tensors = { ...initialNumbers(this.learner.parameters, 0), ...this.#graphs.initialState() };
    for (const [name, { shape }] of Object.entries(fresh))
      if (tensors[name] && tensors[name].shape.join() !== shape.join())
        throw new InnerloopError(
          "bad-weights",
          `The array ${name} needs the shape [${shape}], but has [${tensors[name].shape}]; it belongs to another optimizer or model.`,
        );
    release(this.#state);
    this.#state = Object.fromEntries(Object.entries(fresh).map(([name, tensor]) => [name, tensors[name] ?? tensor]));
    this.#steps = steps;
    this.#skipped = 0;
    this.#last = undefined;
  }

  /** Frees threads, programs and the engine. */
  async dispose(): Promise<void> {
    release(this.#state);
    await this.#strategy.dispose();
    await this.engine.engine.dispose();
  }
}

function diverged(
  step: number,
  { loss, gradientNorm }: Omit<Measures, "accuracy">,
  { optimizer, precision }: MetaTrainerOptions,
): InnerloopError {
  const rate = optimizer?.rate ?? 1e-3;
  const half = precision === "float16" ? "; or train in float32 (--precision float32)" : "";
  return new InnerloopError(
    "diverged",
    `Training diverged at step ${step}: the loss is ${loss}, the gradient's norm ${gradientNorm}. The parameters from before this step are kept. Lower the outer rate (now ${rate}) or the inner rate, clip the gradient (--clip 10), or warm up for longer${half}.`,
  );
}

/** Whether a learner's tasks run fastest many in one graph, rather than one by one. */
export const prefersOneGraph = (learner: Learner): boolean => {
  const weights = Object.values(learner.parameters).reduce(
    (total, { shape }) => total + shape.reduce((a, b) => a * b, 1),
    0,
  );
  return weights <= smallModel;
};

/** Threads on a processor: small models take some only where each has enough tasks to be worth its messages. */
function defaultWorkers(learner: Learner, tasks = 0): number {
  const cores = availableParallelism();
  if (!prefersOneGraph(learner)) return cores;
  const useful = Math.min(cores, Math.floor(tasks / leastShare));
  return useful > 1 ? useful : 0;
}
