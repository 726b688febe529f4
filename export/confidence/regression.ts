// Planes through points: by least squares, and through a quantile.

/** How rows count, and what holds coefficients near 0. */
export interface RegressionOptions {
  /** Of each row; 1 unless given. */
  readonly weights?: Float64Array;
  /** In units of the weights' sum, for each column; unless given a touch for all but the first. */
  readonly ridge?: readonly number[];
}

/**
 * Coefficients b with the smallest Σ weights · (rows·b − targets)² + Σ ridge · b². A column that never changes apart from the first
 * has 0.
 */
export function leastSquares(
  rows: readonly (readonly number[])[],
  targets: readonly number[],
  { weights, ridge }: RegressionOptions = {},
): number[] {
  const weigh = (row: number) => weights?.[row] ?? 1;
  const all = sum(targets.map((_, row) => weigh(row)));
  const held = (column: number) => (ridge ? ridge[column]! * all : column > 0 ? 1e-9 : 0);
  const width = rows[0]!.length;
  const normal = Array.from({ length: width }, (_, i) => [
    ...Array.from(
      { length: width },
      (_, j) => sum(rows.map((row, k) => weigh(k) * row[i]! * row[j]!)) + (i === j ? held(i) : 0),
    ),
    sum(rows.map((row, k) => weigh(k) * row[i]! * targets[k]!)),
  ]);
  for (const [i, pivot] of normal.entries())
    for (const [k, row] of normal.entries()) {
      const factor = row[i]! / pivot[i]!;
      if (k !== i) for (let j = i; j <= width; j++) row[j]! -= factor * pivot[j]!;
    }
  return normal.map((row, i) => row[width]! / row[i]!);
}

/** Rounds of {@link quantileRegression}, and the residual below which its loss counts as round. */
const [rounds, round] = [60, 0.01];

/**
 * Coefficients b with the smallest Σ ρ(targets − rows·b), ρ(r) = share · r above 0 and (share − 1) · r below: the given share
 * of targets lies below rows·b (Koenker & Bassett 1978). By reweighted least squares, with residuals of a hundredth rounded.
 */
export function quantileRegression(
  rows: readonly (readonly number[])[],
  targets: readonly number[],
  share: number,
): number[] {
  let found = leastSquares(rows, targets);
  for (let i = 0; i < rounds; i++) {
    const weights = Float64Array.from(targets, (target, k) => {
      const residual = target - sum(rows[k]!.map((value, column) => value * found[column]!));
      return (residual > 0 ? share : 1 - share) / Math.max(round, Math.abs(residual));
    });
    found = leastSquares(rows, targets, { weights });
  }
  return found;
}

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

export const mean = (values: readonly number[]): number => sum(values) / values.length;
