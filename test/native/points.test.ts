// Tiles of pictures at points: kernels in C against plain loops, and which products plans take for them.
import type { Access, Points, Store } from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { compare } from "./compared.ts";
import { testKernels } from "./kernels.ts";
import { type Case, compares, countOf, floats, list } from "./operator-models.ts";
import { dice } from "./random-steps.ts";

type Two = readonly [number, number];

interface Sizes {
  readonly channels: number;
  readonly size: Two;
  readonly tile: Two;
  readonly points: Two;
  readonly steps?: Two;
  readonly first?: Two;
  readonly counts: Two;
  /** How far channels are apart in the field. */
  readonly apart?: number;
  /** Whether rows, and columns, lie in planes of one parity each. */
  readonly planes?: readonly [boolean, boolean];
}

const examples = 2;

/** A step over stores of its own, in which more lies than its channels, and what they hold. */
function stepOf(
  what: Points["what"],
  { channels, size, tile, points, steps = tile, first = [0, 0], counts, apart = 1, planes = [false, false] }: Sizes,
) {
  const stored = (count: number): Store => ({ size: count, depth: 1 });
  const wide = channels * apart + 3;
  const [rows, columns] = counts;
  const tiles = examples * rows * columns * (channels + 2);
  const matrix = (a: number, b: number): Access => ({ store: stored(a * b), offset: 0, strides: [] });
  const [high, across] = size.map((count, axis) => (planes[axis] ? Math.ceil(count / 2) : count)) as [number, number];
  const each = high * across * wide;
  const odd = [planes[0] ? each * (planes[1] ? 2 : 1) : 0, planes[1] ? each : 0] as const;
  const all = each * (planes[0] ? 2 : 1) * (planes[1] ? 2 : 1);
  const step: Points = {
    ...{ kind: "points", what, examples, channels, rows, columns, steps, first, size, tile, points, odd },
    field: { store: stored(examples * all), offset: 0, strides: [all, across * wide, wide, apart] },
    values: {
      ...{ store: stored(points[0] * points[1] * tiles), offset: 0 },
      strides: [tiles, channels + 2, columns * examples * (channels + 2), examples * (channels + 2)],
    },
    down: matrix(tile[0], points[0]),
    across: matrix(tile[1], points[1]),
  };
  const random = dice(channels + points[0]);
  const begun = new Map(
    [step.field, step.values, step.down, step.across].map(
      ({ store }) => [store, Float32Array.from({ length: store.size }, () => random() - 0.5)] as const,
    ),
  );
  return { step, begun };
}

const planes = [true, true] as const;

const cases = [
  { channels: 33, size: [6, 8], tile: [4, 4], points: [4, 4], steps: [2, 2], first: [-1, -1], counts: [3, 4], planes },
  { channels: 16, size: [7, 9], tile: [6, 6], points: [6, 6], steps: [4, 4], first: [-1, -2], counts: [2, 2], planes },
  { channels: 18, size: [5, 6], tile: [2, 4], points: [3, 4], first: [1, 0], counts: [2, 2], planes: [false, true] },
  { channels: 18, size: [6, 5], tile: [1, 4], points: [1, 6], steps: [2, 4], counts: [3, 2], planes: [true, false] },
  { channels: 20, size: [3, 9], tile: [1, 4], points: [1, 4], steps: [1, 4], counts: [3, 2], planes: [false, true] },
  { channels: 1, size: [3, 3], tile: [2, 2], points: [3, 3], counts: [2, 2] },
  { channels: 16, size: [8, 8], tile: [6, 6], points: [6, 6], steps: [4, 4], first: [-1, -1], counts: [2, 2] },
  { channels: 37, size: [7, 10], tile: [4, 4], points: [6, 6], counts: [2, 3] },
  { channels: 21, size: [5, 6], tile: [4, 4], points: [4, 4], steps: [2, 2], first: [-1, -1], counts: [3, 3] },
  { channels: 5, size: [9, 4], tile: [2, 2], points: [4, 4], counts: [5, 2] },
  { channels: 18, size: [12, 12], tile: [12, 9], points: [9, 12], first: [1, -2], counts: [1, 2] },
  { channels: 7, size: [4, 5], tile: [1, 5], points: [2, 7], counts: [4, 1] },
  ...([4, 5, 6] as const).map((side) => ({
    ...{ channels: 37, size: [3, 13], tile: [1, side], points: [1, side], steps: [1, 4], first: [0, -1] },
    counts: [3, 3],
  })),
  ...(
    [
      [3, 6],
      [3, 5],
      [3, 4],
      [4, 6],
      [4, 5],
      [2, 3],
    ] as const
  ).map(([tile, points]) => ({
    ...{ channels: 35, size: [4, 11], tile: [1, tile], points: [1, points], steps: [2, 3], first: [-1, 0] },
    counts: [3, 3],
  })),
] as readonly Sizes[];

