// What the GPU benchmark times: second-order meta-gradients of two networks, over few tasks and many.
import type { Learner } from "@innerloop/graph";
import { conv4, type Model, maml, resnet12 } from "@innerloop/train";
import { type WorkloadData, workloadData } from "../peers/data.ts";

/** One case, as peer.py takes it, but for the framework and the device. */
export interface GpuCase {
  readonly model: "conv4" | "resnet12";
  readonly filters: readonly number[];
  readonly input: readonly number[];
  readonly ways: number;
  /** Examples a task. */
  readonly support: number;
  readonly queries: number;
  readonly steps: number;
  readonly rate: number;
  readonly tasks: number;
  readonly seed: number;
}

const common = { input: [28, 28, 1], ways: 5, support: 5, queries: 25, steps: 5, rate: 1 / 64, seed: 1 } as const;
const filters = { conv4: [64, 64, 64, 64], resnet12: [64, 160, 320, 640] } as const;
/** The same shapes with few filters, to see that all parts work where there is no GPU. */
const few = { conv4: [8, 8, 8, 8], resnet12: [4, 4, 8, 8] } as const;

/** Every model with every number of tasks. */
export const gpuCases = (models: readonly GpuCase["model"][], tasks: readonly number[], small: boolean): GpuCase[] =>
  models.flatMap((model) =>
    tasks.map((count) => ({ ...common, model, filters: (small ? few : filters)[model], tasks: count })),
  );

const build = ({ model, filters: [first = 0, ...rest], input, ways }: GpuCase): Model =>
  model === "conv4" ? conv4(input, ways, { filters: first }) : resnet12(input, ways, { filters: [first, ...rest] });

/** MAML with one fixed rate, and its data, which peer.py makes from the same seed. */
export function gpuLearner(workload: GpuCase): { learner: Learner; data: WorkloadData } {
  const learner = maml(build(workload), { steps: workload.steps, innerRate: workload.rate, head: "learned" });
  const shapes = Object.entries(learner.parameters).map(([name, { shape }]) => [name, shape] as const);
  const network = { model: workload.model, inputShape: workload.input, outputs: workload.ways };
  const { seed, tasks, support, queries, steps } = workload;
  return { learner, data: workloadData({ network, seed, tasks, support, queries, steps, rates: {} }, shapes) };
}
