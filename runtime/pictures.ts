// A picture becomes an example, in training and on the device: laid on white, made grey, resized, rounded to bytes, given a
// margin, and then standardized. docs/bundle.md says it for other programs.
import { type ImagePreprocessing, InnerloopError, kindOf } from "@innerloop/schemas/bundle";
import { marginOf } from "@innerloop/schemas/preprocessing";
import { type Overlap, overlap } from "./averaging.ts";
import { badInput } from "./refusal.ts";

/** A decoded picture, such as a page's ImageData: rows of bytes, RGBA (not premultiplied), RGB or grey by their number. */
export interface Picture {
  readonly data: Uint8ClampedArray | Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Pixels of a picture at most, so that none takes all of the memory: cameras of 64 megapixels stay below. */
export const mostPixels = 2 ** 26;

/** Pixels of a picture's longer side at most, as in JPEG: each row is kept in the example's width before rows are averaged. */
const longestSide = 65_535;

/** After so many pixels of the source, others have a turn: well under a millisecond of work. */
const bandNumbers = 2 ** 15;

/** Pixels that the model is given, before they are inverted and standardized: bytes `[height · width · channels]`. */
export type Resize = (pixels: Picture["data"]) => Generator<void, Uint8Array>;

/**
 * Refuses a picture for its size, before its pixels are there.
 *
 * @throws InnerloopError `image-too-large`
 */
export function checkSize(width: number, height: number, name: string): void {
  if (width * height <= mostPixels && Math.max(width, height) <= longestSide) return;
  throw new InnerloopError(
    "image-too-large",
    `${name}: it has ${width}×${height} pixels; at most ${mostPixels} are read, and ${longestSide} on a side; make it smaller`,
  );
}

/**
 * Numbers of 10, 12 or 14 bits, as cameras and scanners measure them, that were put into 16 bits as they are.
 *
 * @param data what became of them as bytes
 */
export function checkRange(data: Picture["data"], channels: number, name: string): void {
  let [least, most] = [255, 0];
  for (let i = 0; i < data.length; i++) {
    if (channels === 4 && i % 4 === 3) continue;
    const value = data[i]!;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  // One that is black or white all over is blank, whatever its numbers are; that is told elsewhere.
  if (most === 0 || least === 255 || (most >= 64 && least < 240)) return;
  const range = most < 64 ? `the darkest ${most < 16 ? "sixteenth" : "quarter"}` : "the lightest sixteenth";
  throw unscaled(
    `it holds 16-bit numbers in ${range} of their range, as 10, 12 or 14 bits of a camera in 16 do, so that nearly nothing could be seen`,
    name,
  );
}

/** @param what what is known of its numbers */
export function unscaled(what: string, name: string): InnerloopError {
  return new InnerloopError(
    "image-unscaled",
    `${name}: ${what}. Save it as 8-bit or 16-bit PNG or TIFF, scaled so that black is 0 and white 255 or 65535`,
  );
}

/**
 * Makes one picture what the manifest says.
 *
 * @throws InnerloopError `bad-input` where its size does not go with its number of bytes, `image-too-large`
 */
export function resized(picture: Picture, to: ImagePreprocessing): Generator<void, Uint8Array> {
  const { data, width, height } = picture;
  const whole = [width, height].every((side) => Number.isInteger(side) && side > 0);
  if (!/^Uint8(Clamped)?Array$/.test(kindOf(data)))
    throw badInput(
      "the picture's data are no bytes; a Uint8ClampedArray or Uint8Array of RGBA, RGB or grey was expected",
    );
  if (!whole || ![1, 3, 4].includes(data.length / (width * height)))
    throw badInput(
      `the picture has ${data.length} bytes for ${width}×${height} pixels; ` +
        "4 for each pixel were expected (RGBA), or 3 (RGB), or 1 (grey)",
    );
  if (Math.max(width, height) > longestSide) checkSize(width, height, "the picture");
  const [across, down] = [marginOf(to.width, to.margin), marginOf(to.height, to.margin)];
  const inner = { ...to, width: to.width - 2 * across, height: to.height - 2 * down };
  const work = resizer(picture, inner)(data);
  return across + down === 0 ? work : framed(work, inner, to, [across, down]);
}

/** A picture in the middle of a ground, of the byte that is told or, in each channel, what its border has in the middle of all. */
function* framed(
  work: Generator<void, Uint8Array>,
  { width, height, channels }: ImagePreprocessing,
  to: ImagePreprocessing,
  [across, down]: readonly [number, number],
): Generator<void, Uint8Array> {
  const pixels = yield* work;
  const result = new Uint8Array(to.height * to.width * channels);
  for (let channel = 0; channel < channels; channel++) {
    const ground = to.ground ?? borderOf(pixels, width, height, channels, channel);
    for (let at = channel; at < result.length; at += channels) result[at] = ground;
  }
  const row = width * channels;
  for (let y = 0; y < height; y++)
    result.set(pixels.subarray(y * row, (y + 1) * row), ((down + y) * to.width + across) * channels);
  return result;
}

/** The median of a channel on the border, the lower of two in the middle. */
function borderOf(pixels: Uint8Array, width: number, height: number, channels: number, channel: number): number {
  const border: number[] = [];
  for (let y = 0; y < height; y++) {
    const step = y === 0 || y === height - 1 ? 1 : Math.max(1, width - 1);
    for (let x = 0; x < width; x += step) border.push(pixels[(y * width + x) * channels + channel]!);
  }
  border.sort((a, b) => a - b);
  return border[(border.length - 1) >> 1]!;
}

/**
 * Area averaging: every pixel of the result is the mean of the source under it, with pixels on the edge counted by the
 * share that lies inside; first along the rows, then down the columns, and rounded to the nearest byte. The source is
 * laid on white and made grey before. The weights are computed once for many pictures of one size.
 *
 * @returns work that gives way now and then: {@link finish} it, or do so in turns
 */
export function resizer(
  from: { readonly width: number; readonly height: number },
  to: Pick<ImagePreprocessing, "width" | "height" | "channels">,
): Resize {
  const { width, height, channels } = to;
  const across = cells(from.width, width);
  const downwards = cells(from.height, height);
  const band = Math.max(1, Math.floor(bandNumbers / from.width));
  return function* resize(pixels) {
    const row = pixels.length / from.height;
    const narrow = new Float32Array(from.height * width * channels);
    const laid = new Uint8Array(Math.min(band, from.height) * from.width * channels);
    for (let top = 0; top < from.height; top += band) {
      const rows = Math.min(band, from.height - top);
      layOnWhite(pixels.subarray(top * row, (top + rows) * row), from.width * rows, laid, channels);
      resample(laid, narrow, top * width * channels, rows, from.width, channels, across);
      yield;
    }
    const result = new Uint8Array(height * width * channels);
    resample(narrow, result, 0, 1, from.height, width * channels, downwards);
    return result;
  };
}

/** Does work that gives way without giving way. */
export function finish<T>(work: Generator<void, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** Writes 8-bit pixels as the numbers a model sees: p = byte / 255, 1 − p if inverted, then (p − mean) / std. */
export function standardize(
  source: Uint8Array,
  start: number,
  { width, height, channels, invert, mean, std }: ImagePreprocessing,
  target: Float32Array,
  offset: number,
): void {
  for (let i = 0; i < width * height * channels; i++) {
    const p = source[start + i]! / 255;
    target[offset + i] = ((invert ? 1 - p : p) - mean) / std;
  }
}

/** {@link standardize} for one picture. */
export function standardized(pixels: Uint8Array, preprocessing: ImagePreprocessing): Float32Array {
  const example = new Float32Array(pixels.length);
  standardize(pixels, 0, preprocessing, example, 0);
  return example;
}

/** RGBA, RGB or grey as RGB or grey; grey is the luma of ITU-R BT.601, with weights of 16 bits. */
function layOnWhite(source: Picture["data"], pixels: number, target: Uint8Array, channels: number): void {
  const step = source.length / pixels;
  for (let pixel = 0, at = 0; pixel < pixels; pixel++, at += step) {
    let red = source[at]!;
    let green = red;
    let blue = red;
    if (step > 1) {
      green = source[at + 1]!;
      blue = source[at + 2]!;
    }
    if (step === 4 && source[at + 3] !== 255) {
      const alpha = source[at + 3]!;
      red = onWhite(red, alpha);
      green = onWhite(green, alpha);
      blue = onWhite(blue, alpha);
    }
    if (channels === 1) target[pixel] = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
    else {
      target[3 * pixel] = red;
      target[3 * pixel + 1] = green;
      target[3 * pixel + 2] = blue;
    }
  }
}

function onWhite(value: number, alpha: number): number {
  return Math.round((value * alpha + 255 * (255 - alpha)) / 255);
}

function cells(from: number, to: number): Overlap[] {
  return Array.from({ length: to }, (_, cell) => overlap(cell, from, to));
}

/** Resamples the middle axis of `[outer, length, inner]`. Writing to bytes rounds to the nearest. */
function resample(
  source: Uint8Array | Float32Array,
  target: Uint8Array | Float32Array,
  start: number,
  outer: number,
  length: number,
  inner: number,
  overlaps: readonly Overlap[],
): void {
  const half = target instanceof Uint8Array ? 0.5 : 0;
  let at = start;
  for (let o = 0; o < outer; o++) {
    for (const { first, weights } of overlaps) {
      const base = (o * length + first) * inner;
      for (let i = 0; i < inner; i++) {
        let sum = half;
        for (let w = 0; w < weights.length; w++) sum += source[base + w * inner + i]! * weights[w]!;
        target[at++] = sum;
      }
    }
  }
}