describe.each(["points", "places"] as const)("to %s", (what) => {
  const kernels = testKernels();

  it.each(cases)("of tiles %j", (sizes) => {
    // Tiles do not overlap where they are written.
    const apart = sizes.tile.map((side, axis) => (sizes.planes?.[axis] ? side + (side % 2) : side)) as [number, number];
    const { step, begun } = stepOf(what, what === "places" ? { ...sizes, steps: apart } : sizes);
    compare(kernels, [step], { begun });
  });
});

describe.each(["points", "places"] as const)("adds to %s", (what) => {
  it.each(cases)("of tiles that may lie over each other: %j", (sizes) => {
    const { step, begun } = stepOf(what, sizes);
    compare(testKernels(), [{ ...step, beta: 1 }], { begun });
  });
});

describe("matrices whose zeros and ones kernels know", () => {
  const half = 0.5;
  // Of two sums of three taps at the points ∞, 0, 1 and -1 (Toom and Cook).
  const field = [0, -1, 0, 1, -1, 0, 1, 0, 0, 1, 1, 0, 0, -1, 1, 0];
  const taps = [0, 0, 1, 1, 0, 0, 1, 1, 1, 1, -1, 1];
  const gives = [0, -1, half, half, 1, 0, half, -half];
  const turned = (matrix: readonly number[], columns: number): number[] =>
    Array.from({ length: columns }, (_, j) => matrix.filter((_number, i) => i % columns === j)).flat();
  const all = [
    { what: "points", tile: 4, points: 4, matrix: field },
    { what: "points", tile: 3, points: 4, matrix: taps },
    { what: "points", tile: 2, points: 4, matrix: turned(gives, 4) },
    { what: "places", tile: 4, points: 4, matrix: turned(field, 4) },
    { what: "places", tile: 3, points: 4, matrix: turned(taps, 3) },
    { what: "places", tile: 2, points: 4, matrix: gives },
  ] as const;

  it.each(all)("to $what of tiles of $tile", ({ what, tile, points, matrix }) => {
    const sides: Two = [tile, tile];
    // With another number in it a matrix is not one that kernels know.
    for (const [down, across] of [
      [1, 1],
      [-4, 0.5],
      [3, 1],
    ] as const)
      for (const odd of [undefined, 0, matrix.length - 1]) {
        const sizes = { channels: 37, size: [7, 7], tile: sides, points: [points, points], first: [-1, 0] } as const;
        const steps = what === "points" ? ([2, 3] as const) : sides;
        const { step, begun } = stepOf(what, { ...sizes, steps, counts: [2, 3] });
        const of = (factor: number) => Float32Array.from(matrix, (number) => factor * number);
        begun.set(step.down.store, of(down));
        begun.set(step.across.store, odd === undefined ? of(across) : of(across).with(odd, 0.75));
        compare(testKernels(), [step, { ...step, beta: 1 }], { begun, close: 4e-6 });
      }
  });
});

it("goes to places whose channels lie apart", () => {
  for (const points of [
    [6, 6],
    [4, 4],
    [5, 4],
  ] as const) {
    const { step, begun } = stepOf("places", {
      channels: 70,
      size: [3, 3],
      tile: [3, 3],
      points,
      counts: [1, 1],
      apart: 9,
    });
    compare(testKernels(), [step, { ...step, beta: 1 }], { begun });
  }
});

interface Looked {
  readonly space: Two;
  readonly tile: Two;
  readonly step: Two;
  readonly first: Two;
  readonly counts: Two;
  readonly channels?: number;
  /** Of the matrix that is no product of two. */
  readonly other?: boolean;
  /** Which of the places is another one. */
  readonly odd?: number;
}

