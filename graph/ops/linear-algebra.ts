// Matrix products.
import { broadcastShapes, multiplyDims, type Shape, sizeOf } from "../core/dims.ts";
import { apply1, define, type Operator, spelling, unfit } from "../core/operator.ts";
import type { Value } from "../core/value.ts";
import { Add, alignBatched, broadcastTo, Mul, unbroadcast } from "./elementwise.ts";
import { Reshape, Transpose, transposeLast } from "./movement.ts";

const matmul: Operator = define({
  name: "MatMul",
  family: "linear algebra",
  summary: "matrix product over the last two axes; leading axes broadcast (numpy.matmul)",
  since: 13,
  infer([a, b]) {
    const batch = broadcastShapes(a!.shape.slice(0, -2), b!.shape.slice(0, -2));
    if (a!.dtype !== b!.dtype || a!.shape.at(-1) !== b!.shape.at(-2) || !batch)
      throw unfit(
        "MatMul",
        [a!, b!],
        `the last axis of the first (${a!.shape.at(-1)}) has to equal the last but one of the second (${b!.shape.at(-2)}), the leading axes broadcast, and the dtypes be one.`,
      );
    return [{ dtype: a!.dtype, shape: [...batch, a!.shape.at(-2)!, b!.shape.at(-1)!] }];
  },
  gradient({ inputs: [a, b], cotangents: [g], needs }) {
    if (!g) return [];
    const left = needs(0) ? unbroadcast(MatMul(g, transposeLast(b!)), a!.shape) : undefined;
    if (!needs(1)) return [left];
    if (b!.rank > 2 || a!.rank === 2) return [left, unbroadcast(MatMul(transposeLast(a!), g), b!.shape)];
    const rows = sizeOf(a!.shape.slice(0, -1));
    const flat = (x: Value) => Reshape(x, [rows, x.shape.at(-1)!]);
    return [left, MatMul(transposeLast(flat(a!)), flat(g))];
  },
  batch(inputs, batched) {
    const [a, b] = inputs as [Value, Value];
    if (batched[0] && !batched[1] && b.rank === 2) return [MatMul(a, b)];
    return [apply1(matmul, alignBatched([a, b], batched))];
  },
  evaluate({ inputs: [a, b], shapes }) {
    const out = new Float64Array(shapes[0]!.reduce((x, y) => x * y, 1));
    const batch = shapes[0]!.slice(0, -2);
    const [m, n] = shapes[0]!.slice(-2) as [number, number];
    const k = a!.shape.at(-1)!;
    const left = broadcastTo(a!, [...batch, m, k]);
    const right = broadcastTo(b!, [...batch, k, n]);
    const count = batch.reduce((x, y) => x * y, 1);
    for (let t = 0; t < count; t++)
      for (let i = 0; i < m; i++)
        for (let p = 0; p < k; p++) {
          const x = left[(t * m + i) * k + p]!;
          if (x === 0) continue;
          const from = (t * k + p) * n;
          const to = (t * m + i) * n;
          for (let j = 0; j < n; j++) out[to + j]! += x * right[from + j]!;
        }
    return [out];
  },
});

/** numpy.matmul: a vector on the left is a row, on the right a column, and its axis is gone from the result. */
export function MatMul(a: Value, b: Value): Value {
  if (a.rank === 0 || b.rank === 0) throw unfit("MatMul", [a, b], "a scalar has no rows or columns; use Mul.");
  const left = a.rank === 1 ? Reshape(a, [1, a.shape[0]!]) : a;
  const right = b.rank === 1 ? Reshape(b, [b.shape[0]!, 1]) : b;
  const out = apply1(matmul, [left, right]);
  if (a.rank > 1 && b.rank > 1) return out;
  const shape: Shape = [
    ...out.shape.slice(0, -2),
    ...(a.rank > 1 ? [out.shape.at(-2)!] : []),
    ...(b.rank > 1 ? [out.shape.at(-1)!] : []),
  ];
  return Reshape(out, shape);
}

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
      const flat = Reshape(v, [1, v.shape.reduce(multiplyDims, 1)]);
      return Reshape(MatMul(flat, transposeLast(flat)), []);
    })
    .reduce((a, b) => Add(a, b));
}
