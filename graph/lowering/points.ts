// A convolution and its two gradients as products at points (Toom 1963, Cook 1966; Winograd 1980): pictures, weights and results are
// polynomials of which the values at a few points are multiplied. Along each axis that takes as many products as there are points,
// where columns take one a tap and place; for small pictures and many examples that is a third, and no columns are gathered.
import { constant } from "../core/build.ts";
import { at, upTo, zip } from "../core/lists.ts";
import { type Shape, sizeOf } from "../core/shapes.ts";
import type { Two, Value } from "../core/value.ts";
import { type Window, windowOutput } from "../core/windows.ts";
import { Convolution } from "../ops/convolution.ts";
import { ConvolutionInputGradient, ConvolutionWeightGradient, convolutionParts } from "../ops/internal/convolving.ts";
import { transposeLast } from "../ops/internal/transpose.ts";
import { MatMul } from "../ops/linear-algebra.ts";
import { Reshape, Transpose } from "../ops/movement.ts";
import { convolutionAsColumns } from "./columns.ts";
import { type Lowering, lowering } from "./lower.ts";

type Matrix = readonly (readonly number[])[];

/**
 * The form along one axis: the sum over points p of x[p, i] · w[p, t] · y[p, o] is 1 where the output o reads the input i with the
 * tap t, and else 0.
 */
interface AxisForm {
  readonly x: Matrix;
  readonly w: Matrix;
  readonly y: Matrix;
}

