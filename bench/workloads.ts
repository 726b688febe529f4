// What is timed: cases that say all of a workload, so that every side makes the same problem of them, with the goals of the project.
import { constant, type Learner } from "@innerloop/graph";
import { InnerloopError } from "@innerloop/schemas";
import { buildLearner, buildModel, conv4, type Model, maml, metamodel, mlp, presetNamed } from "@innerloop/train";
import { type WorkloadBatch, type WorkloadCase, type WorkloadData, workloadData } from "./peers/data.ts";

/** `peers/problems.py` says what each kind computes. */
export type Kind = "adapt" | "meta" | "evaluate" | "train";

interface Network {
  readonly model: "conv4" | "metamodel" | "mlp";
  readonly inputShape: readonly number[];
  readonly outputs: number;
  /** Of conv4. */
  readonly filters?: number;
  readonly strides?: readonly number[];
}

/** All of a workload, as JSON. */
export interface Case extends WorkloadCase {
  readonly kind: Kind;
  readonly network: Network;
  readonly parameters: readonly (readonly [name: string, shape: readonly number[]])[];
  /** Time of the processor counts, not that of the clock. */
  readonly processor?: boolean;
  /** Compiling it takes minutes, so that a peer tries one way only. */
  readonly long?: boolean;
  /** Of `train`: the outer rate, its warm-up in iterations, the largest norm of a gradient, and of an inner rate. */
  readonly rate?: number;
  readonly warmup?: number;
  readonly clip?: number;
  readonly mostRate?: number;
}

/** The largest ratios of our time to a peer's that are wanted, by the number of threads where these differ. */
export interface Goals {
  readonly eager: number | Readonly<Record<number, number>>;
  /** To the best of torch.compile, compiled vmap and JAX. */
  readonly compiled: number;
}

export interface Workload {
  readonly name: string;
  readonly title: string;
  readonly goals: Goals;
  readonly case: Case;
  /** Every run is a process of its own, timed from its start: with nothing kept of earlier ones, or with what a first one kept. */
  readonly fresh?: "cold" | "kept";
}

const strides = [2, 2, 2, 1];
/** The preset whose iteration is timed. */
const preset = presetNamed("omniglot-5way-1shot").config;

const modelOf = ({ model, inputShape, outputs, filters = 64, strides: steps = strides }: Network): Model => {
  if (model === "conv4") return conv4(inputShape, outputs, { filters, norm: "layer", strides: steps });
  return model === "metamodel" ? metamodel(inputShape, outputs) : mlp(inputShape, outputs);
};

const presetLearner = ({ filters = 64, inputShape, outputs }: Network): Learner =>
  buildLearner(preset, buildModel({ ...preset.model, filters }, inputShape, outputs), "classification");

const plainLearner = (network: Network, steps: number): Learner =>
  maml(modelOf(network), {
    task: network.model === "mlp" ? "regression" : "classification",
    steps,
    learnRates: true,
    loop: "plain",
  });

/** The learner of a case: MAML whose inner rates are fixed, one for each parameter; or the preset's. */
export function learnerOf({ kind, network, steps, rates }: Case): Learner {
  if (kind === "train") return presetLearner(network);
  const learner = plainLearner(network, steps);
  const fixed = Object.fromEntries(Object.entries(rates).map(([name, rate]) => [`rate/${name}`, constant(rate)]));
  return {
    ...learner,
    parameters: Object.fromEntries(Object.entries(learner.parameters).filter(([name]) => !(name in fixed))),
    rates,
    adapt: (parameters, support, options) => learner.adapt({ ...parameters, ...fixed }, support, options),
  };
}

/** What a case is made of: sizes, and one number that the rates are near. */
export interface Sizes {
  readonly kind: Kind;
  readonly network: Network;
  readonly tasks: number;
  /** Examples a task. */
  readonly support: number;
  readonly queries: number;
  readonly steps?: number;
  readonly rate?: number;
}

export function caseOf({ kind, network, tasks, support, queries, steps = 5, rate = 1 / 32 }: Sizes): Case {
  const whole = kind === "train" ? presetLearner(network) : plainLearner(network, steps);
  const specs = Object.entries(whole.parameters).filter(([name]) => kind === "train" || !name.startsWith("rate/"));
  const parameters = specs.map(([name, { shape }]) => [name, shape] as const);
  const common = { kind, network, parameters, seed: 1, tasks, support, queries, steps };
  if (kind !== "train") {
    const rates = parameters.map(([name], index) => [name, rate * (1 + (index % 3) / 8)]);
    return { ...common, rates: Object.fromEntries(rates) };
  }
  const { optimizer, schedule, clip, maxInnerRate, innerRate } = preset;
  const outer = { rate: optimizer.rate, warmup: schedule.warmup, clip: clip ?? 1e9, mostRate: maxInnerRate };
  return { ...common, ...outer, rates: {}, innerRate, processor: true };
}

