// Activations as ONNX has them. Those without attributes are not here: they are read as they are called.
import * as op from "../../ops/index.ts";
import { choice, defined, float, int } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";

export const activation = {
  Celu: onnxOperator({ attributes: { alpha: float(1) }, read: (c, options) => op.Celu(c.value(0), options) }),
  Clip: onnxOperator({
    read: (c) => op.Clip(c.value(0), c.optional(1), c.optional(2)),
  }),
  Elu: onnxOperator({ attributes: { alpha: float(1) }, read: (c, options) => op.Elu(c.value(0), options) }),
  Gelu: onnxOperator({
    attributes: { approximate: choice("none", "tanh") },
    read: (c, options) => op.Gelu(c.value(0), options),
  }),
  HardSigmoid: onnxOperator({
    attributes: { alpha: float(0.2), beta: float(0.5) },
    read: (c, options) => op.HardSigmoid(c.value(0), options),
  }),
  LeakyRelu: onnxOperator({
    attributes: { alpha: float(0.01) },
    read: (c, options) => op.LeakyRelu(c.value(0), options),
  }),
  LogSoftmax: onnxOperator({ attributes: { axis: int(-1) }, read: (c, { axis }) => op.LogSoftmax(c.value(0), axis) }),
  Selu: onnxOperator({
    attributes: { alpha: float(), gamma: float() },
    read: (c, options) => op.Selu(c.value(0), defined(options)),
  }),
  Shrink: onnxOperator({
    attributes: { bias: float(0), lambd: float(0.5) },
    read: (c, options) => op.Shrink(c.value(0), options),
  }),
  Softmax: onnxOperator({ attributes: { axis: int(-1) }, read: (c, { axis }) => op.Softmax(c.value(0), axis) }),
  // Of an opset that no runtime has yet: it is written as what it is made of.
  SwiGLU: onnxOperator({
    attributes: { alpha: float(1) },
    authored: false,
    read: (c, options) => op.SwiGLU(c.value(0), c.value(1), options),
  }),
  Swish: onnxOperator({ attributes: { alpha: float(1) }, read: (c, options) => op.Swish(c.value(0), options) }),
  ThresholdedRelu: onnxOperator({
    attributes: { alpha: float(1) },
    read: (c, options) => op.ThresholdedRelu(c.value(0), options),
  }),
};
