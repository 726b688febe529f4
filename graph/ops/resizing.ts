// Resizing along axes, as ONNX has it: each axis for itself is repeated, looked up, or multiplied by a matrix of shares.
import { spend } from "../core/budget.ts";
import { constant } from "../core/build.ts";
import { type Dim, multiplyDims } from "../core/dims.ts";
import { at, upTo, zip } from "../core/lists.ts";
import { isFloat, spelling, unfit } from "../core/operator.ts";
import { fixed, normalizeAxis, sizeOf } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { Clip } from "./activation.ts";
import { Add, Mul, Round } from "./arithmetic.ts";
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
import { MatMul } from "./linear-algebra.ts";
import { Expand, Reshape } from "./movement.ts";
import { ReduceSum } from "./reduction.ts";

/** Options of a resizing, as ONNX names them. */
export interface ResizeOptions extends Partial<Interpolation> {
  /** The axes that `scales` or `sizes` are of; all unless given. */
  readonly axes?: readonly number[];
  readonly keepAspectRatio?: "stretch" | "not_larger" | "not_smaller";
  /** For `tf_crop_and_resize`: the starts of the axes, then the ends, from 0 to 1. */
  readonly region?: readonly number[];
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
/** ONNX Resize, by scales or to sizes. An axis of open size stays as it is, or is repeated. */
export function Resize(
  x: Value,
  asked: { readonly scales: readonly number[] } | { readonly sizes: readonly Dim[] },
  options: ResizeOptions = {},
): Value {
  const how: Interpolation = {
    mode: "nearest",
    nearest: "round_prefer_floor",
    coordinates: "half_pixel",
    cubic: -0.75,
    excludeOutside: false,
    antialias: false,
    ...options,
  };
  const axes = (options.axes ?? upTo(x.rank)).map((axis) => normalizeAxis(axis, x.rank, "Resize"));
  const given = "scales" in asked ? asked.scales : asked.sizes;
  if (given.length !== axes.length)
    throw unfit("Resize", [x], `has ${given.length} scales or sizes for ${axes.length} axes.`);
  const { region: listed = [], extrapolation = 0, keepAspectRatio = "stretch" } = options;
  const open = axes.filter((axis, i) => {
    const same = "scales" in asked ? asked.scales[i] === 1 : asked.sizes[i] === x.shape[axis];
    return typeof x.shape[axis] === "string" && (same || "scales" in asked);
  });
  const closed = axes.filter((axis) => !open.includes(axis));
  const pick = <T>(list: readonly T[], axis: number): T => at(list, axes.indexOf(axis));
  const sizes = closed.map((axis) => fixed(at(x.shape, axis), "Resize"));
  const targets = resizedTo(
    sizes,
    "scales" in asked
      ? { scales: closed.map((axis) => pick(asked.scales, axis)) }
      : { sizes: closed.map((axis) => fixed(pick(asked.sizes, axis), "Resize")) },
    keepAspectRatio,
  );
  const repeated = open.reduce<Value>(
    (y, axis) => {
      const scale = "scales" in asked ? pick(asked.scales, axis) : 1;
      return scale === 1 ? y : repeatedOpen(y, axis, scale, how);
    },
    isFloat(x.dtype) || how.mode === "nearest" ? x : Cast(x, "float32"),
  );
  const whole = zip(
    closed,
    zip(sizes, targets, (size, target) => ({ size, ...target })),
    (axis, target) => {
      const place = axes.indexOf(axis);
      const part = [listed[place] ?? 0, listed[place + axes.length] ?? 1] as const;
      const region = how.coordinates === "tf_crop_and_resize" ? part : ([0, 1] as const);
      return { axis, target: { ...target, region } };
    },
  );
  const y = whole.reduce<Value>((v, { axis, target }) => along(v, axis, target, how, extrapolation), repeated);
  if (y.dtype === x.dtype) return y;
  const { least, most } = integerRange(x.dtype);
  return Cast(Clip(Round(y), least, most), x.dtype);
}

/** An axis of open size, where all that becomes of it is the same for any size. */
function repeatedOpen(x: Value, axis: number, scale: number, how: Interpolation): Value {
  const sample = 6;
  const anySize = how.coordinates !== "align_corners" && how.coordinates !== "tf_crop_and_resize";
  const taps = tapsOf({ size: sample, to: Math.floor(sample * scale), scale, region: [0, 1] }, how);
  const often = anySize ? repeatsOf(taps, sample) : undefined;
  if (often !== undefined) return repeat(x, axis, often);
  fixed(at(x.shape, axis), `Resize (${how.mode}, ${how.coordinates}) by ${scale}`);
  return x;
}

function repeat(x: Value, axis: number, often: number): Value {
  const [before, size, after] = [x.shape.slice(0, axis), at(x.shape, axis), x.shape.slice(axis + 1)];
  const each = Expand(Reshape(x, [...before, size, 1, ...after]), [...before, size, often, ...after]);
  return Reshape(each, [...before, multiplyDims(size, often), ...after]);
}

function along(x: Value, axis: number, target: ResizedAxis, how: Interpolation, extrapolation: number): Value {
  const { size, to, scale, region } = target;
  if (to === size && Math.abs(scale - 1) < 1e-9 && region[0] === 0 && region[1] === 1) return x;
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