/** A picture whose channels lie together, looked up tile by tile and multiplied. */
function looked({ space: [h, w], tile, step, first, counts, channels = 5, other = false, odd }: Looked): Case {
  const [down, across] = [floats([3, tile[0]], 4), floats([4, tile[1]], 5)].map(({ data }) => data as Float32Array);
  const size = tile[0] * tile[1];
  const matrix = Float32Array.from({ length: 12 * size }, (_, n) => {
    const [r, c] = [Math.floor(n / size), n % size];
    const factor = down![Math.floor(r / 4) * tile[0] + Math.floor(c / tile[1])]!;
    return factor * across![(r % 4) * tile[1] + (c % tile[1])]! + (other && n === 7 ? 0.25 : 0);
  });
  const each = ([a, b]: Two): Two[] => Array.from({ length: a * b }, (_, n) => [Math.floor(n / b), n % b] as const);
  const places = each(tile).flatMap(([i, j]) =>
    each(counts).map(([row, column]) => {
      const [y, x] = [row * step[0] + first[0] + i, column * step[1] + first[1] + j];
      return y < 0 || x < 0 || y >= h || x >= w ? h * w : y * w + x;
    }),
  );
  if (odd !== undefined) places[odd] = (places[odd]! + 1) % (h * w);
  const rest = 2 * channels * counts[0] * counts[1];
  return {
    fed: { x: floats([2, h, w, channels]) },
    fixed: {
      ...{
        rows: list(2 * channels, h * w),
        zero: { ...floats([1, 2 * channels]), data: new Float32Array(2 * channels) },
      },
      ...{ places: list(...places), flat: list(size, rest) },
      matrix: { dtype: "float32", shape: [12, size], data: matrix },
    },
    steps: [
      { operator: "Transpose", inputs: ["x"], outputs: ["first"], attributes: { perm: [0, 3, 1, 2] } },
      { operator: "Reshape", inputs: ["first", "rows"], outputs: ["before"] },
      { operator: "Transpose", inputs: ["before"], outputs: ["turned"], attributes: { perm: [1, 0] } },
      { operator: "Concat", inputs: ["turned", "zero"], outputs: ["more"], attributes: { axis: 0 } },
      { operator: "Gather", inputs: ["more", "places"], outputs: ["tiles"], attributes: { axis: 0 } },
      { operator: "Reshape", inputs: ["tiles", "flat"], outputs: ["right"] },
      { operator: "MatMul", inputs: ["matrix", "right"], outputs: ["out"] },
    ],
  };
}

const tiles: Looked = { space: [6, 7], tile: [4, 4], step: [2, 2], first: [-1, -1], counts: [3, 4] };

describe("a product of a matrix and of tiles that are looked up", () => {
  it.each([
    tiles,
    { ...tiles, tile: [3, 2], step: [3, 2], first: [0, 0], counts: [2, 4] },
    { ...tiles, counts: [1, 4] },
    { ...tiles, counts: [3, 1] },
    { ...tiles, space: [4, 9], tile: [2, 6], step: [1, 4], first: [0, -2], counts: [4, 3], channels: 19 },
  ] satisfies Looked[])("reads them where they lie: %j", async (each) => {
    expect(countOf(looked(each))).toBe(1);
    await compares(looked(each));
  });

  it("is one as it is where the matrix is no product of two, or tiles do not go on evenly", async () => {
    for (const each of [{ ...tiles, other: true }, ...[0, 17, 100].map((odd) => ({ ...tiles, odd }))]) {
      expect(countOf(looked(each))).toBe(0);
      await compares(looked(each));
    }
  });
});

