// Sums of products of a few neighbours as fewer products: each factor is taken at a few points, and what comes is brought back (Toom and Cook; Winograd).

/** `gives` · ((`field` · numbers) ∘ (`taps` · weights)): what comes of numbers side by side and of weights. A row for each number that is given. */
export interface Bilinear {
  readonly points: number;
  /** A row for each point, of as many numbers as are read. */
  readonly field: readonly number[];
  readonly taps: readonly (readonly number[])[];
  /** A row for each sum, of points. */
  readonly gives: readonly number[];
}

/** The point at infinity, and then such that powers of them stay near one. Fewer points are the first of more. */
const places = [Number.POSITIVE_INFINITY, 0, 1, -1, 2, -0.5, -2, 0.5] as const;

/** Sums that come at once of so many taps at most. */
export const mostSums = (taps: number): number => places.length + 1 - taps;

/** Each of `sums` numbers is Σ taps[i] · numbers[it + i]. */
export function windowed(sums: number, taps: number): Bilinear {
  const name = `${sums},${taps}`;
  const made = known.get(name) ?? windowedAnew(sums, taps);
  known.set(name, made);
  return made;
}

/** There are few, and every product of windows asks for some. */
const known = new Map<string, Bilinear>();

function windowedAnew(sums: number, taps: number): Bilinear {
  const points = places.slice(0, sums + taps - 1);
  return {
    points: points.length,
    field: points.flatMap((point) => basis(points, point)),
    taps: points.map((point) => powers(point, taps)),
    gives: columns(points.map((point) => powers(point, sums).map((power) => power / scale(points, point)))),
  };
}

/** The same of numbers with nothing but zeros beside them, as many sums as there may be any: sum i begins taps - 1 places before number i. */
export function whole(numbers: number, taps: number): Bilinear {
  const points = places.slice(0, numbers + taps - 1);
  return {
    points: points.length,
    field: points.flatMap((point) => powers(point, numbers)),
    taps: points.map((point) => powers(point, taps).reverse()),
    gives: columns(points.map((point) => basis(points, point).map((number) => number / scale(points, point)))),
  };
}

/** What each row has in a column, one column after another. */
const columns = (rows: readonly (readonly number[])[]): number[] =>
  rows[0]!.flatMap((_, column) => rows.map((row) => row[column]!));

/** By these factors its coefficients give a polynomial's number at a point; at infinity, the last of them. */
const powers = (point: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => (Number.isFinite(point) ? point ** i : Number(i === count - 1)));

const others = (points: readonly number[], point: number): number[] =>
  points.filter((other) => other !== point && Number.isFinite(other));

/** Coefficients of the polynomial that is zero at all other points, infinity aside. */
function basis(points: readonly number[], point: number): number[] {
  const coefficients = new Array<number>(points.length).fill(0);
  coefficients[0] = 1;
  for (const other of others(points, point))
    for (let i = points.length - 1; i >= 0; i--)
      coefficients[i] = (coefficients[i - 1] ?? 0) - other * coefficients[i]!;
  return coefficients;
}

/** Its number at its own point. */
const scale = (points: readonly number[], point: number): number =>
  Number.isFinite(point) ? others(points, point).reduce((product, other) => product * (point - other), 1) : 1;
