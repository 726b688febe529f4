// How an axis is resized: for each place of the result the places that it is made of, and their shares (ONNX Resize).
import { InnerloopError } from "@innerloop/schemas";
import { at, upTo, zip } from "../../core/lists.ts";

export type ResizeMode = "nearest" | "linear" | "cubic";
export type NearestMode = "round_prefer_floor" | "round_prefer_ceil" | "floor" | "ceil";
export type Coordinates =
  | "half_pixel"
  | "half_pixel_symmetric"
  | "pytorch_half_pixel"
  | "align_corners"
  | "asymmetric"
  | "tf_crop_and_resize"
  | "tf_half_pixel_for_nn";

/** How numbers between places are made of those around. */
export interface Interpolation {
  readonly mode: ResizeMode;
  readonly nearest: NearestMode;
  readonly coordinates: Coordinates;
  /** The coefficient of the cubic; −0.5 and −0.75 are in use. */
  readonly cubic: number;
  /** Whether places outside have no share, where they would count as the outermost. */
  readonly excludeOutside: boolean;
  /** Whether what is made smaller is averaged over all that it stands for. */
  readonly antialias: boolean;
}

/** An axis, and what becomes of it. */
export interface ResizedAxis {
  readonly size: number;
  readonly to: number;
  /** By which it grows; not always `to / size`, which is rounded. */
  readonly scale: number;
  /** The part that is looked at, from 0 to 1. */
  readonly region: readonly [start: number, end: number];
}

/** For each place of the result, what it is made of. */
export interface Taps {
  readonly places: readonly (readonly number[])[];
  readonly shares: readonly (readonly number[])[];
  /** Which places of the result lie outside of what there is. */
  readonly outside: readonly boolean[];
}

/** Where a place of the result lies in the axis. */
function sourceOf(y: number, coordinates: Coordinates, { size, to, scale, region: [start, end] }: ResizedAxis): number {
  const exact = scale * size;
  const halfPixel = (y + 0.5) / scale - 0.5;
  switch (coordinates) {
    case "align_corners":
      return exact === 1 ? 0 : (y * (size - 1)) / (exact - 1);
    case "asymmetric":
      return y / scale;
    case "tf_crop_and_resize":
      return (
        start * (size - 1) +
        (exact === 1 ? ((end - start) * (size - 1)) / 2 : (y * (end - start) * (size - 1)) / (exact - 1))
      );
    case "pytorch_half_pixel":
      return exact === 1 ? -0.5 : halfPixel;
    case "tf_half_pixel_for_nn":
      return (y + 0.5) / scale;
    case "half_pixel_symmetric":
      return (size / 2) * (1 - to / exact) + halfPixel;
    default:
      return halfPixel;
  }
}

const linear = (x: number): number => Math.max(0, 1 - Math.abs(x));

/** Keys, "Cubic convolution interpolation for digital image processing", 1981. */
function keys(x: number, a: number): number {
  const d = Math.abs(x);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/** What a resized axis is made of. */
export function tapsOf(axis: ResizedAxis, how: Interpolation): Taps {
  const sources = upTo(axis.to).map((y) => sourceOf(y, how.coordinates, axis));
  const crops = how.coordinates === "tf_crop_and_resize";
  const taps = sources.map((x) =>
    how.mode === "nearest" ? [{ place: nearestTo(x, how.nearest), share: 1 }] : around(x, axis, how),
  );
  return {
    places: taps.map((list) => list.map(({ place }) => Math.min(Math.max(place, 0), axis.size - 1))),
    shares: taps.map((list) => list.map(({ share }) => share)),
    outside: sources.map((x) => crops && (x < 0 || x > axis.size - 1)),
  };
}

function nearestTo(x: number, mode: NearestMode): number {
  if (Number.isInteger(x)) return x;
  const below = Math.floor(x);
  if (mode === "floor") return below;
  if (mode === "ceil") return below + 1;
  const share = x - below;
  return share > 0.5 || (share === 0.5 && mode === "round_prefer_ceil") ? below + 1 : below;
}

/** The places around one, and their shares, which come to 1 where they have to. */
function around(x: number, { size, scale }: ResizedAxis, { mode, cubic, antialias, excludeOutside }: Interpolation) {
  const reach = mode === "linear" ? 1 : 2;
  const shrink = antialias ? Math.min(scale, 1) : 1;
  // A place of the axis itself counts as right of the one before it.
  const first = Math.ceil(x) - 1 + Math.floor(-reach / shrink) + 1;
  const count = 2 - 2 * (Math.floor(-reach / shrink) + 1);
  const places = upTo(count).map((i) => first + i);
  const weigh = (place: number) =>
    mode === "linear" ? linear((place - x) * shrink) : keys((place - x) * shrink, cubic);
  const shares = places.map((place) => (excludeOutside && (place < 0 || place >= size) ? 0 : weigh(place)));
  const total = antialias || excludeOutside ? shares.reduce((sum, share) => sum + share, 0) || 1 : 1;
  return zip(places, shares, (place, share) => ({ place, share: share / total }));
}

/** The sizes that ONNX Resize gives, and by how much each axis grows. */
export function resizedTo(
  sizes: readonly number[],
  asked: { readonly scales: readonly number[] } | { readonly sizes: readonly number[] },
  policy: "stretch" | "not_larger" | "not_smaller",
): { readonly to: number; readonly scale: number }[] {
  if ("scales" in asked) {
    if (asked.scales.some((scale) => !(scale > 0 && Number.isFinite(scale))))
      throw new InnerloopError("bad-argument", `Resize by [${asked.scales}]: scales are numbers above 0.`, {
        exitStatus: 2,
      });
    return zip(sizes, asked.scales, (size, scale) => ({ to: Math.floor(size * scale), scale }));
  }
  const scales = zip(sizes, asked.sizes, (size, to) => to / size);
  if (policy === "stretch") return zip(asked.sizes, scales, (to, scale) => ({ to, scale }));
  const scale = policy === "not_larger" ? Math.min(...scales) : Math.max(...scales);
  return sizes.map((size) => ({ to: Math.floor(scale * size + 0.5), scale }));
}

/** How often every place is repeated, where that is all that becomes of an axis. */
export function repeatsOf({ places, shares, outside }: Taps, size: number): number | undefined {
  const often = places.length / size;
  if (!Number.isInteger(often) || outside.includes(true) || shares.some((list) => list.length !== 1)) return undefined;
  return places.every((list, i) => at(list, 0) === Math.floor(i / often)) ? often : undefined;
}
