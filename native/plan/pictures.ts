// Windows of 3 x 3 places over pictures whose channels lie together, found in the table that a product looks them up by.
import type { Access, Product, Step } from "./steps.ts";

/** Rows and columns of a window. */
export const side = 3;
const taps = side ** 2;
/** The middle of a window, what is above and below, and what is beside it. */
const [middle, above, below, before, after] = [4, 1, 7, 3, 5] as const;

export interface Picture {
  readonly examples: number;
  readonly channels: number;
  /** Windows along both axes, how far they are from each other, and where the first one begins. */
  readonly windows: readonly [number, number];
  readonly steps: readonly [number, number];
  readonly first: readonly [number, number];
  /** Rows and columns. */
  readonly size: readonly [number, number];
  /** The strides are those of (example, row, column). */
  readonly field: Access;
}

/**
 * The picture whose windows a product looks up, those of its rows first of all; nothing, where these are none, or are over pictures otherwise.
 *
 * @param writers steps that write what is looked up
 */
export function pictureOf({ m, left, lookup }: Product, writers: readonly Step[]): Picture | undefined {
  const { table, segment } = lookup!;
  const at = (window: number, tap: number): number => table[window * taps + tap]!;
  const column = at(0, after) - at(0, middle);
  const row = at(0, below) - at(0, middle);
  const wide = row / column;
  if (!(column >= segment) || !Number.isInteger(wide) || wide < 2) return undefined;
  const first = [
    at(0, above) === at(0, middle) - row ? 0 : -1,
    at(0, before) === at(0, middle) - column ? 0 : -1,
  ] as const;
  const begin = at(0, middle) - (first[0] + 1) * row - (first[1] + 1) * column;
  const stepColumn = (at(1, middle) - at(0, middle)) / column;
  let across = 1;
  while (across < m && at(across, middle) === at(0, middle) + across * stepColumn * column) {
    if (across * stepColumn + first[1] + 1 >= wide) break;
    across++;
  }
  if (!isStep(stepColumn) || across < 2 || across >= m) return undefined;
  const stepRow = (at(across, middle) - at(0, middle)) / row;
  let down = 1;
  for (; down * across < m; down++) {
    const [own, up] = [at(down * across, middle), at(down * across, above)];
    if (own !== at(0, middle) + down * stepRow * row || up !== own - row) break;
    const last = down * across - 1;
    if (at(last, below) !== at(last, middle) + row) break;
  }
  const examples = m / (down * across);
  if (!isStep(stepRow) || down < 2 || !Number.isInteger(examples)) return undefined;
  const last = down * across - 1;
  const lowest = (down - 1) * stepRow + first[0] + 1;
  const high = at(last, below) === at(last, middle) + row ? lowest + 2 : lowest + 1;
  const example = examples > 1 ? at(down * across, middle) - at(0, middle) : 0;
  const picture: Picture = {
    ...{ examples, channels: segment, windows: [down, across], steps: [stepRow, stepColumn], first },
    ...{ size: [high, wide], field: { ...left, offset: left.offset + begin, strides: [example, row, column] } },
  };
  return isIn(table, begin, picture, zerosIn(left, segment, writers)) ? picture : undefined;
}

const isStep = (step: number): boolean => step === 1 || step === 2;

/** Whether a table has just the windows of a picture, and zeros for what is outside. */
function isIn(
  table: Int32Array,
  begin: number,
  { examples, windows, steps, first, size, field }: Picture,
  isZeros: (at: number) => boolean,
): boolean {
  const [ofExample, ofRow, ofColumn] = field.strides as [number, number, number];
  let i = 0;
  for (let example = 0; example < examples; example++)
    for (let down = 0; down < windows[0]; down++)
      for (let across = 0; across < windows[1]; across++)
        for (let tap = 0; tap < taps; tap++, i++) {
          const y = down * steps[0] + first[0] + Math.floor(tap / side);
          const x = across * steps[1] + first[1] + (tap % side);
          const outside = y < 0 || x < 0 || y >= size[0] || x >= size[1];
          const place = begin + example * ofExample + y * ofRow + x * ofColumn;
          if (outside ? !isZeros(table[i]!) : table[i] !== place) return false;
        }
  return true;
}

/** Whether a piece of a factor is zeros for certain: it is none, or what a product gives of zeros. */
function zerosIn(left: Access, segment: number, writers: readonly Step[]): (at: number) => boolean {
  const [writer] = writers;
  if (writers.length !== 1 || writer?.kind !== "product" || writer.added || writer.lookup?.by !== "rows")
    return (at) => at < 0;
  const { batch, m, n, lookup, out } = writer;
  const strides = out.strides.slice(0, -1);
  const sizes = [...batch, m];
  return (at) => {
    if (at < 0) return true;
    let rest = left.offset + at - out.offset;
    let place = 0;
    for (const [axis, stride] of strides.entries()) {
      place = stride > 0 ? Math.floor(rest / stride) : 0;
      if (place >= sizes[axis]!) return false;
      rest -= place * stride;
    }
    if (rest !== 0 || n < segment) return false;
    return lookup.table.subarray(place * lookup.taps, (place + 1) * lookup.taps).every((piece) => piece < 0);
  };
}
