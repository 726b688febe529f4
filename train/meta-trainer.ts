// The outer loop of meta-learning, one step at a time: meta-gradient over a batch of tasks, clipping, an optimizer's
// update. Two ways to run it, with the same numbers up to rounding: all tasks in one graph on an engine, or task by task
// over worker threads.
import { availableParallelism } from "node:os";
import { input, type Learner, op, type Parameters, type Value } from "@innerloop/graph";
import { InnerloopError, type OptimizerConfig, type ScheduleConfig, type Tensor } from "@innerloop/schemas";
import { type DeviceTensor, type Engine, type OpenedEngine, openEngine, type Program } from "./engines/index.ts";
import {
  type EpisodeSizes,
  episodeResults,
  metaGradient,
  parameterValues,
  stepWeights,
  stepWeightsInput,
} from "./objective.ts";
import {
  initialNumbers,
  initialState,
  type OptimizerRule,
  optimizerRule,
  scheduledRate,
  update,
} from "./optimizers/index.ts";
import type { Episode } from "./tasks/index.ts";
import { Pool } from "./workers/pool.ts";

export interface MetaTrainerOptions {
  readonly optimizer?: OptimizerConfig;
  readonly schedule?: ScheduleConfig;
  /** The largest norm of the meta-gradient; null: no clipping. */
  readonly clip?: number | null;
  /** Seeds the first parameters. */
  readonly seed?: number;
  /** An engine's name, `auto`, or an open engine. */
  readonly engine?: string | Engine;
  /** Worker threads; 0: all tasks in one graph. Chosen by the model unless given. */
  readonly workers?: number;
  /** Losses after every inner step count, not the last alone. */
  readonly multiStepLoss?: boolean;
}

/** What one step saw. Means over the tasks of the batch. */
export interface StepReport {
  readonly loss: number;
  /** Share of right queries; for a regression, the loss. */
  readonly accuracy: number;
  /** Of the meta-gradient, before clipping. */
  readonly gradientNorm: number;
}

/** How one episode went. */
export interface EpisodeReport {
  readonly loss: number;
  readonly accuracy: number;
  /** Query predictions `[n, outputs]`. */
  readonly predictions: Tensor;
}

type Tensors = Record<string, Tensor>;

