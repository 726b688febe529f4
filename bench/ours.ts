// Our side of a workload: adapting through an exported bundle and the runtime, meta-gradients as the trainer takes them.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildBundle } from "@innerloop/export";
import type { Learner } from "@innerloop/graph";
import type { Tensor } from "@innerloop/schemas";
import {
  type EpisodeSizes,
  type Job,
  metaGradient,
  openEngine,
  Pool,
  parameterValues,
  parted,
  prefersOneGraph,
} from "@innerloop/train";
import { openAdapt } from "./adapt.ts";
import { type Contender, contender } from "./contender.ts";
import { type Data, projection } from "./peers/data.ts";
import type { PeerResult } from "./peers/torch.ts";
import { dataOf, learnerOf, type Workload, type WorkloadBatch, type WorkloadData } from "./workloads.ts";

export interface Ours extends Contender {
  /** How it is run, in words. */
  readonly way: string;
  /** What it computes; the losses of a meta workload are one, the mean over the tasks. */
  result(): Promise<PeerResult>;
  close(): Promise<void>;
}

type Tensors = Record<string, Tensor>;

const float32 = ({ shape, data }: Data): Tensor => ({ dtype: "float32", shape, data });
const floats = (values: Readonly<Record<string, Data>>): Tensors =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, float32(value)]));
const targets = (y: WorkloadBatch["y"]): Tensor =>
  "shape" in y ? float32(y) : { dtype: "int32", shape: [y.length], data: y };

/** Projections of `values − from` and the norms of `values`. */
function digest(values: Readonly<Tensors>, from?: Readonly<Record<string, Data>>) {
  const by = (summary: (name: string, data: Float32Array) => number) =>
    Object.fromEntries(Object.entries(values).map(([name, { data }]) => [name, summary(name, data as Float32Array)]));
  return {
    projections: by((name, data) =>
      projection(from ? Float64Array.from(data, (v, i) => v - from[name]!.data[i]!) : data),
    ),
    norms: by((_, data) => Math.sqrt(data.reduce((sum, value) => sum + value * value, 0))),
  };
}

/** Writes the bundle of a workload's learner into a folder of its own. */
export async function writeWorkloadBundle(workload: Workload): Promise<{ folder: string; data: WorkloadData }> {
  const learner = learnerOf(workload);
  const data = dataOf(workload, learner);
  const { manifest, files } = buildBundle(learner, floats(data.parameters));
  const folder = await mkdtemp(join(tmpdir(), "innerloop-bench-"));
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
  await writeFile(join(folder, "manifest.json"), JSON.stringify(manifest));
  return { folder, data };
}

async function prepareAdapt(workload: Workload, threads: number): Promise<Ours> {
  const { folder, data } = await writeWorkloadBundle(workload);
  const { once, close } = await openAdapt(folder, threads, data.tasks[0]!.support);
  return {
    way: `bundle through the runtime, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    ...contender(once),
    async result() {
      const { supportLoss, state } = await once();
      return { losses: supportLoss, ...digest(state, data.parameters) };
    },
    async close() {
      await close();
      await rm(folder, { recursive: true });
    },
  };
}

const taskTensors = ({ support, query }: WorkloadData["tasks"][number]): Tensors => ({
  support_x: float32(support.x),
  support_y: targets(support.y),
  query_x: float32(query.x),
  query_y: targets(query.y),
});

/** Every input of the tasks with a leading task axis; all are float32 in the workloads that need it. */
function stacked(tasks: readonly Tensors[]): Tensors {
  return Object.fromEntries(
    Object.entries(tasks[0]!).map(([name, { dtype, shape }]) => {
      const data = Float32Array.from(tasks.flatMap((task) => Array.from(task[name]!.data as Float32Array)));
      return [name, { dtype, shape: [tasks.length, ...shape], data }];
    }),
  );
}

function outputsOf(learner: Learner, sizes: EpisodeSizes, tasks: number | undefined) {
  const { loss, accuracy, gradients } = metaGradient(learner, parameterValues(learner), sizes, tasks);
  const named = Object.entries(gradients).map(([name, value]) => [`gradient/${name}`, value]);
  return { loss, accuracy, ...Object.fromEntries(named) };
}

async function prepareMeta(workload: Workload, threads: number): Promise<Ours> {
  const learner = learnerOf(workload);
  const data = dataOf(workload, learner);
  const { support, queries, tasks: count, network } = workload.case;
  const sizes = { support, query: queries, ways: network.outputs };
  const [parameters, tasks] = [floats(data.parameters), data.tasks.map(taskTensors)];
  const small = prefersOneGraph(learner);
  const { engine } = await openEngine("onnxruntime:cpu", { threads: 1 });

  /** The sums over the tasks, and how to stop. */
  const open = async (): Promise<{ way: string; sums: () => Promise<Tensors>; close: () => Promise<void> }> => {
    if (small && threads === 1) {
      const program = await engine.compile({ outputs: outputsOf(learner, sizes, count) });
      const feeds = { ...parameters, ...stacked(tasks) };
      return { way: "all tasks in one graph", sums: () => program.run(feeds), close: () => program.dispose() };
    }
    const pool = new Pool(threads, engine.name);
    const open = async (program: string, graph: { readonly outputs: ReturnType<typeof outputsOf> }) =>
      pool.open(program, await engine.portable!.prepare(graph));
    const jobOf = async (part: readonly Tensors[], feeds: Tensors, together: boolean): Promise<Job> => {
      const program = together ? `${part.length} tasks` : "one task";
      const graph = { outputs: outputsOf(learner, sizes, together ? part.length : undefined) };
      if (!opened.has(program)) opened.set(program, open(program, graph));
      await opened.get(program);
      return { program, feeds };
    };
    const opened = new Map<string, Promise<void>>();
    const jobs = await Promise.all(
      small
        ? parted(tasks, threads).map((part) => jobOf(part, stacked(part), true))
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
    ...contender(once),
    async result() {
      const means = await once();
      const gradients = Object.fromEntries(
        Object.keys(parameters).map((name): [string, Tensor] => [name, means[`gradient/${name}`]!]),
      );
      return { losses: [means.loss!.data[0] as number], ...digest(gradients) };
    },
    async close() {
      await close();
      await engine.dispose();
    },
  };
}

/** Makes the data, compiles, and opens what a workload needs. */
export const prepareOurs = (workload: Workload, threads: number): Promise<Ours> =>
  workload.kind === "adapt" ? prepareAdapt(workload, threads) : prepareMeta(workload, threads);
