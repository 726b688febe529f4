// The kernel by hand that an engine of our own is judged by: products against their formula.
import { handProduct, isPossible } from "innerloop-bench";
import { expect, it } from "vitest";
import { itUnless } from "../support/absent.ts";

const numbers = (count: number, seed: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(seed + i));

function compare(rows: number, vectors: number, fused: boolean, [m, k, n]: [number, number, number]): void {
  const [left, right] = [numbers(m * k, 1), numbers(k * n, 2)];
  const { multiply, result } = handProduct({ rows, vectors, fused }, [m, k, n], left, right);
  multiply();
  const wanted = Float64Array.from({ length: m * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    return Array.from({ length: k }, (_, s) => left[i * k + s]! * right[s * n + j]!).reduce((sum, x) => sum + x, 0);
  });
  expect(result).toHaveLength(m * n);
  for (const [at, value] of wanted.entries()) expect(result[at]).toBeCloseTo(value, 4);
}

// Rows that do not fill a tile, and sums that do not fill a turn of the loop.
it.each([
  [4, 2, [9, 5, 16]],
  [3, 4, [3, 8, 32]],
  [1, 1, [2, 1, 4]],
  [4, 4, [70, 130, 16]],
] as [number, number, [number, number, number]][])("a tile of %i rows and %i vectors: %j", (rows, vectors, sizes) => {
  compare(rows, vectors, false, sizes);
});

const relaxed = isPossible({ rows: 4, vectors: 4, fused: true }) ? undefined : "this Node has no relaxed SIMD";
itUnless(relaxed, "in one instruction", {}, () => compare(4, 4, true, [9, 13, 16]));