describe("a product of a small matrix and of long rows", () => {
  /** Of a matrix of so many rows and columns by `size` numbers a row. */
  const longRows = (matrix: Float32Array, columns: number, size: number, turned = false): Case => ({
    fed: { x: floats(turned ? [size, columns] : [columns, size]) },
    fixed: { matrix: { dtype: "float32", shape: [matrix.length / columns, columns], data: matrix } },
    steps: [
      ...(turned
        ? [{ operator: "Transpose", inputs: ["x"], outputs: ["right"], attributes: { perm: [1, 0] } } as const]
        : []),
      { operator: "MatMul", inputs: ["matrix", turned ? "right" : "x"], outputs: ["out"] },
    ],
  });
  const numbers = (count: number, seed: number) => floats([count], seed).data as Float32Array;
  /** All products of numbers of two matrices of `columns` each. */
  const products = (down: Float32Array, across: Float32Array, columns: number): Float32Array => {
    const [wide, all] = [across.length / columns, columns ** 2];
    return Float32Array.from({ length: down.length * across.length }, (_, n) => {
      const [r, c] = [Math.floor(n / all), n % all];
      const [p, q, i, j] = [Math.floor(r / wide), r % wide, Math.floor(c / columns), c % columns];
      return down[p * columns + i]! * across[q * columns + j]!;
    });
  };

  it.each([
    [4, 6, 6],
    [3, 8, 8],
    [8, 3, 3],
    [6, 4, 4],
    [3, 2, 5],
    [5, 7, 2],
  ])("goes through two matrices of %i columns, %i and %i rows", async (columns, down, across) => {
    const matrix = products(numbers(columns * down, 2), numbers(columns * across, 3), columns);
    const given = longRows(matrix, columns ** 2, 1030);
    expect([countOf(given), countOf(given, "product")]).toEqual([1, 0]);
    await compares(given);
  });

  it.each([
    [7, 8],
    [8, 7],
    [8, 4],
    [2, 12],
    [9, 2],
  ])("goes through a matrix of %i columns and %i rows", async (columns, rows) => {
    const given = longRows(numbers(rows * columns, 4), columns, 1030);
    expect([countOf(given), countOf(given, "product")]).toEqual([1, 0]);
    await compares(given);
  });

  it.each([
    [7, 8],
    [8, 4],
  ])("goes through a matrix of %i columns and %i rows at each place of an axis before", async (columns, rows) => {
    const given = longRows(numbers(rows * columns, 4), columns, 1030);
    const several = { ...given, fed: { x: floats([3, columns, 1030]) } };
    expect([countOf(several), countOf(several, "product")]).toEqual([1, 0]);
    await compares(several);
  });

  it("is one as it is of another matrix, of shorter rows, or of such that lie turned around", async () => {
    const matrix = products(numbers(24, 2), numbers(24, 3), 4);
    for (const given of [
      longRows(matrix.with(300, 0.75), 16, 1030),
      longRows(matrix, 16, 1000),
      longRows(matrix, 16, 1030, true),
    ]) {
      expect(countOf(given)).toBe(0);
      await compares(given);
    }
  });
});

describe("a product of a matrix and of values at points, turned around", () => {
  /** The last axis of a reshaped transpose is that of places. */
  const slopes = (matrix: Float32Array, size: number): Case => ({
    fed: { x: floats([16, size]) },
    fixed: {
      matrix: { dtype: "float32", shape: [9, 16], data: matrix },
      ...{ one: list(1, 9, size), two: list(size / 4, 4, 3, 3) },
    },
    steps: [
      { operator: "MatMul", inputs: ["matrix", "x"], outputs: ["y"] },
      { operator: "Reshape", inputs: ["y", "one"], outputs: ["apart"] },
      { operator: "Transpose", inputs: ["apart"], outputs: ["turned"], attributes: { perm: [0, 2, 1] } },
      { operator: "Reshape", inputs: ["turned", "two"], outputs: ["out"] },
    ],
  });
  const [down, across] = [floats([3, 4], 2), floats([3, 4], 3)].map(({ data }) => data as Float32Array);
  const both = Float32Array.from({ length: 144 }, (_, n) => {
    const [r, c] = [Math.floor(n / 16), n % 16];
    return down![Math.floor(r / 3) * 4 + Math.floor(c / 4)]! * across![(r % 3) * 4 + (c % 4)]!;
  });

  it("goes from points to places at once", async () => {
    expect(countOf(slopes(both, 300))).toBe(1);
    await compares(slopes(both, 300));
  });

  it("is one as it is of another matrix", async () => {
    const other = both.with(20, 0.75);
    expect(countOf(slopes(other, 300))).toBe(0);
    await compares(slopes(other, 300));
  });
});
