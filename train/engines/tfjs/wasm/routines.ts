// The inner loops of products of matrices for WebAssembly: both factors are laid out as they are read, and a tile of the result stays
// in registers while the sum is taken. Places are in bytes.
import {
  advance,
  type Code,
  either,
  get,
  load,
  loadSplat,
  loadWord,
  numbered,
  plus,
  type Routine,
  repeated,
  set,
  splat,
  store,
  storeWord,
  sum,
  times,
  turnedFour,
  word,
} from "@innerloop/runtime/wasm";

/** Rows and columns of a tile: the largest whose numbers fit into the registers of a processor that has sixteen. */
export const [tileRows, tileColumns] = [4, 8];
const lanes = 4;

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/**
 * Tiles of the result one below the other.
 * `a`: tiles of the left factor, of each k columns of {@link tileRows}; `b`: k rows of {@link tileColumns}, `step` apart; `width`: how far
 * rows of the result `c` lie apart; `more`: what is multiplied is added to it.
 */
function tiles(): Routine {
  const takes = ["a", "b", "c", "tiles", "k", "step", "width", "more"] as const;
  const words = ["right", "turns"] as const;
  const { a, b, c, tiles, k, step, width, more, right, turns, vector } = numbered(takes, words);
  const wide = tileColumns / lanes;
  const sums = (row: number, v: number) => vector(row * wide + v);
  const columns = (v: number) => vector(tileRows * wide + v);
  const value = vector((tileRows + 1) * wide);
  const term: Code = [
    ...upTo(wide).flatMap((v) => [...load(get(right), 4 * lanes * v), ...set(columns(v))]),
    ...advance(right, get(step)),
    ...upTo(tileRows).flatMap((row) => [
      ...[...loadSplat(get(a), 4 * row), ...set(value)],
      ...upTo(wide).flatMap((v) => [
        ...plus(get(sums(row, v)), times(get(value), get(columns(v)))),
        ...set(sums(row, v)),
      ]),
    ]),
    ...advance(a, word(4 * tileRows)),
  ];
  return {
    locals: { takes, words, vectors: (tileRows + 1) * wide + 1 },
    code: repeated(tiles, 1, [
      ...either(
        get(more),
        [
          ...[...get(c), ...set(right)],
          ...upTo(tileRows).flatMap((row) => [
            ...upTo(wide).flatMap((v) => [...load(get(right), 4 * lanes * v), ...set(sums(row, v))]),
            ...advance(right, get(width)),
          ]),
        ],
        upTo(tileRows * wide).flatMap((i) => [...splat(0), ...set(vector(i))]),
      ),
      ...[...get(b), ...set(right), ...get(k), ...set(turns)],
      ...repeated(turns, 1, term),
      ...upTo(tileRows).flatMap((row) => [
        ...upTo(wide).flatMap((v) => store(get(c), get(sums(row, v)), 4 * lanes * v)),
        ...advance(c, get(width)),
      ]),
    ]),
  };
}

/** Four rows that lie `row` apart, of k numbers, as k rows of four, `step` apart. */
function turned(): Routine {
  const takes = ["from", "to", "k", "row", "step"] as const;
  const words = ["second", "third", "fourth"] as const;
  const { from, to, k, row, step, second, third, fourth, vector } = numbered(takes, words);
  const rows = [from, second, third, fourth];
  return {
    locals: { takes, words, vectors: 8 },
    code: [
      ...rows.slice(1).flatMap((place, i) => [...sum(get(rows[i] ?? from), get(row)), ...set(place)]),
      ...repeated(k, 4, [
        ...rows.flatMap((place, i) => [...load(get(place)), ...set(vector(i)), ...advance(place, word(16))]),
        ...turnedFour(vector, (column) => [...store(get(to), column), ...advance(to, get(step))]),
      ]),
      ...repeated(k, 1, [
        ...rows.flatMap((place, i) => [...storeWord(get(to), loadWord(get(place)), 4 * i), ...advance(place, word(4))]),
        ...advance(to, get(step)),
      ]),
    ],
  };
}

/** Rows of `vectors` times four numbers that lie `row` apart, one after another. */
function rowsOf(vectors: number): Routine {
  const takes = ["from", "to", "rows", "row"] as const;
  const { from, to, rows, row } = numbered(takes);
  return {
    locals: { takes },
    code: repeated(rows, 1, [
      ...upTo(vectors).flatMap((v) => store(get(to), load(get(from), 16 * v), 16 * v)),
      ...[...advance(from, get(row)), ...advance(to, word(16 * vectors))],
    ]),
  };
}

/** Numbers one by one, by rows and columns that lie `row` and `column` apart, to rows `width` apart. */
function numbers(): Routine {
  const takes = ["from", "to", "rows", "columns", "row", "column", "width"] as const;
  const words = ["source", "target", "left"] as const;
  const { from, to, rows, columns, row, column, width, source, target, left } = numbered(takes, words);
  return {
    locals: { takes, words },
    code: repeated(rows, 1, [
      ...[...get(from), ...set(source), ...get(to), ...set(target), ...get(columns), ...set(left)],
      ...repeated(left, 1, [
        ...storeWord(get(target), loadWord(get(source))),
        ...[...advance(source, get(column)), ...advance(target, word(4))],
      ]),
      ...[...advance(from, get(row)), ...advance(to, get(width))],
    ]),
  };
}

export const routines = {
  tiles: tiles(),
  turned: turned(),
  narrow: rowsOf(tileRows / lanes),
  wide: rowsOf(tileColumns / lanes),
  numbers: numbers(),
};
