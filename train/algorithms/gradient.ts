// Learners with an inner gradient: MAML, its first-order form and ANIL differ in which parameters move and in what the
// meta-gradient goes through.
import {
  type Adaptation,
  constant,
  type InnerLoopOptions,
  type InnerLoopResult,
  innerLoop,
  type Learner,
  type LoopKind,
  op,
  type ParameterSpec,
  type Parameters,
  type Value,
} from "@innerloop/graph";
import { InnerloopError } from "@innerloop/schemas";
import { crossEntropy, type Loss, meanSquaredError } from "../losses.ts";
import { constantInit, type Pass } from "../models/layers.ts";
import { applyHead, type Model } from "../models/sequential.ts";
import {
  absentClasses,
  absoluteLogits,
  balancingWeights,
  centreOf,
  comparable,
  curvatureBound,
  oneHot,
  prototypeHead,
  zeroHead,
} from "./heads.ts";

export interface GradientLearnerOptions {
  readonly task?: "classification" | "regression";
  /** Inner steps in training. */
  readonly steps?: number;
  /** The inner learning rate, or where learned ones start. */
  readonly innerRate?: number;
  /** A learned rate for each moved array (Li et al. 2017, one a tensor), held in [0, maxInnerRate]. */
  readonly learnRates?: boolean;
  readonly maxInnerRate?: number;
  readonly head?: "learned" | "zero" | "prototypes";
  /** Inner steps of an adaptation after training; as many as in training unless given. */
  readonly testSteps?: number;
  /**
   * `guarded`, the default: no step is kept that raises the loss, and steps of a head alone go over centred features.
   * `plain`: the papers' loop.
   */
  readonly loop?: LoopKind;
  /** The loss of both loops; cross-entropy, or squared error for a regression. */
  readonly loss?: Loss;
}

interface Variant {
  readonly algorithm: string;
  readonly order: 1 | 2;
  /** Whether a parameter of the model moves in the inner loop. */
  moves(name: string): boolean;
}

/**
 * The outer rate of a learned head, as a share of the others'. Each task draws its labels anew, so its meta-gradient is
 * nearly all noise, which Adam would scale up to full steps; for the same reason it starts at zero.
 */
const learnedHeadRate = 0.05;

/**
 * λ of guarded steps on a head of prototypes: how much they hold on to the class means, which are good already. With 1, no
 * shift of the input that was tried made answers to new examples worse by more than chance (docs/architecture.md).
 */
const prototypeDecay = 1;

const isHead = (name: string): boolean => name.startsWith("head.");

/** A learner that takes gradient steps from a meta-learned initialization. */
export function gradientLearner(model: Model, variant: Variant, options: GradientLearnerOptions): Learner {
  const {
    task = "classification",
    steps = 5,
    innerRate = 0.01,
    learnRates = false,
    maxInnerRate = 1,
    head = "learned",
    loop = "guarded",
    testSteps = steps,
  } = options;
  const loss = options.loss ?? (task === "regression" ? meanSquaredError : crossEntropy);
  if (task === "regression" && head !== "learned")
    throw new InnerloopError(
      "bad-option",
      `A head that starts ${head === "zero" ? "at zero" : "from prototypes"} needs classes, but the task is a regression; use --head learned.`,
      { exitStatus: 2 },
    );
  const moved = Object.keys(model.parameters).filter(variant.moves);
  const rateName = (name: string) => `rate/${name}`;
  const weights = Object.entries(model.parameters).flatMap(([name, spec]): [string, ParameterSpec][] => {
    if (!isHead(name)) return [[name, spec]];
    if (head !== "learned") return [];
    return [[name, task === "classification" ? { ...constantInit(spec.shape, 0), outerRate: learnedHeadRate } : spec]];
  });
  const learned: [string, ParameterSpec][] = learnRates
    ? moved.map((name) => [rateName(name), { ...constantInit([], innerRate), bounds: [0, maxInnerRate] }])
    : [];

  const features = (parameters: Parameters, x: Value, pass?: Pass): Value => {
    const own = model.body(parameters, x, pass);
    return head === "prototypes" ? comparable(own) : own;
  };
  const start = (parameters: Parameters, x: Value, hot: Value | undefined): Parameters => {
    if (head === "learned" || !hot) return parameters;
    const made = head === "zero" ? zeroHead(model.features, hot) : prototypeHead(features(parameters, x), hot);
    return { ...parameters, ...made };
  };

  return {
    algorithm: variant.algorithm,
    head,
    task,
    inputShape: model.inputShape,
    outputs: head === "learned" ? model.outputs : undefined,
    steps,
    testSteps,
    loop,
    parameters: Object.fromEntries([...weights, ...learned]),
    rates: Object.fromEntries(moved.map((name) => [name, learnRates ? rateName(name) : innerRate])),
    norm: model.norm,
    usesBatchStatistics: model.mixesExamples,
    loss,
    adapt(
      parameters,
      { x, y },
      { steps: turns, rate = 1, ways, masked = false, balanced = false, lossScale },
    ): Adaptation {
      const hot = task === "classification" ? oneHot(y, head === "learned" ? model.outputs : ways) : undefined;
      const absent = masked && hot && head === "learned" ? absentClasses(hot) : undefined;
      const begin = start(parameters, x, hot);
      const weights = balanced && hot ? balancingWeights(hot) : undefined;
      const lossOf = (outputs: Value): Value => loss(absent ? op.Add(outputs, absent) : outputs, y, weights);
      const rates = Object.fromEntries(
        moved.map((name) => [name, op.Mul(learnRates ? parameters[rateName(name)]! : constant(innerRate), rate)]),
      );
      const settings = { steps: turns, loop, order: variant.order, ...(lossScale ? { lossScale } : {}) };
      const { adapted, losses, path, guard } =
        hot && loop === "guarded" && moved.every(isHead)
          ? headLoop(features(begin, x), begin, lossOf, {
              ...settings,
              rates,
              weights: weights ?? balancingWeights(hot),
              fromPrototypes: head === "prototypes",
            })
          : innerLoop((p) => lossOf(applyHead(features(p, x), p)), begin, { ...settings, rates });
      const made = head === "learned" ? {} : { "head.weight": begin["head.weight"]!, "head.bias": begin["head.bias"]! };
      const complete = (state: Parameters): Parameters => {
        const seen: Record<string, Value> = {};
        if (model.mixesExamples) model.body({ ...begin, ...state }, x, { seen });
        return { ...made, ...state, ...seen };
      };
      return { state: complete(adapted), losses, path: path.map(complete), ...(guard ? { guard } : {}) };
    },
    predict(parameters, state, query, { transductive = false, absolute = false } = {}) {
      const all = { ...parameters, ...state };
      const found = features(all, query, transductive ? {} : { given: state });
      const logits = applyHead(found, all);
      return absolute && head === "prototypes" ? absoluteLogits(logits, found) : logits;
    },
  };
}

