// Products in C against plain loops of 64-bit numbers: any distances, batches, lookups, what is added, and sizes at the edges of tiles, panels and blocks.

import { type Access, encoded, type Product, type Store } from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { compare } from "./compared.ts";
import { testKernels } from "./kernels.ts";
import { dice } from "./random-steps.ts";

const kernels = testKernels();

type Below = (end: number) => number;

/** Numbers of which sums of some hundred are exact but for their last bits. */
const numbersOf = (size: number, below: Below) => Float32Array.from({ length: size }, () => below(2001) / 1000 - 1);

/** Where an array with these distances lies from its first number on, be they below zero or none. */
function placed(sizes: readonly number[], strides: readonly number[], room: number): Access {
  const ends = sizes.map((size, axis) => (size - 1) * strides[axis]!);
  const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);
  const offset = room - sum(ends.map((end) => Math.min(end, 0)));
  return { store: { size: offset + sum(ends.map((end) => Math.max(end, 0))) + 1, depth: 1 }, offset, strides };
}

/** Distances of rows and columns as views have them: together, transposed, with room between, repeated, every other one, backwards. */
function matrix(below: Below, rows: number, columns: number): number[] {
  const step = [1, 1, 1, 2, 0, -1][below(6)]!;
  if (below(2) === 0) return [Math.max(1, Math.abs(step)) * columns + below(4) * below(100), step];
  return [step, Math.max(1, Math.abs(step)) * rows + below(3)];
}

interface Case {
  readonly step: Product;
  readonly begun: Map<Store, Float32Array>;
}

function randomProduct(seed: number): Case {
  const random = dice(seed);
  const below: Below = (end) => Math.floor(random() * end);
  const size = () => [1, 2, 3, 5, 6, 7, 13, 14, 15, 16, 17, 20, 31, 32, 33, 48, 64, 65, 70, 130][below(20)]!;
  const large = below(8) === 0 ? 3 + below(8) : 1;
  let [m, n, k] = [size() * (large > 8 ? large : 1), size(), below(40) === 0 ? 0 : size() * large];
  const batch = Array.from({ length: Math.max(0, below(5) - 2) }, () => 1 + below(3));
  let lookup: Product["lookup"];
  let left: Access;
  if (below(2) === 0) {
    const [taps, segment] = [1 + below(9), [1, 2, 3, 4, 8, 15, 32, 64, 300][below(9)]!];
    const by = below(2) === 0 ? "rows" : "columns";
    if (by === "rows") k = taps * segment;
    else m = taps * segment;
    const count = by === "rows" ? m : k;
    const table = Int32Array.from({ length: count * taps }, () => (below(4) === 0 ? -1 - below(3) : below(500)));
    lookup = { by, taps, segment, table };
    const between = batch.map(() => below(2) * below(700));
    left = placed([...batch, 500 + segment], [...between, 1], below(9));
    left = { ...left, strides: [...between, 0, 1] };
  } else {
    const [row, column] = matrix(below, m, k) as [number, number];
    // Rows of a batch that are rows of one larger matrix, matrices apart, and one for all.
    const between = batch.map(() => [0, Math.abs(m * row), m * Math.abs(row) + k * Math.abs(column)][below(3)]!);
    left = placed([...batch, m, Math.max(k, 1)], [...between, row, column], below(9));
  }
  const right = placed(
    [...batch, Math.max(k, 1), n],
    [...batch.map(() => below(2) * (k * n + below(9))), ...matrix(below, k, n)],
    below(9),
  );
  const outRow = n + (below(2) === 0 ? 0 : below(20));
  const apart = batch.map((_, axis) => batch.slice(axis + 1).reduce((all, one) => all * one, m * outRow));
  const out = placed([...batch, m, n], [...apart, outRow, 1], below(9));
  const added = [
    undefined,
    out,
    placed([...batch, m, n], [...batch.map(() => 0), 0, 1], below(9)),
    placed([...batch, m, n], [...batch.map(() => below(5)), below(3), 0], below(9)),
    placed([...batch, m, n], [...batch.map(() => below(2) * m * n), 1, m], below(9)),
    placed([...batch, m, n], [...batch.map(() => below(2) * m * n), n + below(3), 1], below(9)),
  ][below(6)];
  const factor = () => (below(2) === 0 ? 1 : below(17) / 8 - 1);
  const begun = new Map<Store, Float32Array>();
  for (const access of [left, right, added ?? left]) begun.set(access.store, numbersOf(access.store.size, below));
  return {
    begun,
    step: {
      ...{ kind: "product", batch, m, n, k, left, right, out, alpha: factor(), beta: factor(), relu: below(2) === 0 },
      ...(lookup && { lookup }),
      ...(added && { added }),
    },
  };
}

