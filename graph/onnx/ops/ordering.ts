// What goes by the numbers themselves, as ONNX has it: of what comes out, only data tell how many there are.
import * as op from "../../ops/index.ts";
import { defined, flag, int, written } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import { writing } from "../writer/form.ts";

export const ordering = {
  Compress: onnxOperator({
    attributes: { axis: int() },
    read: (c, { axis }) => op.Compress(c.value(0), c.value(1), axis),
  }),
  NonZero: onnxOperator({ read: (c) => op.NonZero(c.value(0)), write: (_, to) => ({ input: to.inputs() }) }),
  NonMaxSuppression: onnxOperator({
    attributes: { center_point_box: flag(false) },
    read: (c, { center_point_box: centerPointBox }) =>
      op.NonMaxSuppression(c.value(0), c.value(1), c.optional(2), c.optional(3), c.optional(4), { centerPointBox }),
    write: writing(op.NonMaxSuppression, ({ attributes: { centerPointBox } }, to) => ({
      input: to.inputs(),
      attribute: [written("center_point_box", flag(false), centerPointBox)],
    })),
  }),
  TopK: onnxOperator({
    attributes: { axis: int(-1), largest: flag(true), sorted: flag(true) },
    read: (c, options) => op.TopK(c.value(0), c.dim(1), options),
    write: writing(op.TopK, ({ attributes: { k, axis, largest, sorted } }, to) => ({
      input: [to.input(0), to.size(k)],
      attribute: [
        written("axis", int(), axis),
        written("largest", flag(true), largest),
        written("sorted", flag(true), sorted),
      ],
    })),
  }),
  Unique: onnxOperator({
    attributes: { axis: int(), sorted: flag(true) },
    read: (c, { axis, sorted }) => op.Unique(c.value(0), { ...defined({ axis }), sorted }),
    write: writing(op.Unique, ({ attributes: { axis, sorted } }, to) => ({
      input: to.inputs(),
      attribute: [...(axis === undefined ? [] : [written("axis", int(), axis)]), written("sorted", flag(true), sorted)],
    })),
  }),
};
