// Pools as ONNX has them. Those over all of space are read as they are called.
import * as op from "../../ops/index.ts";
import { flag, int, ints, written } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import { writing } from "../writer/form.ts";
import { windowAttributes, windowOf } from "./convolution.ts";

const poolAttributes = { ...windowAttributes, kernel_shape: ints(), ceil_mode: flag(false) };

export const pooling = {
  AveragePool: onnxOperator({
    attributes: { ...poolAttributes, count_include_pad: flag(false) },
    read: (c, { kernel_shape: kernel = [], ceil_mode: ceilMode, count_include_pad: countIncludePad, ...window }) =>
      op.AveragePool(c.value(0), kernel, { ...windowOf(window), ceilMode, countIncludePad }),
    since: ({ dilations, ceil_mode: ceil }) => (dilations ? 19 : ceil ? 10 : 7),
  }),
  MaxPool: onnxOperator({
    attributes: poolAttributes,
    read: (c, { kernel_shape: kernel = [], ceil_mode: ceilMode, ...window }) =>
      op.MaxPool(c.value(0), kernel, { ...windowOf(window), ceilMode }),
    write: writing(op.MaxPool, ({ attributes: { kernel, strides, dilations, before, after } }, to) => ({
      input: to.inputs(),
      attribute: [
        written("kernel_shape", ints(), kernel),
        written("strides", ints(), strides),
        written("dilations", ints(), dilations),
        written("pads", ints(), [...before, ...after]),
      ],
    })),
    since: ({ dilations, ceil_mode: ceil }) => (dilations || ceil ? 10 : 8),
  }),
  GlobalLpPool: onnxOperator({ attributes: { p: int(2) }, read: (c, { p }) => op.GlobalLpPool(c.value(0), { p }) }),
  LpPool: onnxOperator({
    attributes: { ...poolAttributes, p: int(2) },
    read: (c, { kernel_shape: kernel = [], ceil_mode: ceilMode, p, ...window }) =>
      op.LpPool(c.value(0), kernel, { ...windowOf(window), ceilMode, p }),
    since: ({ dilations, ceil_mode: ceil }) => (dilations || ceil ? 18 : 11),
  }),
};
