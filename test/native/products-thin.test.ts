// Products of one or two rows by a right factor too large for the second cache, against plain loops of 64-bit numbers: all that is added, and ends of terms and columns.

import type { Access, Product, Store } from "@innerloop/native/plan";
import { describe, it } from "vitest";
import { compare } from "./compared.ts";
import { testKernels } from "./kernels.ts";

const kernels = testKernels();

const numbersOf = (size: number, step: number) =>
  Float32Array.from({ length: size }, (_, i) => ((i * step) % 127) / 64 - 1);

const accessOf = (size: number, ...strides: number[]): Access => ({ store: { size, depth: 1 }, offset: 0, strides });

describe("products of one or two rows", () => {
  it.each([
    { m: 1, n: 1024, k: 64, added: "none" },
    { m: 1, n: 300, k: 241, added: "out" },
    { m: 1, n: 2100, k: 39, added: "row" },
    { m: 2, n: 257, k: 263, added: "out" },
    { m: 2, n: 1030, k: 72, added: "row" },
    { m: 2, n: 256, k: 300, added: "column" },
  ])("$m x $k by $k x $n, $added added", ({ m, n, k, added: what }) => {
    const pitch = n + 5;
    const out = accessOf(m * pitch, pitch, 1);
    const added = {
      none: undefined,
      out,
      row: accessOf(n, 0, 1),
      column: accessOf(m, 1, 0),
    }[what];
    for (const relu of [false, true])
      for (const left of [accessOf(m * k, k, 1), accessOf(m * k, 1, m), accessOf(m, 1, 0)]) {
        const right = accessOf(k * pitch, pitch, 1);
        const step: Product = {
          ...{ kind: "product", batch: [], m, n, k, left, right, out, relu },
          ...(added ? { added, alpha: 0.5, beta: -2 } : { alpha: 1, beta: 1 }),
        };
        const begun = new Map<Store, Float32Array>();
        for (const [i, { store }] of [left, right, added ?? left].entries())
          begun.set(store, numbersOf(store.size, 29 + 2 * i));
        compare(kernels, [step], { begun, close: 4e-6 });
      }
  });
});
