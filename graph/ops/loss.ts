// Losses that ONNX has as operators.
import { composite, spelling } from "../core/operator.ts";
import { constant, type Value } from "../core/value.ts";
import { LogSoftmax } from "./activation.ts";
import { Div, Mul, Neg, Sub } from "./elementwise.ts";
import { OneHot, Transpose } from "./movement.ts";
import { ReduceMean, ReduceSum } from "./reduction.ts";

export type Reduction = "none" | "mean" | "sum";

const negativeLogLikelihood = composite({
  name: "NegativeLogLikelihoodLoss",
  family: "loss",
  summary: "−log p of the labelled class; classes are axis 1; ignored labels count as nothing",
  since: 13,
  build([logProbabilities, labels, weights], { reduction, ignoreIndex }) {
    const x = logProbabilities!;
    const last = x.rank === 2 ? x : Transpose(x, [0, ...[...x.shape.keys()].slice(2), 1]);
    const hot = OneHot(labels!, last.shape.at(-1)!, x.dtype);
    const ignored = ignoreIndex as number | undefined;
    const kept = ignored === undefined || ignored < 0 ? hot : Mul(hot, keptClasses(last, ignored));
    const weighted = weights ? Mul(kept, weights) : kept;
    const loss = Neg(ReduceSum(Mul(weighted, last), { axes: [-1], keepdims: false }));
    if (reduction === "none") return loss;
    if (reduction === "sum") return ReduceSum(loss, { keepdims: false });
    if (!weights && kept === hot && ignored === undefined) return ReduceMean(loss, { keepdims: false });
    return Div(ReduceSum(loss, { keepdims: false }), ReduceSum(weighted, { keepdims: false }));
  },
});

/** 1 for every class but one. */
function keptClasses(x: Value, ignored: number): Value {
  const hot = OneHot(constant([ignored], [1], "int64"), x.shape.at(-1)!, x.dtype);
  return Sub(1, hot);
}

export interface LossOptions {
  readonly weights?: Value;
  readonly reduction?: Reduction;
  readonly ignoreIndex?: number;
}

/** ONNX NegativeLogLikelihoodLoss: `logProbabilities [N, C, …]`, `labels [N, …]`. */
export const NegativeLogLikelihoodLoss = (
  logProbabilities: Value,
  labels: Value,
  { weights, reduction = "mean", ignoreIndex }: LossOptions = {},
): Value =>
  negativeLogLikelihood(weights ? [logProbabilities, labels, weights] : [logProbabilities, labels], {
    reduction,
    ignoreIndex,
  });

spelling(
  "SoftmaxCrossEntropyLoss",
  "loss",
  13,
  "LogSoftmax, NegativeLogLikelihoodLoss",
  "cross-entropy of scores and labels",
);
/** ONNX SoftmaxCrossEntropyLoss: `scores [N, C, …]`, `labels [N, …]` in 0…C−1. */
export const SoftmaxCrossEntropyLoss = (scores: Value, labels: Value, options: LossOptions = {}): Value =>
  NegativeLogLikelihoodLoss(LogSoftmax(scores, 1), labels, options);
