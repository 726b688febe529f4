// How one example looks, as the numbers say that a model is given: pictures as they are, sounds as pictures of their energies, windows as
// lines.
import type { Preprocessing } from "@innerloop/schemas";
import { faint, hueOf, imageAt } from "./svg.ts";

/** What the numbers of examples are, and how large one is drawn. */
export interface TileStyle {
  readonly kind: "picture" | "spectrum" | "lines";
  readonly width: number;
  readonly height: number;
  /** What stands below and beside a tile: the ends of its axes. */
  readonly across?: readonly [first: string, last: string];
  readonly upwards?: readonly [lowest: string, highest: string];
  /** Lines of a tile. */
  readonly lines?: number;
}

/** The range that numbers are drawn in: that of all of them, so that tiles can be compared. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

const side = 76;
/** Pixels of a picture in the drawing, for each that it is wide there: drawings are looked at on screens of two pixels a point. */
const sharpness = 2;
/** More lines in a tile are a thicket. */
export const linesAtMost = 8;

/**
 * How examples of a shape are drawn; undefined for what has no picture, such as rows of a table.
 * @param how where they come of a preprocessing
 */
export function tileStyle(shape: readonly number[], how: Preprocessing | undefined): TileStyle | undefined {
  if (how?.kind === "row") return undefined;
  const [first = 1, second = 1, third] = shape;
  if (how?.kind === "sound")
    return {
      kind: "spectrum",
      width: 132,
      height: side,
      across: ["0", `${shortNumber(how.length / how.rate)} s`],
      upwards: [`${shortNumber(how.lowest)} Hz`, `${shortNumber(how.highest)} Hz`],
    };
  if (shape.length === 3 && (third === 1 || third === 3)) {
    const scale = side / Math.max(first, second);
    return {
      kind: "picture",
      width: Math.max(8, Math.round(second * scale)),
      height: Math.max(8, Math.round(first * scale)),
    };
  }
  if (shape.length !== 2 || second > 64) return undefined;
  const rate = how?.kind === "window" ? how.rate : undefined;
  const end = rate === undefined ? `${first} samples` : `${shortNumber(first / rate)} s`;
  return { kind: "lines", width: 168, height: side, across: ["0", end], lines: second };
}

/** A number as an axis has it. */
export function shortNumber(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 3 });
}

/** The range of numbers, of which the outermost thousandth is cut off. */
export function rangeOf(examples: readonly Float32Array[]): Range {
  const all: number[] = [];
  const step = Math.max(1, Math.floor(examples.reduce((sum, { length }) => sum + length, 0) / 100_000));
  for (const values of examples) for (let i = 0; i < values.length; i += step) all.push(values[i]!);
  all.sort((a, b) => a - b);
  const at = (share: number) => all[Math.min(all.length - 1, Math.max(0, Math.round(share * (all.length - 1))))] ?? 0;
  const [low, high] = [at(0.001), at(0.999)];
  return low < high ? { low, high } : { low: low - 1, high: high + 1 };
}

/** One example, at a place of the drawing. */
export async function tile(
  values: Float32Array,
  { shape, style, range }: { readonly shape: readonly number[]; readonly style: TileStyle; readonly range: Range },
  x: number,
  y: number,
): Promise<string> {
  const { kind, width, height } = style;
  const frame = `<rect x="${x - 0.5}" y="${y - 0.5}" width="${width + 1}" height="${height + 1}" fill="none" stroke="${faint}"/>`;
  if (kind === "lines") return `${frame}${lines(values, shape, style, range, x, y)}`;
  const png =
    kind === "spectrum" ? await spectrum(values, shape, style, range) : await picture(values, shape, style, range);
  return `${imageAt(png, x, y, width, height)}${frame}`;
}

