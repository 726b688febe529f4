// Losses that a network of a file is adapted by: of its outputs, or of its features alone.
import { constant, op, type Value } from "@innerloop/graph";

/** What a loss may look at besides values and targets. */
export interface LossContext {
  /** Of the examples, `[n]`, 1 in the mean: each class then weighs the same. */
  readonly weights?: Value;
}

export interface AdaptLoss {
  readonly name: string;
  /** What its targets are: class numbers int64 `[n]`, or values `[n, size]`. */
  readonly task: "classification" | "regression";
  /** What it looks at: `[n, outputs]`, or the features `[n, width]`. */
  readonly on: "outputs" | "features";
  /** A scalar. */
  of(values: Value, targets: Value, context: LossContext): Value;
}

const mean = (each: Value, weights?: Value): Value =>
  op.ReduceMean(weights ? op.Mul(each, weights) : each, { keepdims: false });

export interface CrossEntropyOptions {
  /** The share of each label that is spread over all classes (Szegedy et al. 2016); 0 unless given. */
  readonly smoothing?: number;
  /** What each class weighs, where the classes are the model's own. */
  readonly classWeights?: readonly number[];
}

/** Mean softmax cross-entropy. */
export const crossEntropy = ({ smoothing = 0, classWeights }: CrossEntropyOptions = {}): AdaptLoss => ({
  name: "cross-entropy",
  task: "classification",
  on: "outputs",
  of(logits, labels, { weights }) {
    const own = op.SoftmaxCrossEntropyLoss(logits, labels, { reduction: "none" });
    const spread = () => op.Neg(op.ReduceMean(op.LogSoftmax(logits, 1), { axes: [1], keepdims: false }));
    const each = smoothing === 0 ? own : op.Add(op.Mul(1 - smoothing, own), op.Mul(smoothing, spread()));
    if (!classWeights) return mean(each, weights);
    const known = op.Gather(constant(classWeights), labels);
    return op.Div(mean(op.Mul(each, known), weights), mean(known, weights));
  },
});
