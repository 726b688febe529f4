// Losses as ONNX has them.
import * as op from "../../ops/index.ts";
import { choice, defined, int, type ValuesOf } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import type { Call } from "../reader/call.ts";

const attributes = { reduction: choice("mean", "sum", "none"), ignore_index: int() };

const optionsOf = (c: Call, { reduction, ignore_index: ignoreIndex }: ValuesOf<typeof attributes>): op.LossOptions => ({
  reduction,
  ...defined({ weights: c.optional(2), ignoreIndex }),
});

export const losses = {
  NegativeLogLikelihoodLoss: onnxOperator({
    attributes,
    read: (c, options) => op.NegativeLogLikelihoodLoss(c.value(0), c.value(1), optionsOf(c, options)),
  }),
  SoftmaxCrossEntropyLoss: onnxOperator({
    attributes,
    read: (c, options) => [
      op.SoftmaxCrossEntropyLoss(c.value(0), c.value(1), optionsOf(c, options)),
      op.LogSoftmax(c.value(0), 1),
    ],
  }),
};
