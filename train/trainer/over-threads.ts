// The tasks of a batch over worker threads: one by one for models that are large, in one graph a thread for small ones,
// where the cost of a run is its nodes. Sums go in an order that does not depend on timing.

import type { Episode } from "../data/index.ts";
import type { Engine, Graph, Layout, Program } from "../engines/index.ts";
import { parted, stackFeeds, taskFeeds } from "./batch.ts";
import { layoutFor } from "./layouts.ts";
import type { EpisodeSizes } from "./objective.ts";
import { only, readNumber, type State, scalar, type Tensors } from "./state.ts";
import type { StepGraphs } from "./step-graphs.ts";
import { isOutOfMemory, type Strategy, type SubmittedStep, taskTooLarge } from "./strategy.ts";
import type { Job } from "./workers/messages.ts";
import { Pool } from "./workers/pool.ts";

/** A thread takes a few episodes at a time, so that messages cost little beside them. */
const evaluatedByAThread = 4;

/** What is to be laid out over the processor. */
export interface OverThreadsOptions {
  /** The most worker threads. */
  readonly workers: number;
  /** So many take part in a step, as somebody has said; else what is quick. */
  readonly fixed: boolean;
  /** A thread's tasks run in one graph. */
  readonly together: boolean;
}

export class OverThreads implements Strategy {
  readonly defers = false;
  readonly #engine: Engine;
  readonly #graphs: StepGraphs;
  readonly #pool: Pool;
  readonly #options: OverThreadsOptions;
  readonly #added = new Map<string, Promise<void>>();
  /** By the sizes of a step. */
  readonly #layouts = new Map<string, Promise<Layout>>();
  /** Of the last step. */
  #layout: Layout;
  #update: Program | undefined;
  /** What the last two updates made. New arrays at each would have the collector look through everything every few steps. */
  #made: readonly [Tensors, Tensors] = [{}, {}];
  /** Evaluations that go on, of a state that may be past by now. */
  #evaluating = 0;
  /** The state whose parameters the threads have. */
  #shared: State | undefined;

  /** @param engine one whose programs are portable; it runs the update */
  constructor(engine: Engine, graphs: StepGraphs, options: OverThreadsOptions) {
    this.#engine = engine;
    this.#graphs = graphs;
    this.#pool = new Pool(options.workers, engine.name, engine.portable?.add);
    this.#options = options;
    this.#layout = { workers: options.workers, threads: 1 };
  }

  get atOnce(): number {
    return evaluatedByAThread * this.#pool.size;
  }

  get name(): string {
    const { workers, threads } = this.#layout;
    const how = this.#options.together ? "each with its share of the batch in one graph" : "one task at a time";
    return `${workers} worker ${workers === 1 ? "thread" : "threads"}, ${how}${threads > 1 ? ` by ${threads} threads` : ""}`;
  }

