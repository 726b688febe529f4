// Products of matrices in the memory of the WebAssembly backend: any of them turned, many at a time, without a copy of what lies there.
// The backend's own are quick for two matrices that are not turned, and pack the right one anew for each.
import { moduleOf } from "./assembler.ts";
import { instanceIn, type Memory } from "./memory.ts";
import { routines, tileColumns, tileRows } from "./routines.ts";

/** A factor: where it lies, how far its matrices lie apart, and whether rows are what lies one after another. Places are in bytes. */
export interface Factor {
  readonly place: number;
  readonly apart: number;
  readonly turned: boolean;
}

export interface Sizes {
  readonly count: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** Sums are taken in pieces of about so many terms: what a panel of the right factor then has stays in a processor's first cache. */
const pieceTerms = 640;
/** Tiles of so many numbers of the left factor are laid out at a time, which stay in the second one while all columns are multiplied. */
const blockNumbers = 2 ** 16;

/** So few rows are multiplied with a right factor as it lies. */
const fewRows = 2 * tileRows;

const ceil = (size: number, multiple: number) => Math.ceil(size / multiple) * multiple;

/** Terms of a piece, all about as long. */
const pieceOf = ({ k }: Sizes): number => Math.ceil(k / Math.max(1, Math.ceil(k / pieceTerms)));

/** Rows of a block. */
const blockRows = ({ m }: Sizes, piece: number): number =>
  Math.min(ceil(m, tileRows), Math.max(tileRows, Math.floor(blockNumbers / Math.max(1, piece) / tileRows) * tileRows));

/** The bytes that a product needs beside its factors and its result. */
export function scratchBytes(sizes: Sizes): number {
  const piece = pieceOf(sizes);
  return 4 * (piece * ceil(sizes.n, tileColumns) + blockRows(sizes, piece) * piece + tileRows * tileColumns);
}

/** How much of a tile is there. */
interface Corner {
  readonly rows: number;
  readonly columns: number;
}

export type Multiply = (sizes: Sizes, left: Factor, right: Factor, result: number, scratch: number) => void;

/** How a piece of a matrix lies: where it begins, and how far what is summed over and what is not lie apart. */
interface Piece {
  readonly place: number;
  readonly term: number;
  readonly other: number;
}

/** Products in a memory. */
export function productsIn(memory: Memory): Multiply {
  const { tiles, turned, narrow, wide, numbers } = instanceIn<keyof typeof routines>(memory, moduleOf(routines));
  const clear = (place: number, count: number) => new Float32Array(memory.buffer, place, count).fill(0);

  /** A piece in stripes of `width`, for each term a row of them; the last stripe is filled up. */
  const lay = ({ place, term, other }: Piece, terms: number, count: number, width: number, to: number): void => {
    const straight = width === tileRows ? narrow : wide;
    for (let i = 0; i < count; i += width) {
      const [from, target, there] = [place + i * other, to + 4 * i * terms, Math.min(width, count - i)];
      if (there < width) {
        clear(target, terms * width);
        numbers(from, target, terms, there, term, other, 4 * width);
      } else if (other === 4) straight(from, target, terms, term);
      else
        for (let four = 0; four < width; four += 4)
          turned(from + four * other, target + 4 * four, terms, other, 4 * width);
    }
  };

  return (sizes, left, right, result, scratch) => {
    const { count, m, n, k } = sizes;
    const piece = pieceOf(sizes);
    const rows = blockRows(sizes, piece);
    const block = scratch + 4 * piece * ceil(n, tileColumns);
    const corner = block + 4 * rows * piece;
    const [width, narrowWidth] = [4 * n, 4 * tileColumns];
    const [leftTerm, leftRow] = left.turned ? [4 * m, 4] : [4, 4 * k];
    const [rightTerm, rightColumn] = right.turned ? [4, 4 * k] : [4 * n, 4];
    // Whole panels of few rows are read as they lie.
    const asItLies = m <= fewRows && !right.turned ? Math.floor(n / tileColumns) * tileColumns : 0;

    /** Tiles of which not all rows or columns are there. */
    const inCorner = (
      a: number,
      b: number,
      c: number,
      terms: number,
      step: number,
      there: Corner,
      more: number,
    ): void => {
      if (more) numbers(c, corner, there.rows, there.columns, width, 4, narrowWidth);
      tiles(a, b, corner, 1, terms, step, narrowWidth, more);
      numbers(corner, c, there.rows, there.columns, narrowWidth, 4, width);
    };

    const pieceInto = (a: number, b: number, c: number, terms: number, more: number, known: boolean): void => {
      if (!known)
        lay(
          { place: b + asItLies * rightColumn, term: rightTerm, other: rightColumn },
          terms,
          n - asItLies,
          tileColumns,
          scratch,
        );
      for (let i = 0; i < m; i += rows) {
        const here = Math.min(rows, m - i);
        lay({ place: a + i * leftRow, term: leftTerm, other: leftRow }, terms, here, tileRows, block);
        const whole = Math.floor(here / tileRows);
        for (let j = 0; j < n; j += tileColumns) {
          const direct = j < asItLies;
          const panel = direct ? b + 4 * j : scratch + 4 * (j - asItLies) * terms;
          const step = direct ? width : narrowWidth;
          const columns = Math.min(tileColumns, n - j);
          const place = c + i * width + 4 * j;
          const tile = (t: number): [number, number, number] => [
            block + 4 * t * tileRows * terms,
            panel,
            place + t * tileRows * width,
          ];
          if (columns === tileColumns) tiles(block, panel, place, whole, terms, step, width, more);
          else for (let t = 0; t < whole; t++) inCorner(...tile(t), terms, step, { rows: tileRows, columns }, more);
          const over = here - whole * tileRows;
          if (over > 0) inCorner(...tile(whole), terms, step, { rows: over, columns }, more);
        }
      }
    };

    for (let t = 0; t < count; t++) {
      const [a, b, c] = [left.place + t * left.apart, right.place + t * right.apart, result + 4 * t * m * n];
      const known = t > 0 && right.apart === 0 && piece === k;
      for (let from = 0; from === 0 || from < k; from += Math.max(1, piece)) {
        const terms = Math.min(piece, k - from);
        pieceInto(a + from * leftTerm, b + from * rightTerm, c, terms, from > 0 ? 1 : 0, known);
      }
    }
  };
}
