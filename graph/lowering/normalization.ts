// Normalization over the last axes as ONNX LayerNormalization, whose further outputs hold what derivatives need: one
// kernel where there would be a dozen nodes.
import { multiplyDims } from "../core/dims.ts";
import type { Operator } from "../core/operator.ts";
import { type Attributes, apply, constant, type Value } from "../core/value.ts";
import { Expand, Reshape } from "../ops/movement.ts";
import type { Lowering } from "./lower.ts";

/**
 * ONNX LayerNormalization with all its outputs: rows `[n, size]` and a scale `[size]` to normalized rows `[n, size]`, their
 * means `[n, 1]` and inverse deviations `[n, 1]`. Only lowering makes it.
 */
const rowNormalization: Operator = {
  name: "LayerNormalizationRows",
  family: "normalization",
  summary: "LayerNormalization of rows, with means and inverse deviations as further outputs",
  writtenAs: "LayerNormalization",
  infer([x]) {
    const statistic = { dtype: x!.dtype, shape: [x!.shape[0]!, 1] };
    return [{ dtype: x!.dtype, shape: x!.shape }, statistic, statistic];
  },
};

/** The outputs of a row normalization, where the axes are the last ones and their size is known. */
function byRows(x: Value, attributes: Attributes): { outputs: readonly Value[]; first: number } | undefined {
  const axes = attributes.axes as readonly number[];
  const first = axes[0]!;
  const size = x.shape.slice(first).reduce(multiplyDims, 1);
  if (axes.length !== x.rank - first || axes.some((axis, i) => axis !== first + i)) return undefined;
  if (typeof size !== "number" || x.dtype !== "float32") return undefined;
  const scale = Expand(constant(1, [1]), [size]);
  return {
    outputs: apply(rowNormalization, [Reshape(x, [-1, size]), scale], { axis: -1, epsilon: attributes.epsilon }),
    first,
  };
}

const standardize: Lowering = ([x], attributes) => {
  const rows = byRows(x!, attributes);
  return rows && [Reshape(rows.outputs[0]!, x!.shape)];
};

const inverseDeviation: Lowering = ([x], attributes) => {
  const rows = byRows(x!, attributes);
  return (
    rows && [
      Reshape(
        rows.outputs[2]!,
        x!.shape.map((dim, axis) => (axis < rows.first ? dim : 1)),
      ),
    ]
  );
};

export const normalizationAsLayers: Readonly<Record<string, Lowering>> = {
  Standardize: standardize,
  InverseDeviation: inverseDeviation,
};
