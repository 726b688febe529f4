// Convolutions as ONNX has them.
import type { Node } from "../../core/value.ts";
import * as op from "../../ops/index.ts";
import { choice, defined, int, ints, type ValuesOf, written } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import type { Form, Writing } from "../writer/form.ts";
import { numbersIn } from "../writer/form.ts";

/** The attributes that convolutions and pools share. */
export const windowAttributes = {
  strides: ints(),
  pads: ints(),
  dilations: ints(),
  auto_pad: choice("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"),
};

/** The same as options of a graph's operators; what is absent stays absent. */
export const windowOf = ({
  auto_pad: autoPad,
  pads,
  ...options
}: ValuesOf<typeof windowAttributes>): op.WindowOptions =>
  defined({
    autoPad,
    strides: options.strides,
    pads: autoPad === "NOTSET" ? pads : undefined,
    dilations: options.dilations,
  });

/** The nodes that lowering makes have their pads by side. */
function write(node: Node, to: Writing): Form {
  const { strides, dilations, group, outputPadding } = node.attributes;
  const pads = [...numbersIn(node, "before"), ...numbersIn(node, "after")];
  return {
    input: to.inputs(),
    attribute: [
      written("strides", ints(), strides),
      written("dilations", ints(), dilations),
      written("pads", ints(), pads),
      written("group", int(), group),
      ...(outputPadding === undefined ? [] : [written("output_padding", ints(), outputPadding)]),
    ],
  };
}

export const convolution = {
  Conv: onnxOperator({
    attributes: { ...windowAttributes, group: int(1) },
    read: (c, { group, ...window }) => op.Conv(c.value(0), c.value(1), c.optional(2), { ...windowOf(window), group }),
    write,
  }),
  ConvTranspose: onnxOperator({
    attributes: { ...windowAttributes, group: int(1), output_padding: ints(), output_shape: ints() },
    read: (c, { group, output_padding: outputPadding, output_shape: outputShape, ...window }) =>
      op.ConvTranspose(c.value(0), c.value(1), c.optional(2), {
        ...windowOf(window),
        ...defined({ outputPadding, outputShape }),
        group,
      }),
    write,
  }),
};
