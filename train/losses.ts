// Losses as plain functions over values: (predictions, targets) → scalar. Any function of this form can be a loss.
import { op, type Value } from "@innerloop/graph";

/**
 * A loss: predictions `[n, outputs]` and targets to a scalar.
 * @param weights of the examples, `[n]`, 1 in the mean: a device gives them where its classes have unequal numbers of
 *   examples; a loss that ignores them follows the larger classes
 */
export type Loss = (predictions: Value, targets: Value, weights?: Value) => Value;

/** Mean softmax cross-entropy: logits `[n, classes]`, labels int64 `[n]`. */
export const crossEntropy: Loss = (logits, labels, weights) => {
  if (!weights) return op.SoftmaxCrossEntropyLoss(logits, labels);
  // What the labels and the weights say is one array, which an inner loop makes once.
  const shares = op.Unsqueeze(op.Neg(op.Div(weights, op.ReduceSum(weights, { keepdims: false }))), [1]);
  const told = op.Mul(op.OneHot(labels, logits.shape[1]!, logits.dtype), shares);
  return op.ReduceSum(op.Mul(told, op.LogSoftmax(logits, 1)), { keepdims: false });
};

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
