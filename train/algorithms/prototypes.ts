// Prototypical networks (Snell et al. 2017): the head is the class means; there is no inner gradient.
import { type Learner, op } from "@innerloop/graph";
import { InnerloopError } from "@innerloop/schemas";
import { crossEntropy, type Loss } from "../losses.ts";
import { applyHead, type Model } from "../models/sequential.ts";
import { comparable, oneHot, prototypeHead } from "./heads.ts";

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
    adapt(parameters, { x, y }, { ways }) {
      const seen = {};
      const features = comparable(model.body(parameters, x, model.mixesExamples ? { seen } : {}));
      const state = { ...prototypeHead(features, oneHot(y, ways)), ...seen };
      return { state, losses: op.Unsqueeze(loss(applyHead(features, state), y), [0]), path: [state] };
    },
    predict(parameters, state, query, { transductive = false } = {}) {
      return applyHead(comparable(model.body(parameters, query, transductive ? {} : { given: state })), state);
    },
  };
}
