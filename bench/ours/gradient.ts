// Our second-order meta-gradient, as the trainer takes it: over one worker thread a core with new parameters given to the workers each
// time, or, for small networks, with all tasks in one graph. An optimizer's step is no part of it.
import type { Learner, LoopStructure } from "@innerloop/graph";
import type { Tensor } from "@innerloop/schemas";
import {
  type EpisodeSizes,
  type Job,
  laidOut,
  metaGradient,
  onProcessor,
  openEngine,
  Pool,
  parameterValues,
  parted,
  prefersOneGraph,
} from "@innerloop/train";
import type { Runnable } from "../peers/serve.ts";
import { type Case, dataOf, learnerOf, type WorkloadBatch, type WorkloadData } from "../workloads.ts";
import { float32, floats } from "./bundle.ts";
import { type OurEngine, trainedOn } from "./engines.ts";
import { digest } from "./result.ts";

type Tensors = Record<string, Tensor>;

export const targets = (y: WorkloadBatch["y"]): Tensor =>
  "shape" in y ? float32(y) : { dtype: "int32", shape: [y.length], data: y };

export const taskTensors = ({ support, query }: WorkloadData["tasks"][number]): Tensors => ({
  support_x: float32(support.x),
  support_y: targets(support.y),
  query_x: float32(query.x),
  query_y: targets(query.y),
});

/** Every input of the tasks with a leading task axis; all are float32 in the workloads that need it. */
export function stacked(tasks: readonly Tensors[]): Tensors {
  return Object.fromEntries(
    Object.entries(tasks[0]!).map(([name, { dtype, shape }]) => {
      const data = Float32Array.from(tasks.flatMap((task) => Array.from(task[name]!.data as Float32Array)));
      return [name, { dtype, shape: [tasks.length, ...shape], data }];
    }),
  );
}

/** The graph of one task's part of the meta-gradient, or of several tasks' at once. */
export function gradientOutputs(
  learner: Learner,
  sizes: EpisodeSizes,
  tasks: number | undefined,
  engine: OurEngine = "onnxruntime",
) {
  const where = { learner, steps: learner.steps, engine: { name: trainedOn(engine) } };
  const build = (structure: LoopStructure) =>
    metaGradient(learner, parameterValues(learner), sizes, tasks, { structure, inPortions: onProcessor(where) });
  const { loss, accuracy, gradients } = laidOut(where, build, (built) => Object.values(built.gradients));
  const named = Object.entries(gradients).map(([name, value]) => [`gradient/${name}`, value]);
  return { loss, accuracy, ...Object.fromEntries(named) };
}

export async function prepareGradient(workload: Case, threads: number, on: OurEngine): Promise<Runnable> {
  const learner = learnerOf(workload);
  const data = dataOf(workload);
  const { support, queries, tasks: count, network } = workload;
  const sizes = { support, query: queries, ways: network.outputs };
  const [parameters, tasks] = [floats(data.parameters), data.tasks.map(taskTensors)];
  const small = prefersOneGraph(learner);
  const { engine } = await openEngine(trainedOn(on), { threads: 1 });

  /** The sums over the tasks, and how to stop. */
  const open = async (): Promise<{ way: string; sums: () => Promise<Tensors>; close: () => Promise<void> }> => {
    if (small && threads === 1) {
      const program = await engine.compile({ outputs: gradientOutputs(learner, sizes, count, on) });
      const feeds = { ...parameters, ...stacked(tasks) };
      return { way: "all tasks in one graph", sums: () => program.run(feeds), close: () => program.dispose() };
    }
    const pool = new Pool(threads, engine.name);
    pool.start(count);
    const jobOf = async (part: readonly Tensors[], feeds: Tensors, together: boolean): Promise<Job> => {
      const program = together ? `${part.length} tasks` : "one task";
      const prepared = () =>
        engine.portable!.prepare({ outputs: gradientOutputs(learner, sizes, together ? part.length : undefined, on) });
      if (!opened.has(program))
        opened.set(
          program,
          prepared().then((bytes) => pool.add(program, bytes)),
        );
      await opened.get(program);
      return { program, feeds };
    };
    const opened = new Map<string, Promise<void>>();
    const jobs = await Promise.all(
      small
        ? parted(tasks, Math.min(threads, tasks.length)).map((part) => jobOf(part, stacked(part), true))
        : tasks.map((task) => jobOf([task], task, false)),
    );
    // A trainer's parameters are new at every step, so giving them to the workers is part of the sums.
    const how = small ? "each with its share of the tasks in one graph" : "one task at a time";
    return {
      way: `${threads} worker ${threads === 1 ? "thread" : "threads"}, ${how}`,
      sums: () => pool.sum(jobs, parameters),
      close: () => pool.close(),
    };
  };
  const { way, sums, close } = await open();
  const once = async (): Promise<Tensors> => {
    const means = await sums();
    for (const { data } of Object.values(means))
      for (let i = 0; i < data.length; i++) (data as Float32Array)[i]! /= count;
    return means;
  };
  return {
    way,
    once,
    async result() {
      const means = await once();
      const gradients = Object.keys(parameters).map((name): [string, Tensor] => [name, means[`gradient/${name}`]!]);
      return { losses: [means.loss!.data[0] as number], ...digest(Object.fromEntries(gradients)) };
    },
    async close() {
      await close();
      await engine.dispose();
    },
  };
}
