// A network of a file as a learner: a head on its features, or its own, and what of it moves.
import {
  balancingWeights,
  constant,
  curvatureBound,
  innerLoop,
  type Learner,
  type Operand,
  oneHot,
  op,
  type ParameterSpec,
  type Parameters,
  type Value,
} from "@innerloop/graph";
import { anyHead, framed, frameOf, freshHead, type HeadKind, type Linear, logitsOf, withoutAbsent } from "./head.ts";
import type { AdaptLoss } from "./losses.ts";
import type { Network } from "./network.ts";

/** What a learner is made with, all of it known. */
export interface LearnerPlan {
  /** `any`: as many classes as the support set has; a number: a fresh classifier of so many; `keep`: the model's own outputs. */
  readonly head: "any" | "keep" | number;
  /** The names of the weights of the model that move. */
  readonly moved: readonly string[];
  readonly loss: AdaptLoss;
  readonly steps: number;
  /** The inner rate of what moves in the model, and of a head. */
  readonly rate: number;
  readonly headRate: number;
}

/** The learner of a network. */
export const learnerOf = (network: Network, plan: LearnerPlan): Learner =>
  plan.head === "keep" ? ownHeadLearner(network, plan) : linearHeadLearner(network, plan, plan.head);

/** The parts of a learner that do not depend on its head. @param used the weights that its answers depend on */
function common(network: Network, { moved, steps, loss }: LearnerPlan, used: ReadonlySet<string>) {
  return {
    algorithm: "fine-tuning",
    inputShape: network.plan.inputShape,
    steps,
    loop: "guarded" as const,
    parameters: Object.fromEntries(
      [...used].map((name): [string, ParameterSpec] => {
        const { shape, data } = network.weights[name]!;
        return [name, { shape, initialize: () => data as Float32Array }];
      }),
    ),
    fixed: new Set([...used].filter((name) => !moved.includes(name))),
    norm: "the model's own",
    usesBatchStatistics: false,
    loss: (outputs: Value, targets: Value) => loss.of(outputs, targets, {}),
  };
}

const paced = (rates: Readonly<Record<string, Operand>>, rate: Operand): Record<string, Operand> =>
  Object.fromEntries(Object.entries(rates).map(([name, each]) => [name, product(each, rate)]));

const product = (a: Operand, b: Operand): Operand =>
  typeof a === "number" && typeof b === "number" ? a * b : typeof a === "number" ? op.Mul(a, b as Value) : op.Mul(a, b);

/** A linear head on the features, trained alone or with what moves of the network. */
function linearHeadLearner(network: Network, plan: LearnerPlan, classes: "any" | number): Learner {
  const { moved, loss, rate: modelRate, headRate } = plan;
  const kind = classes === "any" ? anyHead : freshHead;
  const prefix = headPrefix(network);
  const asParameters = (head: Parameters): Parameters =>
    Object.fromEntries(Object.entries(head).map(([short, value]) => [prefix + short, value]));
  const own = (parameters: Parameters): Linear => ({
    weight: parameters[`${prefix}weight`]!,
    bias: parameters[`${prefix}bias`]!,
  });
  const kept = (state: Parameters): Parameters =>
    Object.fromEntries(
      Object.entries(state).flatMap(([name, value]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
      ),
    );
  const features = (parameters: Parameters, x: Value): Value => kind.features(network.features(parameters, x));
  const modelRates = Object.fromEntries(moved.map((name) => [name, modelRate]));
  return {
    ...common(network, plan, network.body),
    head: kind.name,
    task: "classification",
    outputs: classes === "any" ? undefined : classes,
    rates: { ...modelRates, ...bothOf(prefix, headRate) },
    adapt(parameters, { x, y }, { steps, rate = 1, ways, masked = false, balanced = false }) {
      const hot = oneHot(y, classes === "any" ? ways : classes);
      const equal = balancingWeights(hot);
      const rows = features(parameters, x);
      const frame = frameOf(rows, equal);
      const start = kind.start(framed(rows, frame), hot, network.width);
      const lossOf = (given: Parameters): Value => {
        const seen = moved.length > 0 ? features(given, x) : rows;
        const logits = logitsOf(framed(seen, frame), own(given));
        return loss.of(masked ? withoutAbsent(logits, hot) : logits, y, balanced ? { weights: equal } : {});
      };
      const heads = headRates(product(headRate, rate), kind, framed(rows, frame), equal);
      const rates = { ...paced(modelRates, rate), ...bothOf(prefix, heads) };
      const begin = { ...parameters, ...asParameters({ ...start }) };
      const { adapted, losses, path, guard } = innerLoop(lossOf, begin, { steps, rates, decay: kind.decay });
      const complete = (state: Parameters): Parameters => ({
        ...Object.fromEntries(moved.map((name) => [name, state[name] ?? begin[name]!])),
        ...asParameters(kind.finish(own({ ...begin, ...state }), frame)),
      });
      return { state: complete(adapted), losses, path: path.map(complete), ...(guard ? { guard } : {}) };
    },
    predict: (parameters, state, query) => kind.logits(features({ ...parameters, ...state }, query), kept(state)),
  };
}

/** What the names of the arrays of a head begin with, and those of no weight of the model. */
function headPrefix({ weights }: Network): string {
  let prefix = "head.";
  while (Object.keys(weights).some((name) => name.startsWith(prefix))) prefix = `new_${prefix}`;
  return prefix;
}

const bothOf = <T>(prefix: string, each: T): Record<string, T> => ({
  [`${prefix}weight`]: each,
  [`${prefix}bias`]: each,
});

/** The rate of a head; where it holds on to its start, short enough that no step is too long. */
function headRates(rate: Operand, { decay }: HeadKind, features: Value, weights: Value): Operand {
  if (decay === 0) return rate;
  const each = typeof rate === "number" ? constant(rate) : rate;
  return op.Div(each, op.Max(curvatureBound(features, weights, { weight: each, bias: each }, decay), 1));
}

/** The model's own outputs; what moves is in the model. */
function ownHeadLearner(network: Network, plan: LearnerPlan): Learner {
  const { moved, loss, rate: modelRate } = plan;
  const used = new Set([...network.body, ...network.head]);
  const example = network.outputs({}, network.example);
  const outputs = example.shape[1] as number;
  const rates = Object.fromEntries(moved.map((name) => [name, modelRate]));
  const { task } = loss;
  return {
    ...common(network, plan, used),
    head: "learned",
    task,
    outputs,
    rates,
    adapt(parameters, { x, y }, { steps, rate = 1, masked = false, balanced = false }) {
      const hot = task === "classification" ? oneHot(y, outputs) : undefined;
      const weights = balanced && hot ? { weights: balancingWeights(hot) } : {};
      const lossOf = (given: Parameters): Value => {
        const found = network.outputs(given, x);
        return loss.of(masked && hot ? withoutAbsent(found, hot) : found, y, weights);
      };
      const { adapted, losses, path, guard } = innerLoop(lossOf, parameters, { steps, rates: paced(rates, rate) });
      return { state: adapted, losses, path, ...(guard ? { guard } : {}) };
    },
    predict: (parameters, state, query) => network.outputs({ ...parameters, ...state }, query),
  };
}
