// Matrix products.
import { broadcastTo } from "../core/arrays.ts";
import { mayAgree } from "../core/fresh.ts";
import { at } from "../core/lists.ts";
import { apply1, applying, define, spelling, unfit } from "../core/operator.ts";
import { broadcastShapes, sizeOf } from "../core/shapes.ts";
import type { None, One, Operator, Two, Value } from "../core/value.ts";
import { Add, Mul } from "./arithmetic.ts";
import { alignBatched, Reshape, unbroadcast } from "./internal/broadcasting.ts";
import { Transpose, transposeLast } from "./internal/transpose.ts";

const matmul: Operator<None, Two, One> = define({
  name: "MatMul",
  family: "linear algebra",
  summary: "matrix product over the last two axes; leading axes broadcast (numpy.matmul)",
  since: 13,
  traits: { float16: "product" },
  infer([a, b]) {
    const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
    const [rows, depth] = a.shape.slice(-2);
    const [across, columns] = b.shape.slice(-2);
    if (a.dtype !== b.dtype || !mayAgree(depth, across) || !batch || rows === undefined || columns === undefined)
      throw unfit(
        "MatMul",
        [a, b],
        `the last axis of the first (${depth}) has to equal the last but one of the second (${across}), the leading axes broadcast, and the dtypes be one.`,
      );
    return [{ dtype: a.dtype, shape: [...batch, rows, columns] }];
  },
  gradient({ inputs: [a, b], cotangents: [g], needs }) {
    const left = needs(0) ? unbroadcast(MatMul(g, transposeLast(b)), a.shape) : undefined;
    if (!needs(1)) return [left];
    if (b.rank > 2 || a.rank === 2) return [left, unbroadcast(MatMul(transposeLast(a), g), b.shape)];
    const rows = sizeOf(a.shape.slice(0, -1));
    const flat = (x: Value) => Reshape(x, [rows, at(x.shape, -1)]);
    return [left, MatMul(transposeLast(flat(a)), flat(g))];
  },
  batch: ([a, b], batched) =>
    batched[0] && !batched[1] && b.rank === 2 ? [MatMul(a, b)] : [apply1(matmul, alignBatched<Two>([a, b], batched))],
  evaluate({ inputs: [a, b], shapes: [shape] }) {
    const out = new Float64Array(sizeOf(shape));
    const batch = shape.slice(0, -2);
    const [m, n, k] = [at(shape, -2), at(shape, -1), at(a.shape, -1)];
    const left = broadcastTo(a, [...batch, m, k]);
    const right = broadcastTo(b, [...batch, k, n]);
    const count = sizeOf(batch);
    for (let t = 0; t < count; t++)
      for (let i = 0; i < m; i++)
        for (let p = 0; p < k; p++) {
          const x = at(left, (t * m + i) * k + p);
          if (x === 0) continue;
          const row = right.subarray((t * k + p) * n, (t * k + p + 1) * n);
          const to = (t * m + i) * n;
          row.forEach((y, j) => {
            out[to + j] = at(out, to + j) + x * y;
          });
        }
    return [out];
  },
  work: ([a]) => at(a.shape, -1),
});

/** numpy.matmul: a vector on the left is a row, on the right a column, and its axis is gone from the result. */
export const MatMul = applying(matmul, (a: Value, b: Value): Value => {
  if (a.rank === 0 || b.rank === 0) throw unfit("MatMul", [a, b], "a scalar has no rows or columns; use Mul.");
  const left = a.rank === 1 ? Reshape(a, [1, ...a.shape]) : a;
  const right = b.rank === 1 ? Reshape(b, [...b.shape, 1]) : b;
  const out = apply1(matmul, [left, right]);
  if (a.rank > 1 && b.rank > 1) return out;
  return Reshape(out, [
    ...out.shape.slice(0, -2),
    ...(a.rank > 1 ? out.shape.slice(-2, -1) : []),
    ...(b.rank > 1 ? out.shape.slice(-1) : []),
  ]);
});

spelling("Gemm", "linear algebra", 13, "Transpose, MatMul, Mul, Add", "alpha · A·B + beta · C");
/** ONNX Gemm: alpha · A·B + beta · C, either matrix transposed first where asked. */
export function Gemm(a: Value, b: Value, c?: Value, { alpha = 1, beta = 1, transA = 0, transB = 0 } = {}): Value {
  const product = MatMul(transA ? Transpose(a, [1, 0]) : a, transB ? Transpose(b, [1, 0]) : b);
  const scaled = alpha === 1 ? product : Mul(product, alpha);
  if (!c) return scaled;
  return Add(scaled, beta === 1 ? c : Mul(c, beta));
}

/** The sum of squares of everything in some values, as a scalar: what gradient clipping looks at. */
export function squaredNorm(values: readonly Value[]): Value {
  return values
    .map((v) => {
      const flat = Reshape(v, [1, sizeOf(v.shape)]);
      return Reshape(MatMul(flat, transposeLast(flat)), []);
    })
    .reduce((a, b) => Add(a, b));
}
