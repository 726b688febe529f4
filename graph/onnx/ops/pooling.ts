// Pools as ONNX has them. Those over all of space are read as they are called.
import { is } from "../../core/value.ts";
import type { Window } from "../../core/windows.ts";
import { LoweredMaxPool } from "../../lowering/pools-first.ts";
import * as op from "../../ops/index.ts";
import { defined, flag, int, ints, written } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import { windowAttributes, windowOf } from "./convolution.ts";

const poolAttributes = { ...windowAttributes, kernel_shape: ints(), ceil_mode: flag(false) };

const poolWritten = ({ kernel, strides, dilations, before, after }: Window) => [
  written("kernel_shape", ints(), kernel),
  written("strides", ints(), strides),
  written("dilations", ints(), dilations),
  written("pads", ints(), [...before, ...after]),
];

export const pooling = {
  AveragePool: onnxOperator({
    attributes: { ...poolAttributes, count_include_pad: flag(false) },
    read: (c, { kernel_shape: kernel = [], ceil_mode: ceilMode, count_include_pad: countIncludePad, ...window }) =>
      op.AveragePool(c.value(0), kernel, { ...windowOf(window), ceilMode, countIncludePad }),
    since: ({ dilations, ceil_mode: ceil }) => (dilations ? 19 : ceil ? 10 : 7),
  }),
  MaxPool: onnxOperator({
    attributes: { ...poolAttributes, storage_order: int(0) },
    read: (c, { kernel_shape: kernel = [], ceil_mode: ceilMode, storage_order: order, ...window }) => {
      const y = op.MaxPool(c.value(0), kernel, { ...windowOf(window), ceilMode });
      return c.usedOutputs > 1 ? [y, op.maxPlaces(y, order === 1 ? 1 : 0)] : y;
    },
    write: (node, to) => {
      const pool = is(node, LoweredMaxPool) ? node : undefined;
      const window = pool?.attributes ?? (is(node, op.MaxPool) ? node.attributes : undefined);
      if (!window) throw new Error(`${node.operator.name} is not written as MaxPool is.`);
      const order = pool ? [written("storage_order", int(), pool.attributes.order)] : [];
      return { input: to.inputs(), attribute: [...poolWritten(window), ...order] };
    },
    since: ({ dilations, ceil_mode: ceil }) => (dilations || ceil ? 10 : 8),
  }),
  GlobalLpPool: onnxOperator({ attributes: { p: int(2) }, read: (c, { p }) => op.GlobalLpPool(c.value(0), { p }) }),
  MaxUnpool: onnxOperator({
    attributes: { kernel_shape: ints(), strides: ints(), pads: ints() },
    read: (c, { kernel_shape: kernel = [], strides, pads }) =>
      op.MaxUnpool(c.value(0), c.value(1), kernel, {
        ...defined({ strides, pads }),
        ...(c.has(2) && { outputShape: c.dims(2) }),
      }),
  }),
  LpPool: onnxOperator({
    attributes: { ...poolAttributes, p: int(2) },
    read: (c, { kernel_shape: kernel = [], ceil_mode: ceilMode, p, ...window }) =>
      op.LpPool(c.value(0), kernel, { ...windowOf(window), ceilMode, p }),
    since: ({ dilations, ceil_mode: ceil }) => (dilations || ceil ? 18 : 11),
  }),
};
