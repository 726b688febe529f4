// Products of factors that are drawn, held to plain loops of 64-bit numbers.

import type { Access, Product, Store } from "@innerloop/native/plan";
import { compare } from "./compared.ts";
import { testKernels } from "./kernels.ts";

const kernels = testKernels();

/** So many numbers that are gone over by distances. */
export const accessOf = (size: number, ...strides: number[]): Access => ({
  store: { size, depth: 1 },
  offset: 0,
  strides,
});

/** A result with room between its rows, and what is added to it: nothing, what is there before, the same for each row or for each column. */
export function sumOf(m: number, n: number, what: "none" | "out" | "row" | "column") {
  const pitch = n + 5;
  const out = accessOf(m * pitch, pitch, 1);
  const added = { none: undefined, out, row: accessOf(n, 0, 1), column: accessOf(m, 1, 0) }[what];
  return { m, n, out, ...(added ? { added, alpha: 0.5, beta: -2 } : { alpha: 1, beta: 1 }) };
}

export function compareProduct(product: Omit<Product, "kind">): void {
  const { left, right, added } = product;
  const begun = new Map<Store, Float32Array>();
  for (const [i, { store }] of [left, right, added ?? left].entries())
    begun.set(store, numbersOf(store.size, 29 + 2 * i));
  compare(kernels, [{ kind: "product", ...product }], { begun, close: 4e-6 });
}

const numbersOf = (size: number, step: number) =>
  Float32Array.from({ length: size }, (_, i) => ((i * step) % 127) / 64 - 1);
