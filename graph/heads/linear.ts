// Where a linear head starts at each task: zero, or the support set's prototypes; and what its steps take.
import { constant } from "../core/build.ts";
import type { Dim } from "../core/dims.ts";
import type { Value } from "../core/value.ts";
import * as op from "../ops/index.ts";
import type { Parameters } from "../transforms/inner-loop.ts";

/** The classes of labels as a row 0…ways−1; where only the labels tell how many there are, their largest says it. */
export const classesOf = (labels: Value, ways: Dim): Value =>
  typeof ways === "number"
    ? op.Range(ways)
    : op.Range(ways, op.Add(op.ReduceMax(labels, { keepdims: false }), constant(1, [], "int64")));

/** One-hot rows `[n, ways]` of labels `[n]`. */
export const oneHot = (labels: Value, ways: Dim): Value => op.OneHot(labels, classesOf(labels, ways));

/**
 * The mean feature of each class: features `[n, f]`, one-hot labels `[n, ways]` to `[ways, f]` (Snell et al. 2017, eq. 1);
 * zeros for a class without examples.
 */
export function prototypes(features: Value, hot: Value): Value {
  const counts = op.ReduceSum(hot, { axes: [0], keepdims: false });
  const sums = op.MatMul(op.Transpose(hot), features);
  return op.Div(sums, op.Unsqueeze(op.Max(counts, 1), [1]));
}

/**
 * Features as prototypes compare them: √(8 / f) times those of the body. Squared distances then do not grow with the
 * number of features, so that logits start neither flat nor saturated.
 */
export const comparable = (features: Value): Value =>
  op.Mul(features, Math.sqrt(8 / (features.shape.at(-1) as number)));

/**
 * The linear head whose logits are −‖x − c‖² up to a term that all classes share: weight 2c, bias −‖c‖²
 * (Triantafillou et al. 2020, §3.2). A class without examples is never the answer.
 */
export function prototypeHead(features: Value, hot: Value): Parameters {
  const centres = prototypes(features, hot);
  const squares = op.ReduceSum(op.Mul(centres, centres), { axes: [1], keepdims: false });
  return {
    // Scaled first: ONNX Runtime breaks a transpose of a scaled transpose, which a head that stays where it is would have.
    "head.weight": op.Transpose(op.Mul(2, centres)),
    "head.bias": op.Sub(absentClasses(hot), squares),
  };
}

/**
 * The centre of a support set: the mean of the means of its classes. Features of a ReLU body share a large common part,
 * which tells nothing apart and makes steps on a linear head unstable; what is left of them after it is taken off does.
 * @param weights {@link balancingWeights}
 * @returns `[1, f]`
 */
export const centreOf = (features: Value, weights: Value): Value =>
  op.ReduceMean(op.Mul(op.Unsqueeze(weights, [1]), features), { axes: [0], keepdims: true });

/**
 * A bound of the curvature of the balanced cross-entropy plus λ/2 ‖θ − θ₀‖² in a linear head, in the units of its rates: the
 * Hessian of a softmax is at most ½ in every direction (Böhning 1992), and the sum of its eigenvalues over the examples
 * bounds the largest. Gradient descent never raises the objective where the rates are divided by the larger of this and 1.
 * @param features centred, `[n, f]`
 */
export function curvatureBound(
  features: Value,
  weights: Value,
  rates: { readonly weight: Value; readonly bias: Value },
  decay: number,
): Value {
  const squares = op.ReduceSum(op.Mul(features, features), { axes: [1], keepdims: false });
  const each = op.Add(op.Mul(rates.weight, squares), rates.bias);
  const mean = op.ReduceMean(op.Mul(weights, each), { keepdims: false });
  return op.Add(op.Mul(0.5, mean), op.Mul(decay, op.Max(rates.weight, rates.bias)));
}

/**
 * A head of zeros for any number of classes. Where only the labels tell the number, the zeros are made from them (no
 * one-hot row has anything below 0), so that the graph knows it too.
 */
export function zeroHead(features: number, hot: Value): Parameters {
  const ways = hot.shape[1]!;
  const row =
    typeof ways === "number"
      ? op.Expand(constant(0, [1]), [ways])
      : op.ReduceMax(op.Cast(op.Less(hot, 0), "float32"), { axes: [0], keepdims: false });
  return { "head.weight": op.Expand(op.Unsqueeze(row, [0]), [features, ways]), "head.bias": row };
}

/**
 * The weight of each example, `[n]`, with which every class weighs the same: n / (classes · examples of its class). They
 * are 1 in the mean, and exactly 1 where all classes have equally many.
 */
export function balancingWeights(hot: Value): Value {
  const counts = op.ReduceSum(hot, { axes: [0], keepdims: false });
  const classes = op.ReduceSum(op.Min(counts, 1), { keepdims: false });
  const own = op.ReduceSum(op.Mul(hot, counts), { axes: [1], keepdims: false });
  return op.Div(op.ReduceSum(counts, { keepdims: false }), op.Mul(classes, own));
}

/** Logits of a prototype head as −‖x − c‖²: less ‖x‖², which all classes share, so that they say how far the nearest is. */
export const absoluteLogits = (logits: Value, features: Value): Value =>
  op.Sub(logits, op.ReduceSum(op.Mul(features, features), { axes: [1], keepdims: true }));

/** −10⁹ for classes that no label names, else 0: `[ways]`. */
export function absentClasses(hot: Value): Value {
  const present = op.ReduceMax(hot, { axes: [0], keepdims: false });
  return op.Mul(op.Sub(present, 1), 1e9);
}
