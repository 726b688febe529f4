// Resizing along axes, as ONNX has it: each axis for itself is repeated, looked up, or multiplied by a matrix of shares.
import { spend } from "../core/budget.ts";
import { constant } from "../core/build.ts";
import { type Dim, multiplyDims } from "../core/dims.ts";
import { at, upTo, zip } from "../core/lists.ts";
import { isFloat, spelling, unfit } from "../core/operator.ts";
import { normalizeAxis, sizeOf } from "../core/shapes.ts";
import { type Operand, Value } from "../core/value.ts";
import { Clip } from "./activation.ts";
import { Add, Div, Floor, Mul, Round } from "./arithmetic.ts";
import { Cast } from "./dtypes.ts";
import { Gather } from "./indexing.ts";
import {
  type Interpolation,
  type ResizedAxis,
  repeatsOf,
  resizedTo,
  type Taps,
  tapsOf,
} from "./internal/interpolation.ts";
import { integerRange } from "./internal/ranges.ts";
import { type ComputedAxis, computedTo, resizedBy } from "./internal/resizing-by.ts";
import { AsNumbers, sizeNumber, sizesOf } from "./internal/sizes.ts";
import { cut } from "./internal/slicing.ts";
import { MatMul } from "./linear-algebra.ts";
import { Expand, Reshape } from "./movement.ts";
import { ReduceMax, ReduceMin, ReduceSum } from "./reduction.ts";

/** Options of a resizing, as ONNX names them. */
export interface ResizeOptions extends Partial<Interpolation> {
  /** The axes that `scales` or `sizes` are of; all unless given. */
  readonly axes?: readonly number[];
  readonly keepAspectRatio?: "stretch" | "not_larger" | "not_smaller";
  /** For `tf_crop_and_resize`: the starts of the axes, then the ends, from 0 to 1. */
  readonly region?: readonly number[] | Value;
  /** What lies outside of a region's array. */
  readonly extrapolation?: number;
}

/** Above so many numbers in its matrix an axis is looked up. */
const largestMatrix = 1 << 14;

spelling(
  "Resize",
  "sampling",
  19,
  "MatMul, Gather, Expand",
  "made larger or smaller along axes: nearest, linear or cubic",
);
type Policy = "stretch" | "not_larger" | "not_smaller";
type Scales = { readonly scales: readonly number[] | Value };
type Sizes = { readonly sizes: readonly Dim[] };

/**
 * ONNX Resize, by scales or to sizes. What is known when the graph is built makes for the least work: an axis is repeated, looked
 * up, or multiplied by a constant. Otherwise the matrix is computed in the graph.
 */
export function Resize(x: Value, asked: Scales | Sizes, options: ResizeOptions = {}): Value {
  const {
    region = [],
    extrapolation = 0,
    keepAspectRatio = "stretch",
    axes: listed = upTo(x.rank),
    ...given
  } = options;
  const how: Interpolation = { ...usual, ...given };
  const axes = listed.map((axis) => normalizeAxis(axis, x.rank, "Resize"));
  const list = "scales" in asked ? asked.scales : asked.sizes;
  const count = list instanceof Value ? list.shape[0] : list.length;
  if (count !== axes.length) throw unfit("Resize", [x], `has ${count} scales or sizes for ${axes.length} axes.`);
  const start = isFloat(x.dtype) || how.mode === "nearest" ? x : Cast(x, "float32");
  const crops = how.coordinates === "tf_crop_and_resize";
  const regionOf = (i: number) => [edge(region, i, 0), edge(region, i + axes.length, 1)] as const;
  const targets = targetsOf(x, asked, axes, keepAspectRatio);
  const y = axes.reduce<Value>((v, axis, i) => {
    const target = { ...at(targets, i), region: crops ? regionOf(i) : ([0, 1] as const) };
    return along(v, axis, target, how, extrapolation);
  }, start);
  if (y.dtype === x.dtype) return y;
  const { least, most } = integerRange(x.dtype);
  return Cast(Clip(Round(y), least, most), x.dtype);
}

const usual: Interpolation = {
  mode: "nearest",
  nearest: "round_prefer_floor",
  coordinates: "half_pixel",
  cubic: -0.75,
  excludeOutside: false,
  antialias: false,
};

/** Where a region starts or ends along an axis. */
function edge(region: readonly number[] | Value, i: number, otherwise: number): Operand {
  if (!(region instanceof Value)) return region[i] ?? otherwise;
  return region.shape[0] === 0 ? otherwise : entry(Cast(region, "float64"), i);
}

const entry = (list: Value, i: number): Value => Reshape(cut(list, 0, i, i + 1), []);

/** What becomes of each axis. */
function targetsOf(
  x: Value,
  asked: Scales | Sizes,
  axes: readonly number[],
  policy: Policy,
): Omit<ComputedAxis, "region">[] {
  const sizes = axes.map((axis) => at(x.shape, axis));
  const known = sizes.filter((size) => typeof size === "number");
  const allKnown = known.length === sizes.length;
  if ("scales" in asked && !(asked.scales instanceof Value)) {
    const { scales } = asked;
    if (allKnown) return resizedTo(known, { scales }, policy);
    return zip(sizes, scales, (size, scale) => ({ to: scaledSize(size, scale), scale }));
  }
  if ("sizes" in asked) {
    const wanted = asked.sizes.filter((size) => typeof size === "number");
    if (allKnown && wanted.length === sizes.length) return resizedTo(known, { sizes: wanted }, policy);
    if (policy === "stretch")
      return zip(sizes, asked.sizes, (size, to) => ({ to, scale: size === to ? 1 : ratio(to, size) }));
  }
  const numbers = "scales" in asked ? { scales: listOf(asked.scales) } : { sizes: AsNumbers(asked.sizes) };
  const { to, scales } = computedTo(AsNumbers(sizes), numbers, policy, (ratios) =>
    (policy === "not_larger" ? ReduceMin : ReduceMax)(ratios),
  );
  return zip(sizesOf(to), axes, (size, _, i) => ({ to: size, scale: entry(scales, i) }));
}