/** The lines of a window, one a channel, with a line where zero is. */
function lines(
  values: Float32Array,
  [length = 1, channels = 1]: readonly number[],
  { width, height }: TileStyle,
  { low, high }: Range,
  x: number,
  y: number,
): string {
  const inset = 3;
  const down = (value: number) =>
    y + inset + (1 - (Math.min(high, Math.max(low, value)) - low) / (high - low)) * (height - 2 * inset);
  const zero =
    low < 0 && high > 0
      ? `<line x1="${x}" y1="${down(0).toFixed(1)}" x2="${x + width}" y2="${down(0).toFixed(1)}" stroke="${faint}"/>`
      : "";
  // As many points as can be seen; of those in between, the lowest and the highest, so that no peak is lost.
  const columns = Math.min(length, width);
  const drawn = Array.from({ length: Math.min(channels, linesAtMost) }, (_, channel) => {
    const points: string[] = [];
    for (let column = 0; column < columns; column++) {
      const [from, to] = [Math.floor((column * length) / columns), Math.floor(((column + 1) * length) / columns)];
      let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (let i = from; i < Math.max(to, from + 1); i++) {
        const value = values[i * channels + channel]!;
        least = Math.min(least, value);
        most = Math.max(most, value);
      }
      const across = (x + ((column + 0.5) * width) / columns).toFixed(1);
      points.push(`${across},${down(most).toFixed(1)}`);
      if (most > least) points.push(`${across},${down(least).toFixed(1)}`);
    }
    return `<polyline points="${points.join(" ")}" fill="none" stroke="${hueOf(channel)}" stroke-width="1.1" stroke-linejoin="round" opacity="0.9"/>`;
  });
  return zero + drawn.join("");
}

async function picture(
  values: Float32Array,
  [height = 1, width = 1, channels = 1]: readonly number[],
  style: TileStyle,
  { low, high }: Range,
): Promise<Uint8Array> {
  const pixels = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const share = (values[i]! - low) / (high - low);
    pixels[i] = Math.round(255 * Math.min(1, Math.max(0, share)));
  }
  return png(pixels, width, height, channels as 1 | 3, style);
}

/** Time goes to the right, frequency upwards. */
async function spectrum(
  values: Float32Array,
  [frames = 1, bands = 1]: readonly number[],
  style: TileStyle,
  { low, high }: Range,
): Promise<Uint8Array> {
  const pixels = new Uint8Array(frames * bands * 3);
  for (let frame = 0; frame < frames; frame++)
    for (let band = 0; band < bands; band++) {
      const share = (values[frame * bands + band]! - low) / (high - low);
      pixels.set(heat(Math.min(1, Math.max(0, share))), 3 * ((bands - 1 - band) * frames + frame));
    }
  return png(pixels, frames, bands, 3, style);
}

/** Dark to light through purple and orange (matplotlib's "magma", at nine places), so that it reads as grey as well. */
const heats = [
  [0, 0, 4],
  [28, 16, 68],
  [79, 18, 123],
  [129, 37, 129],
  [181, 54, 122],
  [229, 80, 100],
  [251, 135, 97],
  [254, 194, 135],
  [252, 253, 191],
] as const;

function heat(share: number): number[] {
  const at = share * (heats.length - 1);
  const [from, to] = [heats[Math.floor(at)]!, heats[Math.min(heats.length - 1, Math.floor(at) + 1)]!];
  return from.map((part, i) => Math.round(part + (at - Math.floor(at)) * (to[i]! - part)));
}

/** A file of pixels; small pictures show them as squares. */
async function png(
  pixels: Uint8Array,
  width: number,
  height: number,
  channels: 1 | 3,
  style: TileStyle,
): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp");
  const raw = sharp(pixels, { raw: { width, height, channels } });
  const times = Math.max(
    1,
    Math.round((sharpness * style.height) / height),
    Math.round((sharpness * style.width) / width),
  );
  if (times > 1) raw.resize(width * times, height * times, { kernel: "nearest" });
  return raw.png().toBuffer();
}
