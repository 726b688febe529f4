// A picture from a camera or a file: its middle, as a square.

/** Pixels as ImageData has them. */
export interface Snapshot {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

/** Pixels a side that a picture is kept at; a bundle's are fewer. */
const most = 320;

/** The middle square of what can be drawn, of a size; nothing of what has no size yet. */
export function middleOf(source: CanvasImageSource, width: number, height: number): Snapshot | undefined {
  const side = Math.min(width, height);
  if (side === 0) return undefined;
  const size = Math.min(most, side);
  const context = new OffscreenCanvas(size, size).getContext("2d", { willReadFrequently: true })!;
  context.imageSmoothingQuality = "high";
  context.drawImage(source, (width - side) / 2, (height - side) / 2, side, side, 0, 0, size, size);
  const { data } = context.getImageData(0, 0, size, size);
  return { width: size, height: size, data };
}

/** How bright each pixel is, 0…1. */
export function brightness({ data, width, height }: Snapshot): Float32Array {
  return Float32Array.from(
    { length: width * height },
    (_, i) => (0.299 * data[4 * i]! + 0.587 * data[4 * i + 1]! + 0.114 * data[4 * i + 2]!) / 255,
  );
}

/** How much the pixels differ: their deviation. */
export function contrast(snapshot: Snapshot): number {
  const values = brightness(snapshot);
  let [sum, squares] = [0, 0];
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  return Math.sqrt(Math.max(0, squares / values.length - (sum / values.length) ** 2));
}
