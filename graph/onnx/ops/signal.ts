// Signals as ONNX has them.
import * as op from "../../ops/index.ts";
import { defined, flag, int } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import { elementDTypes } from "../tensors.ts";

/** A window: of the length that an input says. */
const window = (build: typeof op.HannWindow) =>
  onnxOperator({
    attributes: { output_datatype: int(1), periodic: flag(true) },
    read: (c, { output_datatype: type, periodic }) =>
      build(c.dim(0), { periodic, ...defined({ dtype: elementDTypes.get(type) }) }),
  });

export const signal = {
  BlackmanWindow: window(op.BlackmanWindow),
  DFT: onnxOperator({
    attributes: { inverse: flag(false), onesided: flag(false) },
    read: (c, options) =>
      op.DFT(c.value(0), { ...options, ...defined({ length: c.numbers(1)?.[0], axis: c.numbers(2)?.[0] }) }),
  }),
  HammingWindow: window(op.HammingWindow),
  HannWindow: window(op.HannWindow),
  MelWeightMatrix: onnxOperator({
    attributes: { output_datatype: int(1) },
    read: (c, { output_datatype: type }) =>
      op.MelWeightMatrix({
        bins: c.single(0),
        dftLength: c.single(1),
        sampleRate: c.single(2),
        lowerEdge: c.single(3),
        upperEdge: c.single(4),
        ...defined({ dtype: elementDTypes.get(type) }),
      }),
  }),
  STFT: onnxOperator({
    attributes: { onesided: flag(true) },
    read: (c, { onesided }) =>
      op.STFT(c.value(0), c.single(1), { onesided, ...defined({ window: c.optional(2), length: c.numbers(3)?.[0] }) }),
  }),
};
