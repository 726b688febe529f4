// Normalization over the last axes as ONNX LayerNormalization, whose further outputs hold what derivatives need: one
// kernel where there would be a dozen nodes.
import { apply, constant } from "../core/build.ts";
import { sizeOf } from "../core/shapes.ts";
import type { One, Operator, Value } from "../core/value.ts";
import { Expand, Reshape } from "../ops/movement.ts";
import { InverseDeviation, Standardize } from "../ops/normalization.ts";
import { type Lowering, lowering } from "./lower.ts";

/**
 * ONNX LayerNormalization with all its outputs: rows `[n, size]` and a scale `[size]`, and perhaps a bias, to normalized rows `[n, size]`, their
 * means `[n, 1]` and inverse deviations `[n, 1]`; with another axis than the last one, a row has all axes from it on. Only lowering makes it.
 */
export const rowNormalization: Operator<
  { readonly axis: number; readonly epsilon: number },
  readonly [x: Value, scale: Value, bias?: Value],
  readonly [rows: Value, means: Value, deviations: Value]
> = {
  name: "LayerNormalizationRows",
  family: "normalization",
  summary: "LayerNormalization of rows, with means and inverse deviations as further outputs",
  writtenAs: "LayerNormalization",
  traits: { float16: "rows" },
  infer([x], { axis }) {
    const first = axis < 0 ? axis + x.rank : axis;
    const statistic = { dtype: x.dtype, shape: x.shape.map((dim, i) => (i < first ? dim : 1)) };
    return [{ dtype: x.dtype, shape: x.shape }, statistic, statistic];
  },
};

/**
 * ONNX BatchNormalization by given statistics, its channels being rows: `[1, n, size]`, and scale, bias, mean and variance `[n]`.
 * Only the compiler makes it.
 */
export const rowAffine: Operator<{ readonly epsilon: number }, readonly [Value, Value, Value, Value, Value], One> = {
  name: "RowAffine",
  family: "normalization",
  summary: "each row times a number of its own, plus another",
  writtenAs: "BatchNormalization",
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
};

/** The outputs of a row normalization, where the axes are the last ones and their size is known. */
function byRows(x: Value, axes: readonly number[], epsilon: number) {
  const first = x.rank - axes.length;
  const size = sizeOf(x.shape.slice(first));
  if (axes.some((axis, i) => axis !== first + i)) return undefined;
  if (typeof size !== "number" || x.dtype !== "float32") return undefined;
  const scale = Expand(constant(1, [1]), [size]);
  return apply(rowNormalization, [Reshape(x, [-1, size]), scale], { axis: -1, epsilon });
}

const standardize = lowering(Standardize, ([x], { axes, epsilon }) => {
  const [rows] = byRows(x, axes, epsilon) ?? [];
  return rows && [Reshape(rows, x.shape)];
});

const inverseDeviation = lowering(InverseDeviation, ([x], { axes, epsilon }) => {
  const [, , deviations] = byRows(x, axes, epsilon) ?? [];
  return (
    deviations && [
      Reshape(
        deviations,
        x.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim)),
      ),
    ]
  );
});

export const normalizationAsLayers: readonly Lowering[] = [standardize, inverseDeviation];
