// Products in C against plain loops of 64-bit numbers: any distances, batches, lookups, what is added, and sizes at the edges of tiles, panels and blocks.

import type { Access, Product, Store } from "@innerloop/native/plan";
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
