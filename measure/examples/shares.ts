// Shares of answers that were right, with what they may be for other examples of the kind.

/** So many of so many, and the 95 % interval of the share. */
export interface Share {
  readonly count: number;
  readonly of: number;
  /** 0 to 1; NaN of none. */
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

/** The number that a standard normal variable stays within, in absolute value, with a probability of 0.95. */
const quantile = 1.959963984540054;

/**
 * A share with Wilson's interval (1927), which keeps its 95 % also for few answers and for shares near 0 and 1, where p ± 1.96·√(p(1 − p)/n)
 * does not.
 */
export function shareOf(count: number, of: number): Share {
  if (of === 0) return { count, of, share: Number.NaN, low: 0, high: 1 };
  const share = count / of;
  const z = quantile ** 2 / of;
  const middle = (share + z / 2) / (1 + z);
  const half = (quantile / (1 + z)) * Math.sqrt((share * (1 - share)) / of + z / (4 * of));
  return { count, of, share, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/**
 * How likely it is that two ways of answering which are equally good differ at least so much: the exact sign test over the examples that
 * one of them has right and the other wrong (McNemar 1947, in its binomial form).
 *
 * @returns the probability, two-sided
 */
export function signTest(onlyFirst: number, onlySecond: number): number {
  const all = onlyFirst + onlySecond;
  // Binomial probabilities by their logarithms, so that many examples do not underflow.
  let term = -all * Math.LN2;
  let tail = 0;
  for (let k = 0; k <= Math.min(onlyFirst, onlySecond); k++) {
    tail += Math.exp(term);
    term += Math.log((all - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}
