// Max pooling and its gradient as a maximum over shifted copies: the first copy that equals the maximum has the derivative.
import { constant } from "../core/build.ts";
import { at } from "../core/lists.ts";
import { fixed, sizeOf } from "../core/shapes.ts";
import type { NumberArray, Value } from "../core/value.ts";
import { type Window, windowTable } from "../core/windows.ts";
import { Add, Max, Mul } from "../ops/arithmetic.ts";
import { And, Greater, Not } from "../ops/comparison.ts";
import { Cast } from "../ops/dtypes.ts";
import { Gather } from "../ops/indexing.ts";
import { gatherTransposed } from "../ops/internal/gathering.ts";
import { MaxPoolingGradient, MaxPoolingSelection } from "../ops/internal/max-pooling.ts";
import { appendZero, cut } from "../ops/internal/slicing.ts";
import { Expand, Reshape } from "../ops/movement.ts";
import { Concat } from "../ops/parts.ts";
import { MaxPooling } from "../ops/pooling.ts";
import { convolvedAt } from "./interleaved.ts";
import { type Lowering, lowering } from "./lower.ts";

/** The shifted copies `[N, places, C]` of an input, one a tap. */
function taps(x: Value, window: Window, fill: number): { copies: Value[]; indices: number[]; places: number } {
  const space = x.shape.slice(1, -1).map((dim) => fixed(dim, "pooling"));
  const { table, padded } = windowTable(space, window);
  const indices = table.flat();
  // Where each place is in one window, a convolution gives the copies as they are.
  const whole = !padded && indices.length === sizeOf(space) && new Set(indices).size === indices.length;
  const apart = whole ? convolvedAt(x, table) : undefined;
  if (apart) return { copies: apart, indices, places: sizeOf(space) };
  const flat = Reshape(x, [at(x.shape, 0), sizeOf(space), at(x.shape, -1)]);
  const source = padded ? appendZero(flat, 1, fill) : flat;
  const copies = table.map((tap) => Gather(source, constant(tap, [tap.length], "int32"), 1));
  return { copies, indices, places: sizeOf(space) };
}

const lowest = -3.4028234663852886e38;

/** The largest of some copies, and for each of them where it is the first that is as large; of one that is everywhere. */
interface Largest {
  readonly most: Value;
  readonly first: readonly (Value | undefined)[];
}

/** As a tournament: which half has the largest entry, and where in that half it is. */
function largestOf(copies: readonly Value[]): Largest {
  if (copies.length === 1) return { most: at(copies, 0), first: [undefined] };
  const middle = Math.ceil(copies.length / 2);
  const [left, right] = [largestOf(copies.slice(0, middle)), largestOf(copies.slice(middle))];
  const later = Greater(right.most, left.most);
  const both = (side: Value) => (inside: Value | undefined) => (inside ? And(side, inside) : side);
  return {
    most: Max(left.most, right.most),
    first: [...left.first.map(both(Not(later))), ...right.first.map(both(later))],
  };
}

/** The largest of the copies, and for each copy where it is the first that is as large. */
function masks(x: Value, window: Window): { most: Value; first: Value[] } {
  const { copies } = taps(x, window, lowest);
  const { most, first } = largestOf(copies);
  return {
    most,
    first: first.map((where) => (where ? Cast(where, x.dtype) : Expand(constant(1, [], x.dtype), most.shape))),
  };
}

const forward = lowering(MaxPooling, ([x], window, [y]) => [Reshape(masks(x, window).most, y.shape)]);

const gradient = lowering(MaxPoolingGradient, ([x, g], window) => {
  const { first } = masks(x, window);
  const { indices, places } = taps(x, window, lowest);
  const rows = Reshape(g, at(first, 0).shape);
  const spread = Concat(
    first.map((mask) => Mul(mask, rows)),
    1,
  );
  const padded = indices.includes(places) ? 1 : 0;
  const known: NumberArray = { dtype: "int32", shape: [indices.length], data: Float64Array.from(indices) };
  return [Reshape(cut(gatherTransposed(spread, known, 1, places + padded), 1, 0, places), x.shape)];
});

const selection = lowering(MaxPoolingSelection, ([x, t], window, [y]) => {
  const { first } = masks(x, window);
  const { copies } = taps(t, window, 0);
  const chosen = first.map((mask, i) => Mul(mask, at(copies, i)));
  return [
    Reshape(
      chosen.reduce((a, b) => Add(a, b)),
      y.shape,
    ),
  ];
});

export const poolingAsTaps: readonly Lowering[] = [forward, gradient, selection];
