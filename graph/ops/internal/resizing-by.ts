// An axis resized where its size, or what becomes of it, only comes out when a graph runs: the same as `interpolation.ts` says,
// as a matrix of shares that is computed in the graph. Places are computed in float64, as they decide which number is read.
import { constant } from "../../core/build.ts";
import { addDims, type Dim, multiplyDims } from "../../core/dims.ts";
import { at } from "../../core/lists.ts";
import { sizeOf } from "../../core/shapes.ts";
import type { Operand, Value } from "../../core/value.ts";
import { Clip } from "../activation.ts";
import { Abs, Add, Ceil, Div, Floor, Min, Mul, Sub } from "../arithmetic.ts";
import { And, Equal, GreaterOrEqual, Less, LessOrEqual, Or, Where } from "../comparison.ts";
import { Cast } from "../dtypes.ts";
import { Relu } from "../functions.ts";
import { Gather, Range } from "../indexing.ts";
import { MatMul } from "../linear-algebra.ts";
import { Reshape, Unsqueeze } from "../movement.ts";
import { ReduceSum } from "../reduction.ts";
import type { Interpolation, NearestMode } from "./interpolation.ts";
import { measureOf, plus } from "./places.ts";

/** An axis, and what becomes of it. */
export interface ComputedAxis {
  readonly to: Dim;
  /** By which it grows, a scalar of float64 where it is computed. */
  readonly scale: Operand;
  /** The part that is looked at, from 0 to 1. */
  readonly region: readonly [start: Operand, end: Operand];
}

const exact = "float64";
const scalar = (x: Operand): Value => (typeof x === "number" ? constant(x, [], exact) : x);

/** Where the places of the result lie in the axis. */
function sourcesOf({ to, scale: by, region }: ComputedAxis, size: Operand, { coordinates }: Interpolation): Value {
  const y = Cast(Range(to), exact);
  const scale = scalar(by);
  const whole = Mul(scale, size);
  const last = plus(size, -1);
  const halfPixel = Sub(Div(Add(y, 0.5), scale), 0.5);
  const one = Equal(whole, 1);
  const steps = Where(one, 1, Sub(whole, 1));
  switch (coordinates) {
    case "align_corners":
      return Where(one, 0, Div(Mul(y, last), steps));
    case "asymmetric":
      return Div(y, scale);
    case "tf_crop_and_resize": {
      const [start, end] = [scalar(region[0]), scalar(region[1])];
      const length = Mul(Sub(end, start), last);
      return Add(Mul(start, last), Where(one, Mul(length, 0.5), Div(Mul(y, length), steps)));
    }
    case "pytorch_half_pixel":
      return Where(one, -0.5, halfPixel);
    case "half_pixel_symmetric":
      return Add(Mul(Mul(scalar(size), 0.5), Sub(1, Div(scalar(measureOf(to, exact)), whole))), halfPixel);
    case "tf_half_pixel_for_nn":
      return Div(Add(y, 0.5), scale);
    default:
      return halfPixel;
  }
}

function nearestTo(x: Value, mode: NearestMode): Value {
  if (mode === "floor") return Floor(x);
  if (mode === "ceil") return Ceil(x);
  return mode === "round_prefer_floor" ? Ceil(Sub(x, 0.5)) : Floor(Add(x, 0.5));
}

/** Keys, "Cubic convolution interpolation for digital image processing", 1981. */
function keys(x: Value, a: number): Value {
  const d = Abs(x);
  const near = Add(Mul(Mul(Sub(Mul(d, a + 2), a + 3), d), d), 1);
  const far = Sub(Mul(Add(Mul(Sub(Mul(d, a), 5 * a), d), 8 * a), d), 4 * a);
  return Where(LessOrEqual(d, 1), near, Where(Less(d, 2), far, 0));
}

/** For each place of the result the shares of the places of the axis, `[to, size]`. */
function shares(x: Value, size: Dim, axis: ComputedAxis, how: Interpolation): Value {
  const whole = measureOf(size, exact);
  // Places before and behind count as the outermost; averaging reaches as far as there are places.
  const margin = how.antialias ? multiplyDims(size, 2) : how.mode === "cubic" ? 2 : 1;
  const place = Sub(Cast(Range(addDims(size, multiplyDims(margin, 2))), exact), measureOf(margin, exact));
  const away = Sub(Unsqueeze(place, [0]), Unsqueeze(x, [1]));
  const distance = how.antialias ? Mul(away, Min(scalar(axis.scale), 1)) : away;
  const weights = how.mode === "linear" ? Relu(Sub(1, Abs(distance))) : keys(distance, how.cubic);
  const last = plus(whole, -1);
  const inside = And(GreaterOrEqual(place, 0), LessOrEqual(place, last));
  const kept = how.excludeOutside ? Mul(weights, Cast(inside, exact)) : weights;
  const total = ReduceSum(kept, { axes: [1] });
  const normal = how.antialias || how.excludeOutside ? Div(kept, Where(Equal(total, 0), 1, total)) : kept;
  const folded = Equal(Unsqueeze(Clip(place, 0, last), [1]), Unsqueeze(Cast(Range(size), exact), [0]));
  return MatMul(normal, Cast(folded, exact));
}

/** One axis of `x` resized. */
export function resizedBy(x: Value, axis: number, target: ComputedAxis, how: Interpolation, extrapolation = 0): Value {
  const size = at(x.shape, axis);
  const [before, after] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)];
  const whole = measureOf(size, exact);
  const sources = sourcesOf(target, whole, how);
  const last = plus(whole, -1);
  const y =
    how.mode === "nearest"
      ? Gather(x, Cast(Clip(nearestTo(sources, how.nearest), 0, last), "int64"), axis)
      : mixed(x, [sizeOf(before), size, sizeOf(after)], Cast(shares(sources, size, target, how), x.dtype));
  const shaped = Reshape(y, [...before, target.to, ...after]);
  if (how.coordinates !== "tf_crop_and_resize") return shaped;
  const outside = Or(Less(sources, 0), Less(last, sources));
  return Where(Reshape(outside, [target.to, ...after.map(() => 1)]), extrapolation, shaped);
}

const mixed = (x: Value, rows: readonly [Dim, Dim, Dim], matrix: Value): Value => MatMul(matrix, Reshape(x, rows));

/** The sizes and scales that come of scales, or of sizes, that are computed; `[axes]` of float64 and int64. */
export function computedTo(
  sizes: Value,
  asked: { readonly scales: Value } | { readonly sizes: Value },
  policy: "stretch" | "not_larger" | "not_smaller",
  reduce: (x: Value) => Value,
): { readonly to: Value; readonly scales: Value } {
  const whole = Cast(sizes, exact);
  if ("scales" in asked) {
    const scales = Cast(asked.scales, exact);
    return { to: Cast(Floor(Mul(scales, whole)), "int64"), scales };
  }
  const ratios = Div(Cast(asked.sizes, exact), whole);
  if (policy === "stretch") return { to: Cast(asked.sizes, "int64"), scales: ratios };
  const scales = Add(Mul(ratios, 0), reduce(ratios));
  return { to: Cast(Floor(Add(Mul(scales, whole), 0.5)), "int64"), scales };
}
