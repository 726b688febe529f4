// Signals as ONNX has them.
import * as op from "../../ops/index.ts";
import { defined, flag, int } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import type { Call } from "../reader/call.ts";
import { elementDTypes } from "../tensors.ts";

/** A window: of the length that an input says. */
const window = (build: typeof op.HannWindow) =>
  onnxOperator({
    attributes: { output_datatype: int(1), periodic: flag(true) },
    read: (c, { output_datatype: type, periodic }) =>
      build(c.dim(0), { periodic, ...defined({ dtype: elementDTypes.get(type) }) }),
  });

/** The one number of an input, computed or not. */
const scalar = (c: Call, i: number) => (c.isConstant(i) ? c.single(i) : op.Reshape(c.value(i), []));

export const signal = {
  BlackmanWindow: window(op.BlackmanWindow),
  DFT: onnxOperator({
    attributes: { inverse: flag(false), onesided: flag(false) },
    read: (c, options) =>
      op.DFT(c.value(0), {
        ...options,
        ...defined({
          length: c.has(1) ? c.dim(1) : undefined,
          axis: c.isConstant(2) ? c.numbers(2)?.[0] : c.value(2),
        }),
      }),
  }),
  HammingWindow: window(op.HammingWindow),
  HannWindow: window(op.HannWindow),
  MelWeightMatrix: onnxOperator({
    attributes: { output_datatype: int(1) },
    read: (c, { output_datatype: type }) =>
      op.MelWeightMatrix({
        bins: c.dim(0),
        dftLength: c.dim(1),
        sampleRate: scalar(c, 2),
        lowerEdge: scalar(c, 3),
        upperEdge: scalar(c, 4),
        ...defined({ dtype: elementDTypes.get(type) }),
      }),
  }),
  STFT: onnxOperator({
    attributes: { onesided: flag(true) },
    read: (c, { onesided }) =>
      op.STFT(c.value(0), c.isConstant(1) ? c.single(1) : c.value(1), {
        onesided,
        ...defined({ window: c.optional(2), length: c.has(3) ? c.dim(3) : undefined }),
      }),
  }),
};
