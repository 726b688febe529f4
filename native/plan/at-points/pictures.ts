// Windows over pictures whose channels lie together, found in the table that a product looks them up by.
import { nameOf } from "../fuse/code.ts";
import { Once } from "../once.ts";
import type { Access, Lookup, Product, Step } from "../steps.ts";

/** Rows and columns of the windows of most convolutions. */
export const side = 3;
/** Rows and columns that windows may have, where something may be saved. */
const shapes = [
  [side, side],
  [2, 2],
  [1, 2],
  [2, 1],
] as const;

type Two = readonly [number, number];

/** Pairs are of rows and of columns. */
export interface Picture {
  readonly examples: number;
  readonly channels: number;
  /** Of a window, whether a table has the last of them first, and how far they are from each other in it. */
  readonly taps: Two;
  readonly turned: readonly [boolean, boolean];
  readonly tapsApart: Two;
  /** How many windows there are, how far they are from each other, where the first one begins, and how many rows of the table further each is. */
  readonly windows: Two;
  readonly steps: Two;
  readonly first: Two;
  readonly windowsApart: Two;
  readonly size: Two;
  /** Where each row and each column begins. */
  readonly places: readonly [readonly number[], readonly number[]];
  /** Where the first place is; the stride is that of examples. */
  readonly field: Access;
}

/** The same with columns as rows. */
export const lyingDown = (picture: Picture): Picture => ({
  ...picture,
  taps: other(picture.taps),
  turned: other(picture.turned),
  tapsApart: other(picture.tapsApart),
  windows: other(picture.windows),
  steps: other(picture.steps),
  first: other(picture.first),
  windowsApart: other(picture.windowsApart),
  size: other(picture.size),
  places: other(picture.places),
});

/** What the middle column of windows reads by itself, where windows are two columns apart; nothing, where some of that is outside. */
export function middleOf(picture: Picture): Picture | undefined {
  const { taps, windows, steps, first, size, places } = picture;
  const read = Array.from({ length: windows[1] }, (_, i) => places[1][i * steps[1] + first[1] + 1]);
  const columns = read.filter((place) => place !== undefined);
  if (columns.length < windows[1]) return undefined;
  return {
    ...picture,
    taps: [taps[0], 1],
    steps: [steps[0], 1],
    first: [first[0], 0],
    size: [size[0], windows[1]],
    places: [places[0], columns],
  };
}

const other = <One>([rows, columns]: readonly [One, One]): readonly [One, One] => [columns, rows];

/**
 * The picture whose windows a product looks up, those of its rows first of all; nothing, where these are none.
 *
 * @param writers steps that write what is looked up
 */
export function pictureOf({ left, lookup }: Product, writers: readonly Step[]): Picture | undefined {
  const { table, taps, segment } = lookup!;
  const zeros = zerosIn(left, segment, writers);
  const found = layouts.of(table, `${taps};${zeros.name}`, () => layoutOf(zeros.apart(table), taps));
  if (!found) return undefined;
  const { begin, example, ...picture } = found;
  const field = { ...left, offset: left.offset + begin, strides: [example] };
  return { ...picture, channels: segment, field };
}

/** Many products look up by one table, and several passes ask for the picture of each. */
const layouts = new Once<Int32Array, ReturnType<typeof layoutOf>>();

/** @param places of all taps, -1 for zeros */
function layoutOf(places: Int32Array, taps: number) {
  for (const shape of shapes) {
    if (shape[0] * shape[1] !== taps) continue;
    const windows = windowsIn(places, shape);
    const found = windows && placesOf(places, windows);
    if (found) return { ...windows, ...found };
  }
  return undefined;
}

type Windows = Pick<Picture, "examples" | "taps" | "turned" | "tapsApart" | "windows" | "steps" | "windowsApart">;

