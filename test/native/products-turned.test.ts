// Products of few rows by columns whose numbers lie together, which are taken turned around, against plain loops of 64-bit numbers: all that is added, ends of rows and columns.

import type { Access, Product, Store } from "@innerloop/native/plan";
import { describe, it } from "vitest";
import { compare } from "./compared.ts";
import { testKernels } from "./kernels.ts";

const kernels = testKernels();

const numbersOf = (size: number, step: number) =>
  Float32Array.from({ length: size }, (_, i) => ((i * step) % 127) / 64 - 1);

const accessOf = (size: number, ...strides: number[]): Access => ({ store: { size, depth: 1 }, offset: 0, strides });

describe("products of few rows by columns that lie together", () => {
  it.each([
    { m: 16, n: 200, k: 131, added: "none", relu: true },
    { m: 31, n: 257, k: 130, added: "out", relu: false },
    { m: 48, n: 400, k: 130, added: "row", relu: true },
    { m: 16, n: 6200, k: 97, added: "column", relu: false },
    { m: 64, n: 300, k: 260, added: "none", relu: false },
  ])("$m x $k by $k x $n, $added is added", ({ m, n, k, added: what, relu }) => {
    const [pitch, column] = [n + 5, k + 3];
    const out = accessOf(m * pitch, pitch, 1);
    const added = {
      none: undefined,
      out,
      row: accessOf(n, 0, 1),
      column: accessOf(m, 1, 0),
    }[what];
    const [left, right] = [accessOf(m * (k + 1), k + 1, 1), accessOf(n * column, 1, column)];
    const step: Product = {
      ...{ kind: "product", batch: [], m, n, k, left, right, out, relu },
      ...(added ? { added, alpha: 0.5, beta: -2 } : { alpha: 1, beta: 1 }),
    };
    const begun = new Map<Store, Float32Array>();
    for (const [i, { store }] of [left, right, added ?? left].entries())
      begun.set(store, numbersOf(store.size, 29 + 2 * i));
    compare(kernels, [step], { begun, close: 4e-6 });
  });
});
