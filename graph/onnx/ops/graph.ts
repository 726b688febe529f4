// ONNX operators about the graph itself: names, sizes and constants.
import { InnerloopError } from "@innerloop/schemas";
import { constant } from "../../core/build.ts";
import { sizeOf } from "../../core/shapes.ts";
import * as op from "../../ops/index.ts";
import { float, floats, int, ints, tensor } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import { sizes } from "../reader/sizes.ts";

export const graph = {
  Constant: onnxOperator({
    attributes: { value: tensor(), value_float: float(), value_int: int(), value_floats: floats(), value_ints: ints() },
    read: (c, { value, ...literal }) => {
      if (value) {
        c.gives(value.stored);
        return constant(value.data, value.shape, value.dtype);
      }
      if (literal.value_float !== undefined) return constant(literal.value_float);
      if (literal.value_int !== undefined) return constant(literal.value_int, [], "int64");
      if (literal.value_floats) return constant(literal.value_floats);
      if (literal.value_ints) return constant(literal.value_ints, undefined, "int64");
      throw new InnerloopError("unsupported-dtype", "holds no numbers; strings and sparse tensors are not supported.");
    },
  }),
  ConstantOfShape: onnxOperator({
    authored: false,
    attributes: { value: tensor() },
    read: (c, { value }) => {
      if (!value) return op.ConstantOfShape(c.dims(0));
      const { stored, dtype, data } = value;
      c.gives(stored);
      if (data.length !== 1) throw new InnerloopError("bad-model", "has more or less than one value.");
      return op.ConstantOfShape(c.dims(0), data[0], dtype);
    },
  }),
  Identity: onnxOperator({ read: (c) => c.entry(0) }),
  Shape: onnxOperator({
    attributes: { start: int(0), end: int() },
    read: (c, { start, end }) => sizes(c.value(0).shape.slice(start, end)),
  }),
  Size: onnxOperator({ read: (c) => sizes([sizeOf(c.value(0).shape)], "scalar") }),
};