const listOf = (numbers: readonly number[] | Value): Value =>
  numbers instanceof Value ? numbers : constant(numbers, [numbers.length], "float64");

const ratio = (to: Dim, size: Dim): Value => Div(Cast(sizeNumber(to), "float64"), Cast(sizeNumber(size), "float64"));

/** A size of which so much becomes. */
function scaledSize(size: Dim, scale: number): Dim {
  if (typeof size === "number") return Math.floor(size * scale);
  if (Number.isInteger(scale)) return multiplyDims(size, scale);
  const [to = 0] = sizesOf(Cast(Floor(Mul(Cast(sizeNumber(size), "float64"), scale)), "int64"));
  return to;
}

/** How often each place is repeated, where that is all that becomes of an axis of any size. */
function repeatsOfAny(scale: number, how: Interpolation): number | undefined {
  const sample = 6;
  const differs = how.coordinates === "align_corners" || how.coordinates === "tf_crop_and_resize";
  const taps = tapsOf({ size: sample, to: Math.floor(sample * scale), scale, region: [0, 1] }, how);
  return differs ? undefined : repeatsOf(taps, sample);
}

function repeat(x: Value, axis: number, often: number): Value {
  const [before, size, after] = [x.shape.slice(0, axis), at(x.shape, axis), x.shape.slice(axis + 1)];
  const each = Expand(Reshape(x, [...before, size, 1, ...after]), [...before, size, often, ...after]);
  return Reshape(each, [...before, multiplyDims(size, often), ...after]);
}

function along(x: Value, axis: number, target: ComputedAxis, how: Interpolation, extrapolation: number): Value {
  const size = at(x.shape, axis);
  const { to, scale, region } = target;
  const [start, end] = region;
  if (to === size && typeof scale === "number" && Math.abs(scale - 1) < 1e-9 && start === 0 && end === 1) return x;
  const numbers = typeof scale === "number" && typeof start === "number" && typeof end === "number";
  if (numbers && typeof size === "number" && typeof to === "number")
    return byTaps(x, axis, { size, to, scale, region: [start, end] }, how, extrapolation);
  const often = typeof scale === "number" ? repeatsOfAny(scale, how) : undefined;
  return often === undefined ? resizedBy(x, axis, target, how, extrapolation) : repeat(x, axis, often);
}

function byTaps(x: Value, axis: number, target: ResizedAxis, how: Interpolation, extrapolation: number): Value {
  const { size, to } = target;
  spend("numbers", to);
  const taps = tapsOf(target, how);
  const often = repeatsOf(taps, size);
  if (often !== undefined) return repeat(x, axis, often);
  const inside = how.mode === "nearest" ? lookedUp(x, axis, taps) : mixed(x, axis, size, taps);
  if (!taps.outside.includes(true)) return inside;
  const perPlace = (numbers: readonly number[]) =>
    Reshape(constant(numbers, [to], x.dtype), [to, ...x.shape.slice(axis + 1).map(() => 1)]);
  const kept = Mul(inside, perPlace(taps.outside.map((is) => (is ? 0 : 1))));
  return extrapolation === 0 ? kept : Add(kept, perPlace(taps.outside.map((is) => (is ? extrapolation : 0))));
}

const lookedUp = (x: Value, axis: number, { places }: Taps): Value =>
  Gather(x, constant(places.flat(), [places.length], "int64"), axis);

/** Sums of neighbours along an axis: a product with a matrix, or where that is large, looked up. */
function mixed(x: Value, axis: number, size: number, { places, shares }: Taps): Value {
  const [to, taps] = [places.length, at(places, 0).length];
  const [before, after] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)];
  if (size * to <= largestMatrix) {
    spend("numbers", size * to);
    const matrix = new Float64Array(to * size);
    places.forEach((list, row) => {
      list.forEach((place, i) => {
        matrix[row * size + place] = at(matrix, row * size + place) + at(at(shares, row), i);
      });
    });
    const rows = Reshape(x, [sizeOf(before), size, sizeOf(after)]);
    const product =
      sizeOf(after) === 1
        ? MatMul(Reshape(rows, [sizeOf(before), size]), constant(transposed(matrix, to, size), [size, to], x.dtype))
        : MatMul(constant(matrix, [to, size], x.dtype), rows);
    return Reshape(product, [...before, to, ...after]);
  }
  spend("numbers", 2 * to * taps);
  const read = Gather(x, constant(places.flat(), [to, taps], "int64"), axis);
  const weights = constant(shares.flat(), [to, taps, ...after.map(() => 1)], x.dtype);
  return ReduceSum(Mul(read, weights), { axes: [axis + 1], keepdims: false });
}

const transposed = (matrix: Float64Array, rows: number, columns: number): Float64Array =>
  Float64Array.from({ length: rows * columns }, (_, i) => at(matrix, (i % rows) * columns + Math.floor(i / rows)));