interface HeadLoopOptions extends Omit<InnerLoopOptions, "decay" | "rates"> {
  readonly rates: Parameters;
  readonly weights: Value;
  readonly fromPrototypes: boolean;
}

/**
 * Guarded steps on the head alone. They are taken over features that are centred, f − μ, in which the same logits have the
 * bias b + μ·W; so a step on the weights leaves the mean of the logits where it is. A head of prototypes holds on to its
 * start, and its rates are bounded so that no step is too long.
 */
function headLoop(
  features: Value,
  parameters: Parameters,
  lossOf: (outputs: Value) => Value,
  { rates, weights, fromPrototypes, ...settings }: HeadLoopOptions,
): InnerLoopResult {
  const centre = centreOf(features, weights);
  const centred = op.Sub(features, centre);
  const atCentre = (weight: Value): Value => op.Squeeze(op.MatMul(centre, weight), [0]);
  const [weight, bias] = [parameters["head.weight"]!, parameters["head.bias"]!];
  const begin = { "head.weight": weight, "head.bias": op.Add(bias, atCentre(weight)) };
  const shortened = (): Parameters => {
    const still = constant(0);
    const both = { weight: rates["head.weight"] ?? still, bias: rates["head.bias"] ?? still };
    const bound = op.Max(curvatureBound(centred, weights, both, prototypeDecay), 1);
    return Object.fromEntries(Object.entries(rates).map(([name, rate]) => [name, op.Div(rate, bound)]));
  };
  const result = innerLoop((p) => lossOf(applyHead(centred, p)), begin, {
    ...settings,
    ...(fromPrototypes ? { rates: shortened(), decay: prototypeDecay } : { rates }),
  });
  // As differences from the start, so that a head that took no step is the start to the bit.
  const uncentred = (moved: Parameters): Parameters => {
    const now = { ...begin, ...moved };
    const turned = op.Sub(now["head.bias"], begin["head.bias"]);
    const shift = op.Sub(turned, atCentre(op.Sub(now["head.weight"], weight)));
    return { "head.weight": now["head.weight"], "head.bias": op.Add(bias, shift) };
  };
  return { ...result, adapted: uncentred(result.adapted), path: result.path.map(uncentred) };
}

/**
 * Model-agnostic meta-learning (Finn et al. 2017): every parameter moves, and the meta-gradient is exact, through the
 * inner gradients.
 * @example const learner = maml(metamodel([28, 28, 1], 5), { innerRate: 0.01, steps: 5 });
 */
export const maml = (model: Model, options: GradientLearnerOptions = {}): Learner =>
  gradientLearner(model, { algorithm: "maml", order: 2, moves: () => true }, options);

/** First-order MAML (Finn et al. 2017, §5.2): the inner gradients count as constants in the meta-gradient. */
export const fomaml = (model: Model, options: GradientLearnerOptions = {}): Learner =>
  gradientLearner(model, { algorithm: "fomaml", order: 1, moves: () => true }, options);

/** Almost no inner loop (Raghu et al. 2020): only the head moves. */
export const anil = (model: Model, options: GradientLearnerOptions = {}): Learner =>
  gradientLearner(model, { algorithm: "anil", order: 2, moves: isHead }, options);
