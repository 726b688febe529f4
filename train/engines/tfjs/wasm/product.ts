// Products of matrices in the memory of the WebAssembly backend: any of them turned, many at a time, without a copy of what lies there.
// The backend's own are quick for two matrices that are not turned, and pack the right one anew for each.
import { moduleOf } from "./assembler.ts";
import { routines, tileColumns, tileRows } from "./routines.ts";

/** What the types of Node leave out. */
export interface Memory {
  readonly buffer: ArrayBuffer;
}
const { WebAssembly: host } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (module: object, imports: object) => { readonly exports: object };
  };
};

type Routines = Readonly<Record<keyof typeof routines, (...words: readonly number[]) => void>>;

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

/** Tiles of so many numbers of the left factor are laid out at a time: they stay in a processor's cache while all columns are multiplied. */
const blockNumbers = 2 ** 16;

/** So few rows are multiplied with a right factor as it lies. */
const fewRows = 2 * tileRows;

const ceil = (size: number, multiple: number) => Math.ceil(size / multiple) * multiple;

/** Rows of a block. */
const blockRows = ({ m, k }: Sizes): number =>
  Math.min(ceil(m, tileRows), Math.max(tileRows, Math.floor(blockNumbers / Math.max(1, k) / tileRows) * tileRows));

/** The bytes that a product needs beside its factors and its result. */
export const scratchBytes = (sizes: Sizes): number =>
  4 * (sizes.k * ceil(sizes.n, tileColumns) + blockRows(sizes) * sizes.k + tileRows * tileColumns);

export type Multiply = (sizes: Sizes, left: Factor, right: Factor, result: number, scratch: number) => void;

/** Products in a memory. */
export function productsIn(memory: Memory): Multiply {
  const instance = new host.Instance(new host.Module(moduleOf(routines)), { host: { memory } });
  const { tiles, turned, narrow, wide, numbers } = instance.exports as Routines;
  const clear = (place: number, count: number) => new Float32Array(memory.buffer, place, count).fill(0);

  /** The right factor as panels of a tile's columns, the last one filled up. */
  const layRight = ({ n, k }: Sizes, b: number, isTurned: boolean, to: number, from: number): void => {
    const [row, step] = [isTurned ? 4 * k : 4 * n, 4 * tileColumns];
    for (let j = from; j < n; j += tileColumns) {
      const [panel, columns] = [to + 4 * j * k, Math.min(tileColumns, n - j)];
      const start = b + (isTurned ? j * row : 4 * j);
      if (columns < tileColumns) {
        clear(panel, k * tileColumns);
        numbers(start, panel, k, columns, isTurned ? 4 : row, isTurned ? row : 4, step);
      } else if (isTurned)
        for (let i = 0; i < tileColumns; i += 4) turned(start + i * row, panel + 4 * i, k, row, step);
      else wide(start, panel, k, row);
    }
  };

  /** Rows of the left factor as tiles, the last one filled up. */
  const layLeft = ({ m, k }: Sizes, a: number, isTurned: boolean, to: number, from: number, until: number): void => {
    const row = isTurned ? 4 * m : 4 * k;
    for (let i = from; i < until; i += tileRows) {
      const [tile, rows] = [to + 4 * (i - from) * k, Math.min(tileRows, m - i)];
      const start = a + (isTurned ? 4 * i : i * row);
      if (rows < tileRows) {
        clear(tile, k * tileRows);
        numbers(start, tile, k, rows, isTurned ? row : 4, isTurned ? 4 : row, 4 * tileRows);
      } else if (isTurned) narrow(start, tile, k, row);
      else turned(start, tile, k, row, 4 * tileRows);
    }
  };

  return (sizes, left, right, result, scratch) => {
    const { count, m, n, k } = sizes;
    const rows = blockRows(sizes);
    const block = scratch + 4 * k * ceil(n, tileColumns);
    const corner = block + 4 * rows * k;
    const width = 4 * n;
    // Whole panels of few rows are read as they lie.
    const asItLies = m <= fewRows && !right.turned ? Math.floor(n / tileColumns) * tileColumns : 0;
    for (let t = 0; t < count; t++) {
      const [a, b, c] = [left.place + t * left.apart, right.place + t * right.apart, result + 4 * t * m * n];
      if (t === 0 || right.apart > 0) layRight(sizes, b, right.turned, scratch, asItLies);
      for (let i = 0; i < m; i += rows) {
        const until = Math.min(m, i + rows);
        if (t === 0 || left.apart > 0 || rows < m) layLeft(sizes, a, left.turned, block, i, until);
        const whole = Math.floor((until - i) / tileRows);
        const over = until - i - whole * tileRows;
        for (let j = 0; j < n; j += tileColumns) {
          const [panel, step] = j < asItLies ? [b + 4 * j, width] : [scratch + 4 * j * k, 4 * tileColumns];
          const columns = Math.min(tileColumns, n - j);
          const place = c + i * width + 4 * j;
          if (columns === tileColumns) tiles(block, panel, place, whole, k, step, width);
          else
            for (let tile = 0; tile < whole; tile++) {
              tiles(block + 4 * tile * tileRows * k, panel, corner, 1, k, step, 4 * tileColumns);
              const to = place + tile * tileRows * width;
              numbers(corner, to, tileRows, columns, 4 * tileColumns, 4, width);
            }
          if (over > 0) {
            tiles(block + 4 * whole * tileRows * k, panel, corner, 1, k, step, 4 * tileColumns);
            numbers(corner, place + whole * tileRows * width, over, columns, 4 * tileColumns, 4, width);
          }
        }
      }
    }
  };
}
