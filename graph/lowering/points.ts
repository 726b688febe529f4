// A convolution and its two gradients as products at points (Toom 1963, Cook 1966; Winograd 1980): pictures, weights and results are
// polynomials of which the values at a few points are multiplied. Along each axis that takes as many products as there are points,
// where columns take one a tap and place; for small pictures and many examples that is a third, and no columns are gathered.
import { at, zip } from "../core/lists.ts";
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
import { type AxisForm, axisForm, kronecker, type Matrix, times, timesBoth, transposed } from "./toom-cook.ts";

/** By which it is left out. */
export const pointsName = "points";

/** What a convolution needs to be one of products at points. */
interface PointForm {
  readonly axes: readonly [AxisForm, AxisForm];
  readonly points: readonly [number, number];
}

/** From so many examples on, a product at each point is worth starting; and so many channels, transforming costs less than it saves. */
const [leastExamples, leastChannels] = [48, 32];

/**
 * What places and taps take over what points take, at least, unless a target says otherwise: transforming there and back costs as much as a quarter of the
 * products, and gathering columns as well.
 */
const leastGain = 1.8;

function pointForm(
  examples: unknown,
  space: readonly number[],
  window: Window,
  channels: number,
  filters: unknown,
  gain: number,
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
  return sizeOf(kernel) * sizeOf(out) >= gain * points[0] * points[1] ? { axes: [h, w], points } : undefined;
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

/** Tells the form of a convolution; undefined where it is to be none. */
const formsFrom =
  (gain: number) =>
  (xShape: readonly unknown[], window: Window, x: readonly number[], channels: number, filters: unknown) =>
    xShape.length === window.kernel.length + 2 ? pointForm(xShape[0], x, window, channels, filters, gain) : undefined;

/** Whether a convolution of an input and weights of these shapes is one of products at points. */
export const suitsPoints = (x: Shape, w: Shape, window: Window): boolean => {
  const { space, channels } = convolutionParts(x, window);
  return formsFrom(leastGain)(x, window, space, channels, at(w, -1)) !== undefined;
};

/**
 * Products at points where they pay, and columns elsewhere.
 * @param gain how many times fewer multiplications they have to take
 */
export function convolutionAtPoints(gain: number = leastGain): readonly Lowering[] {
  const formOf = formsFrom(gain);
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
  return [forward, inputGradient, weightGradient];
}
