// What a run reports: accuracy and its interval over episodes, recall and F1 over classes, and the two losses in plain
// numbers. Pure functions over arrays, so that evaluation, training and benchmarks mean the same by the same word.
import { InnerloopError, show } from "@innerloop/schemas";

/** A mean with the half-width of its 95 % interval: `mean ± ci95`. */
export interface Estimate {
  readonly mean: number;
  readonly ci95: number;
}

/**
 * The mean of values measured on independent episodes, with its 95 % interval 1.96·s/√n, where s is the sample standard
 * deviation (divisor n − 1). One value alone has an interval of 0.
 *
 * @throws {InnerloopError} `no-values` for an empty array
 */
export function estimate(values: ArrayLike<number>): Estimate {
  const n = values.length;
  if (n === 0) throw new InnerloopError("no-values", "No episode was measured; a mean needs at least one");
  let sum = 0;
  for (let i = 0; i < n; i++) sum += values[i]!;
  const mean = sum / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (values[i]! - mean) ** 2;
  return { mean, ci95: n > 1 ? 1.96 * Math.sqrt(squares / (n - 1) / n) : 0 };
}

/** Right answers and all answers to the queries of one class, or of one alphabet. */
export interface Tally {
  readonly right: number;
  readonly of: number;
}

/**
 * The half-width of the 95 % interval of the share of right answers, where answers of one cluster (a class, an alphabet) go together
 * and only clusters are independent: how far the share is off that of other clusters of the kind. Episodes that are drawn again and
 * again from the same classes cannot make it narrower than the classes do.
 *
 * The share p is Σ right / Σ of; its variance by linearization of this ratio is G/(G − 1) · Σ (right − p·of)² / (Σ of)² (Cochran 1977,
 * section 9A), and the half-width is its root times the quantile of Student's t with G − 1 degrees of freedom.
 *
 * @param clusters one of each
 * @returns undefined for fewer than two clusters, of which nothing can be told
 */
export function clusterInterval(clusters: readonly Tally[]): number | undefined {
  const count = clusters.length;
  if (count < 2) return undefined;
  const all = sum(clusters.map(({ of }) => of));
  const share = sum(clusters.map(({ right }) => right)) / all;
  const squares = sum(clusters.map(({ right, of }) => (right - share * of) ** 2));
  return (studentQuantile(count - 1) * Math.sqrt((count / (count - 1)) * squares)) / all;
}

/** Beyond so many degrees of freedom, Student's t is the normal distribution to three digits. */
const manyDegrees = 1000;

