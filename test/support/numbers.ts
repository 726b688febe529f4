// Numbers that are the same in every run, and how far two lists of them are from each other.

/** Evenly spread numbers in 0…1: state ← (1664525·state + 1013904223) mod 2³², the generator of Numerical Recipes. */
export function uniformNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The same in −1…1. */
export function randomNumbers(seed: number): () => number {
  const next = uniformNumbers(seed);
  return () => next() * 2 - 1;
}

/** How many numbers an array of a shape has. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The largest difference of two lists, relative to the largest entry of the second, or absolute where that is below 1. */
export function distance(actual: ArrayLike<number | bigint>, expected: ArrayLike<number | bigint>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [apart, unit] = [0, 1];
  for (let i = 0; i < expected.length; i++) {
    apart = Math.max(apart, Math.abs(Number(actual[i]) - Number(expected[i])));
    unit = Math.max(unit, Math.abs(Number(expected[i])));
  }
  return apart / unit;
}
