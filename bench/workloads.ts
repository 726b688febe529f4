// What is timed: the workloads that torch_peer.py knows too, with the targets that the project sets itself.
import { constant, type Learner } from "@innerloop/graph";
import { InnerloopError } from "@innerloop/schemas";
import { conv4, maml, metamodel, mlp } from "@innerloop/train";
import { type WorkloadBatch, type WorkloadCase, type WorkloadData, workloadData } from "./peers/data.ts";

export interface Workload {
  readonly name: string;
  /** `adapt`: the inner loop alone; `meta`: from meta-parameters to the second-order meta-gradient. */
  readonly kind: "adapt" | "meta";
  /** The largest ratio of our time to PyTorch's that is wanted. */
  readonly target: number;
  readonly case: WorkloadCase;
}

const images = { inputShape: [28, 28, 1], outputs: 5, activation: "relu" };
const strides = [2, 2, 2, 1];
const networks = {
  conv4: { model: "conv4", ...images, filters: 64, norm: "layer", strides, pool: false },
  metamodel: { model: "metamodel", ...images },
  mlp: { model: "mlp", inputShape: [1], outputs: 1, activation: "relu" },
};
const models = {
  conv4: () => conv4(images.inputShape, images.outputs, { filters: 64, norm: "layer", strides }),
  metamodel: () => metamodel(images.inputShape, images.outputs),
  mlp: () => mlp([1], 1),
};
type ModelName = keyof typeof models;

function workload(
  kind: "adapt" | "meta",
  model: ModelName,
  target: number,
  tasks: number,
  support: number,
  queries: number,
  rate: number,
): Workload {
  const names = Object.keys(models[model]().parameters);
  const rates = Object.fromEntries(names.map((name, index) => [name, rate * (1 + (index % 3) / 8)]));
  const network = networks[model];
  return {
    name: `${kind}-${model}`,
    kind,
    target,
    case: { network, seed: 1, tasks, support, queries, steps: 5, rates },
  };
}

/** All, by name. */
export const workloads: ReadonlyMap<string, Workload> = new Map(
  [
    workload("adapt", "conv4", 0.75, 1, 5, 0, 1 / 32),
    workload("meta", "conv4", 0.9, 4, 5, 25, 1 / 32),
    workload("meta", "metamodel", 1, 4, 5, 25, 1 / 32),
    workload("adapt", "mlp", 0.35, 1, 10, 0, 1 / 64),
    workload("meta", "mlp", 0.35, 25, 10, 10, 1 / 64),
  ].map((workload) => [workload.name, workload]),
);

/** @throws InnerloopError `unknown-workload` */
export function workloadNamed(name: string): Workload {
  const found = workloads.get(name);
  if (found) return found;
  throw new InnerloopError(
    "unknown-workload",
    `The workload "${name}" was asked for; known are ${[...workloads.keys()].join(", ")}; choose among them.`,
    { exitStatus: 2 },
  );
}

/** The learner of a workload: MAML whose inner rates are fixed, one for each parameter. */
export function learnerOf({ case: { network, steps, rates } }: Workload): Learner {
  const task = network.model === "mlp" ? "regression" : "classification";
  const learner = maml(models[network.model as ModelName](), { task, steps, learnRates: true, loop: "plain" });
  const fixed = Object.fromEntries(Object.entries(rates).map(([name, rate]) => [`rate/${name}`, constant(rate)]));
  return {
    ...learner,
    parameters: Object.fromEntries(Object.entries(learner.parameters).filter(([name]) => !(name in fixed))),
    rates,
    adapt: (parameters, support, options) => learner.adapt({ ...parameters, ...fixed }, support, options),
  };
}

export type { WorkloadBatch, WorkloadData };

/** Parameters and tasks, the same as a peer makes them. */
export const dataOf = (workload: Workload, learner: Learner): WorkloadData =>
  workloadData(
    workload.case,
    Object.entries(learner.parameters).map(([name, { shape }]) => [name, shape] as const),
  );
