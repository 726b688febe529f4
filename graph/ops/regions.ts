// Regions of maps pooled to one size: means or maxima over what lies in each, at exact or at rounded places.
import { constant } from "../core/build.ts";
import { at, upTo } from "../core/lists.ts";
import { spelling, unfit } from "../core/operator.ts";
import { fixed } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { Clip } from "./activation.ts";
import { Add, Ceil, Div, Floor, Max, Min, Mul, Sub } from "./arithmetic.ts";
import { And, Equal, Greater, GreaterOrEqual, Less, Or, Where } from "./comparison.ts";
import { Cast } from "./dtypes.ts";
import { Gather, Range } from "./indexing.ts";
import { cut } from "./internal/slicing.ts";
import { transposeLast } from "./internal/transpose.ts";
import { MatMul } from "./linear-algebra.ts";
import { Reshape, Unsqueeze } from "./movement.ts";
import { ReduceMax, ReduceSum } from "./reduction.ts";

/** Options of pooling regions, as ONNX names them. */
export interface RoiOptions {
  readonly output: readonly [height: number, width: number];
  readonly spatialScale?: number;
  readonly mode?: "avg" | "max";
  /** How many places of each part are read along an axis; 0 for as many as it is long. */
  readonly samplingRatio?: number;
  /** Whether the maps' numbers lie at half pixels. */
  readonly halfPixel?: boolean;
}

/** One side of each region, `[regions, 1]`. */
const side = (rois: Value, column: number): Value => cut(rois, 1, column, column + 1);

/** The shares that the places of an axis have in what is read of it, low and high neighbours apart: `[regions, reads, size]`. */
interface Rows {
  readonly low: Value;
  readonly high: Value;
}

spelling(
  "RoiAlign",
  "sampling",
  22,
  "Gather, MatMul, ReduceMax",
  "regions of maps read between their numbers, and pooled",
);
/**
 * ONNX RoiAlign: `[regions, channels, height, width]`. Where the sampling ratio is 0, a region that goes beyond its map
 * by more than one is read as often as the map is long.
 * @param x `[batch, channels, height, width]`
 * @param rois `[regions, 4]`: left, top, right and bottom
 * @param batch whose map each region is of, `[regions]`
 */
export function RoiAlign(x: Value, rois: Value, batch: Value, options: RoiOptions): Value {
  const { output, spatialScale = 1, mode = "avg", samplingRatio = 0, halfPixel = true } = options;
  if (x.rank !== 4 || rois.rank !== 2 || rois.shape[1] !== 4)
    throw unfit("RoiAlign", [x, rois, batch], "needs x [batch, channels, height, width] and regions [regions, 4].");
  const maps = Gather(x, batch, 0);
  const offset = halfPixel ? 0.5 : 0;
  const scaled = (column: number) => Sub(Mul(side(rois, column), spatialScale), offset);
  const axes = [1, 0].map((column, i) => {
    const size = fixed(at(x.shape, 2 + i), "RoiAlign");
    const [start, end] = [scaled(column), scaled(column + 2)];
    const length = halfPixel ? Sub(end, start) : Max(Sub(end, start), 1);
    return readsOf(start, length, { size, parts: at(output, i), samplingRatio });
  });
  const [down, across] = [at(axes, 0), at(axes, 1)];
  const product = (rows: Value, columns: Value) =>
    MatMul(MatMul(Unsqueeze(rows, [1]), maps), Unsqueeze(transposeLast(columns), [1]));
  const [height, width] = output;
  const split = (y: Value) => Reshape(y, [at(y.shape, 0), at(y.shape, 1), height, -1, width, across.often]);
  if (mode === "max") {
    const corners = [down.rows.low, down.rows.high].flatMap((rows) =>
      [across.rows.low, across.rows.high].map((columns) => product(rows, columns)),
    );
    const [first, ...others] = corners;
    return ReduceMax(split(Max(first ?? 0, ...others)), { axes: [3, 5], keepdims: false });
  }
  const both = ({ rows, often, shares }: Reads, parts: number) => {
    const summed = Reshape(Add(rows.low, rows.high), [at(rows.low.shape, 0), parts, often, -1]);
    return ReduceSum(Mul(summed, Reshape(shares, [-1, 1, often, 1])), { axes: [2], keepdims: false });
  };
  return product(both(down, height), both(across, width));
}