  atOnceOf(tasks: number): ReturnType<Strategy["atOnceOf"]> {
    const graphs = Math.min(this.#pool.size, tasks);
    return { graphs, tasks: this.#options.together ? Math.ceil(tasks / graphs) : undefined };
  }

  async submit(
    state: State,
    episodes: readonly Episode[],
    sizes: EpisodeSizes,
    scalars: Tensors,
  ): Promise<SubmittedStep> {
    this.#layout = await this.#layoutOf(state, episodes, sizes, scalars);
    const jobs = await this.#jobs(this.#layout, episodes, sizes, scalars);
    const computing = this.#pool.sum(jobs, this.#unshared(state));
    computing.catch(() => {});
    return {
      parts: 1,
      outputs: async () => {
        const sums = await computing.catch((error: unknown) => {
          throw isOutOfMemory(error) ? taskTooLarge("a worker thread", sizes, error) : error;
        });
        this.#update ??= await this.#engine.compile(this.#graphs.update());
        const feeds = { ...state, ...scalars, ...sums, share: scalar(1 / episodes.length) };
        const moved = await this.#moved(this.#update, state, feeds);
        // Sums lie in arrays that are written again at the next step.
        const [loss, accuracy] = await Promise.all([readNumber(sums.loss!), readNumber(sums.accuracy!)]);
        return { ...moved, loss: scalar(loss), accuracy: scalar(accuracy) };
      },
    };
  }

  /** What an update makes of a state, in arrays of an earlier update, whose state is past. */
  async #moved(update: Program, state: State, feeds: State): Promise<Tensors> {
    const [last, before] = this.#made;
    const now = new Set(Object.values(state));
    // The last one's was not taken where the step diverged.
    const isTaken = Object.values(last).some((tensor) => now.has(tensor));
    const spent = isTaken ? before : last;
    const moved = await update.run(only(update, feeds), this.#evaluating > 0 ? undefined : spent);
    this.#made = [moved, isTaken ? last : before];
    return moved;
  }

  async #layoutOf(state: State, episodes: readonly Episode[], sizes: EpisodeSizes, scalars: Tensors): Promise<Layout> {
    const { workers, fixed, together } = this.#options;
    const tasks = episodes.length;
    if (fixed) return { workers: Math.min(workers, tasks), threads: 1 };
    const key = `${tasks}:${Object.values(sizes)}`;
    const jobs = (layout: Layout) => this.#jobs(layout, episodes, sizes, scalars);
    const find = async (): Promise<Layout> => {
      const { parameters, steps, inputShape } = this.#graphs.learner;
      const shapes = Object.entries(parameters).map(([name, { shape }]) => [name, shape]);
      const before = new Set(this.#added.keys());
      const layout = await layoutFor(
        { tasks, most: workers, together, sizes: [this.#engine.name, sizes, steps, inputShape, shapes] },
        async (tried) => this.#pool.sum(await jobs(tried), this.#unshared(state)),
      );
      const used = new Set((await jobs(layout)).map(({ program }) => program));
      for (const name of [...this.#added.keys()]) if (!before.has(name) && !used.has(name)) await this.#forget(name);
      return layout;
    };
    const found = this.#layouts.get(key) ?? find();
    this.#layouts.set(key, found);
    return found;
  }

  /** What the threads have to run for a batch. */
  async #jobs(
    { workers, threads }: Layout,
    episodes: readonly Episode[],
    sizes: EpisodeSizes,
    scalars: Tensors,
  ): Promise<Job[]> {
    this.#pool.start(Math.min(workers, episodes.length));
    if (!this.#options.together) {
      const key = `one:${Object.values(sizes)}:${threads}`;
      const program = await this.#add(key, () => this.#graphs.sums(sizes, undefined), threads);
      return episodes.map((episode) => ({ program, feeds: { ...taskFeeds(episode), ...scalars } }));
    }
    const jobs = parted(episodes, workers).map(async (part) => {
      const key = `many:${Object.values(sizes)}:${part.length}`;
      const program = await this.#add(key, () => this.#graphs.sums(sizes, part.length));
      return { program, feeds: { ...stackFeeds(part), ...scalars } };
    });
    return Promise.all(jobs);
  }

  async evaluate(state: State, episodes: readonly Episode[], sizes: EpisodeSizes, steps: number) {
    this.#pool.start(episodes.length);
    const graph = () => this.#graphs.evaluation(sizes, steps);
    this.#evaluating++;
    try {
      const program = await this.#add(`evaluate:${steps}:${Object.values(sizes)}`, graph);
      const jobs = episodes.map((episode) => ({ program, feeds: taskFeeds(episode) }));
      return await this.#pool.map(jobs, this.#unshared(state));
    } finally {
      this.#evaluating--;
    }
  }

  /** A program for jobs. @returns its name */
  async #add(key: string, graph: () => Graph, threads = 1): Promise<string> {
    const add = async () => this.#pool.add(key, await this.#engine.portable!.prepare(graph()), threads);
    if (!this.#added.has(key)) this.#added.set(key, add());
    await this.#added.get(key);
    return key;
  }

  async #forget(name: string): Promise<void> {
    this.#added.delete(name);
    await this.#pool.forget(name);
  }

  /** The parameters, where the threads do not have them yet. */
  #unshared(state: State): Tensors | undefined {
    if (this.#shared === state) return undefined;
    this.#shared = state;
    return Object.fromEntries(this.#graphs.shared.map((name) => [name, (state as Tensors)[name]!]));
  }

  async dispose(): Promise<void> {
    await this.#pool.close();
    await this.#update?.dispose();
  }
}
