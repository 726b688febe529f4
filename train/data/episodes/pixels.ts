// What the data sets of characters share: quarter turns. Images are kept as bytes, a quarter of the memory of float32, and
// become numbers when an episode is drawn. All else that becomes of pixels is the runtime's, which devices share.

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
