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
  type Remembering,
  type Stop,
  type Value,
} from "@innerloop/graph";
import { rowsOfTurn } from "./batches.ts";
import {
  anyHead,
  type Frame,
  framed,
  frameOf,
  freshHead,
  type HeadKind,
  type Linear,
  logitsOf,
  withoutAbsent,
} from "./head.ts";
import type { AdaptLoss } from "./losses.ts";
import type { Network } from "./network.ts";

/** What a learner is made with, all of it known. */
export interface LearnerPlan {
  /** `any`: as many classes as the support set has; a number: a fresh classifier of so many; `keep`: the model's own outputs. */
  readonly head: "any" | "keep" | number;
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
  { optimizer, batch, stop }: LearnerPlan,
  options: InnerLoopOptions,
) {
  return innerLoop((given) => lossOver(given), begin, {
    ...options,
    ...(optimizer ? { optimizer: { ...optimizer, ...(stop ? { stop } : {}) } } : stop ? { stop } : {}),
    ...(batch === undefined
      ? {}
      : { partial: (given, number) => lossOver(given, rowsOfTurn(examples, batch, number)) }),
  });
}

const picked = (values: Value, rows: Value | undefined): Value => (rows ? op.Gather(values, rows, 0) : values);

/** The frame of features as the first look at a loss finds it. */
function frameRemembered(
  width: number,
  equal: Value,
  features: (given: Parameters) => Value,
  lossOf: (seen: Value, given: Parameters) => Value,
): Remembering {
  return {
    empty: [op.Expand(constant(0, [1, 1]), [1, width]), constant(0)],
    look(given, [centre, scale], first) {
      const rows = features(given);
      const now = frameOf(rows, equal);
      const chosen = (fresh: Value, before: Value): Value =>
        typeof first === "boolean" ? (first ? fresh : before) : op.Where(first, fresh, before);
      const frame = { centre: chosen(now.centre, centre!), scale: chosen(now.scale, scale!) };
      return { loss: lossOf(framed(rows, frame), given), memory: [frame.centre, frame.scale] };
    },
  };
}

/** A linear head on the features, trained alone or with what moves of the network. */
function linearHeadLearner(network: Network, plan: LearnerPlan, classes: "any" | number): Learner {
  const { moved, loss, headRate } = plan;
  const kind = classes === "any" ? anyHead : freshHead;
  const still = Object.keys(moved).length === 0;
  const ofFeatures = loss.on === "features";
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
    outputs: classes === "any" ? undefined : classes,
    rates: { ...moved, ...(ofFeatures ? {} : bothOf(prefix, headRate)) },
    adapt(parameters, { x, y }, { steps, rate = 1, ways, masked = false, balanced = false }) {
      const hot = oneHot(y, classes === "any" ? ways : classes);
      const equal = balancingWeights(hot);
      // A head that starts at zero can learn its frame from the first look at the loss; others need features before it.
      const late = kind === freshHead && plan.optimizer !== undefined && plan.batch === undefined && !still;
      const rowsAtStart = late ? undefined : features(parameters, x);
      const lossOf = (found: Value, given: Parameters, rows?: Value): Value => {
        const logits = ofFeatures ? found : logitsOf(found, own(given));
        const answers = masked && !ofFeatures ? withoutAbsent(logits, hot) : logits;
        return loss.of(answers, picked(y, rows), balanced ? { weights: picked(equal, rows) } : {});
      };
      const seenFrom =
        (frame: Frame, all: Value) =>
        (given: Parameters, rows?: Value): Value =>
          framed(still ? picked(all, rows) : features(given, picked(x, rows)), frame);
      const descended = (begin: Parameters, heads: Operand, lossOver: LossOver, remembering?: Remembering) => {
        const rates = { ...paced(moved, rate), ...(ofFeatures ? {} : bothOf(prefix, heads)) };
        const options = { steps, rates, decay: kind.decay, ...(remembering ? { remembering } : {}) };
        return descend(lossOver, begin, x, plan, options);
      };
      const result = (
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
      if (!rowsAtStart) {
        const begin = { ...parameters, ...asParameters({ ...kind.start(x, hot, network.width) }) };
        const remembering = frameRemembered(network.width, equal, (given) => features(given, x), lossOf);
        const found = descended(begin, product(headRate, rate), () => remembering.empty[1]!, remembering);
        const [centre, scale] = found.memory!;
        return result(found, begin, (all) => kind.finish(own(all), { centre: centre!, scale: scale! }));
      }
      const frame = frameOf(rowsAtStart, equal);
      const seen = seenFrom(frame, rowsAtStart);
      const start = (given: Parameters) => kind.start(seen(given), hot, network.width);
      const heads = headRates(product(headRate, rate), kind, framed(rowsAtStart, frame), equal);
      const begin = ofFeatures ? parameters : { ...parameters, ...asParameters({ ...start(parameters) }) };
      const found = descended(begin, heads, (given, rows) => lossOf(seen(given, rows), given, rows));
      return result(found, begin, (all) => kind.finish(ofFeatures ? start(all) : own(all), frame));
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
