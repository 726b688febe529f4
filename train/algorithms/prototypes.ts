// Prototypical networks (Snell et al. 2017): the head is the class means; there is no inner gradient.
import { type Learner, op } from "@innerloop/graph";
import { InnerloopError } from "@innerloop/schemas";
import { crossEntropy, type Loss } from "../losses.ts";
import { applyHead, type Model } from "../models/sequential.ts";
import { absoluteLogits, balancingWeights, comparable, oneHot, prototypeHead } from "./heads.ts";

/** Logits are −‖f(x) − c‖² to each class mean c, up to a term that all classes share. */
export function prototypeLearner(
  model: Model,
  { loss = crossEntropy, task = "classification" }: { readonly loss?: Loss; readonly task?: string } = {},
): Learner {
  if (task === "regression")
    throw new InnerloopError(
      "bad-option",
      "Prototypes are means of classes, but the task is a regression; use --algorithm maml.",
      { exitStatus: 2 },
    );
  return {
    algorithm: "prototypes",
    head: "prototypes",
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
      const features = comparable(model.body(parameters, x, model.mixesExamples ? { seen } : {}));
      const hot = oneHot(y, ways);
      const state = { ...prototypeHead(features, hot), ...seen };
      const support = loss(applyHead(features, state), y, balanced ? balancingWeights(hot) : undefined);
      return { state, losses: op.Unsqueeze(support, [0]), path: [state] };
    },
    predict(parameters, state, query, { transductive = false, absolute = false } = {}) {
      const features = comparable(model.body(parameters, query, transductive ? {} : { given: state }));
      const logits = applyHead(features, state);
      return absolute ? absoluteLogits(logits, features) : logits;
    },
  };
}
