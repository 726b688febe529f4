// Numbers in few bits as ONNX has them.
import { type DType, ELEMENT_TYPES, InnerloopError, type NumericName } from "@innerloop/schemas";
import * as op from "../../ops/index.ts";
import { defined, flag, int } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import { elementNamed, narrowed } from "../tensors.ts";
import { windowAttributes, windowOf } from "./convolution.ts";

const scaled = { axis: int(1), block_size: int(0) };

/** An element type of whole numbers: the dtype that holds it, and its range where that has more. */
function integers(type: NumericName) {
  const { bits, dtype, kind } = ELEMENT_TYPES[type];
  if (kind !== "integer")
    throw new InnerloopError(
      "unsupported-dtype",
      `quantizes to the element type ${type}; types of whole numbers are supported.`,
    );
  const [least, most] = type.startsWith("u") ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  return { dtype, range: { least, most } };
}

/** The dtype that holds the numbers of an element type, by its number in ONNX; 0 is none. */
function dtypeOfNumber(type: number): DType | undefined {
  const name = elementNamed(type);
  return name && ELEMENT_TYPES[name].dtype;
}

const window = { ...windowAttributes, group: int(1) };

export const quantization = {
  ConvInteger: onnxOperator({
    attributes: window,
    read: (c, { group, ...options }) =>
      op.ConvInteger(c.value(0), c.value(1), c.optional(2), c.optional(3), { ...windowOf(options), group }),
  }),
  DequantizeLinear: onnxOperator({
    attributes: { ...scaled, output_dtype: int(0) },
    read: (c, { axis, block_size: blockSize, output_dtype: dtype }) =>
      op.DequantizeLinear(c.value(0), c.value(1), {
        axis,
        blockSize,
        ...defined({ zeroPoint: c.optional(2), dtype: dtypeOfNumber(dtype) }),
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
    read: (c, { axis, block_size: blockSize, output_dtype: type, precision, saturate }) => {
      const to = c.has(2) ? c.element(2) : (elementNamed(type) ?? "uint8");
      c.gives(to);
      const narrow = narrowed(to);
      // Floats of few bits have no zero point, and are rounded to one of their own numbers.
      if (narrow && ELEMENT_TYPES[to].kind === "float")
        return op.Narrow(op.overScale(c.value(0), c.value(1), { axis, blockSize }), narrow, { saturate });
      const { dtype, range } = integers(to);
      return op.QuantizeLinear(c.value(0), c.value(1), {
        axis,
        blockSize,
        dtype,
        range,
        ...defined({ zeroPoint: c.optional(2), precision: dtypeOfNumber(precision) }),
      });
    },
  }),
};
