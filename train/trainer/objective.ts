// What meta-training minimizes: the query loss after adapting to the support set (Finn et al. 2017, eq. 1), as graphs.
import {
  type Dim,
  type ExampleValues,
  grad,
  grams,
  input,
  type Learner,
  type LoopStructure,
  op,
  type Parameters,
  portions,
  scope,
  together,
  type Value,
  vmap,
} from "@innerloop/graph";
import { accuracyOf } from "../losses.ts";
import { episodeArrays } from "../names.ts";

/** Sizes of the episodes that a graph is made for. */
export interface EpisodeSizes {
  readonly support: number;
  readonly query: number;
  readonly ways: number;
}

export interface ObjectiveOptions {
  /** Inner steps; the learner's own unless given. */
  readonly steps?: number;
  /** Weights `[steps]` of the query losses after each step (Antoniou et al. 2019, §4, multi-step loss); the last alone unless given. */
  readonly stepWeights?: Value;
  /**
   * Multiplies the loss, and its root the inner losses, while derivatives are taken, so that these stay in the range of
   * float16 (Micikevicius et al. 2018, §3.2); results are divided by it again. A scalar.
   */
  readonly lossScale?: Value;
  /** How the inner steps are laid out; `unrolled` unless given. */
  readonly structure?: LoopStructure;
  /** Whether convolutions of many examples are done for some at a time, where a graph is of one task; not unless given. */
  readonly inPortions?: boolean;
}

/** Meta-loss and query accuracy (a regression has the loss for it) of one task, both scalars, and the predictions. */
export interface TaskResult {
  readonly loss: Value;
  readonly accuracy: Value;
  readonly predictions: Value;
}

/** Adapts to the support set and measures on the query set, once. */
function taskResult(
  learner: Learner,
  parameters: Parameters,
  support: ExampleValues,
  query: ExampleValues,
  ways: Dim,
  options: ObjectiveOptions = {},
): TaskResult {
  const { steps = learner.steps, stepWeights, lossScale, structure, inPortions = false } = options;
  const { state, path } = learner.adapt(parameters, support, {
    steps,
    ways,
    masked: learner.outputs !== undefined && ways !== learner.outputs,
    balanced: true,
    ...(structure ? { structure } : {}),
    ...(lossScale ? { lossScale: op.Sqrt(lossScale) } : {}),
  });
  const answer = (from: Parameters) => present(learner, learner.predict(parameters, from, query.x), ways);
  const predictions = scope("query", () => answer(state));
  const last = scope("query", () => learner.loss(predictions, query.y));
  const accuracy = learner.task === "classification" ? accuracyOf(predictions, query.y) : last;
  const joined = (result: TaskResult): TaskResult => {
    const data = [support.x, query.x];
    const values = [result.loss, result.accuracy, result.predictions];
    const joint = together(values, data);
    // In float16 a norm's statistics need the range that its own operator keeps for them.
    const normed = lossScale ? joint : grams(joint, data);
    const [loss, accuracy, predictions] = inPortions ? portions(normed) : normed;
    return { loss: loss!, accuracy: accuracy!, predictions: predictions! };
  };
  if (!stepWeights || path.length < 2) return joined({ loss: last, accuracy, predictions });
  const losses = path.slice(1).map((p) => op.Unsqueeze(learner.loss(answer(p), query.y), [0]));
  const loss = op.ReduceSum(op.Mul(op.Concat(losses, 0), stepWeights), { keepdims: false });
  return joined({ loss, accuracy, predictions });
}

/** Predictions for the classes of a task alone, as a device gives them: outputs beyond these compete for no answer. */
function present(learner: Learner, predictions: Value, ways: Dim): Value {
  const fewer = learner.task === "classification" && typeof ways === "number" && ways < (learner.outputs ?? ways);
  return fewer ? op.Slice(predictions, [0], [ways], [1]) : predictions;
}

