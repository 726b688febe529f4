// Prototypical networks: the head is the class means; there is no inner gradient.
import { balancingWeights, type Learner, oneHot, op, prototypeHead } from "@innerloop/graph";
import { InnerloopError } from "@innerloop/schemas";
import { crossEntropy } from "../losses.ts";
import { applyHead, type Model } from "../models/sequential.ts";
import type { Algorithm, LearnerOptions } from "./algorithm.ts";
import { prototypesHead } from "./heads/prototypes.ts";

/** Logits are −‖f(x) − c‖² to each class mean c, up to a term that all classes share. */
function prototypeLearner(
  model: Model,
  { loss = crossEntropy, task = "classification" }: LearnerOptions = {},
): Learner {
  if (task === "regression")
    throw new InnerloopError(
      "bad-option",
      "Prototypes are means of classes, but the task is a regression; use --algorithm maml.",
      { exitStatus: 2 },
    );
  const features = prototypesHead.features;
  return {
    algorithm: "prototypes",
    head: prototypesHead.name,
    task: "classification",
    inputShape: model.inputShape,
    outputs: undefined,
    steps: 0,
    parameters: Object.fromEntries(Object.entries(model.parameters).filter(([name]) => !name.startsWith("head."))),
    rates: {},
    norm: model.norm,
    usesBatchStatistics: model.mixesExamples,
    loss,
    adapt(parameters, { x, y }, { ways, balanced = false }) {
      const seen = {};
      const found = features(model.body(parameters, x, model.mixesExamples ? { seen } : {}));
      const hot = oneHot(y, ways);
      const state = { ...prototypeHead(found, hot), ...seen };
      const support = loss(applyHead(found, state), y, balanced ? balancingWeights(hot) : undefined);
      return { state, losses: op.Unsqueeze(support, [0]), path: [state] };
    },
    predict(parameters, state, query, { transductive = false, absolute = false } = {}) {
      const found = features(model.body(parameters, query, transductive ? {} : { given: state }));
      const logits = applyHead(found, state);
      return absolute && prototypesHead.absolute ? prototypesHead.absolute(logits, found) : logits;
    },
  };
}

export const prototypes: Algorithm = {
  name: "prototypes",
  summary: "no inner steps: the nearest class mean answers",
  paper: "Snell et al. 2017, Prototypical Networks for Few-shot Learning",
  options: {},
  without: "class means take no inner steps",
  heads: [prototypesHead.name],
  moves: () => false,
  bodyMoves: false,
  order: 0,
  build: prototypeLearner,
};