/** The number that |t| of Student's distribution stays under with a probability of 0.95. */
function studentQuantile(freedom: number): number {
  const degrees = Math.min(freedom, manyDegrees);
  let [low, high] = [0, 13];
  while (high - low > 1e-12) {
    const middle = (low + high) / 2;
    if (studentWithin(middle, degrees) < 0.95) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The probability of |T| < t with a whole number of degrees of freedom (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4). */
function studentWithin(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const odd = degrees % 2 === 1;
  let [term, series] = odd ? [cosine, 0] : [1, 0];
  for (let k = odd ? 1 : 0; k <= degrees - 2; k += 2) {
    series += term;
    term *= (cosine ** 2 * (k + 1)) / (k + 2);
  }
  return odd ? (2 / Math.PI) * (angle + sine * series) : sine * series;
}

/** The class with the largest logit of every row; of equals, the first. `logits` `[n, ways]` → `[n]`. */
export function argmax(logits: ArrayLike<number>, ways: number): Int32Array {
  return Int32Array.from({ length: rows(logits, ways) }, (_, row) => {
    let best = 0;
    for (let way = 1; way < ways; way++) {
      if (logits[row * ways + way]! > logits[row * ways + best]!) best = way;
    }
    return best;
  });
}

/** The share of predictions that equal their label, in [0, 1]. */
export function accuracy(predictions: ArrayLike<number>, labels: ArrayLike<number>): number {
  sameLength(predictions, labels);
  let right = 0;
  for (let i = 0; i < labels.length; i++) if (predictions[i] === labels[i]) right++;
  return right / labels.length;
}

/** A matrix of more has more cells than a person or a machine looks at. */
const mostClasses = 4096;

/** Counts by true class (row) and predicted class (column): `matrix[true][predicted]`, `[classes, classes]`. */
export function confusionMatrix(
  predictions: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): number[][] {
  sameLength(predictions, labels);
  if (!(Number.isInteger(classes) && classes >= 0 && classes <= mostClasses))
    throw new InnerloopError(
      "bad-argument",
      `${show(classes)} classes; a whole number up to ${mostClasses} was expected`,
      {
        exitStatus: 2,
      },
    );
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) {
    const row = matrix[labels[i]!];
    const predicted = predictions[i]!;
    if (row?.[predicted] === undefined)
      throw new InnerloopError(
        "bad-label",
        `Label ${labels[i]} with prediction ${predicted}; expected both to be classes 0…${classes - 1}`,
      );
    row[predicted]!++;
  }
  return matrix;
}

/**
 * Recall, averaged with equal weight over the classes that have examples: the mean of
 * `matrix[c][c] / sum(matrix[c])`.
 *
 * @param matrix counts `[true][predicted]`
 */
export function macroRecall(matrix: readonly (readonly number[])[]): number {
  const recalls = matrix.flatMap((row, c) => {
    const examples = sum(row);
    return examples > 0 ? [row[c]! / examples] : [];
  });
  return sum(recalls) / recalls.length;
}

/**
 * The F1 score 2·TP / (2·TP + FP + FN), averaged with equal weight over the classes that have examples or were
 * predicted.
 *
 * @param matrix counts `[true][predicted]`
 */
export function macroF1(matrix: readonly (readonly number[])[]): number {
  const scores = matrix.flatMap((row, c) => {
    const examplesAndPredictions = sum(row) + sum(matrix.map((other) => other[c]!));
    return examplesAndPredictions > 0 ? [(2 * row[c]!) / examplesAndPredictions] : [];
  });
  return sum(scores) / scores.length;
}

/** Mean of −log softmax(logits)[label], in nats. `logits` `[n, ways]`, `labels` `[n]`. */
export function crossEntropy(logits: ArrayLike<number>, labels: ArrayLike<number>, ways: number): number {
  const n = rows(logits, ways);
  if (n !== labels.length) throw lengths(n, labels.length);
  let total = 0;
  for (let row = 0; row < n; row++) {
    let largest = Number.NEGATIVE_INFINITY;
    for (let way = 0; way < ways; way++) largest = Math.max(largest, logits[row * ways + way]!);
    let exponentials = 0;
    for (let way = 0; way < ways; way++) exponentials += Math.exp(logits[row * ways + way]! - largest);
    total += largest + Math.log(exponentials) - logits[row * ways + labels[row]!]!;
  }
  return total / n;
}

/** Mean of (prediction − target)² over all entries. */
export function meanSquaredError(predictions: ArrayLike<number>, targets: ArrayLike<number>): number {
  sameLength(predictions, targets);
  let total = 0;
  for (let i = 0; i < targets.length; i++) total += (predictions[i]! - targets[i]!) ** 2;
  return total / targets.length;
}

function rows(logits: ArrayLike<number>, ways: number): number {
  if (logits.length % ways !== 0)
    throw new InnerloopError("bad-shape", `${logits.length} logits; expected a multiple of ${ways} ways`);
  return logits.length / ways;
}

function sameLength(predictions: ArrayLike<number>, expected: ArrayLike<number>): void {
  if (predictions.length !== expected.length) throw lengths(predictions.length, expected.length);
}

function lengths(predictions: number, expected: number): InnerloopError {
  return new InnerloopError("bad-shape", `${predictions} predictions for ${expected} labels; expected one for each`);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
