// Numbers in few bits as ONNX has them.
import { ELEMENT_TYPES, elementNameOf, isNumeric } from "@innerloop/schemas";
import type { Value } from "../../core/value.ts";
import * as op from "../../ops/index.ts";
import { defined, flag, int } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import type { Call } from "../reader/call.ts";
import { isNarrow } from "../reader/entry.ts";
import { elementDTypes, unsupported } from "../tensors.ts";
import { windowAttributes, windowOf } from "./convolution.ts";

const scaled = { axis: int(1), block_size: int(0) };

/** An element type of whole numbers: the dtype that holds it, and its range where that has more. */
function integers(type: number) {
  const stored = elementNameOf(type);
  if (!stored || !isNumeric(stored) || ELEMENT_TYPES[stored].kind !== "integer") throw unsupported(type, "quantizing");
  const { bits, dtype } = ELEMENT_TYPES[stored];
  const [least, most] = stored.startsWith("u") ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  return { stored, dtype, range: { least, most } };
}

const window = { ...windowAttributes, group: int(1) };

/** An input that may be of an element type that graphs do not have. */
const narrow = (c: Call, i: number): Value | undefined => (c.has(i) ? c.widened(i) : undefined);

export const quantization = {
  ConvInteger: onnxOperator({
    attributes: window,
    read: (c, { group, ...options }) =>
      op.ConvInteger(c.value(0), c.value(1), c.optional(2), c.optional(3), { ...windowOf(options), group }),
  }),
  DequantizeLinear: onnxOperator({
    attributes: { ...scaled, output_dtype: int(0) },
    read: (c, { axis, block_size: blockSize, output_dtype: dtype }) =>
      op.DequantizeLinear(c.widened(0), c.value(1), {
        axis,
        blockSize,
        ...defined({ zeroPoint: narrow(c, 2), dtype: elementDTypes.get(dtype) }),
      }),
  }),
  DynamicQuantizeLinear: onnxOperator({
    read: (c) => {
      const { y, scale, zeroPoint } = op.DynamicQuantizeLinear(c.value(0));
      return [y, scale, zeroPoint];
    },
  }),
  MatMulInteger: onnxOperator({
    read: (c) => op.MatMulInteger(c.value(0), c.value(1), c.optional(2), c.optional(3)),
  }),
  QLinearConv: onnxOperator({
    attributes: window,
    read: (c, { group, ...options }) =>
      op.QLinearConv(
        { x: c.value(0), scale: c.value(1), zeroPoint: c.value(2) },
        { x: c.value(3), scale: c.value(4), zeroPoint: c.value(5) },
        { scale: c.value(6), zeroPoint: c.value(7) },
        c.optional(8),
        { ...windowOf(options), group },
      ),
  }),
  QLinearMatMul: onnxOperator({
    read: (c) =>
      op.QLinearMatMul(
        { x: c.value(0), scale: c.value(1), zeroPoint: c.value(2) },
        { x: c.value(3), scale: c.value(4), zeroPoint: c.value(5) },
        { scale: c.value(6), zeroPoint: c.value(7) },
      ),
  }),
  QuantizeLinear: onnxOperator({
    attributes: { ...scaled, output_dtype: int(0), precision: int(0), saturate: flag(true) },
    read: (c, { axis, block_size: blockSize, output_dtype: type, precision }) => {
      const zero = c.has(2) ? c.entry(2) : undefined;
      const zeroPoint = narrow(c, 2);
      const known = zero && (isNarrow(zero) ? zero.stored : zeroPoint?.dtype);
      const { stored, dtype, range } = integers(known ? ELEMENT_TYPES[known].onnx : type || ELEMENT_TYPES.uint8.onnx);
      const wide = op.QuantizeLinear(c.value(0), c.value(1), {
        axis,
        blockSize,
        dtype,
        range,
        ...defined({ zeroPoint, precision: elementDTypes.get(precision) }),
      });
      return stored === dtype ? wide : { stored, wide };
    },
  }),
};
