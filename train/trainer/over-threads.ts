// The tasks of a batch over worker threads: one by one for models that are large, in one graph a thread for small ones,
// where the cost of a run is its nodes. Sums go in an order that does not depend on timing.

import type { Episode } from "../data/index.ts";
import type { Engine, Graph, Program } from "../engines/index.ts";
import { parted, stackFeeds, taskFeeds } from "./batch.ts";
import type { EpisodeSizes } from "./objective.ts";
import { only, readNumber, type State, scalar, type Tensors } from "./state.ts";
import type { StepGraphs } from "./step-graphs.ts";
import { isOutOfMemory, type Strategy, type SubmittedStep, taskTooLarge } from "./strategy.ts";
import type { Job } from "./workers/messages.ts";
import { Pool } from "./workers/pool.ts";

/** A thread takes a few episodes at a time, so that messages cost little beside them. */
const evaluatedByAThread = 4;

export class OverThreads implements Strategy {
  readonly defers = false;
  readonly #engine: Engine;
  readonly #graphs: StepGraphs;
  readonly #pool: Pool;
  readonly #together: boolean;
  readonly #opened = new Map<string, Promise<void>>();
  #update: Program | undefined;
  /** The state whose parameters the threads have. */
  #shared: State | undefined;

  /**
   * @param engine one whose programs are portable; it runs the update
   * @param together a thread's tasks run in one graph
   */
  constructor(engine: Engine, graphs: StepGraphs, threads: number, together: boolean) {
    this.#engine = engine;
    this.#graphs = graphs;
    this.#pool = new Pool(threads, engine.name);
    this.#together = together;
  }

  get atOnce(): number {
    return evaluatedByAThread * this.#pool.size;
  }

  get name(): string {
    const how = this.#together ? "each with its share of the batch in one graph" : "one task at a time";
    return `${this.#pool.size} worker threads, ${how}`;
  }

  atOnceOf(tasks: number): ReturnType<Strategy["atOnceOf"]> {
    const graphs = Math.min(this.#pool.size, tasks);
    return { graphs, tasks: this.#together ? Math.ceil(tasks / graphs) : undefined };
  }

  async submit(
    state: State,
    episodes: readonly Episode[],
    sizes: EpisodeSizes,
    scalars: Tensors,
  ): Promise<SubmittedStep> {
    const jobs = await this.#jobs(episodes, sizes, scalars);
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
        const moved = await this.#update.run(only(this.#update, feeds));
        // Sums lie in arrays that are written again at the next step.
        const [loss, accuracy] = await Promise.all([readNumber(sums.loss!), readNumber(sums.accuracy!)]);
        return { ...moved, loss: scalar(loss), accuracy: scalar(accuracy) };
      },
    };
  }

  /** What the threads have to run for a batch. */
  async #jobs(episodes: readonly Episode[], sizes: EpisodeSizes, scalars: Tensors): Promise<Job[]> {
    if (!this.#together) {
      const program = await this.#open(`one:${Object.values(sizes)}`, () => this.#graphs.sums(sizes, undefined));
      return episodes.map((episode) => ({ program, feeds: { ...taskFeeds(episode), ...scalars } }));
    }
    const jobs = parted(episodes, Math.min(this.#pool.size, episodes.length)).map(async (part) => {
      const key = `many:${Object.values(sizes)}:${part.length}`;
      const program = await this.#open(key, () => this.#graphs.sums(sizes, part.length));
      return { program, feeds: { ...stackFeeds(part), ...scalars } };
    });
    return Promise.all(jobs);
  }

  async evaluate(state: State, episodes: readonly Episode[], sizes: EpisodeSizes, steps: number) {
    const graph = () => this.#graphs.evaluation(sizes, steps);
    const program = await this.#open(`evaluate:${steps}:${Object.values(sizes)}`, graph);
    const jobs = episodes.map((episode) => ({ program, feeds: taskFeeds(episode) }));
    return this.#pool.map(jobs, this.#unshared(state));
  }

  async #open(key: string, graph: () => Graph): Promise<string> {
    const open = async () => this.#pool.open(key, await this.#engine.portable!.prepare(graph()));
    if (!this.#opened.has(key)) this.#opened.set(key, open());
    await this.#opened.get(key);
    return key;
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
