// A baseline beside the nearest neighbour: multinomial logistic regression on the support examples as they are. It is what one
// would try without meta-learning.
import type { Episode } from "../episodes/task.ts";

/** Options of {@link logisticRegression}. */
export interface LogisticRegressionOptions {
  /** The inverse of the penalty's weight, as in scikit-learn: C · Σ loss + ½‖W‖² is minimized. Default 1. */
  readonly c?: number;
}

/** What is good enough: no residual is larger, as a share of C. */
const tolerance = 1e-4;
const mostSteps = 500;

/**
 * The class of each query by logistic regression on the support set: W and b that minimize C · Σ −log softmax(Wx + b)[y] +
 * ½‖W‖², as `sklearn.linear_model.LogisticRegression` does.
 *
 * At the minimum, W is a sum of support examples, W = AᵀX with A = C · (Y − P), where Y are the one-hot labels and P the
 * probabilities. So A `[examples, ways]` is looked for, with inner products of examples alone; a few examples of many numbers
 * cost little. Steps are Nesterov's, starting over where the momentum leads uphill (O'Donoghue and Candès 2015).
 *
 * @returns int32 `[queries]`
 */
export function logisticRegression(
  { support, query }: Episode,
  ways: number,
  { c = 1 }: LogisticRegressionOptions = {},
): Int32Array {
  const labels = support.y.data as Int32Array;
  const known = support.x.data as Float32Array;
  const asked = query.x.data as Float32Array;
  const n = labels.length;
  const size = known.length / n;
  const gram = products(known, known, size);
  const { weights, bias } = fitted(gram, labels, ways, c);
  const cross = products(asked, known, size);
  return Int32Array.from({ length: asked.length / size }, (_, row) => {
    let best = 0;
    let largest = Number.NEGATIVE_INFINITY;
    for (let way = 0; way < ways; way++) {
      let logit = bias[way]!;
      for (let i = 0; i < n; i++) logit += cross[row * n + i]! * weights[i * ways + way]!;
      if (logit > largest) [best, largest] = [way, logit];
    }
    return best;
  });
}

/** Inner products of rows: `[a, b]`. */
function products(a: Float32Array, b: Float32Array, size: number): Float64Array {
  const [rows, columns] = [a.length / size, b.length / size];
  const found = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let k = 0; k < size; k++) sum += a[i * size + k]! * b[j * size + k]!;
      found[i * columns + j] = sum;
    }
  return found;
}

function fitted(gram: Float64Array, labels: Int32Array, ways: number, c: number) {
  const n = labels.length;
  // The loss bends at most half as much as its inputs' inner products say, and those at most as their largest row sum.
  let largest = 0;
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += Math.abs(gram[i * n + j]! + 1);
    largest = Math.max(largest, sum);
  }
  const rate = 1 / (1 + (c / 2) * largest);
  let weights = new Float64Array(n * ways);
  let bias = new Float64Array(ways);
  let [aheadWeights, aheadBias] = [weights, bias];
  let momentum = 1;
  for (let step = 0; step < mostSteps; step++) {
    const { residual, slope, error } = gradient(gram, labels, aheadWeights, aheadBias, c);
    if (error <= tolerance * c) return { weights: aheadWeights, bias: aheadBias };
    const nextWeights = aheadWeights.map((value, i) => value - rate * residual[i]!);
    const nextBias = aheadBias.map((value, way) => value - rate * slope[way]!);
    const uphill = residual.reduce((sum, value, i) => sum + value * (nextWeights[i]! - weights[i]!), 0) > 0;
    const next = uphill ? 1 : (1 + Math.sqrt(1 + 4 * momentum * momentum)) / 2;
    const share = uphill ? 0 : (momentum - 1) / next;
    aheadWeights = nextWeights.map((value, i) => value + share * (value - weights[i]!));
    aheadBias = nextBias.map((value, way) => value + share * (value - bias[way]!));
    [weights, bias, momentum] = [nextWeights, nextBias, next];
  }
  return { weights, bias };
}

/** A − C · (Y − P), which is the gradient in terms of A; the gradient of the bias; and how far from none they are. */
function gradient(gram: Float64Array, labels: Int32Array, weights: Float64Array, bias: Float64Array, c: number) {
  const n = labels.length;
  const ways = bias.length;
  const residual = new Float64Array(n * ways);
  const slope = new Float64Array(ways);
  const logits = new Float64Array(ways);
  let error = 0;
  for (let i = 0; i < n; i++) {
    logits.set(bias);
    for (let j = 0; j < n; j++) {
      const product = gram[i * n + j]!;
      for (let way = 0; way < ways; way++) logits[way]! += product * weights[j * ways + way]!;
    }
    const top = Math.max(...logits);
    let total = 0;
    for (let way = 0; way < ways; way++) {
      logits[way] = Math.exp(logits[way]! - top);
      total += logits[way]!;
    }
    for (let way = 0; way < ways; way++) {
      const wrong = c * (logits[way]! / total - (labels[i] === way ? 1 : 0));
      const value = weights[i * ways + way]! + wrong;
      residual[i * ways + way] = value;
      slope[way]! += wrong;
      error = Math.max(error, Math.abs(value));
    }
  }
  for (const value of slope) error = Math.max(error, Math.abs(value));
  return { residual, slope, error };
}
