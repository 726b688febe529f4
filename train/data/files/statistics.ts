// What is told of numbers as a whole.

export interface Moments {
  readonly mean: number;
  /** Of all of them, not of a sample. */
  readonly std: number;
}

/** Mean and standard deviation, in two passes, so that a large mean takes nothing from a small deviation. */
export function momentsOf(values: ArrayLike<number>): Moments {
  let [sum, squares, rest] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  const mean = sum / values.length;
  for (let i = 0; i < values.length; i++) {
    const off = values[i]! - mean;
    squares += off * off;
    rest += off;
  }
  return { mean, std: Math.sqrt(Math.max(0, squares - (rest * rest) / values.length) / values.length) };
}

/** The value that as many are above as below, NaN of none. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The value that this share of all is below, on the line between two where it is between them, as NumPy does it. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}
