// Maps read at coordinates that are computed: grids of them, and grids that a matrix gives.
import { constant } from "../core/build.ts";
import type { Dim } from "../core/dims.ts";
import { at } from "../core/lists.ts";
import { spelling, unfit } from "../core/operator.ts";
import { sizeOf } from "../core/shapes.ts";
import type { Operand, Value } from "../core/value.ts";
import { Clip } from "./activation.ts";
import { Abs, Add, Div, Floor, Max, Mul, Round, Sub } from "./arithmetic.ts";
import { And, GreaterOrEqual, LessOrEqual, Where } from "./comparison.ts";
import { Cast } from "./dtypes.ts";
import { Range } from "./indexing.ts";
import { cubicTaps, insideOnly, linearTaps, sampled, type Tap } from "./internal/looking-up.ts";
import { measureOf, plus, times } from "./internal/places.ts";
import { cut } from "./internal/slicing.ts";
import { transposeLast } from "./internal/transpose.ts";
import { MatMul } from "./linear-algebra.ts";
import { Expand, Reshape } from "./movement.ts";
import { Concat } from "./parts.ts";

/** Options of sampling at a grid, as ONNX names them. */
export interface GridOptions {
  readonly mode?: "linear" | "nearest" | "cubic";
  /** What lies outside: zeros, the outermost numbers, or the map mirrored. */
  readonly padding?: "zeros" | "border" | "reflection";
  /** Whether −1 and 1 are the centres of the outermost numbers; else they are the edges of these. */
  readonly alignCorners?: boolean;
}

spelling("GridSample", "sampling", 20, "Floor, Gather, Mul, ReduceSum", "maps read at the coordinates of a grid");
/**
 * ONNX GridSample.
 * @param x `[batch, channels, …space]`
 * @param grid `[batch, …places, axes]`, from −1 to 1; the last axis of space comes first
 */
export function GridSample(x: Value, grid: Value, options: GridOptions = {}): Value {
  const { mode = "linear", padding = "zeros", alignCorners = false } = options;
  const space = x.shape.slice(2);
  const [batch = 1, ...places] = grid.shape.slice(0, -1);
  if (space.length === 0 || grid.rank !== x.rank || grid.shape.at(-1) !== space.length)
    throw unfit("GridSample", [x, grid], "needs x [batch, channels, …space] and a coordinate for each axis of space.");
  const rows = Reshape(grid, [batch, sizeOf(places), space.length]);
  const taps = space.map((dim, axis) => {
    const size = measureOf(dim, grid.dtype);
    const from = space.length - 1 - axis;
    const coordinate = Reshape(cut(rows, 2, from, from + 1), [batch, sizeOf(places)]);
    const middle = times(plus(size, -1), 0.5);
    const exact = Add(Mul(coordinate, alignCorners ? middle : times(size, 0.5)), middle);
    return tapsAt(mode === "nearest" ? Round(exact) : exact, size, { mode, padding, alignCorners });
  });
  const y = sampled(x, taps);
  return Reshape(y, [batch, at(x.shape, 1), ...places]);
}

/** What coordinates along one axis read. */
function tapsAt(x: Value, size: Operand, { mode, padding, alignCorners }: Required<GridOptions>): Tap[] {
  const last = plus(size, -1);
  const least = alignCorners ? 0 : -0.5;
  const most = plus(last, -least);
  const beyond = (v: Value, other: Value) => Where(And(GreaterOrEqual(v, least), LessOrEqual(v, most)), v, other);
  const held = (v: Value): Value => {
    if (padding === "border") return beyond(v, Clip(v, 0, last));
    return padding === "reflection" ? mirrored(v, least, plus(most, -least)) : v;
  };
  const inside = held(x);
  const taps =
    mode === "cubic"
      ? cubicTaps(inside)
      : mode === "linear"
        ? linearTaps(inside)
        : [{ place: inside, share: Expand(constant(1, [], x.dtype), x.shape) }];
  return taps.map(({ place, share }) => {
    if (padding === "zeros") return insideOnly({ place, share }, size);
    const folded = padding === "reflection" ? Round(mirrored(place, least, plus(most, -least))) : place;
    return { place: Clip(folded, 0, last), share };
  });
}

/** Mirrored at two borders, this far apart, until it lies between them. */
function mirrored(x: Value, least: number, range: Operand): Value {
  if (range === 0) return Mul(x, 0);
  const away = Sub(x, least);
  const period = times(range, 2);
  const folded = Sub(away, Mul(Floor(Div(away, period)), period));
  return Add(Sub(range, Abs(Sub(folded, range))), least);
}

spelling("AffineGrid", "sampling", 20, "MatMul", "the coordinates of a grid, moved by a matrix");
/**
 * ONNX AffineGrid.
 * @param theta `[batch, axes, axes + 1]`
 * @param space the sizes of the axes
 * @returns `[batch, …space, axes]`
 */
export function AffineGrid(theta: Value, space: readonly Dim[], { alignCorners = false } = {}): Value {
  if (theta.rank !== 3 || theta.shape[1] !== space.length || theta.shape[2] !== space.length + 1)
    throw unfit("AffineGrid", [theta], `needs [batch, ${space.length}, ${space.length + 1}].`);
  const along = space.map((dim, axis) => {
    const places = Cast(Range(dim), theta.dtype);
    const size = measureOf(dim, theta.dtype);
    const from = alignCorners
      ? Sub(Div(Mul(places, 2), typeof size === "number" ? Math.max(size - 1, 1) : Max(Sub(size, 1), 1)), 1)
      : Sub(Div(Add(Mul(places, 2), 1), size), 1);
    return Expand(Reshape(from, [dim, ...space.slice(axis + 1).map(() => 1), 1]), [...space, 1]);
  });
  const ones = Expand(constant(1, [], theta.dtype), [...space, 1]);
  const grid = Reshape(Concat([...along.toReversed(), ones], space.length), [sizeOf(space), space.length + 1]);
  return Reshape(MatMul(grid, transposeLast(theta)), [at(theta.shape, 0), ...space, space.length]);
}