/** How the preset trains, but for the end of its schedule, which a run alone has. */
export const presetOptions = {
  optimizer: preset.optimizer,
  schedule: { ...preset.schedule, decay: "none" as const },
  clip: preset.clip,
};

const conv4Net: Network = { model: "conv4", inputShape: [28, 28, 1], outputs: 5, filters: 64, strides };
const metamodelNet: Network = { model: "metamodel", inputShape: [28, 28, 1], outputs: 5 };
const mlpNet: Network = { model: "mlp", inputShape: [1], outputs: 1 };
const gradientSizes = { kind: "meta", tasks: 4, support: 5, queries: 25 } as const;

interface Entry extends Omit<Workload, "case"> {
  readonly sizes: Sizes;
  readonly long?: boolean;
}

const entries: readonly Entry[] = [
  {
    name: "adapt-conv4",
    title: "adapt 5 steps conv4-64 5w1s",
    goals: { eager: 0.4, compiled: 0.7 },
    sizes: { kind: "adapt", network: conv4Net, tasks: 1, support: 5, queries: 0 },
  },
  {
    name: "adapt-metamodel",
    title: "adapt 5 steps metamodel 5w5s",
    goals: { eager: 0.6, compiled: 0.9 },
    sizes: { kind: "adapt", network: metamodelNet, tasks: 1, support: 25, queries: 0 },
  },
  {
    name: "adapt-mlp",
    title: "adapt 5 steps sinusoid MLP",
    goals: { eager: 0.1, compiled: 0.5 },
    sizes: { kind: "adapt", network: mlpNet, tasks: 1, support: 10, queries: 0, rate: 1 / 64 },
  },
  {
    name: "meta-conv4",
    title: "meta-iteration conv4-64 K=5 ×4, 2nd order",
    goals: { eager: { 1: 0.35, 2: 0.25 }, compiled: 0.45 },
    sizes: { ...gradientSizes, network: conv4Net },
    long: true,
  },
  {
    name: "meta-metamodel",
    title: "meta-iteration metamodel K=5 ×4",
    goals: { eager: 0.6, compiled: 0.8 },
    sizes: { ...gradientSizes, network: metamodelNet },
    long: true,
  },
  {
    name: "meta-mlp",
    title: "meta-iteration sinusoid, 25 tasks",
    goals: { eager: 0.15, compiled: 0.6 },
    sizes: { kind: "meta", network: mlpNet, tasks: 25, support: 10, queries: 10, rate: 1 / 64 },
  },
  {
    name: "train-preset",
    title: "the preset's training iteration (ANIL, 20 ways, prototype head), per processor second",
    goals: { eager: 0.5, compiled: 0.8 },
    sizes: { kind: "train", network: { ...conv4Net, outputs: 20 }, tasks: 2, support: 20, queries: 80 },
  },
  {
    name: "evaluate-conv4",
    title: "8 episodes evaluated, conv4, 5w1s, 15 queries",
    goals: { eager: 0.3, compiled: 0.7 },
    sizes: { kind: "evaluate", network: conv4Net, tasks: 8, support: 5, queries: 75 },
  },
  {
    name: "first-conv4",
    title: "first iteration after process start, conv4 K=5",
    goals: { eager: 0.8, compiled: 0.05 },
    sizes: { ...gradientSizes, network: conv4Net },
    fresh: "cold",
  },
  {
    name: "again-conv4",
    title: "the same of a later process, which finds the session that the first one kept",
    goals: { eager: 0.8, compiled: 0.05 },
    sizes: { ...gradientSizes, network: conv4Net },
    fresh: "kept",
  },
];

/** Few filters and tasks, to see that all parts work. */
const shrunk = ({ network, tasks, ...sizes }: Sizes): Sizes => ({
  ...sizes,
  tasks: Math.min(tasks, 2),
  network: network.model === "conv4" ? { ...network, filters: 4 } : network,
});

export const workloadNames: readonly string[] = entries.map(({ name }) => name);

/**
 * @param small with few filters and tasks
 * @throws InnerloopError `unknown-workload`
 */
export function workloadNamed(name: string, small = false): Workload {
  const found = entries.find((entry) => entry.name === name);
  if (!found)
    throw new InnerloopError(
      "unknown-workload",
      `The workload "${name}" was asked for; known are ${workloadNames.join(", ")}; choose among them.`,
      { exitStatus: 2 },
    );
  const { sizes, long, ...workload } = found;
  const made = caseOf(small ? shrunk(sizes) : sizes);
  return { ...workload, case: long ? { ...made, long } : made };
}

/** The goal of a workload for a number of threads; the last one that is said holds for more. */
export const goalOf = (goal: Goals["eager"], threads: number): number =>
  typeof goal === "number" ? goal : (goal[threads] ?? Object.values(goal).at(-1)!);

export type { WorkloadBatch, WorkloadData };

/** Parameters and tasks, the same as a peer makes them. */
export const dataOf = (workload: Case): WorkloadData => workloadData(workload, workload.parameters);
