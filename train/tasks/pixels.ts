// What the image data sets share: quarter turns and area averaging of 8-bit pixels. Images are kept as bytes, a
// quarter of the memory of float32, and become numbers when an episode is drawn.
import type { Preprocessing } from "@innerloop/schemas";

/**
 * Reads a square 8-bit image `[size, size, channels]`, turned by a number of quarter turns anticlockwise (as
 * `numpy.rot90`), and writes byte / 255 into `target`.
 */
export function turn(
  source: Uint8Array,
  start: number,
  size: number,
  channels: number,
  quarters: number,
  target: Float32Array,
  offset: number,
): void {
  // The source position of target pixel (row, column) is origin + row·down + column·right.
  const last = size - 1;
  const [origin, down, right] = [
    [0, size, 1],
    [last, -1, size],
    [last * size + last, -size, -1],
    [last * size, 1, -size],
  ][quarters & 3] as [number, number, number];
  let at = offset;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const from = start + (origin + row * down + column * right) * channels;
      for (let channel = 0; channel < channels; channel++) target[at++] = source[from + channel]! / 255;
    }
  }
}

/** Writes 8-bit pixels as the numbers a model sees: p = byte / 255, 1 − p if inverted, then (p − mean) / std. */
export function standardize(
  source: Uint8Array,
  start: number,
  { width, height, channels, invert, mean, std }: Preprocessing,
  target: Float32Array,
  offset: number,
): void {
  for (let i = 0; i < width * height * channels; i++) {
    const p = source[start + i]! / 255;
    target[offset + i] = ((invert ? 1 - p : p) - mean) / std;
  }
}

/** A resizer for images `[fromHeight, fromWidth, channels]` of one size; the result is rounded to 8 bits. */
export type Resize = (pixels: Uint8Array) => Uint8Array;

/**
 * Area averaging: every pixel of the result is the mean of the source under it, with pixels on the edge counted by the
 * share that lies inside. Returns a function so that the weights are computed once for many images.
 */
export function areaResize(
  from: { width: number; height: number },
  to: { width: number; height: number },
  channels: number,
): Resize {
  const across = overlaps(from.width, to.width);
  const downwards = overlaps(from.height, to.height);
  const narrow = new Float32Array(from.height * to.width * channels);
  return (pixels) => {
    resample(pixels, narrow, from.height, from.width, channels, across);
    const result = new Uint8Array(to.height * to.width * channels);
    resample(narrow, result, 1, from.height, to.width * channels, downwards);
    return result;
  };
}

/** For every cell of the result: the first source cell under it, and the share of the result that each one makes up. */
interface Overlap {
  readonly first: number;
  readonly weights: Float32Array;
}

function overlaps(from: number, to: number): Overlap[] {
  return Array.from({ length: to }, (_, cell) => {
    // In units of 1/to of a source cell everything is an integer, so the shares are exact.
    const [start, end] = [cell * from, (cell + 1) * from];
    const first = Math.floor(start / to);
    const count = Math.ceil(end / to) - first;
    const weights = Float32Array.from({ length: count }, (_, i) => {
      const left = (first + i) * to;
      return (Math.min(end, left + to) - Math.max(start, left)) / from;
    });
    return { first, weights };
  });
}

/** Resamples the middle axis of `[outer, length, inner]`. Writing to bytes rounds to the nearest. */
function resample(
  source: Uint8Array | Float32Array,
  target: Uint8Array | Float32Array,
  outer: number,
  length: number,
  inner: number,
  cells: readonly Overlap[],
): void {
  const half = target instanceof Uint8Array ? 0.5 : 0;
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const { first, weights } of cells) {
      const base = (o * length + first) * inner;
      for (let i = 0; i < inner; i++) {
        let sum = half;
        for (let w = 0; w < weights.length; w++) sum += source[base + w * inner + i]! * weights[w]!;
        target[at++] = sum;
      }
    }
  }
}
