// In which tiles and at which points windows are along their columns, and how the rows lie that they read.
import { type Picture, side } from "./pictures.ts";
import { type Bilinear, mostSums, whole, windowed } from "./toom.ts";

/** Some columns of windows, in tiles that are alike. */
export interface Segment {
  readonly by: Bilinear;
  /** The first column, how many of them a tile gives, and how many tiles there are. */
  readonly from: number;
  readonly gives: number;
  readonly tiles: number;
  /** The first column that the first tile reads, of those that are read. */
  readonly reads: number;
}

export interface Form {
  readonly segments: readonly Segment[];
  /** Columns that tiles read: from which on, how far apart, and how many. */
  readonly read: { readonly from: number; readonly apart: number; readonly count: number };
  /** What of the middle column of taps has a product of its own: nothing, unless windows are two columns apart. */
  readonly middle: boolean;
  /** Columns of taps as points need them, a row for each point; the first one is the middle column where that has its own product. */
  readonly weights: readonly (readonly number[])[];
}

/** @param taps columns of a window */
export function formOf(
  {
    windows: [, count],
    steps: [, step],
    first: [, first],
    size: [, wide],
  }: Pick<Picture, "windows" | "steps" | "first" | "size">,
  taps: number = side,
): Form {
  if (step === 1) {
    const segments = segmentsOf(count, taps, first, wide);
    return { segments, read: { from: 0, apart: 1, count: wide }, middle: false, weights: segments[0]!.by.taps };
  }
  // Outer taps read every second column, and the middle one those between.
  const from = first & 1;
  const read = { from, apart: 2, count: Math.ceil((wide - from) / 2) };
  const segments = segmentsOf(count, 2, Math.floor(first / 2), read.count);
  const weights = segments[0]!.by.taps.map(([a = 0, b = 0]) => [a, 0, b]);
  return { segments, read, middle: true, weights: [[0, 1, 0], ...weights] };
}

/** Windows of columns beside each other, the first of which reads from `reads` on: as few tiles as may be, and then as few points. */
function segmentsOf(count: number, taps: number, reads: number, wide: number): Segment[] {
  const alone = taps === 2 && reads === -1 && wide === count - 1 && count <= mostSums(2);
  if (alone) return [{ by: whole(wide, 2), from: 0, gives: count, tiles: 1, reads: 0 }];
  const gives = Math.ceil(count / Math.ceil(count / mostOf(taps)));
  const tiles = Math.floor(count / gives);
  const [rest, at] = [count % gives, tiles * gives];
  const segments = [{ by: windowed(gives, taps), from: 0, gives, tiles, reads }];
  if (rest > 0) segments.push({ by: windowed(rest, taps), from: at, gives: rest, tiles: 1, reads: reads + at });
  return segments;
}

/** Columns that a tile gives at most: of two taps as many as there are points for, of which each next column takes one; more of three would save little, for numbers that are less exact. */
const mostOf = (taps: number): number => (taps === 2 ? mostSums(taps) : 4);

/** Every row of a picture, or every second one, at even distances: the first of them, how far they are apart, how many there are, and the distance. */
export interface Rows {
  readonly from: number;
  readonly apart: number;
  readonly count: number;
  readonly stride: number;
}

/** The rows of a picture as they lie evenly, with the columns that a form reads; nothing, where they do not. */
export function rowsIn({ places: [rows, columns] }: Picture, { read: { from, apart } }: Form): Rows[] | undefined {
  if (strideOf(columns.filter((_, i) => i >= from && (i - from) % apart === 0)) === undefined) return undefined;
  for (const every of [1, 2]) {
    const found = Array.from({ length: every }, (_, first) => {
      const part = rows.filter((__, i) => i % every === first);
      const stride = strideOf(part);
      return stride === undefined ? [] : [{ from: first, apart: every, count: part.length, stride }];
    }).flat();
    if (found.length === every) return found;
  }
  return undefined;
}

/** How far places are apart that lie evenly; nothing, where they do not. */
export function strideOf(places: readonly number[]): number | undefined {
  const [first = 0, second = first] = places;
  return places.every((place, i) => place === first + i * (second - first)) ? second - first : undefined;
}

/** Where the columns begin that tiles read. */
export const columnsIn = ({ picture, form: { read } }: { readonly picture: Picture; readonly form: Form }): number[] =>
  picture.places[1].filter((_, i) => i >= read.from && (i - read.from) % read.apart === 0);
