// All tasks of a batch in one graph on an engine, the state staying on its device. A batch that does not fit into the
// device's memory runs in parts, whose gradients are added up there.
import type { InnerloopError } from "@innerloop/schemas";
import type { Episode } from "../data/index.ts";
import type { Engine, Graph, Program } from "../engines/index.ts";
import { total } from "../names.ts";
import { parted, stackFeeds, taskFeeds } from "./batch.ts";
import type { EpisodeSizes } from "./objective.ts";
import { only, readNumber, release, type State, scalar, type Tensors } from "./state.ts";
import type { StepGraphs } from "./step-graphs.ts";
import { isOutOfMemory, type Strategy, type SubmittedStep, taskTooLarge } from "./strategy.ts";

/** A program, and how many tasks its graph is for. */
interface SizedProgram {
  readonly program: Program;
  readonly tasks: number;
}

export class OneGraph implements Strategy {
  readonly name = "all tasks of a batch in one graph";
  readonly atOnce = 1;
  readonly #engine: Engine;
  readonly #graphs: StepGraphs;
  readonly #say: (message: string) => void;
  readonly #programs = new Map<string, SizedProgram>();
  /** Programs that have run to their end; on engines that queue, a lack of memory may show no earlier. */
  readonly #proven = new Set<Program>();
  /** The largest number of tasks that is tried at once. */
  #most = Number.POSITIVE_INFINITY;

  constructor(engine: Engine, graphs: StepGraphs, say: (message: string) => void) {
    this.#engine = engine;
    this.#graphs = graphs;
    this.#say = say;
  }

  get defers(): boolean {
    return this.#engine.queues ?? false;
  }

  atOnceOf(tasks: number): ReturnType<Strategy["atOnceOf"]> {
    return { graphs: 1, tasks };
  }

  async submit(
    state: State,
    episodes: readonly Episode[],
    sizes: EpisodeSizes,
    scalars: Tensors,
  ): Promise<SubmittedStep> {
    for (;;) {
      const parts = Math.ceil(episodes.length / Math.min(this.#most, episodes.length));
      const share = Math.ceil(episodes.length / parts);
      try {
        const outputs =
          parts === 1 && !this.#graphs.apart
            ? await this.#whole(state, episodes, sizes, scalars)
            : await this.#inParts(state, parted(episodes, parts), sizes, scalars);
        return { parts, outputs: async () => outputs };
      } catch (error) {
        if (!isOutOfMemory(error)) throw error;
        await this.#fitLess(episodes.length, share, sizes, error);
      }
    }
  }

  async #whole(state: State, episodes: readonly Episode[], sizes: EpisodeSizes, scalars: Tensors): Promise<State> {
    const tasks = episodes.length;
    const program = await this.#program("step", sizes, tasks, () => this.#graphs.whole(sizes, tasks));
    return this.#run(program, { ...state, ...stackFeeds(episodes), ...scalars });
  }

  async #inParts(
    state: State,
    parts: readonly (readonly Episode[])[],
    sizes: EpisodeSizes,
    scalars: Tensors,
  ): Promise<State> {
    let sums: State = this.#graphs.noSums();
    for (const part of parts) {
      const before = sums;
      try {
        const tasks = part.length;
        const program = await this.#program("sums", sizes, tasks, () => this.#graphs.running(sizes, tasks));
        sums = await this.#run(program, { ...state, ...stackFeeds(part), ...scalars, ...total.named(before) });
      } finally {
        release(before);
      }
    }
    const { loss, accuracy, ...gradients } = sums;
    try {
      const program = await this.#program("update", sizes, 0, () => this.#graphs.update());
      const tasks = parts.reduce((count, part) => count + part.length, 0);
      const moved = await this.#run(program, { ...state, ...sums, ...scalars, share: scalar(1 / tasks) });
      return { ...moved, loss: loss!, accuracy: accuracy! };
    } catch (error) {
      release({ loss: loss!, accuracy: accuracy! });
      throw error;
    } finally {
      release(gradients);
    }
  }

  async #run(program: Program, feeds: State): Promise<State> {
    const outputs = await program.runOnDevice(only(program, feeds));
    if (!this.#proven.has(program)) {
      try {
        await readNumber(Object.values(outputs).find(({ shape }) => shape.length === 0)!);
      } catch (error) {
        release(outputs);
        throw error;
      }
      this.#proven.add(program);
    }
    return outputs;
  }

  /** From now on at most half as many tasks at once. @throws InnerloopError where it was one already */
  async #fitLess(batch: number, share: number, sizes: EpisodeSizes, cause: InnerloopError): Promise<void> {
    if (share === 1) throw taskTooLarge(this.#engine.name, sizes, cause);
    this.#most = Math.ceil(share / 2);
    for (const [key, { program, tasks }] of this.#programs)
      if (tasks > this.#most) {
        this.#programs.delete(key);
        await program.dispose();
      }
    const parts = Math.ceil(batch / this.#most);
    this.#say(
      `${share} tasks at once do not fit into the memory of ${this.#engine.name}; the batch of ${batch} goes on in ` +
        `${parts} parts of up to ${this.#most}, with the same result up to rounding.`,
    );
  }

  async evaluate(state: State, episodes: readonly Episode[], sizes: EpisodeSizes, steps: number) {
    const results: Tensors[] = [];
    try {
      const graph = () => this.#graphs.evaluation(sizes, steps);
      const program = await this.#program(`evaluate:${steps}`, sizes, 1, graph);
      for (const episode of episodes)
        results.push(await program.run(only(program, { ...state, ...taskFeeds(episode) })));
    } catch (error) {
      throw isOutOfMemory(error) ? taskTooLarge(this.#engine.name, sizes, error) : error;
    }
    return results;
  }

  async #program(name: string, sizes: EpisodeSizes, tasks: number, graph: () => Graph): Promise<Program> {
    const key = `${name}:${Object.values(sizes)}:${tasks}`;
    const known = this.#programs.get(key);
    if (known) return known.program;
    const program = await this.#engine.compile(graph());
    this.#programs.set(key, { program, tasks });
    return program;
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#programs.values()].map(({ program }) => program.dispose()));
    this.#programs.clear();
  }
}
