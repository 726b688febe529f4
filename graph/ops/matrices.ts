// Matrices: their triangles, diagonals and determinants; and the place of the largest as a row with a one.
import type { DType } from "@innerloop/schemas";
import { spend } from "../core/budget.ts";
import { constant } from "../core/build.ts";
import { at, upTo } from "../core/lists.ts";
import { apply1, applying, define, spelling, unfit } from "../core/operator.ts";
import { fixed, normalizeAxis } from "../core/shapes.ts";
import type { None, One, Operator, Value } from "../core/value.ts";
import { Mul, Sub } from "./arithmetic.ts";
import { Equal, GreaterOrEqual, LessOrEqual, Where } from "./comparison.ts";
import { Cast } from "./dtypes.ts";
import { Gather } from "./indexing.ts";
import { Expand, Reshape } from "./internal/broadcasting.ts";
import { counted } from "./internal/counting.ts";
import { Transpose } from "./internal/transpose.ts";
import { Unsqueeze } from "./movement.ts";
import { ArgMax } from "./reduction.ts";

/** Column less row for each place of the last two axes, int64 `[rows, columns]`. */
function offDiagonal(x: Value, name: string): Value {
  if (x.rank < 2) throw unfit(name, [x], "needs matrices: two axes at least.");
  const [rows, columns] = [counted(at(x.shape, -2)), counted(at(x.shape, -1))];
  return Sub(Unsqueeze(columns, [0]), Unsqueeze(rows, [1]));
}

spelling("Trilu", "movement", 14, "Range, Sub, GreaterOrEqual, Where", "the upper or lower triangle of matrices");
/** ONNX Trilu: what lies on and above (or below) the diagonal `k` above the main one; 0 elsewhere. */
export function Trilu(x: Value, k: Value | number = 0, upper = true): Value {
  const diagonal = typeof k === "number" ? constant(k, [], "int64") : Reshape(k, []);
  const places = offDiagonal(x, "Trilu");
  const kept = upper ? GreaterOrEqual(places, diagonal) : LessOrEqual(places, diagonal);
  return Where(kept, x, 0);
}

spelling("EyeLike", "movement", 9, "Range, Sub, Equal, Cast", "ones on a diagonal, of the shape of a matrix");
/** ONNX EyeLike. */
export function EyeLike(x: Value, { dtype = x.dtype, k = 0 }: { dtype?: DType; k?: number } = {}): Value {
  return Cast(Equal(offDiagonal(x, "EyeLike"), constant(k, [], "int64")), dtype);
}

spelling("Hardmax", "activation", 13, "ArgMax, Range, Equal, Cast", "1 at the first largest along an axis, else 0");
/** ONNX Hardmax. */
export function Hardmax(x: Value, axis = -1): Value {
  const along = normalizeAxis(axis, x.rank, "Hardmax");
  const places = Reshape(
    counted(at(x.shape, along)),
    x.shape.map((dim, i) => (i === along ? dim : 1)),
  );
  return Cast(Equal(places, ArgMax(x, along, true)), x.dtype);
}

const det: Operator<None, One, One> = define({
  name: "Det",
  family: "linear algebra",
  summary: "determinants of square matrices",
  since: 11,
  infer([x]) {
    const [rows, columns] = x.shape.slice(-2);
    if (x.rank < 2 || rows !== columns) throw unfit("Det", [x], "needs square matrices.");
    return [{ dtype: x.dtype, shape: x.shape.slice(0, -2) }];
  },
  gradient: ({ inputs: [x], cotangents: [g] }) => [Mul(Unsqueeze(g, [-1, -2]), cofactors(x))],
  batch: ([x]) => [Det(x)],
  evaluate({ inputs: [x], shapes: [shape] }) {
    const size = at(x.shape, -1);
    const count = shape.reduce((a, b) => a * b, 1);
    const matrix = (n: number) =>
      upTo(size).map((row) => [...x.data.subarray((n * size + row) * size, (n * size + row + 1) * size)]);
    return [Float64Array.from({ length: count }, (_, n) => determinant(matrix(n)))];
  },
  work: ([x]) => at(x.shape, -1) ** 3,
});
/** ONNX Det: `[…, n, n]` to `[…]`. */
export const Det = applying(det, (x: Value): Value => apply1(det, [x]));

/** By elimination with the largest pivot. */
function determinant(rows: number[][]): number {
  let product = 1;
  for (const column of upTo(rows.length)) {
    const pivot = upTo(rows.length - column)
      .map((i) => i + column)
      .reduce((best, row) => (size(rows, row, column) > size(rows, best, column) ? row : best), column);
    const chosen = at(rows, pivot);
    if (pivot !== column) {
      rows[pivot] = at(rows, column);
      rows[column] = chosen;
      product = -product;
    }
    const head = at(chosen, column);
    if (head === 0) return 0;
    product *= head;
    for (const row of rows.slice(column + 1)) {
      const factor = at(row, column) / head;
      for (const i of upTo(rows.length)) row[i] = at(row, i) - factor * at(chosen, i);
    }
  }
  return product;
}

const size = (rows: readonly (readonly number[])[], row: number, column: number): number =>
  Math.abs(at(at(rows, row), column));

/** For each entry the determinant of what is left without its row and column, with the sign of a chessboard. */
function cofactors(x: Value): Value {
  const n = fixed(at(x.shape, -1), "the derivative of Det");
  if (n === 1) return Expand(constant(1, [], x.dtype), x.shape);
  spend("numbers", n * n);
  const others = constant(
    upTo(n).flatMap((i) => upTo(n).filter((j) => j !== i)),
    [n, n - 1],
    "int64",
  );
  const lead = x.shape.slice(0, -2);
  // [… , i, n−1, n], and then the columns: [… , i, n−1, j, n−1].
  const rows = Gather(x, others, x.rank - 2);
  const minors = Gather(rows, others, rows.rank - 1);
  const r = lead.length;
  const ordered = Transpose(minors, [...upTo(r), r, r + 2, r + 1, r + 3]);
  const signs = upTo(n).flatMap((i) => upTo(n).map((j) => ((i + j) % 2 === 0 ? 1 : -1)));
  return Mul(Det(ordered), constant(signs, [n, n], x.dtype));
}