/** Small whole numbers, at which a polynomial is evaluated without losing digits; the last point is infinity. */
const places = [0, 1, -1, 2, -2];

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
function axisForm(
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

/** By which it is left out. */
export const pointsName = "points";

/** What a convolution needs to be one of products at points. */
interface PointForm {
  readonly axes: readonly [AxisForm, AxisForm];
  readonly points: readonly [number, number];
}

/** From so many examples on, a product at each point is worth starting; and so many channels, transforming costs less than it saves. */
const [leastExamples, leastChannels] = [48, 32];

/** What places and taps take over what points take, at least: transforming there and back costs as much as a quarter of the products. */
const leastGain = 1.8;

function pointForm(
  examples: unknown,
  space: readonly number[],
  window: Window,
  channels: number,
  filters: unknown,
): PointForm | undefined {
  const { kernel, strides, before, after, dilations, groups } = window;
  if (typeof examples !== "number" || examples < leastExamples || kernel.length !== 2 || groups !== 1) return undefined;
  if (typeof filters !== "number" || Math.min(filters, channels) < leastChannels) return undefined;
  if (dilations.some((dilation) => dilation !== 1)) return undefined;
  const out = windowOutput(space, { kernel, strides, before, after, dilations });
  const [h, w] = zip(space, out, (input, output, i) =>
    axisForm(input, output, { kernel: at(kernel, i), stride: at(strides, i), before: at(before, i) }),
  );
  if (!h || !w) return undefined;
  const points = [h.x.length, w.x.length] as const;
  return sizeOf(kernel) * sizeOf(out) >= leastGain * points[0] * points[1] ? { axes: [h, w], points } : undefined;
}

/** A matrix with a row for each pair of rows, and a column for each pair of columns. */
const kronecker = (a: Matrix, b: Matrix): Matrix =>
  a.flatMap((row) => b.map((other) => row.flatMap((x) => other.map((y) => x * y))));
const transposed = (matrix: Matrix): Matrix => upTo(at(matrix, 0).length).map((j) => matrix.map((row) => at(row, j)));
const literal = (matrix: Matrix, { dtype }: Value): Value =>
  constant(matrix.flat(), [matrix.length, at(matrix, 0).length], dtype);

/** Multiplies the first axis by a matrix. */
function times(matrix: Matrix, x: Value): Value {
  const rest = x.shape.slice(1);
  return Reshape(MatMul(literal(matrix, x), Reshape(x, [at(x.shape, 0), sizeOf(rest)])), [matrix.length, ...rest]);
}

/** Multiplies the first two axes by a matrix each; together where that takes one short product. */
function timesBoth(a: Matrix, b: Matrix, x: Value): Value {
  const [h, w] = [at(a, 0).length, at(b, 0).length];
  const rest = sizeOf(x.shape.slice(2));
  if (h * w <= 16) return times(kronecker(a, b), Reshape(x, [h * w, rest]));
  const first = times(a, Reshape(x, [h, sizeOf([w, rest])]));
  return Reshape(MatMul(literal(b, x), Reshape(first, [a.length, w, rest])), [a.length * b.length, rest]);
}

/** `[n, H, W, C]` at points: `[points, n, C]`. */
function toPoints(x: Value, [h, w]: readonly [Matrix, Matrix]): Value {
  const [n, , , channels] = x.shape;
  return Reshape(timesBoth(h, w, Transpose(x, [1, 2, 0, 3])), [h.length * w.length, n ?? 1, channels ?? 1]);
}

/** What `[points, n, C]` give to places: `[n, H, W, C]`. */
function toPlaces(values: Value, [h, w]: readonly [Matrix, Matrix]): Value {
  const [, n = 1, channels = 1] = values.shape;
  const [a, b] = [transposed(h), transposed(w)];
  const whole = timesBoth(a, b, Reshape(values, [h.length, w.length, n, channels]));
  return Transpose(Reshape(whole, [a.length, b.length, n, channels]), [2, 0, 1, 3]);
}

const pair = (form: PointForm, part: keyof AxisForm): [Matrix, Matrix] => [form.axes[0][part], form.axes[1][part]];

/** Weights `[3, 3, C, O]` at points: `[points, C, O]`. */
function weightsAt(w: Value, form: PointForm): Value {
  const [, , channels = 1, filters = 1] = w.shape;
  const flat = Reshape(w, [-1, sizeOf([channels, filters])]);
  return Reshape(times(kronecker(...pair(form, "w")), flat), [-1, channels, filters]);
}

const formOf = (
  xShape: readonly unknown[],
  window: Window,
  x: readonly number[],
  channels: number,
  filters: unknown,
) => (xShape.length === window.kernel.length + 2 ? pointForm(xShape[0], x, window, channels, filters) : undefined);

/** Whether a convolution of an input and weights of these shapes is one of products at points. */
export const suitsPoints = (x: Shape, w: Shape, window: Window): boolean => {
  const { space, channels } = convolutionParts(x, window);
  return formOf(x, window, space, channels, at(w, -1)) !== undefined;
};

const forward = lowering(
  Convolution,
  ([x, w], window, outputs) => {
    const { space, channels } = convolutionParts(x.shape, window);
    const form = formOf(x.shape, window, space, channels, at(w.shape, -1));
    if (!form) return convolutionAsColumns.forward.lower([x, w], window, outputs);
    return [toPlaces(MatMul(toPoints(x, pair(form, "x")), weightsAt(w, form)), pair(form, "y"))];
  },
  pointsName,
);

const inputGradient = lowering(
  ConvolutionInputGradient,
  ([g, w], attributes, outputs) => {
    const channels = at(w.shape, -2);
    const form =
      typeof channels === "number"
        ? formOf(g.shape, attributes, attributes.space, channels, at(g.shape, -1))
        : undefined;
    if (!form) return convolutionAsColumns.inputGradient.lower([g, w], attributes, outputs);
    return [toPlaces(MatMul(toPoints(g, pair(form, "y")), transposeLast(weightsAt(w, form))), pair(form, "x"))];
  },
  pointsName,
);

const weightGradient = lowering(
  ConvolutionWeightGradient,
  ([x, g]: Two, window, outputs) => {
    const { space, channels } = convolutionParts(x.shape, window);
    const form = formOf(x.shape, window, space, channels, at(g.shape, -1));
    if (!form) return convolutionAsColumns.weightGradient.lower([x, g], window, outputs);
    const products = MatMul(transposeLast(toPoints(x, pair(form, "x"))), toPoints(g, pair(form, "y")));
    const [points, ...sizes] = products.shape;
    const flat = Reshape(products, [points ?? 1, sizeOf(sizes)]);
    return [Reshape(times(transposed(kronecker(...pair(form, "w"))), flat), outputs[0].shape)];
  },
  pointsName,
);

/** Products at points where they pay, and columns elsewhere. */
export const convolutionAtPoints: readonly Lowering[] = [forward, inputGradient, weightGradient];
