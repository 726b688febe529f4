// A product of polynomials out of their values at a few points (Toom 1963, Cook 1966; Winograd 1980): the matrices that go to points and back
// along one axis, and how they are applied.
import { constant } from "../core/build.ts";
import { at, upTo } from "../core/lists.ts";
import { sizeOf } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { MatMul } from "../ops/linear-algebra.ts";
import { Reshape } from "../ops/movement.ts";

export type Matrix = readonly (readonly number[])[];

/**
 * The form along one axis: the sum over points p of x[p, i] · w[p, t] · y[p, o] is 1 where the output o reads the input i with the
 * tap t, and else 0.
 */
export interface AxisForm {
  readonly x: Matrix;
  readonly w: Matrix;
  readonly y: Matrix;
}

/** Numbers of few digits near one, whose powers are exact and neither large nor small; the last point is infinity. */
const places = [0, 1, -1, 0.5, -2];

/** Of so many points at most the numbers stay as exact as those of columns are. */
const mostPoints = places.length + 1;

/** The values of polynomials of `size` coefficients at `count` points. */
const values = (size: number, count: number): number[][] => [
  ...places.slice(0, count - 1).map((place) => upTo(size).map((power) => place ** power)),
  upTo(size).map((power) => (power === size - 1 ? 1 : 0)),
];

/** The inverse of a matrix, by elimination with pivots. */
function inverse(matrix: Matrix): number[][] {
  const size = matrix.length;
  const rows = matrix.map((row, i) => [...row, ...upTo(size).map((j) => (i === j ? 1 : 0))]);
  for (const column of upTo(size)) {
    const from = upTo(size).slice(column);
    const pivot = from.reduce((best, i) =>
      Math.abs(at(at(rows, i), column)) > Math.abs(at(at(rows, best), column)) ? i : best,
    );
    const [one, other] = [at(rows, column), at(rows, pivot)];
    rows[column] = other.map((x) => x / at(other, column));
    if (pivot !== column) rows[pivot] = one;
    const scaled = at(rows, column);
    for (const i of upTo(size)) {
      if (i === column) continue;
      const factor = at(at(rows, i), column);
      rows[i] = at(rows, i).map((x, j) => x - factor * at(scaled, j));
    }
  }
  return rows.map((row) => row.slice(size));
}

/** Puts the columns of a matrix in their places among more, which are zero. */
const spread = (matrix: Matrix, columns: readonly number[], size: number): number[][] =>
  matrix.map((row) => {
    const wide = new Array<number>(size).fill(0);
    row.forEach((x, i) => {
      wide[at(columns, i)] = x;
    });
    return wide;
  });

/** The form along one axis of a window; undefined where it would need more points than stay exact. */
export function axisForm(
  input: number,
  output: number,
  axis: { kernel: number; stride: number; before: number },
): AxisForm | undefined {
  const { kernel, stride, before } = axis;
  const form: { x: number[][]; w: number[][]; y: number[][] } = { x: [], w: [], y: [] };
  for (const first of upTo(Math.min(stride, kernel))) {
    // Taps of one remainder of the stride read every so many inputs: a convolution of stride 1 of its own.
    const taps = upTo(kernel).filter((tap) => tap % stride === first);
    const reads = upTo(output + taps.length - 1).map((step) => step * stride + first - before);
    const inside = reads.flatMap((place, step) => (place >= 0 && place < input ? [step] : []));
    if (inside.length === 0) continue;
    const inputs = inside.map((step) => at(reads, step));
    const byOutputs = output <= inside.length;
    const points = (byOutputs ? output : inside.length) + taps.length - 1;
    if (points > mostPoints) return undefined;
    const back = inverse(values(points, points));
    // The coefficients of a product of two polynomials, out of its values; `back` has a row for each coefficient.
    const coefficients = (wanted: readonly number[]) =>
      upTo(points).map((point) => wanted.map((power) => at(at(back, power), point)));
    if (byOutputs) {
      form.y.push(...values(output, points));
      form.w.push(...spread(values(taps.length, points), taps, kernel));
      form.x.push(...spread(coefficients(inside), inputs, input));
    } else {
      const least = at(inside, 0);
      const outputs = upTo(output).filter((o) => {
        const power = o + taps.length - 1 - least;
        return power >= 0 && power < points;
      });
      form.x.push(...spread(values(inside.length, points), inputs, input));
      form.w.push(...spread(values(taps.length, points), taps.toReversed(), kernel));
      form.y.push(...spread(coefficients(outputs.map((o) => o + taps.length - 1 - least)), outputs, output));
    }
  }
  return form;
}

/** A matrix with a row for each pair of rows, and a column for each pair of columns. */
export const kronecker = (a: Matrix, b: Matrix): Matrix =>
  a.flatMap((row) => b.map((other) => row.flatMap((x) => other.map((y) => x * y))));
export const transposed = (matrix: Matrix): Matrix =>
  upTo(at(matrix, 0).length).map((j) => matrix.map((row) => at(row, j)));
const literal = (matrix: Matrix, { dtype }: Value): Value =>
  constant(matrix.flat(), [matrix.length, at(matrix, 0).length], dtype);

/** Multiplies the first axis by a matrix. */
export function times(matrix: Matrix, x: Value): Value {
  const rest = x.shape.slice(1);
  return Reshape(MatMul(literal(matrix, x), Reshape(x, [at(x.shape, 0), sizeOf(rest)])), [matrix.length, ...rest]);
}

/** Multiplies the first two axes by a matrix each; together where that takes one short product. */
export function timesBoth(a: Matrix, b: Matrix, x: Value): Value {
  const [h, w] = [at(a, 0).length, at(b, 0).length];
  const rest = sizeOf(x.shape.slice(2));
  if (h * w <= 16) return times(kronecker(a, b), Reshape(x, [h * w, rest]));
  const first = times(a, Reshape(x, [h, sizeOf([w, rest])]));
  return Reshape(MatMul(literal(b, x), Reshape(first, [a.length, w, rest])), [a.length * b.length, rest]);
}
