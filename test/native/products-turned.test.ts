// Products of few rows by columns whose numbers lie together, which are taken turned around, against plain loops of 64-bit numbers: all that is added, ends of rows and columns.

import { describe, it } from "vitest";
import { accessOf, compareProduct, sumOf } from "./factors.ts";

describe("products of few rows by columns that lie together", () => {
  it.each([
    { m: 16, n: 200, k: 131, added: "none", relu: true },
    { m: 31, n: 257, k: 130, added: "out", relu: false },
    { m: 48, n: 400, k: 130, added: "row", relu: true },
    { m: 16, n: 6200, k: 97, added: "column", relu: false },
    { m: 64, n: 300, k: 260, added: "none", relu: false },
  ] as const)("$m x $k by $k x $n, $added is added", ({ m, n, k, added: what, relu }) => {
    const column = k + 3;
    const [left, right] = [accessOf(m * (k + 1), k + 1, 1), accessOf(n * column, 1, column)];
    compareProduct({ ...sumOf(m, n, what), batch: [], k, left, right, relu });
  });
});