/** What stands where a product has written, of stores with these numbers. */
function ran(
  step: Product,
  given: readonly { readonly access: Access; readonly numbers: Float32Array }[],
  before: Float32Array,
): Float32Array {
  const places = new Map<Store, number>();
  let end = 0;
  const all = [...given, { access: step.out, numbers: before }];
  for (const { access, numbers } of all) {
    places.set(access.store, end);
    end += Math.ceil(numbers.length / 16) * 16 + 16;
  }
  const words = encoded(
    [step],
    (store) => places.get(store)!,
    () => expect.fail("no table"),
  );
  const buffer = new ArrayBuffer(4 * end + 64);
  const memory = new Float32Array(buffer, kernels.misaligned(buffer), end);
  for (const { access, numbers } of all) memory.set(numbers, places.get(access.store)!);
  expect(kernels.run(words, buffer, memory.byteOffset)).toBe(0);
  const at = places.get(step.out.store)!;
  return memory.slice(at, at + before.length);
}

const bytes = ({ buffer, byteOffset, byteLength }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength);

const work = ({ step: { batch, m, n, k } }: Case) => batch.reduce((all, size) => all * size, m * n * k);

describe("products", () => {
  it("are what plain loops give, whatever their sizes, distances, lookups, batches and what is added", () => {
    for (let seed = 0; seed < Number(process.env.PRODUCTS ?? 250); seed++) {
      const made = randomProduct(seed);
      if (work(made) > 1e6) continue;
      try {
        // Sums on the way to a small one are as large as the root of their count, and so often rounded.
        compare(kernels, [made.step], { begun: made.begun, close: 3e-8 * Math.max(80, made.step.k) });
      } catch (cause) {
        throw new Error(`seed ${seed}`, { cause });
      }
    }
  });

  it("of large matrices, and of few rows by large ones, are what plain loops give, whichever way their numbers lie", () => {
    const random = dice(7);
    const below: Below = (end) => Math.floor(random() * end);
    const ways = {
      rows: (_: number, columns: number) => [columns, 1],
      columns: (rows: number) => [1, rows + 2],
      apart: (_: number, columns: number) => [2 * columns + 1, 2],
      backwards: (_: number, columns: number) => [-columns, 1],
    };
    for (const [m, n, k, left, right, added, relu] of [
      // Several pieces of the sum, and a last strip, panel and vector that are not whole.
      [67, 133, 800, "rows", "rows", [0, 1], true],
      [70, 259, 401, "columns", "columns", undefined, false],
      // Several blocks of columns, by numbers and by vectors, and of rows, copied and read in place.
      [71, 1300, 390, "rows", "columns", [0, 1], true],
      [64, 1301, 390, "columns", "rows", [1, 0], true],
      [65, 1700, 96, "rows", "rows", [1, 0], false],
      // The same by more rows than have the next block copied while one is read, and blocks that lie otherwise.
      [258, 1300, 390, "rows", "columns", [1, 0], true],
      [257, 1301, 390, "columns", "rows", undefined, false],
      // The largest block.
      [258, 805, 500, "columns", "rows", [0, 1], true],
      [256, 290, 520, "apart", "apart", [0, 1], false],
      [66, 400, 530, "backwards", "backwards", [1, 0], true],
      [2060, 130, 257, "columns", "columns", undefined, true],
      [700, 128, 385, "rows", "rows", undefined, false],
      // Rows that lie so that they are copied for fewer columns.
      [64, 128, 1024, "rows", "rows", [1, 0], false],
      [65, 130, 100, "apart", "apart", [1, 0], true],
      [64, 128, 97, "backwards", "backwards", [0, 1], false],
      // Panels of two vectors with more rows, and columns read in place and, where they lie so, copied.
      [131, 64, 129, "rows", "columns", [1, 0], true],
      [92, 66, 131, "columns", "rows", undefined, true],
      [1022, 70, 300, "columns", "columns", [0, 1], false],
      // Few rows: one strip or several, panels of fewer vectors, and the whole sum at once.
      [8, 131, 1025, "rows", "rows", [0, 1], true],
      [13, 70, 700, "columns", "rows", [1, 0], true],
      [63, 300, 40, "rows", "rows", undefined, false],
      [4, 900, 11, "apart", "backwards", [0, 1], false],
      // One column: sums of products of two rows.
      [1, 1, 36867, "rows", "columns", [1, 0], false],
      [3, 1, 1003, "rows", "columns", undefined, true],
    ] as const) {
      const of = (rows: number, columns: number, strides: readonly number[]) => {
        const access = placed([rows, columns], strides, 3);
        return { access, numbers: numbersOf(access.store.size, below) };
      };
      const [a, b] = [of(m, k, ways[left](m, k)), of(k, n, ways[right](k, n))];
      const [c, out] = [of(m, n, added ?? [0, 0]), of(m, n, [n + 3, 1])];
      const step: Product = {
        ...{ kind: "product", batch: [], m, n, k, left: a.access, right: b.access, out: out.access },
        ...{ alpha: 0.5, beta: 2, relu },
        ...(added && { added: c.access }),
      };
      const given = ran(step, [a, b, c], out.numbers);
      const [alongA, alongB] = [a.access.strides[1]!, b.access.strides[0]!];
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++) {
          const place = out.access.offset + i * (n + 3) + j;
          const number = given[place]!;
          given[place] = out.numbers[place]!;
          // No strip and no panel has as many rows or columns: each of their places is looked at.
          if (i % 11 > 0 && j % 13 > 0 && i < m - 1) continue;
          let [sum, whole] = [0, 0];
          const [row, column] = [
            a.access.offset + i * a.access.strides[0]!,
            b.access.offset + j * b.access.strides[1]!,
          ];
          for (let p = 0; p < k; p++) {
            const term = a.numbers[row + p * alongA]! * b.numbers[column + p * alongB]!;
            sum += term;
            whole += Math.abs(term);
          }
          sum *= 0.5;
          if (added) sum += 2 * c.numbers[c.access.offset + i * added[0] + j * added[1]]!;
          if (!(Math.abs(number - (relu ? Math.max(sum, 0) : sum)) <= 1e-6 * whole))
            expect.fail(`${number}, not ${sum}, at ${[i, j]} of ${[m, n, k, left, right]}`);
        }
      // What does not belong to the result is as it was.
      expect(Buffer.compare(bytes(given), bytes(out.numbers))).toBe(0);
    }
  });

  it("by the transpose of what is looked up are what plain loops give, with more terms and longer pieces than are taken at once", () => {
    const random = dice(11);
    const below: Below = (end) => Math.floor(random() * end);
    const [taps, segment] = [2, 660];
    for (const [n, k, beta] of [
      [33, 258, 1],
      [3, 66, 0.5],
      // Whole vectors of columns, which ask with some terms for what they are added to: fewer than all, all, and again only their own.
      [64, 80, 1],
      [48, 65, 0.5],
      [32, 128, 1],
    ] as const) {
      const table = Int32Array.from({ length: k * taps }, () => (below(4) === 0 ? -1 : below(500)));
      const left = placed([500 + segment], [1], below(9));
      const [right, out] = [placed([k, n], [n, 1], 0), placed([taps * segment, n], [n, 1], 0)];
      const step: Product = {
        ...{ kind: "product", batch: [], m: taps * segment, n, k, alpha: -0.5, beta, relu: false },
        ...{ left: { ...left, strides: [0, 1] }, lookup: { by: "columns", taps, segment, table } },
        ...{ right, out, added: out },
      };
      const begun = new Map([left, right, out].map(({ store }) => [store, numbersOf(store.size, below)]));
      compare(kernels, [step], { begun, close: 3e-8 * k });
    }
  });

  it("do not see what lies behind their numbers", () => {
    const of = (numbers: readonly number[]) => ({
      store: { size: 64, depth: 1 },
      numbers: [...numbers, ...Array(64 - numbers.length).fill(Number.NaN)],
    });
    for (const [m, n, k] of [
      [1, 1, 5],
      [3, 1, 17],
      [1, 3, 5],
      [2, 2, 16],
      [3, 5, 3],
    ] as const)
      for (const strides of [
        [1, k],
        [n, 1],
      ]) {
        const [left, right, out] = [of(Array(m * k).fill(2)), of(Array(k * n).fill(3)), of([])];
        const step: Product = {
          ...{ kind: "product", batch: [], m, n, k, alpha: 1, beta: 1, relu: false },
          left: { store: left.store, offset: 0, strides: [k, 1] },
          right: { store: right.store, offset: 0, strides },
          out: { store: out.store, offset: 0, strides: [n, 1] },
        };
        const begun = new Map([left, right].map(({ store, numbers }) => [store, numbers]));
        const given = compare(kernels, [step], { begun }).of(out.store);
        expect(Array.from(given.subarray(0, m * n))).toEqual(Array(m * n).fill(6 * k));
      }
  });

  it("that are made zero below zero keep what is no number", () => {
    const store = (numbers: readonly number[]) => [{ size: 1, depth: 1 }, numbers] as const;
    const [left, right, out] = [store([Number.NaN]), store([1]), { size: 1, depth: 1 }];
    const at = (place: Store): Access => ({ store: place, offset: 0, strides: [1, 1] });
    const step: Product = {
      ...{ kind: "product", batch: [], m: 1, n: 1, k: 1, alpha: 1, beta: 1, relu: true },
      ...{ left: at(left[0]), right: at(right[0]), out: at(out) },
    };
    expect(compare(kernels, [step], { begun: new Map([left, right]) }).of(out)[0]).toBeNaN();
  });
});
