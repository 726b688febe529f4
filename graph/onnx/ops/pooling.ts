// Pools as ONNX has them. Those over all of space are read as they are called.
import * as op from "../../ops/index.ts";
import { flag, ints } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import { windowAttributes, windowOf } from "./convolution.ts";

const poolAttributes = { ...windowAttributes, kernel_shape: ints(), ceil_mode: flag(false) };

export const pooling = {
  AveragePool: onnxOperator({
    attributes: { ...poolAttributes, count_include_pad: flag(false) },
    read: (c, { kernel_shape: kernel = [], ceil_mode: ceilMode, count_include_pad: countIncludePad, ...window }) =>
      op.AveragePool(c.value(0), kernel, { ...windowOf(window), ceilMode, countIncludePad }),
  }),
  MaxPool: onnxOperator({
    attributes: poolAttributes,
    read: (c, { kernel_shape: kernel = [], ceil_mode: ceilMode, ...window }) =>
      op.MaxPool(c.value(0), kernel, { ...windowOf(window), ceilMode }),
  }),
};
