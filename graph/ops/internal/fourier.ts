// The discrete Fourier transform of an axis as a matrix: of numbers where the sizes are known, else computed in the graph.
import type { DType } from "@innerloop/schemas";
import { spend } from "../../core/budget.ts";
import { constant } from "../../core/build.ts";
import { type Dim, multiplyDims } from "../../core/dims.ts";
import type { Value } from "../../core/value.ts";
import { Add, Div, Floor, Mul, Neg, Sub } from "../arithmetic.ts";
import { Equal, Less, Or, Where } from "../comparison.ts";
import { Cast } from "../dtypes.ts";
import { Cos, Sin } from "../functions.ts";
import { Range } from "../indexing.ts";
import { Reshape, Unsqueeze } from "../movement.ts";
import { Concat } from "../parts.ts";
import { measureOf } from "./places.ts";
import { sizesOf } from "./sizes.ts";

/** What is transformed: `size` numbers of one or two parts, taken to be `length` long. */
export interface Transform {
  readonly size: Dim;
  readonly length: Dim;
  readonly parts: 1 | 2;
  readonly inverse: boolean;
  /** Only the frequencies that a real signal has of its own. */
  readonly onesided: boolean;
}

/** `matrix [size·parts, count·outParts]`. */
export interface TransformMatrix {
  readonly matrix: Value;
  /** How many numbers come out, and how many parts they have. */
  readonly count: Dim;
  readonly outParts: 1 | 2;
}

/** How many frequencies a real signal of a length has of its own. */
export function halfOf(length: Dim): Dim {
  if (typeof length === "number") return Math.floor(length / 2) + 1;
  const [half = 1] = sizesOf(Cast(Add(Floor(Mul(measureOf(length, "float64"), 0.5)), 1), "int64"));
  return half;
}

/** The matrix of a transform. */
export function fourier(transform: Transform, dtype: DType): TransformMatrix {
  const { size, length, parts, inverse, onesided } = transform;
  const outParts = inverse && onesided ? 1 : 2;
  if (typeof size === "number" && typeof length === "number") {
    const count = onesided && !inverse ? Math.floor(length / 2) + 1 : length;
    const shape = [size * parts, count * outParts] as const;
    spend("numbers", shape[0] * shape[1]);
    return { matrix: constant(numbersOf({ ...transform, size, length }, count), shape, dtype), count, outParts };
  }
  const count = onesided && !inverse ? halfOf(length) : length;
  const shape = [multiplyDims(size, parts), multiplyDims(count, outParts)];
  return { matrix: Cast(Reshape(computed(transform, count), shape), dtype), count, outParts };
}

function numbersOf(
  { size, length, parts, inverse, onesided }: Transform & { readonly size: number; readonly length: number },
  count: number,
): Float64Array {
  const real = inverse && onesided;
  const outParts = real ? 1 : 2;
  const columns = count * outParts;
  const numbers = new Float64Array(size * parts * columns);
  const scale = inverse ? 1 / length : 1;
  for (let n = 0; n < Math.min(size, real ? Math.floor(length / 2) + 1 : length); n++) {
    // What a one-sided spectrum leaves out is the mirror image of what it has.
    const often = real && n > 0 && 2 * n !== length ? 2 : 1;
    for (let k = 0; k < count; k++) {
      const angle = (2 * Math.PI * ((n * k) % length)) / length;
      const [c, s] = [Math.cos(angle) * scale * often, Math.sin(angle) * scale * often * (inverse ? 1 : -1)];
      const [row, column] = [n * parts, k * outParts];
      numbers[row * columns + column] = c;
      if (outParts === 2) numbers[row * columns + column + 1] = s;
      if (parts === 2) {
        numbers[(row + 1) * columns + column] = -s;
        if (outParts === 2) numbers[(row + 1) * columns + column + 1] = c;
      }
    }
  }
  return numbers;
}

/** The same numbers, `[size, parts, count, outParts]`, in float64. */
function computed({ size, length, parts, inverse, onesided }: Transform, count: Dim): Value {
  const real = inverse && onesided;
  const whole = measureOf(length, "float64");
  const n = Unsqueeze(Cast(Range(size), "float64"), [1]);
  const product = Mul(n, Unsqueeze(Cast(Range(count), "float64"), [0]));
  const angle = Mul(Div(Sub(product, Mul(Floor(Div(product, whole)), whole)), whole), 2 * Math.PI);
  const used = Less(n, real ? measureOf(halfOf(length), "float64") : whole);
  const alone = Cast(Or(Equal(n, 0), Equal(Mul(n, 2), whole)), "float64");
  const often = real ? Sub(2, alone) : 1;
  const share = Where(used, Mul(Add(Mul(n, 0), often), inverse ? Div(1, measureValue(whole)) : 1), 0);
  const [c, sine] = [Mul(Cos(angle), share), Mul(Sin(angle), share)];
  const s = inverse ? sine : Neg(sine);
  const beside = (list: readonly Value[]) =>
    Concat(
      list.map((v) => Unsqueeze(v, [2])),
      2,
    );
  const row = (first: Value, second: Value) => Unsqueeze(beside(real ? [first] : [first, second]), [1]);
  return parts === 1 ? row(c, s) : Concat([row(c, s), row(Neg(s), c)], 1);
}

const measureValue = (x: Value | number): Value => (typeof x === "number" ? constant(x, [], "float64") : x);
