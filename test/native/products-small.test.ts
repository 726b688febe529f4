// Products of small factors against plain loops of 64-bit numbers: ends of vectors, halves of them and tiles of rows, and whichever way factors lie.

import type { Access } from "@innerloop/native/plan";
import { describe, it } from "vitest";
import { compareProduct } from "./factors.ts";

const [places, pitch] = [3, 50];

/** One for each place of the batch. */
const accessOf = (size: number, ...strides: number[]): Access => ({
  store: { size: places * size, depth: 1 },
  offset: 0,
  strides: [size, ...strides],
});

describe("products of small factors", () => {
  it.each([1, 2, 9, 10, 28])("%i rows", (m) => {
    for (const n of [5, 8, 16, 17, 25, 33, 40, 48])
      for (const k of [1, 3, 30]) {
        const out = accessOf(m * pitch, pitch, 1);
        const lefts = [accessOf(m * k, k, 1), accessOf(m * k, 1, m), accessOf(m * pitch, pitch, 0)];
        const rights = [accessOf(k * pitch, pitch, 1), accessOf(n * k, 1, k), accessOf(n * (k + 3), 1, k + 3)];
        const sums = [undefined, out, accessOf(n, 0, 1), accessOf(n * m, 1, m)];
        for (const [i, left] of lefts.entries())
          for (const [j, right] of rights.entries()) {
            const added = sums[(i + j + n) % sums.length];
            compareProduct({
              ...{ batch: [places], m, n, k, left, right, out, relu: (i + j + k) % 2 === 0 },
              ...(added ? { added, alpha: 0.5, beta: k === 3 ? 1 : -2 } : { alpha: i - 1.5, beta: 1 }),
            });
          }
      }
  });
});
