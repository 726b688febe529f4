// Places that are taken while something is needed that lies there: of the memory, and of results that no step has written yet.
/** Stores begin at multiples of so many numbers, and so many may be read after the last one. */
export const apart = 16;

/** What needs a place, from one place of the order of steps to another. */
export interface Lasting {
  readonly size: number;
  readonly first: number;
  readonly last: number;
}

interface Placed {
  readonly row: Lasting;
  readonly at: number;
}

/** Parts that the order of steps is in: most rows are needed in one or two. */
const mostParts = 32;

/** What has its place, by parts of the order. */
export class Taken {
  /** All rows, and those that are needed in each part, in the order of their places. */
  readonly #all: Placed[] = [];
  readonly #parts: Placed[][];
  readonly #each: number;

  constructor(rows: readonly Lasting[]) {
    // What is kept has no last place, and what no step writes no first one.
    const ends = rows.flatMap(({ first, last }) => [first, last]).filter(Number.isFinite);
    this.#each = Math.max(1, ends.reduce((most, end) => Math.max(most, end + 1), 0) / mostParts);
    this.#parts = Array.from({ length: mostParts }, () => []);
  }

  /** The first place from `from` on where nothing lies that is needed at the same time. */
  take(row: Lasting, from: number): number {
    const parts = this.#parts.slice(this.#partOf(row.first), this.#partOf(row.last) + 1);
    const at = behind(parts.length > 1 ? this.#all : parts[0]!, row, from);
    for (const placed of [this.#all, ...parts]) enter(placed, { row, at });
    return at;
  }

  #partOf(place: number): number {
    return Math.max(0, Math.min(mostParts - 1, Math.floor(place / this.#each)));
  }
}

/** A result: where it lies, how many numbers it has, and the first step that writes it. */
export interface Result {
  readonly at: number;
  readonly size: number;
  readonly first: number;
}

/** What is worth it. */
export interface Worth {
  /** Numbers that are written in a row's life from which on its place is in no near cache any more: it costs no more to have it elsewhere. */
  readonly far: number;
  /** Numbers of a row. */
  readonly large: number;
  /** Numbers of a result. */
  readonly room: number;
}

const usualWorth: Worth = { far: 2 ** 18, large: 2 ** 12, room: 2 ** 16 };

/** Results as places of what is needed for long before they are written, so that the memory of a run has no place for it. */
export class Rooms {
  /** The first to be written first: what needs a place for longer finds those after it. */
  readonly #rooms: readonly { readonly result: Result; readonly placed: Placed[] }[];
  /** How many numbers rows have that begin before each place. */
  readonly #written: Float64Array;
  readonly #worth: Worth;

  constructor(rows: readonly Lasting[], results: readonly Result[], worth = usualWorth) {
    this.#worth = worth;
    this.#rooms = results
      .filter(({ size, first }) => size >= worth.room && Number.isFinite(first))
      .sort((a, b) => a.first - b.first)
      .map((result) => ({ result, placed: [] }));
    const end = this.#rooms.at(-1)?.result.first ?? 0;
    this.#written = new Float64Array(end + 1);
    for (const { first, size } of rows) if (first >= 0 && first < end) this.#written[first + 1]! += size;
    for (let i = 1; i <= end; i++) this.#written[i]! += this.#written[i - 1]!;
  }

  /** A place in a result; nothing where the row has to be, or better is, in the memory. */
  take(row: Lasting): number | undefined {
    const { size, first, last } = row;
    const { far, large } = this.#worth;
    if (size < large || first < 0) return undefined;
    for (const { result, placed } of this.#rooms) {
      if (result.first <= last) continue;
      if (this.#written[last]! - this.#written[first]! < far) return undefined;
      const at = behind(placed, row, result.at);
      if (at + size + apart > result.at + result.size) continue;
      enter(placed, { row, at });
      return at;
    }
    return undefined;
  }
}

function enter(placed: Placed[], one: Placed): void {
  let [first, end] = [0, placed.length];
  while (first < end) {
    const middle = (first + end) >> 1;
    if (placed[middle]!.at > one.at) end = middle;
    else first = middle + 1;
  }
  placed.splice(first, 0, one);
}

/** The first place from `from` on where none of these lies that is needed at the same time. */
function behind(placed: readonly Placed[], { first, last, size }: Lasting, from: number): number {
  let at = from;
  for (let i = 0; i < placed.length; i++) {
    const { row, at: there } = placed[i]!;
    if (there >= at + size) break;
    if (row.first <= last && first <= row.last) at = Math.max(at, there + row.size);
  }
  return at;
}
