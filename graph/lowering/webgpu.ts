// What WebGPU, or ONNX Runtime on it, does not compute as it should, by other means.

import { constant } from "../core/build.ts";
import { isKnown } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { Add, Div, Floor, Mul, Round, Sub } from "../ops/arithmetic.ts";
import { Cos, Pow, Sin, Tan } from "../ops/functions.ts";
import { Gather } from "../ops/indexing.ts";
import { conv, convInputGradient } from "../ops/internal/channels-first.ts";
import { Reshape } from "../ops/movement.ts";
import { type Lowering, lowering } from "./lower.ts";

/**
 * The sine by a polynomial on [−π/2, π/2] (the Taylor series up to x¹³, whose error there is below float32's). WGSL promises 2⁻¹¹ of
 * its own one: "Accuracy of built-in functions" in the WGSL specification.
 */
function sine(x: Value): Value {
  const turns = Round(Mul(x, 1 / Math.PI));
  // π in two parts, of which the first is exact in few bits, so that the difference loses nothing.
  const [high, low] = [3.140625, Math.PI - 3.140625];
  const r = Sub(Sub(x, Mul(turns, high)), Mul(turns, low));
  const square = Mul(r, r);
  const factor = (n: number) => Mul(square, -1 / (2 * n * (2 * n + 1)));
  const series = [5, 4, 3, 2, 1].reduce((sum, n) => Add(Mul(factor(n), sum), 1), Add(factor(6), 1));
  const odd = Sub(turns, Mul(Floor(Mul(turns, 0.5)), 2));
  return Mul(Mul(r, series), Sub(1, Mul(odd, 2)));
}

const cosine = (x: Value): Value => sine(Add(x, Math.PI / 2));

/** Sin, Cos and Tan, as exact as float32 is. */
export const exactTrigonometry: readonly Lowering[] = [
  lowering(Sin, ([x]) => [sine(x)]),
  lowering(Cos, ([x]) => [cosine(x)]),
  lowering(Tan, ([x]) => [Div(sine(x), cosine(x))]),
];

/**
 * The WebGPU provider of ONNX Runtime 1.30 gets strided convolutions of series wrong, has none of volumes in groups, and no transposed
 * ones of volumes. These are taken apart where all sizes of space are known, since the table of columns needs them.
 */
export const convolutionsOfSpace: readonly Lowering[] = [
  lowering({ operator: conv }, (inputs, window) => {
    const strided = window.strides.some((stride) => stride !== 1);
    const wrong = window.kernel.length === 1 ? strided : window.kernel.length === 3 && window.groups > 1;
    return wrong && isKnown(inputs[0].shape.slice(1)) ? conv.decompose?.(inputs, window) : undefined;
  }),
  lowering({ operator: convInputGradient }, (inputs, window) => {
    const wrong = window.kernel.length !== 2;
    return wrong && isKnown(inputs[0].shape.slice(1)) ? convInputGradient.decompose?.(inputs, window) : undefined;
  }),
];

/**
 * The WebGPU provider of ONNX Runtime 1.30 fails on many shapes that broadcast ("raw_hash_map::at"), in this operator alone.
 * Sizes that are open stay as they are.
 */
export const powerOfOneShape = lowering(Pow, ([a, b], _, [{ shape }]) => {
  const known = shape.filter((size) => typeof size === "number");
  if (known.length < shape.length || [a, b].every((x) => x.shape.join() === shape.join())) return undefined;
  return [Pow(spread(a, known), spread(b, known))];
});

/** A value at a shape that it broadcasts to, by gathering: an Expand would be left out again. */
function spread(x: Value, shape: readonly number[]): Value {
  const ranked = Reshape(x, [...new Array<number>(shape.length - x.rank).fill(1), ...x.shape]);
  return shape.reduce<Value>((spreading, size, axis) => {
    if (spreading.shape[axis] === size) return spreading;
    return Gather(spreading, constant(new Array<number>(size).fill(0), [size], "int64"), axis);
  }, ranked);
}
