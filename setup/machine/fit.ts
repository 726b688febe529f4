// Fits how long a form takes: the sum of what it does, each at a rate of its own that is not below zero, by least squares of the
// relative errors.
import { type FormRates, type FormWork, kinds, timeOf } from "@innerloop/graph";

/** How much a form had to do, and the milliseconds that it took. */
export interface Sample {
  readonly work: FormWork;
  readonly milliseconds: number;
  /** How much its error counts, beside 1 for the usual. */
  readonly weight: number;
}

/** Rates, and how far they are off: the median over the samples of how much longer or shorter the time was. */
export interface Fit {
  readonly rates: FormRates;
  readonly error: number;
}

/** Each sweep improves one rate after another, until none moves by more than this share of it, or for so many sweeps. */
const [still, sweeps] = [1e-9, 20_000];

/** @param samples of one form */
export function fit(samples: readonly Sample[]): Fit {
  // What each kind takes of a sample's time at a rate of one: the rates are to make the sum of these 1, each as far as it has weight.
  const roots = samples.map(({ weight }) => Math.sqrt(weight));
  const rows = samples.map(({ work, milliseconds }, i) => kinds.map((kind) => (roots[i]! * work[kind]) / milliseconds));
  const products = kinds.map((_, i) => kinds.map((_, j) => sum(rows.map((row) => row[i]! * row[j]!))));
  const wanted = kinds.map((_, i) => sum(rows.map((row, j) => roots[j]! * row[i]!)));
  const found = kinds.map(() => 0);
  let moves = true;
  for (let sweep = 0; moves && sweep < sweeps; sweep++) {
    moves = false;
    for (const [i, row] of products.entries()) {
      const own = row[i]!;
      if (own === 0) continue;
      const before = found[i]!;
      found[i] = Math.max(0, before + (wanted[i]! - sum(row.map((product, j) => product * found[j]!))) / own);
      moves ||= Math.abs(found[i]! - before) > still * found[i]!;
    }
  }
  const rates = Object.fromEntries(kinds.map((kind, i) => [kind, found[i]!])) as FormRates;
  const errors = samples.map(({ work, milliseconds }) => Math.abs(Math.log(timeOf(rates, work) / milliseconds)));
  return { rates, error: Math.expm1(errors.sort((a, b) => a - b)[errors.length >> 1]!) };
}

const sum = (values: readonly number[]): number => values.reduce((total, x) => total + x, 0);
