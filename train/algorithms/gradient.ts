// Learners with an inner gradient: such algorithms differ in which parameters move and in what the meta-gradient goes through.
import {
  type AdaptationValues,
  absentClasses,
  balancingWeights,
  constant,
  grams,
  innerLoop,
  type Learner,
  oneHot,
  op,
  type ParameterSpec,
  type Parameters,
  type Value,
} from "@innerloop/graph";
import { InnerloopError } from "@innerloop/schemas";
import { crossEntropy, meanSquaredError } from "../losses.ts";
import { constantInit, type Pass } from "../models/layers.ts";
import { applyHead, type Model } from "../models/sequential.ts";
import type { Algorithm, LearnerOptions } from "./algorithm.ts";
import { headLoop } from "./head-loop.ts";
import { heads } from "./heads/index.ts";

/** What a learner with an inner gradient is made with: all that any algorithm takes. */
export type GradientLearnerOptions = LearnerOptions;

/** What such algorithms differ in. */
interface Variant {
  /** What bundles call it. */
  readonly algorithm: string;
  readonly order: 1 | 2;
  /** Whether a parameter of the model moves in the inner loop. */
  moves(name: string): boolean;
}

/** What is taken where a program gives none. */
const defaults = {
  steps: 5,
  testSteps: undefined,
  loop: "guarded",
  innerLoop: undefined,
  innerRate: 0.01,
  learnRates: false,
  maxInnerRate: 1,
  multiStepLoss: false,
} as const;

/**
 * What suits where the body moves, in place of figures for the head alone: one step in training teaches more in the same
 * time; ten afterwards leave room for those that data unlike the training's make the guard take back.
 */
const whereBodyMoves = { steps: 1, testSteps: 10 };

/** An algorithm of that kind. @param heads that it may have, the one that it has by itself first; any unless given */
export function gradientAlgorithm(
  told: Pick<Algorithm, "name" | "summary" | "paper" | "moves" | "bodyMoves"> & {
    readonly order: 1 | 2;
    readonly head: Algorithm["heads"][0];
  },
): Algorithm {
  const { head, ...algorithm } = told;
  const others = heads.all.flatMap(({ name }) => (name === head ? [] : [name]));
  return {
    ...algorithm,
    options: defaults,
    heads: [head, ...others],
    ...(told.bodyMoves ? { suited: whereBodyMoves } : {}),
    build: (model, options) => gradientLearner(model, { algorithm: told.name, ...algorithm }, options),
  };
}

export const isHead = (name: string): boolean => name.startsWith("head.");

/** A learner that takes gradient steps from a meta-learned initialization. */
export function gradientLearner(model: Model, variant: Variant, options: GradientLearnerOptions = {}): Learner {
  const {
    task = "classification",
    head: headName = "learned",
    steps = defaults.steps,
    testSteps = steps,
    loop = defaults.loop,
    innerRate = defaults.innerRate,
    learnRates = defaults.learnRates,
    maxInnerRate = defaults.maxInnerRate,
  } = options;
  const loss = options.loss ?? (task === "regression" ? meanSquaredError : crossEntropy);
  const head = heads.named(headName);
  if (task === "regression" && !head.learned)
    throw new InnerloopError(
      "bad-option",
      `A head that starts ${head.starts} needs classes, but the task is a regression; use --head learned.`,
      { exitStatus: 2 },
    );
  const moved = Object.keys(model.parameters).filter(variant.moves);
  const rateName = (name: string) => `rate/${name}`;
  const weights = Object.entries(model.parameters).flatMap(([name, spec]): [string, ParameterSpec][] => {
    if (!isHead(name)) return [[name, spec]];
    return head.learned ? [[name, head.parameter?.(spec, task) ?? spec]] : [];
  });
  const learned: [string, ParameterSpec][] = learnRates
    ? moved.map((name) => [rateName(name), { ...constantInit([], innerRate), bounds: [0, maxInnerRate] }])
    : [];

  const features = (parameters: Parameters, x: Value, pass?: Pass): Value =>
    head.features(model.body(parameters, x, pass));
  const start = (parameters: Parameters, x: Value, hot: Value | undefined): Parameters =>
    head.start && hot
      ? { ...parameters, ...head.start(() => features(parameters, x), hot, model.features) }
      : parameters;

  return {
    algorithm: variant.algorithm,
    head: head.name,
    task,
    inputShape: model.inputShape,
    outputs: head.learned ? model.outputs : undefined,
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
      { steps: turns, structure, rate = 1, ways, masked = false, balanced = false, lossScale },
    ): AdaptationValues {
      const hot = task === "classification" ? oneHot(y, head.learned ? model.outputs : ways) : undefined;
      const absent = masked && hot && head.learned ? absentClasses(hot) : undefined;
      const begin = start(parameters, x, hot);
      const weights = balanced && hot ? balancingWeights(hot) : undefined;
      const lossOf = (outputs: Value): Value => loss(absent ? op.Add(outputs, absent) : outputs, y, weights);
      const rates = Object.fromEntries(
        moved.map((name) => [name, op.Mul(learnRates ? parameters[rateName(name)]! : constant(innerRate), rate)]),
      );
      // In float16 a norm's statistics need the range that its own operator keeps for them.
      const stepped = (value: Value): Value =>
        lossScale || moved.every(isHead) ? value : grams([value], [x], "turns")[0]!;
      const settings = {
        ...{ steps: turns, loop, order: variant.order },
        ...(structure ? { structure } : {}),
        ...(lossScale ? { lossScale } : {}),
      };
      const { adapted, losses, path, guard } =
        hot && loop === "guarded" && moved.every(isHead)
          ? headLoop(features(begin, x), begin, lossOf, {
              ...settings,
              rates,
              weights: weights ?? balancingWeights(hot),
              ...(head.decay === undefined ? {} : { decay: head.decay }),
            })
          : innerLoop((p) => stepped(lossOf(applyHead(features(p, x), p))), begin, { ...settings, rates });
      const started = head.learned ? {} : { "head.weight": begin["head.weight"]!, "head.bias": begin["head.bias"]! };
      const complete = (state: Parameters): Parameters => {
        const seen: Record<string, Value> = {};
        if (model.mixesExamples) model.body({ ...begin, ...state }, x, { seen });
        return { ...started, ...state, ...seen };
      };
      return { state: complete(adapted), losses, path: path.map(complete), ...(guard ? { guard } : {}) };
    },
    predict(parameters, state, query, { transductive = false, absolute = false } = {}) {
      const all = { ...parameters, ...state };
      const found = features(all, query, transductive ? {} : { given: state });
      const logits = applyHead(found, all);
      return absolute && head.absolute ? head.absolute(logits, found) : logits;
    },
  };
}