/** Models of up to this many weights run fastest with all tasks in one graph; larger ones over threads. */
const smallModel = 20_000;

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
  readonly #options: Required<Omit<MetaTrainerOptions, "engine" | "workers" | "seed">>;
  readonly #rule: OptimizerRule;
  readonly #pool: Pool | undefined;
  readonly #programs = new Map<string, Program>();
  readonly #opened = new Set<string>();
  /** Parameters and the optimizer's arrays. */
  #state: Record<string, Tensor | DeviceTensor> = {};
  #steps = 0;
  #shared = false;

  private constructor(learner: Learner, engine: OpenedEngine, pool: Pool | undefined, options: MetaTrainerOptions) {
    this.learner = learner;
    this.engine = engine;
    this.#pool = pool;
    this.#options = {
      optimizer: options.optimizer ?? { kind: "adam", rate: 1e-3 },
      schedule: options.schedule ?? { warmup: 0, decay: "none", floor: 1 },
      clip: options.clip ?? null,
      multiStepLoss: (options.multiStepLoss ?? false) && learner.steps > 1,
    };
    this.#rule = optimizerRule(this.#options.optimizer);
    this.#state = {
      ...initialNumbers(learner.parameters, options.seed ?? 0),
      ...initialState(this.#rule, learner.parameters),
    };
  }

  /** @throws InnerloopError where the engine is not there */
  static async create(learner: Learner, options: MetaTrainerOptions = {}): Promise<MetaTrainer> {
    const { engine = "auto" } = options;
    const workers =
      typeof engine === "string" && ["auto", "onnxruntime", "onnxruntime:cpu"].includes(engine)
        ? (options.workers ?? defaultWorkers(learner))
        : 0;
    const opened: OpenedEngine =
      typeof engine === "string"
        ? await openEngine(engine, workers > 0 ? { threads: 1 } : {})
        : { engine, reason: "given by the caller", rejected: [] };
    const threads = opened.engine.portable && opened.engine.name === "onnxruntime:cpu" ? workers : 0;
    return new MetaTrainer(learner, opened, threads > 0 ? new Pool(threads) : undefined, options);
  }

  /** How tasks are run, in words. */
  get strategy(): string {
    return this.#pool ? `${this.#pool.size} worker threads, one task at a time` : "all tasks of a batch in one graph";
  }

  /** Steps taken. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * One update from a batch of episodes of one shape.
   * @param progress how much of the run is over, 0 to 1; the schedule and the weights of a multi-step loss go by it
   * @throws InnerloopError `diverged` where loss or gradient is not finite: parameters stay as they were
   */
  async step(episodes: readonly Episode[], progress = 0): Promise<StepReport> {
    const sizes = sizesOf(this.learner, episodes);
    const scalars: Tensors = { step: scalar(this.#steps + 1), progress: scalar(progress) };
    const weights: Tensors = this.#options.multiStepLoss
      ? { step_weights: vector(stepWeights(this.learner.steps, progress)) }
      : {};
    const { measures, next } = this.#pool
      ? await this.#stepOverThreads(this.#pool, episodes, sizes, scalars, weights)
      : await this.#stepInOneGraph(episodes, sizes, { ...scalars, ...weights });
    const report = {
      loss: measures.loss! / episodes.length,
      accuracy: measures.accuracy! / episodes.length,
      gradientNorm: measures.gradient_norm!,
    };
    if (!Number.isFinite(report.loss) || !Number.isFinite(report.gradientNorm)) {
      release(next);
      throw new InnerloopError(
        "diverged",
        `Training diverged at step ${this.#steps + 1}: the loss is ${report.loss}, the gradient's norm ${report.gradientNorm}. The parameters from before this step are kept. Lower the outer rate (now ${this.#options.optimizer.rate}) or the inner rate, clip the gradient (--clip 10), or warm up for longer.`,
      );
    }
    release(this.#state);
    this.#state = next;
    this.#steps++;
    this.#shared = false;
    return report;
  }

  /** Adapts to each episode's support set and measures on its queries; parameters stay as they are. */
  async evaluate(episodes: readonly Episode[], options: { readonly steps?: number } = {}): Promise<EpisodeReport[]> {
    if (episodes.length === 0) return [];
    const sizes = sizesOf(this.learner, episodes);
    const steps = options.steps ?? this.learner.steps;
    const key = `evaluate:${Object.values(sizes)}:${steps}`;
    const graph = () => ({
      outputs: { ...episodeResults(this.learner, parameterValues(this.learner), sizes, undefined, { steps }) },
    });
    const tasks = episodes.map(taskFeeds);
    let results: Tensors[];
    if (this.#pool) {
      await this.#open(key, () => this.engine.engine.portable!.serialize(graph()));
      await this.#share(this.#pool);
      results = await this.#pool.map(key, tasks);
    } else {
      const program = await this.#program(key, () => this.engine.engine.compile(graph()));
      results = [];
      for (const task of tasks) results.push(await program.run(only(program, { ...this.#state, ...task })));
    }
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
    return { steps: this.#steps, tensors: await readAll(this.#state, Object.keys(this.#state)) };
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
    release(this.#state);
    const fresh = initialState(this.#rule, this.learner.parameters);
    this.#state = Object.fromEntries(
      Object.entries({ ...initialNumbers(this.learner.parameters, 0), ...fresh, ...tensors }).map(([name, tensor]) => [
        name,
        tensor,
      ]),
    );
    this.#steps = steps;
    this.#shared = false;
  }

  /** Frees threads, programs and the engine. */
  async dispose(): Promise<void> {
    await this.#pool?.close();
    release(this.#state);
    await Promise.all([...this.#programs.values()].map((program) => program.dispose()));
    this.#programs.clear();
    await this.engine.engine.dispose();
  }

  #update(parameters: Parameters, gradients: Parameters) {
    const { optimizer, schedule, clip } = this.#options;
    const [step, progress] = [input("step", []), input("progress", [])];
    const rate = scheduledRate(optimizer.rate, schedule, step, progress);
    return update(this.learner.parameters, parameters, gradients, { rule: this.#rule, rate, step, clip });
  }

  #objective(parameters: Parameters, sizes: EpisodeSizes, tasks: number | undefined) {
    const weights = this.#options.multiStepLoss ? { stepWeights: stepWeightsInput(this.learner.steps) } : {};
    return metaGradient(this.learner, parameters, sizes, tasks, weights);
  }

  async #stepOverThreads(
    pool: Pool,
    episodes: readonly Episode[],
    sizes: EpisodeSizes,
    scalars: Tensors,
    weights: Tensors,
  ) {
    const key = `train:${Object.values(sizes)}`;
    await this.#open(key, () => {
      const { loss, accuracy, gradients } = this.#objective(parameterValues(this.learner), sizes, undefined);
      return this.engine.engine.portable!.serialize({ outputs: { loss, accuracy, ...prefixed(gradients) } });
    });
    await this.#share(pool);
    const sums = await pool.sum(
      key,
      episodes.map((episode) => ({ ...taskFeeds(episode), ...weights })),
    );
    const program = await this.#program("update", () => {
      const parameters = parameterValues(this.learner);
      const gradients = Object.fromEntries(
        Object.entries(this.learner.parameters).map(([name, { shape }]) => [name, input(`gradient/${name}`, shape)]),
      );
      return this.engine.engine.compile({ outputs: this.#update(parameters, gradients) });
    });
    for (const [name, { data }] of Object.entries(sums))
      if (name.startsWith("gradient/"))
        for (let i = 0; i < data.length; i++) (data as Float32Array)[i]! /= episodes.length;
    const { gradient_norm, ...next } = await program.run(only(program, { ...this.#state, ...sums, ...scalars }));
    const measures = {
      loss: Number(sums.loss!.data[0]),
      accuracy: Number(sums.accuracy!.data[0]),
      gradient_norm: Number(gradient_norm!.data[0]),
    };
    return { measures, next: renamed(next) };
  }

  async #stepInOneGraph(episodes: readonly Episode[], sizes: EpisodeSizes, scalars: Tensors) {
    const tasks = episodes.length;
    const program = await this.#program(`train:${Object.values(sizes)}:${tasks}`, () => {
      const parameters = parameterValues(this.learner);
      const { loss, accuracy, gradients } = this.#objective(parameters, sizes, tasks);
      const mean = Object.fromEntries(
        Object.entries(gradients).map(([name, value]) => [name, scaledBy(value, 1 / tasks)]),
      );
      return this.engine.engine.compile({ outputs: { loss, accuracy, ...this.#update(parameters, mean) } });
    });
    const outputs = await program.runOnDevice(only(program, { ...this.#state, ...stackFeeds(episodes), ...scalars }));
    const measures: Record<string, number> = {};
    for (const name of ["loss", "accuracy", "gradient_norm"]) {
      measures[name] = Number((await outputs[name]!.read()).data[0]);
      outputs[name]!.dispose();
      delete outputs[name];
    }
    return { measures, next: renamed(outputs) };
  }

  async #program(key: string, compile: () => Promise<Program>): Promise<Program> {
    const known = this.#programs.get(key);
    if (known) return known;
    const program = await compile();
    this.#programs.set(key, program);
    return program;
  }

  async #open(key: string, serialize: () => Uint8Array): Promise<void> {
    if (this.#opened.has(key)) return;
    await this.#pool!.open(key, serialize());
    this.#opened.add(key);
  }

  async #share(pool: Pool): Promise<void> {
    if (this.#shared) return;
    await pool.share(await this.weights());
    this.#shared = true;
  }
}

/** Whether a learner's tasks run fastest all in one graph, rather than one by one over threads. */
export const prefersOneGraph = (learner: Learner): boolean => {
  const weights = Object.values(learner.parameters).reduce(
    (total, { shape }) => total + shape.reduce((a, b) => a * b, 1),
    0,
  );
  return weights <= smallModel;
};

const defaultWorkers = (learner: Learner): number => (prefersOneGraph(learner) ? 0 : availableParallelism());

/** The outputs of an update as the state that the next one takes. */
const renamed = (outputs: Readonly<Record<string, Tensor | DeviceTensor>>): Record<string, Tensor | DeviceTensor> =>
  Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name.slice("next/".length), tensor]));

const scalar = (x: number): Tensor => ({ dtype: "float32", shape: [], data: Float32Array.of(x) });
const vector = (data: Float32Array): Tensor => ({ dtype: "float32", shape: [data.length], data });
const scaledBy = (value: Value, factor: number): Value => op.Mul(value, factor);
const prefixed = (values: Parameters): Parameters =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`gradient/${name}`, value]));

const taskFeeds = ({ support, query }: Episode): Tensors => ({
  support_x: support.x,
  support_y: support.y,
  query_x: query.x,
  query_y: query.y,
});

/** The episodes' arrays with a leading task axis. */
function stackFeeds(episodes: readonly Episode[]): Tensors {
  const tasks = episodes.map(taskFeeds);
  return Object.fromEntries(
    Object.keys(tasks[0]!).map((name) => {
      const parts = tasks.map((task) => task[name]!);
      const { dtype, shape, data } = parts[0]!;
      const all = new (data.constructor as Float32ArrayConstructor)(data.length * parts.length);
      parts.forEach((part, i) => {
        all.set(part.data as Float32Array, i * data.length);
      });
      return [name, { dtype, shape: [parts.length, ...shape], data: all }];
    }),
  );
}

/** The sizes that all episodes of a batch share. */
function sizesOf(learner: Learner, episodes: readonly Episode[]): EpisodeSizes {
  const [first] = episodes;
  if (!first) throw new InnerloopError("no-episodes", "A step needs at least one episode.", { exitStatus: 2 });
  const size = ({ support, query }: Episode): EpisodeSizes => ({
    support: support.x.shape[0]!,
    query: query.x.shape[0]!,
    ways:
      learner.task === "classification"
        ? (first.classes?.length ?? 1 + Math.max(...(support.y.data as Int32Array)))
        : 1,
  });
  const sizes = size(first);
  for (const episode of episodes) {
    const own = size(episode);
    if (own.support !== sizes.support || own.query !== sizes.query)
      throw new InnerloopError(
        "bad-episode-shape",
        `The episodes of a batch need one shape, but have ${sizes.support} + ${sizes.query} and ${own.support} + ${own.query} examples.`,
        { exitStatus: 2 },
      );
    if (episode.support.x.shape.slice(1).join() !== learner.inputShape.join())
      throw new InnerloopError(
        "shape-mismatch",
        `The learner takes examples [${learner.inputShape}], but the episode has [${episode.support.x.shape.slice(1)}].`,
        { exitStatus: 2 },
      );
  }
  if (learner.task === "classification" && learner.outputs !== undefined && sizes.ways > learner.outputs)
    throw new InnerloopError(
      "too-many-ways",
      `The episodes have ${sizes.ways} classes, but the head has ${learner.outputs} outputs; build the model with more, or use a head without a fixed number (zero, prototypes).`,
      { exitStatus: 2 },
    );
  return sizes;
}

/** Those feeds that a program has inputs for. */
function only(program: Program, feeds: Record<string, Tensor | DeviceTensor>): Record<string, Tensor | DeviceTensor> {
  return Object.fromEntries(program.inputs.map(({ name }) => [name, feeds[name]!]));
}

const isOnDevice = (tensor: Tensor | DeviceTensor): tensor is DeviceTensor => "read" in tensor;

async function readAll(
  state: Readonly<Record<string, Tensor | DeviceTensor>>,
  names: readonly string[],
): Promise<Tensors> {
  const entries = names.map(async (name): Promise<[string, Tensor]> => {
    const tensor = state[name]!;
    return [name, isOnDevice(tensor) ? await tensor.read() : { ...tensor, data: tensor.data.slice() }];
  });
  return Object.fromEntries(await Promise.all(entries));
}

function release(state: Readonly<Record<string, Tensor | DeviceTensor>>): void {
  for (const tensor of Object.values(state)) if (isOnDevice(tensor)) tensor.dispose();
}