/** How windows lie, by those that overlap. */
function windowsIn(table: Int32Array, taps: Two): Windows | undefined {
  const all = table.length / (taps[0] * taps[1]);
  const tapsApart = [taps[1], 1] as const;
  const line = (axis: 0 | 1, apart: number) => lineIn(table, { taps, tapsApart, axis, apart });
  // Windows of one column overlap along rows alone: a row ends where a window overlaps the first one.
  let across = taps[1] > 1 ? line(1, 1) : undefined;
  for (let apart = 2; taps[1] === 1 && !across && 2 * apart <= all; apart++)
    if (line(0, apart)) across = { count: apart, step: 1, turned: false };
  if (!across) return undefined;
  const down = taps[0] > 1 ? line(0, across.count) : { count: all / across.count, step: 1, turned: false };
  if (!down || down.count < 2) return undefined;
  const examples = all / (down.count * across.count);
  if (!Number.isInteger(examples)) return undefined;
  return {
    ...{ examples, taps, turned: [down.turned, across.turned], tapsApart },
    ...{ windows: [down.count, across.count], steps: [down.step, across.step], windowsApart: [across.count, 1] },
  };
}

interface Line {
  readonly taps: Two;
  readonly tapsApart: Two;
  readonly axis: 0 | 1;
  /** How many rows of the table further the next window is. */
  readonly apart: number;
}

/** Windows along an axis from the first one on, as long as they overlap. */
function lineIn(table: Int32Array, { taps, tapsApart, axis, apart }: Line) {
  const each = taps[0] * taps[1];
  const [own, across] = [taps[axis], taps[1 - axis]!];
  for (let step = 1; step < own; step++)
    for (const turned of [false, true]) {
      const at = (window: number, tap: number, beside: number): number =>
        table[
          window * apart * each + (turned ? own - 1 - tap : tap) * tapsApart[axis] + beside * tapsApart[1 - axis]!
        ]!;
      const overlaps = (window: number): boolean => {
        let some = false;
        for (let tap = 0; tap + step < own; tap++)
          for (let beside = 0; beside < across; beside++) {
            const place = at(window, tap, beside);
            if (place !== at(window - 1, tap + step, beside)) return false;
            some ||= place >= 0;
          }
        return some;
      };
      let count = 1;
      while (count * apart * each < table.length && overlaps(count)) count++;
      if (count > 1) return { count, step, turned };
    }
  return undefined;
}

/** Where places lie, if a table has just these windows, and nothing but zeros around the picture. */
function placesOf(table: Int32Array, windows: Windows) {
  const { taps, windows: counts, steps } = windows;
  const [high, wide] = [(counts[0] - 1) * steps[0] + taps[0], (counts[1] - 1) * steps[1] + taps[1]];
  const grid = new Int32Array(high * wide).fill(-2);
  const ofFirst = table.subarray(0, counts[0] * counts[1] * taps[0] * taps[1]);
  const along = gridPlaces(windows, wide);
  for (let i = 0; i < ofFirst.length; i++) {
    const at = along[i]!;
    if (grid[at] === -2) grid[at] = ofFirst[i]!;
    else if (grid[at] !== ofFirst[i]) return undefined;
  }
  let [top, bottom, left, right] = [high, 0, wide, 0];
  for (let y = 0, at = 0; y < high; y++)
    for (let x = 0; x < wide; x++, at++) {
      if (grid[at]! < 0) continue;
      if (y < top) top = y;
      if (x < left) left = x;
      if (x >= right) right = x + 1;
      bottom = y + 1;
    }
  if (top >= bottom) return undefined;
  const begin = grid[top * wide + left]!;
  const rows = Array.from({ length: bottom - top }, (_, y) => grid[(top + y) * wide + left]! - begin);
  const columns = Array.from({ length: right - left }, (_, x) => grid[top * wide + left + x]! - begin);
  if (begin < 0) return undefined;
  for (let y = 0; y < rows.length; y++)
    for (let x = 0; x < columns.length; x++)
      if (grid[(top + y) * wide + left + x] !== begin + rows[y]! + columns[x]!) return undefined;
  let example = 0;
  for (let i = 0; i < ofFirst.length && example === 0 && windows.examples > 1; i++)
    if (ofFirst[i]! >= 0) example = table[ofFirst.length + i]! - ofFirst[i]!;
  for (let i = ofFirst.length, from = 0; i < table.length; i++) {
    const place = ofFirst[from]!;
    if (table[i] !== (place < 0 ? -1 : place + Math.floor(i / ofFirst.length) * example)) return undefined;
    from = from + 1 === ofFirst.length ? 0 : from + 1;
  }
  const [first, size] = [[-top, -left] as const, [bottom - top, right - left] as const];
  return { begin, example, first, size, places: [rows, columns] as const };
}

