// Losses that ONNX has as operators.
import { constant } from "../core/build.ts";
import { at, upTo } from "../core/lists.ts";
import { apply1, applying, composite, spelling } from "../core/operator.ts";
import type { Value } from "../core/value.ts";
import { LogSoftmax } from "./activation.ts";
import { Div, Mul, Neg, Sub } from "./arithmetic.ts";
import { OneHot } from "./indexing.ts";
import { Transpose } from "./movement.ts";
import { ReduceMean, ReduceSum } from "./reduction.ts";

export type Reduction = "none" | "mean" | "sum";

type LossAttributes = { readonly reduction: Reduction; readonly ignoreIndex: number | undefined };

const negativeLogLikelihood = composite({
  name: "NegativeLogLikelihoodLoss",
  family: "loss",
  summary: "−log p of the labelled class; classes are axis 1; ignored labels count as nothing",
  since: 13,
  build(
    [x, labels, weights]: readonly [Value, Value, (Value | undefined)?],
    { reduction, ignoreIndex: ignored }: LossAttributes,
  ) {
    const last = x.rank === 2 ? x : Transpose(x, [0, ...upTo(x.rank).slice(2), 1]);
    const hot = OneHot(labels, at(last.shape, -1), x.dtype);
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
  const hot = OneHot(constant([ignored], [1], "int64"), at(x.shape, -1), x.dtype);
  return Sub(1, hot);
}

export interface LossOptions {
  readonly weights?: Value;
  readonly reduction?: Reduction;
  readonly ignoreIndex?: number;
}

/** ONNX NegativeLogLikelihoodLoss: `logProbabilities [N, C, …]`, `labels [N, …]`. */
export const NegativeLogLikelihoodLoss = applying(
  negativeLogLikelihood,
  (logProbabilities: Value, labels: Value, { weights, reduction = "mean", ignoreIndex }: LossOptions = {}): Value =>
    apply1(negativeLogLikelihood, [logProbabilities, labels, weights], { reduction, ignoreIndex }),
);

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
