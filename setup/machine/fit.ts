// Fits the model of what a form costs beside the usual one: the logarithm of the relative time is linear in the logarithms of the
// work, by least squares.
import { type ConvolutionWork, features, type RelativeCost, relativeTime } from "@innerloop/graph";

/** How much there was to do, and the time of a form divided by that of the usual one. */
export interface Sample {
  readonly work: ConvolutionWork;
  readonly ratio: number;
}

/** A model, and how far it is off: the median over the samples of how much larger or smaller the ratio was. */
export interface Fit {
  readonly cost: RelativeCost;
  readonly error: number;
}

/** Holds coefficients down that few samples, much alike in their work, would make large and of opposite signs. */
const ridge = 1;

/** @param samples of one form; at least as many as the model has coefficients */
export function fit(samples: readonly Sample[]): Fit {
  // Around the means, so that the constant is not held down.
  const rows = samples.map(({ work }) => features(work).slice(1));
  const targets = samples.map(({ ratio }) => Math.log(ratio));
  const means = [0, 1, 2].map((i) => mean(rows.map((row) => row[i]!)));
  const target = mean(targets);
  const centred = rows.map((row) => row.map((x, i) => x - means[i]!));
  const normal = means.map((_, i) => [
    ...means.map((_, j) => sum(centred.map((row) => row[i]! * row[j]!)) + (i === j ? ridge : 0)),
    sum(centred.map((row, k) => row[i]! * (targets[k]! - target))),
  ]);
  const [flops, bytes, width] = solved(normal) as [number, number, number];
  const constant = target - flops * means[0]! - bytes * means[1]! - width * means[2]!;
  const cost = { constant, flops, bytes, width };
  const errors = samples.map(({ work, ratio }) => Math.abs(Math.log(relativeTime(cost, work) / ratio)));
  return { cost, error: Math.expm1(errors.sort((a, b) => a - b)[errors.length >> 1]!) };
}

const sum = (values: readonly number[]): number => values.reduce((total, x) => total + x, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;

/** The solution of equations that are symmetric and positive, each a row with its right side at the end. */
function solved(equations: readonly (readonly number[])[]): number[] {
  let rows = equations;
  for (const k of equations.keys()) {
    const pivot = rows[k]!.map((x) => x / rows[k]![k]!);
    rows = rows.map((row, i) => (i === k ? pivot : row.map((x, j) => x - row[k]! * pivot[j]!)));
  }
  return rows.map((row) => row.at(-1)!);
}