/** Inputs of one task, or with a leading axis of `tasks`. */
function episodeValues(learner: Learner, sizes: EpisodeSizes, tasks?: number): [Value, Value, Value, Value] {
  const lead = tasks === undefined ? [] : [tasks];
  const x = (name: string, n: number) => input(name, [...lead, n, ...learner.inputShape]);
  const y = (name: string, n: number) =>
    learner.task === "classification"
      ? input(name, [...lead, n], "int64")
      : input(name, [...lead, n, learner.outputs!]);
  const { support, query } = episodeArrays;
  return [x(support.x, sizes.support), y(support.y, sizes.support), x(query.x, sizes.query), y(query.y, sizes.query)];
}

export const parameterValues = (learner: Learner): Parameters =>
  Object.fromEntries(Object.entries(learner.parameters).map(([name, { shape }]) => [name, input(name, shape)]));

/** Results of `tasks` tasks at once, `[tasks]` each; predictions `[tasks, n, outputs]`. One task has no such axis. */
function episodeResults(
  learner: Learner,
  parameters: Parameters,
  sizes: EpisodeSizes,
  tasks: number | undefined,
  options: ObjectiveOptions = {},
): TaskResult {
  const values = episodeValues(learner, sizes, tasks);
  const one = (sx: Value, sy: Value, qx: Value, qy: Value) =>
    taskResult(learner, parameters, { x: sx, y: sy }, { x: qx, y: qy }, sizes.ways, {
      ...options,
      inPortions: options.inPortions === true && tasks === undefined,
    });
  if (tasks === undefined) return one(...values);
  const [loss, accuracy, predictions] = vmap((sx, sy, qx, qy) => {
    const result = one(sx!, sy!, qx!, qy!);
    return [result.loss, result.accuracy, result.predictions];
  }, values);
  return { loss: loss!, accuracy: accuracy!, predictions: predictions! };
}

/** The results of one episode, with some number of inner steps. */
export const evaluationGraph = (
  learner: Learner,
  sizes: EpisodeSizes,
  steps: number,
  laidOut: Pick<ObjectiveOptions, "structure" | "inPortions"> = {},
) => ({
  outputs: { ...episodeResults(learner, parameterValues(learner), sizes, undefined, { steps, ...laidOut }) },
});

export interface MetaGradient {
  /** Sum over the tasks. */
  readonly loss: Value;
  readonly accuracy: Value;
  /** d loss / d parameter, by the parameter's name. */
  readonly gradients: Parameters;
}

/** The meta-loss summed over tasks, and its exact gradient. */
export function metaGradient(
  learner: Learner,
  parameters: Parameters,
  sizes: EpisodeSizes,
  tasks: number | undefined,
  options: ObjectiveOptions = {},
): MetaGradient {
  const { loss, accuracy } = episodeResults(learner, parameters, sizes, tasks, options);
  const total = (value: Value) => (tasks === undefined ? value : op.ReduceSum(value, { keepdims: false }));
  const names = Object.keys(parameters);
  const { lossScale } = options;
  const slopes = grad(
    lossScale ? op.Mul(total(loss), lossScale) : total(loss),
    names.map((name) => parameters[name]!),
  );
  const gradients = lossScale ? slopes.map((slope) => op.Mul(slope, op.Reciprocal(lossScale))) : slopes;
  return {
    loss: total(loss),
    accuracy: total(accuracy),
    gradients: Object.fromEntries(names.map((name, i) => [name, gradients[i]!])),
  };
}

/** Weights of the query losses after each step: even at first, the last one alone at the end (Antoniou et al. 2019, §4). */
export function stepWeights(steps: number, progress: number): Float32Array {
  const even = Math.max(0, 1 - 2 * progress) / steps;
  return Float32Array.from({ length: steps }, (_, i) => (i < steps - 1 ? even : 1 - even * (steps - 1)));
}

/** An input for such weights. */
export const stepWeightsInput = (steps: number): Value => input("step_weights", [steps]);