/** A table of the rows of windows, where these have a column each: by where examples, rows and windows begin, and how many rows of the table further the next window is. */
export function rowsOfWindows(
  { examples, windows, steps, first, size, taps, turned }: Picture,
  by: {
    readonly ofExample: number;
    readonly rows: readonly number[];
    readonly columns: readonly number[];
    readonly apart: Two;
  },
): Int32Array {
  const all = windows[0] * by.columns.length;
  const table = new Int32Array(examples * all * taps[0]);
  for (let example = 0; example < examples; example++)
    for (let row = 0; row < windows[0]; row++)
      for (let window = 0; window < by.columns.length; window++) {
        const at = (example * all + row * by.apart[0] + window * by.apart[1]) * taps[0];
        for (let tap = 0; tap < taps[0]; tap++) {
          const y = row * steps[0] + first[0] + (turned[0] ? taps[0] - 1 - tap : tap);
          const inside = y >= 0 && y < size[0];
          table[at + tap] = inside ? example * by.ofExample + by.rows[y]! + by.columns[window]! : -1;
        }
      }
  return table;
}

/** Where each tap of the windows of an example is in a grid from the first tap on, in the order of the table. */
function gridPlaces({ taps, turned, windows, steps }: Windows, wide: number): Int32Array {
  const places = new Int32Array(windows[0] * windows[1] * taps[0] * taps[1]);
  let i = 0;
  for (let down = 0; down < windows[0]; down++)
    for (let across = 0; across < windows[1]; across++)
      for (let row = 0; row < taps[0]; row++)
        for (let column = 0; column < taps[1]; column++) {
          const y = down * steps[0] + (turned[0] ? taps[0] - 1 - row : row);
          const x = across * steps[1] + (turned[1] ? taps[1] - 1 - column : column);
          places[i++] = y * wide + x;
        }
  return places;
}

/** Which pieces of a factor are zeros for certain. */
interface Zeros {
  /** The same for those that are alike. */
  readonly name: string;
  /** The places of a table, -1 for zeros. */
  readonly apart: (table: Int32Array) => Int32Array;
}

const noneThere: Zeros = { name: "", apart: withoutNone };

function withoutNone(table: Int32Array): Int32Array {
  const places = table.slice();
  for (let i = 0; i < places.length; i++) if (places[i]! < 0) places[i] = -1;
  return places;
}

/** Pieces that are none, or what a product gives of zeros. */
function zerosIn(left: Access, segment: number, writers: readonly Step[]): Zeros {
  const [writer] = writers;
  if (writers.length !== 1 || writer?.kind !== "product" || writer.added || writer.lookup?.by !== "rows")
    return noneThere;
  const { batch, m, n, lookup, out } = writer;
  const rows = zeroRows.of(lookup.table, String(lookup.taps), () => zeroRowsOf(lookup));
  if (rows.size === 0 || n < segment) return noneThere;
  const strides = out.strides.slice(0, -1);
  const sizes = [...batch, m];
  const begin = left.offset - out.offset;
  /** The row that begins there, below zero where none does. */
  const rowAt = (at: number): number => {
    let rest = begin + at;
    let place = 0;
    for (let axis = 0; axis < strides.length; axis++) {
      const stride = strides[axis]!;
      place = stride > 0 ? Math.floor(rest / stride) : 0;
      if (place >= sizes[axis]!) return -1;
      rest -= place * stride;
    }
    return rest === 0 ? place : -1;
  };
  const apart = (table: Int32Array): Int32Array => {
    const places = withoutNone(table);
    for (let i = 0; i < places.length; i++) if (places[i]! >= 0 && rows.has(rowAt(places[i]!))) places[i] = -1;
    return places;
  };
  return { name: [nameOf(lookup.table), lookup.taps, begin, sizes, strides].join(), apart };
}

const zeroRows = new Once<Int32Array, ReadonlySet<number>>();

/** Rows of a factor of which nothing is there. */
function zeroRowsOf({ table, taps }: Lookup): Set<number> {
  const rows = new Set<number>();
  for (let row = 0; row * taps < table.length; row++) {
    let tap = 0;
    while (tap < taps && table[row * taps + tap]! < 0) tap++;
    if (tap === taps) rows.add(row);
  }
  return rows;
}
