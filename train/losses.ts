// Losses as plain functions over values: (predictions, targets) → scalar. Any function of this form can be a loss.
import { op, type Value } from "@innerloop/graph";

/** A loss: predictions `[n, outputs]` and targets to a scalar. */
export type Loss = (predictions: Value, targets: Value) => Value;

/** Mean softmax cross-entropy: logits `[n, classes]`, labels int64 `[n]`. */
export const crossEntropy: Loss = (logits, labels) => op.SoftmaxCrossEntropyLoss(logits, labels);

/** Mean squared error over all elements: `[n, d]` and `[n, d]`. */
export const meanSquaredError: Loss = (predictions, targets) => {
  const error = op.Sub(predictions, targets);
  return op.ReduceMean(op.Mul(error, error), { keepdims: false });
};

/** The share of rows whose largest logit is at the label, a scalar. */
export const accuracyOf: Loss = (logits, labels) => {
  const hit = op.Cast(op.Equal(op.ArgMax(logits, -1, false), labels), logits.dtype);
  return op.ReduceMean(hit, { keepdims: false });
};
