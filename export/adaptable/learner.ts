// A network of a file as a learner: a head on its features, or its own, and what of it moves.
import {
  type AdaptationValues,
  balancingWeights,
  constant,
  curvatureBound,
  type InnerLoopOptions,
  type InnerLoopResult,
  innerLoop,
  type Learner,
  type Operand,
  type OptimizedOptions,
  oneHot,
  op,
  type ParameterSpec,
  type Parameters,
  type Recompute,
  type Stop,
  type Value,
  zeroHead,
} from "@innerloop/graph";
import { rowsOfTurn } from "./batches.ts";
import { atFirstLook } from "./first-look.ts";
import {
  anyHead,
  framed,
  frameOf,
  freshHead,
  type HeadKind,
  type Linear,
  logitsOf,
  meansHead,
  withoutAbsent,
} from "./head.ts";
import type { AdaptLoss } from "./losses.ts";
import type { Network } from "./network.ts";

/** What a learner is made with, all of it known. */
export interface LearnerPlan {
  /**
   * `any`: as many classes as the support set has; `means`: the same, by their means; a number: a fresh classifier of so many; `keep`:
   * the model's own outputs.
   */
  readonly head: "any" | "means" | "keep" | number;
  /** The names of the weights of the model that move, with their rates. */
  readonly moved: Readonly<Record<string, number>>;
  readonly loss: AdaptLoss;
  readonly steps: number;
  /** The rate of a fresh head. */
  readonly headRate: number;
  /** Undefined: plain descent, whose steps are guarded one by one. */
  readonly optimizer: OptimizedOptions | undefined;
  /** What ends the loop before its last step. */
  readonly stop: Stop | undefined;
  /** Examples that a step goes by; undefined: all of them. */
  readonly batch: number | undefined;
  /** How much steps compute again of what they do not keep. */
  readonly recompute: Recompute;
}

/** The learner of a network. */
export const learnerOf = (network: Network, plan: LearnerPlan): Learner =>
  plan.head === "keep" ? ownHeadLearner(network, plan) : linearHeadLearner(network, plan, plan.head);

/** The parts of a learner that do not depend on its head. @param used the weights that its answers depend on */
function common(network: Network, { moved, steps, loss, optimizer }: LearnerPlan, used: ReadonlySet<string>) {
  return {
    algorithm: "fine-tuning",
    inputShape: network.plan.inputShape,
    steps,
    ...(optimizer ? {} : { loop: "guarded" as const }),
    parameters: Object.fromEntries(
      [...used].map((name): [string, ParameterSpec] => {
        const { shape, data } = network.weights[name]!;
        return [name, { shape, initialize: () => data as Float32Array }];
      }),
    ),
    fixed: new Set([...used].filter((name) => !(name in moved))),
    norm: "the model's own",
    usesBatchStatistics: false,
    loss: (outputs: Value, targets: Value) => loss.of(outputs, targets, {}),
  };
}

const paced = (rates: Readonly<Record<string, Operand>>, rate: Operand): Record<string, Operand> =>
  Object.fromEntries(Object.entries(rates).map(([name, each]) => [name, product(each, rate)]));

const product = (a: Operand, b: Operand): Operand =>
  typeof a === "number" && typeof b === "number" ? a * b : typeof a === "number" ? op.Mul(a, b as Value) : op.Mul(a, b);

/** A loss over all rows of a support set, or over some of them. */
type LossOver = (given: Parameters, rows?: Value) => Value;

/** The loop over a loss, by whatever optimizer there is. */
function descend(
  lossOver: LossOver,
  begin: Parameters,
  examples: Value,
  { optimizer, batch, stop, recompute }: LearnerPlan,
  options: InnerLoopOptions,
) {
  return innerLoop((given) => lossOver(given), begin, {
    ...options,
    recompute,
    ...(optimizer ? { optimizer: { ...optimizer, ...(stop ? { stop } : {}) } } : stop ? { stop } : {}),
    ...(batch === undefined
      ? {}
      : { partial: (given, number) => lossOver(given, rowsOfTurn(examples, batch, number)) }),
  });
}

const picked = (values: Value, rows: Value | undefined): Value => (rows ? op.Gather(values, rows, 0) : values);

