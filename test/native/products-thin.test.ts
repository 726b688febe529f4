// Products of one or two rows by a right factor too large for the second cache, against plain loops of 64-bit numbers: all that is added, and ends of terms and columns.

import { describe, it } from "vitest";
import { accessOf, compareProduct, sumOf } from "./factors.ts";

describe("products of one or two rows", () => {
  it.each([
    { m: 1, n: 1024, k: 64, added: "none" },
    { m: 1, n: 300, k: 241, added: "out" },
    { m: 1, n: 2100, k: 39, added: "row" },
    { m: 2, n: 257, k: 263, added: "out" },
    { m: 2, n: 1030, k: 72, added: "row" },
    { m: 2, n: 256, k: 300, added: "column" },
  ] as const)("$m x $k by $k x $n, $added added", ({ m, n, k, added: what }) => {
    const pitch = n + 5;
    for (const relu of [false, true])
      for (const left of [accessOf(m * k, k, 1), accessOf(m * k, 1, m), accessOf(m, 1, 0)]) {
        const right = accessOf(k * pitch, pitch, 1);
        compareProduct({ ...sumOf(m, n, what), batch: [], k, left, right, relu });
      }
  });
});
