// Numbers of maps looked up at places that are computed: what sampling at coordinates is made of.
import { at } from "../../core/lists.ts";
import { sizeOf } from "../../core/shapes.ts";
import type { Operand, Value } from "../../core/value.ts";
import { Clip } from "../activation.ts";
import { Add, Floor, Mul, Sub } from "../arithmetic.ts";
import { And, GreaterOrEqual, LessOrEqual } from "../comparison.ts";
import { Cast } from "../dtypes.ts";
import { GatherElements } from "../indexing.ts";
import { Expand, Reshape, Unsqueeze } from "../movement.ts";
import { Concat } from "../parts.ts";
import { ReduceSum } from "../reduction.ts";
import { measureOf, plus } from "./places.ts";

/** One of the neighbours that a coordinate is between, along an axis of space: where it lies, and its share. */
export interface Tap {
  /** Whole, of the dtype of the coordinates; it may lie outside. */
  readonly place: Value;
  readonly share: Value;
}

/** The two neighbours of coordinates, by how near they are. */
export function linearTaps(x: Value): Tap[] {
  const below = Floor(x);
  const share = Sub(x, below);
  return [
    { place: below, share: Sub(1, share) },
    { place: Add(below, 1), share },
  ];
}

/** Four neighbours by cubic convolution (Keys 1981). */
export function cubicTaps(x: Value, a = -0.75): Tap[] {
  const below = Floor(x);
  const t = Sub(x, below);
  const near = (d: Value) => Add(Mul(Mul(Sub(Mul(d, a + 2), a + 3), d), d), 1);
  const far = (d: Value) => Sub(Mul(Add(Mul(Sub(Mul(d, a), 5 * a), d), 8 * a), d), 4 * a);
  const rest = Sub(1, t);
  return [far(Add(t, 1)), near(t), near(rest), far(Add(rest, 1))].map((share, i) => ({
    place: Add(below, i - 1),
    share,
  }));
}

/** A tap whose place lies inside: one that did not has no share. */
export function insideOnly({ place, share }: Tap, size: Operand): Tap {
  const last = plus(size, -1);
  const inside = And(GreaterOrEqual(place, 0), LessOrEqual(place, last));
  return { place: Clip(place, 0, last), share: Mul(share, Cast(inside, share.dtype)) };
}

/**
 * Sums of numbers of maps, looked up and weighed.
 * @param maps `[batch, channels, …space]`
 * @param taps for each axis of space the taps of each of the places, `[batch, places]`
 * @returns `[batch, channels, places]`
 */
export function sampled(maps: Value, taps: readonly (readonly Tap[])[]): Value {
  const [batch = 1, channels = 1, ...space] = maps.shape;
  // The taps of all axes together: in each the place among the numbers of a map, and the product of the shares.
  const joined = taps.reduce<readonly Tap[]>(
    (outer, axis, i) =>
      i === 0
        ? axis
        : outer.flatMap(({ place, share }) =>
            axis.map((tap) => ({
              place: Add(Mul(place, measureOf(at(space, i), place.dtype)), tap.place),
              share: Mul(share, tap.share),
            })),
          ),
    [],
  );
  const count = joined.length;
  const stacked = (of: (tap: Tap) => Value) =>
    Concat(
      joined.map((tap) => Unsqueeze(of(tap), [2])),
      2,
    );
  const places = stacked(({ place }) => place);
  const read = lookedUp(Reshape(maps, [batch, channels, sizeOf(space)]), Reshape(Cast(places, "int64"), [batch, -1]));
  const weighed = Mul(
    Reshape(read, [batch, channels, -1, count]),
    Unsqueeze(
      stacked(({ share }) => share),
      [1],
    ),
  );
  return ReduceSum(weighed, { axes: [3], keepdims: false });
}

/** `rows [batch, channels, size]` at `indices [batch, places]`: `[batch, channels, places]`. */
function lookedUp(rows: Value, indices: Value): Value {
  const [batch = 1, channels = 1] = rows.shape;
  return GatherElements(rows, Expand(Unsqueeze(indices, [1]), [batch, channels, at(indices.shape, 1)]), 2);
}
