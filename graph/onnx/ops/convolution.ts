// Convolutions as ONNX has them.

import { is } from "../../core/value.ts";
import { LoweredConv, LoweredConvTranspose, type LoweredWindow } from "../../lowering/native-convolution.ts";
import * as op from "../../ops/index.ts";
import { choice, defined, int, ints, type ValuesOf, written } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import { writing } from "../writer/form.ts";

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
const windowWritten = ({ strides, dilations, before, after, group }: LoweredWindow) => [
  written("strides", ints(), strides),
  written("dilations", ints(), dilations),
  written("pads", ints(), [...before, ...after]),
  written("group", int(), group),
];

const loweredWritten = writing(LoweredConv, ({ attributes }, to) => ({
  input: to.inputs(),
  attribute: windowWritten(attributes),
}));

export const convolution = {
  Conv: onnxOperator({
    attributes: { ...windowAttributes, kernel_shape: ints(), group: int(1) },
    read: (c, { group, ...window }) => op.Conv(c.value(0), c.value(1), c.optional(2), { ...windowOf(window), group }),
    write: (node, to) =>
      is(node, op.Conv)
        ? { input: to.inputs(), attribute: windowWritten({ ...node.attributes, group: node.attributes.groups }) }
        : loweredWritten(node, to),
  }),
  ConvTranspose: onnxOperator({
    attributes: {
      ...windowAttributes,
      kernel_shape: ints(),
      group: int(1),
      output_padding: ints(),
      output_shape: ints(),
    },
    read: (c, { group, output_padding: outputPadding, output_shape: outputShape, ...window }) =>
      op.ConvTranspose(c.value(0), c.value(1), c.optional(2), {
        ...windowOf(window),
        ...defined({ outputPadding, outputShape }),
        group,
      }),
    write: writing(LoweredConvTranspose, ({ attributes: { outputPadding, ...window } }, to) => ({
      input: to.inputs(),
      attribute: [...windowWritten(window), written("output_padding", ints(), outputPadding)],
    })),
  }),
};