interface Reads {
  readonly rows: Rows;
  /** How many reads there are in each part. */
  readonly often: number;
  /** What each of them counts, `[regions or 1, often]`. */
  readonly shares: Value;
}

/** What is read of an axis for each part of each region. */
function readsOf(
  start: Value,
  length: Value,
  { size, parts, samplingRatio }: { size: number; parts: number; samplingRatio: number },
): Reads {
  const { dtype } = start;
  const often = samplingRatio > 0 ? samplingRatio : Math.ceil((size + 1) / parts);
  const part = Div(length, parts);
  // As many as a part is long, of which those that are too many count nothing.
  const count = samplingRatio > 0 ? constant(often, [1, 1], dtype) : Clip(Ceil(part), 1, often);
  const numbers = constant(upTo(often), [1, often], dtype);
  const within = Mul(Div(Add(Min(numbers, Sub(count, 1)), 0.5), count), part);
  const starts = Add(start, Mul(constant(upTo(parts), [1, parts], dtype), part));
  const x = Reshape(Add(Unsqueeze(starts, [2]), Unsqueeze(within, [1])), [at(start.shape, 0), parts * often, 1]);
  const outside = Or(Less(x, -1), Greater(x, size));
  const held = Clip(x, 0, size - 1);
  const below = Floor(held);
  const share = Sub(held, below);
  const place = Cast(Reshape(Range(size), [1, 1, size]), dtype);
  const rowsAt = (where: Value, weight: Value) => Where(Equal(place, where), Where(outside, 0, weight), 0);
  return {
    rows: { low: rowsAt(below, Sub(1, share)), high: rowsAt(Add(below, 1), share) },
    often,
    shares: Div(Cast(Less(numbers, count), dtype), count),
  };
}

spelling("MaxRoiPool", "sampling", 22, "Gather, Where, ReduceMax", "the largest in each part of regions of maps");
/**
 * ONNX MaxRoiPool: `[regions, channels, height, width]`; a part with nothing in it gives 0.
 * @param rois `[regions, 5]`: whose map, left, top, right and bottom, which are rounded
 */
export function MaxRoiPool(x: Value, rois: Value, output: readonly [number, number], spatialScale = 1): Value {
  if (x.rank !== 4 || rois.rank !== 2 || rois.shape[1] !== 5)
    throw unfit("MaxRoiPool", [x, rois], "needs x [batch, channels, height, width] and regions [regions, 5].");
  const maps = Gather(x, Cast(Reshape(side(rois, 0), [-1]), "int64"), 0);
  const rounded = (column: number) => Floor(Add(Mul(side(rois, column), spatialScale), 0.5));
  const parts = [2, 1].map((column, i) => {
    const size = fixed(at(x.shape, 2 + i), "MaxRoiPool");
    const count = at(output, i);
    const [start, end] = [rounded(column), rounded(column + 2)];
    const part = Div(Max(Add(Sub(end, start), 1), 1), count);
    const numbers = constant(upTo(count), [1, count], x.dtype);
    const [from, to] = [Floor(Mul(numbers, part)), Ceil(Mul(Add(numbers, 1), part))];
    const held = (v: Value) => Unsqueeze(Min(Max(Add(v, start), 0), size), [2]);
    const place = Cast(Reshape(Range(size), [1, 1, size]), x.dtype);
    return And(GreaterOrEqual(place, held(from)), Less(place, held(to)));
  });
  const [rows, columns] = [Unsqueeze(at(parts, 0), [1, 4]), Unsqueeze(at(parts, 1), [1, 2])];
  const lowest = Number.NEGATIVE_INFINITY;
  const down = ReduceMax(Where(rows, Unsqueeze(maps, [2]), lowest), { axes: [3], keepdims: false });
  const both = ReduceMax(Where(columns, Unsqueeze(down, [3]), lowest), { axes: [4], keepdims: false });
  return Where(Equal(both, lowest), 0, both);
}