/** A linear head on the features, trained alone or with what moves of the network. */
function linearHeadLearner(network: Network, plan: LearnerPlan, head: "any" | "means" | number): Learner {
  const { moved, loss, headRate } = plan;
  const still = Object.keys(moved).length === 0;
  const ofFeatures = loss.on === "features";
  // A loss of the embedding brings the examples of a class together, about their mean.
  const kind = typeof head === "number" ? freshHead : head === "means" || ofFeatures ? meansHead : anyHead;
  const outputs = typeof head === "number" ? head : undefined;
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
  return {
    ...common(network, plan, network.body),
    head: kind.name,
    task: "classification",
    outputs,
    rates: { ...moved, ...(ofFeatures ? {} : bothOf(prefix, headRate)) },
    adapt(parameters, { x, y }, { steps, rate = 1, ways, masked = false, balanced = false }) {
      const hot = oneHot(y, outputs ?? ways);
      const equal = balancingWeights(hot);
      const lossOf = (found: Value, given: Parameters, rows?: Value): Value => {
        const logits = ofFeatures ? found : logitsOf(found, own(given));
        const answers = masked && !ofFeatures ? withoutAbsent(logits, hot) : logits;
        return loss.of(answers, picked(y, rows), balanced ? { weights: picked(equal, rows) } : {});
      };
      const adaptation = (
        { adapted, losses, path, guard }: InnerLoopResult,
        begin: Parameters,
        finished: (all: Parameters) => Parameters,
      ): AdaptationValues => {
        const complete = (state: Parameters): Parameters => {
          const all = { ...begin, ...state };
          const body = Object.fromEntries(Object.keys(moved).map((name) => [name, all[name]!]));
          return { ...body, ...asParameters(finished(all)) };
        };
        return { state: complete(adapted), losses, path: path.map(complete), ...(guard ? { guard } : {}) };
      };
      if (plan.optimizer && plan.batch === undefined && kind.decay === 0 && !still) {
        const remembering = atFirstLook({
          width: network.width,
          equal,
          features: (given) => features(given, x),
          start: (seen) => asParameters({ ...kind.start(seen, hot, equal) }),
          loss: lossOf,
        });
        const { "head.weight": weight, "head.bias": bias } = zeroHead(network.width, hot);
        const begin = { ...parameters, ...asParameters({ weight: weight!, bias: bias! }) };
        const rates = { ...paced(moved, rate), ...bothOf(prefix, product(headRate, rate)) };
        const found = descend((given) => remembering.look(given, remembering.empty, true).loss, begin, x, plan, {
          steps,
          rates,
          remembering,
        });
        const [centre, scale] = found.memory as [Value, Value];
        return adaptation(found, begin, (all) => kind.finish(own(all), { centre, scale }));
      }
      const rowsAtStart = features(parameters, x);
      const frame = frameOf(rowsAtStart, equal);
      const seen = (given: Parameters, rows?: Value): Value =>
        framed(still ? picked(rowsAtStart, rows) : features(given, picked(x, rows)), frame);
      const start = (given: Parameters) => kind.start(seen(given), hot, equal);
      const heads = headRates(product(headRate, rate), kind, framed(rowsAtStart, frame), equal);
      const begin = ofFeatures ? parameters : { ...parameters, ...asParameters({ ...start(parameters) }) };
      const rates = { ...paced(moved, rate), ...(ofFeatures ? {} : bothOf(prefix, heads)) };
      const lossOver: LossOver = (given, rows) => lossOf(seen(given, rows), given, rows);
      const found = descend(lossOver, begin, x, plan, { steps, rates, decay: kind.decay });
      return adaptation(found, begin, (all) => kind.finish(ofFeatures ? start(all) : own(all), frame));
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
  const { moved, loss } = plan;
  const used = new Set([...network.body, ...network.head]);
  const { task } = loss;
  /** One score that is high for the second of two classes has a zero for the first beside it. */
  const outputsOf = (given: Parameters, x: Value): Value => {
    const found = network.outputs(given, x);
    return task === "classification" && found.shape[1] === 1 ? op.Concat([op.Mul(found, 0), found], 1) : found;
  };
  const outputs = outputsOf({}, network.example).shape[1] as number;
  return {
    ...common(network, plan, used),
    head: "learned",
    task,
    outputs,
    rates: moved,
    adapt(parameters, { x, y }, { steps, rate = 1, masked = false, balanced = false }) {
      const hot = task === "classification" ? oneHot(y, outputs) : undefined;
      const equal = balanced && hot ? balancingWeights(hot) : undefined;
      const lossOver: LossOver = (given, rows) => {
        const found = outputsOf(given, picked(x, rows));
        const answers = masked && hot ? withoutAbsent(found, hot) : found;
        return loss.of(answers, picked(y, rows), equal ? { weights: picked(equal, rows) } : {});
      };
      const rates = paced(moved, rate);
      const { adapted, losses, path, guard } = descend(lossOver, parameters, x, plan, { steps, rates });
      return { state: adapted, losses, path, ...(guard ? { guard } : {}) };
    },
    predict: (parameters, state, query) => outputsOf({ ...parameters, ...state }, query),
  };
}
