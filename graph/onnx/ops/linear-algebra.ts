// Matrix products as ONNX has them.
import * as op from "../../ops/index.ts";
import { float, int } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";

export const linearAlgebra = {
  Gemm: onnxOperator({
    attributes: { alpha: float(1), beta: float(1), transA: int(0), transB: int(0) },
    read: (c, options) => op.Gemm(c.value(0), c.value(1), c.optional(2), options),
  }),
};
