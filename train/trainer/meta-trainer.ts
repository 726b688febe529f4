// The outer loop of meta-learning, one step at a time: meta-gradient over a batch of tasks, clipping, an optimizer's
// update. How it runs is a strategy's: all tasks in one graph on an engine, or over worker threads, with the same numbers
// up to rounding.
import type { Learner } from "@innerloop/graph";
import { InnerloopError } from "@innerloop/schemas";
import type { Episode } from "../data/index.ts";
import { type OpenedEngine, openEngine } from "../engines/index.ts";
import { next } from "../names.ts";
import { sizesOf } from "./batch.ts";
import { strategyOn, threadsOn, threadsWanted } from "./choose-strategy.ts";
import { graphBytes, peakBytes } from "./memory.ts";
import { checkPrecision } from "./precision.ts";
import type { EpisodeReport, MetaTrainerOptions, PendingStep, StepReport } from "./reports.ts";
import { readAll, readNumber, release, type State, type Tensors } from "./state.ts";
import { StepGraphs } from "./step-graphs.ts";
import type { Strategy, SubmittedStep } from "./strategy.ts";

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
  /** Parameters, and the arrays of the optimizer and of what guards steps. */
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
    this.#state = graphs.firstState(options.seed ?? 0);
  }

  /** @throws InnerloopError where the engine is not there, or has no float16 and is asked for it */
  static async create(learner: Learner, options: MetaTrainerOptions = {}): Promise<MetaTrainer> {
    const { engine = "auto", precision = "float32" } = options;
    const wanted = threadsWanted(learner, options);
    const opened: OpenedEngine =
      typeof engine === "string"
        ? await openEngine(engine, wanted > 0 ? { threads: 1 } : {})
        : { engine, reason: "given by the caller", rejected: [] };
    try {
      if (precision === "float16") await checkPrecision(opened.engine);
      const threads = threadsOn(opened.engine, wanted);
      const graphs = new StepGraphs(learner, {
        optimizer: options.optimizer ?? { kind: "adam", rate: 1e-3 },
        schedule: options.schedule ?? { warmup: 0, decay: "none", floor: 1 },
        clip: options.clip ?? null,
        multiStepLoss: (options.multiStepLoss ?? false) && learner.steps > 1,
        precision,
        engine: opened.engine,
        ...(options.innerLoop ? { innerLoop: options.innerLoop } : {}),
        queued: threads === 0 && (opened.engine.queues ?? false),
      });
      const strategy = strategyOn(opened.engine, graphs, threads, options, (message) => options.onMessage?.(message));
      return new MetaTrainer(opened, graphs, strategy, options);
    } catch (error) {
      if (typeof engine === "string") await opened.engine.dispose();
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
    const scalars = this.#graphs.scalars(number, progress);
    const submitted = await this.#strategy.submit(this.#state, episodes, sizes, scalars);
    // Where steps queue, the next one is submitted with the state that this one will have made.
    const measures = this.defers ? this.#take(await submitted.outputs(), number) : undefined;
    let report: Promise<StepReport> | undefined;
    this.#last = {
      report: () => {
        report ??= this.#report(submitted, measures, number, episodes.length);
        return report;
      },
    };
    return this.#last;
  }

  /** Takes the state that a step made. @returns what else is among its outputs */
  #take(outputs: State, steps: number): State {
    const { found, others } = next.split(outputs);
    release(this.#state);
    this.#state = found;
    this.#steps = steps;
    return others;
  }

  /** @param measures of a step whose state is taken already */
  async #report(
    submitted: SubmittedStep,
    measures: State | undefined,
    step: number,
    tasks: number,
  ): Promise<StepReport> {
    const outputs = measures ?? (await submitted.outputs());
    const read = await readMeasures(outputs);
    const report = { step, ...read, loss: read.loss / tasks, accuracy: read.accuracy / tasks, parts: submitted.parts };
    this.#skipped = report.skipped ? this.#skipped + 1 : 0;
    if (report.skipped && this.#skipped > (this.#graphs.guard?.mostSkipped ?? 0)) {
      release(outputs);
      if (measures) this.#rewind(step - 1);
      throw diverged(report, this.#options);
    }
    release(measures ?? this.#take(outputs, step));
    if (report.skipped)
      this.#options.onMessage?.(
        `step ${step} was left out: its gradient does not fit into float16; the loss scale is halved.`,
      );
    return report;
  }

  /** The device has kept the state from before a step that was not finite; it may move again. */
  #rewind(steps: number): void {
    this.#steps = steps;
    const { guard } = this.#graphs;
    if (!guard || guard.saved) return;
    for (const name of Object.keys(guard.first)) release({ [name]: this.#state[name]! });
    this.#state = { ...this.#state, ...guard.first };
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

  /** About how many bytes steps of so many tasks take beside what the process takes already. */
  bytesFor(tasks: number, episodes: readonly Episode[]): number {
    const sizes = sizesOf(this.learner, episodes);
    const { graphs, tasks: each } = this.#strategy.atOnceOf(tasks);
    const { outputs } = this.#graphs.sums(sizes, each);
    return graphBytes(graphs, peakBytes(Object.values(outputs)));
  }

  /** The meta-parameters, as copies. */
  async weights(): Promise<Tensors> {
    return readAll(this.#state, Object.keys(this.learner.parameters));
  }

  /** Everything that going on needs: parameters, the optimizer's arrays, the number of steps. */
  async save(): Promise<{ steps: number; tensors: Tensors }> {
    const { guard } = this.#graphs;
    const anew = guard && !guard.saved ? guard.first : {};
    const names = Object.keys(this.#state).filter((name) => !(name in anew));
    return { steps: this.#steps, tensors: await readAll(this.#state, names) };
  }

  /** Goes back to what `save` gave; or, with tensors for the parameters only, starts from these. */
  restore({ steps, tensors }: { readonly steps: number; readonly tensors: Readonly<Tensors> }): void {
    const state: Tensors = {};
    for (const [name, first] of Object.entries(this.#graphs.firstState(0))) {
      const saved = tensors[name];
      const needed = name in this.learner.parameters;
      if (saved ? saved.shape.join() !== first.shape.join() : needed) throw unfitting(name, first.shape, saved, needed);
      state[name] = saved ?? first;
    }
    release(this.#state);
    this.#state = state;
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

/** What a step measured, summed over its tasks. Where that cannot be read, all of its outputs are freed. */
async function readMeasures(
  outputs: State,
): Promise<Pick<StepReport, "loss" | "accuracy" | "gradientNorm" | "skipped">> {
  try {
    const [loss, accuracy, gradientNorm] = (await Promise.all(
      ["loss", "accuracy", "gradient_norm"].map((name) => readNumber(outputs[name]!)),
    )) as [number, number, number];
    return { loss, accuracy, gradientNorm, skipped: !(Number.isFinite(loss) && Number.isFinite(gradientNorm)) };
  } catch (error) {
    release(outputs);
    throw error;
  }
}

function unfitting(
  name: string,
  shape: readonly number[],
  saved: Tensors[string] | undefined,
  isParameter: boolean,
): InnerloopError {
  const [what, whose] = isParameter
    ? ["The parameter", "these weights belong to another model"]
    : ["The array", "it belongs to another optimizer or model"];
  return new InnerloopError(
    "bad-weights",
    `${what} ${name} needs the shape [${shape}], but ${saved ? `has [${saved.shape}]` : "is missing"}; ${whose}.`,
  );
}

function diverged(
  { step, loss, gradientNorm }: StepReport,
  { optimizer, precision }: MetaTrainerOptions,
): InnerloopError {
  const rate = optimizer?.rate ?? 1e-3;
  const half = precision === "float16" ? "; or train in float32 (--precision float32)" : "";
  return new InnerloopError(
    "diverged",
    `Training diverged at step ${step}: the loss is ${loss}, the gradient's norm ${gradientNorm}. The parameters from before this step are kept. Lower the outer rate (now ${rate}) or the inner rate, clip the gradient (--clip 10), or warm up for longer${half}.`,
  );
}
