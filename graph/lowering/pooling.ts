// Max pooling and its gradient as a maximum over shifted copies: the first copy that equals the maximum has the derivative.
import { constant } from "../core/build.ts";
import { at } from "../core/lists.ts";
import { fixed, sizeOf } from "../core/shapes.ts";
import type { NumberArray, Value } from "../core/value.ts";
import { type Window, windowTable } from "../core/windows.ts";
import { Add, Max, Mul } from "../ops/arithmetic.ts";
import { And, Equal, Not, Or } from "../ops/comparison.ts";
import { Cast } from "../ops/dtypes.ts";
import { Gather } from "../ops/indexing.ts";
import { gatherTransposed } from "../ops/internal/gathering.ts";
import { MaxPoolingGradient, MaxPoolingSelection } from "../ops/internal/max-pooling.ts";
import { appendZero, cut } from "../ops/internal/slicing.ts";
import { Reshape } from "../ops/movement.ts";
import { Concat } from "../ops/parts.ts";
import { MaxPooling } from "../ops/pooling.ts";
import { type Lowering, lowering } from "./lower.ts";

/** The shifted copies `[N, places, C]` of an input, one a tap. */
function taps(x: Value, window: Window, fill: number): { copies: Value[]; indices: number[]; places: number } {
  const space = x.shape.slice(1, -1).map((dim) => fixed(dim, "pooling"));
  const { table, padded } = windowTable(space, window);
  const flat = Reshape(x, [at(x.shape, 0), sizeOf(space), at(x.shape, -1)]);
  const source = padded ? appendZero(flat, 1, fill) : flat;
  const copies = table.map((tap) => Gather(source, constant(tap, [tap.length], "int32"), 1));
  return { copies, indices: table.flat(), places: sizeOf(space) };
}

const lowest = -3.4028234663852886e38;

/** The largest of the copies, and for each copy where it is the first that is as large. */
function masks(x: Value, window: Window): { most: Value; first: Value[] } {
  const { copies } = taps(x, window, lowest);
  const most = Max(at(copies, 0), ...copies.slice(1));
  let seen: Value | undefined;
  const first = copies.map((copy, i) => {
    const equal = Equal(copy, most);
    const fresh = seen ? And(equal, Not(seen)) : equal;
    if (i < copies.length - 1) seen = seen ? Or(seen, equal) : equal;
    return Cast(fresh, x.dtype);
  });
  return { most, first };
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
