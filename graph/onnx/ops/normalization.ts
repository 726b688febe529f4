// Normalization as ONNX has it.
import * as op from "../../ops/index.ts";
import { flag, float, int } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";

const epsilon = float(1e-5);

export const normalization = {
  BatchNormalization: onnxOperator({
    attributes: { epsilon, training_mode: flag(false) },
    read: (c, { epsilon, training_mode: trainingMode }) =>
      op.BatchNormalization(c.value(0), c.value(1), c.value(2), c.value(3), c.value(4), { epsilon, trainingMode }),
  }),
  GroupNormalization: onnxOperator({
    attributes: { epsilon, num_groups: int(1) },
    read: (c, { epsilon, num_groups: groups }) =>
      op.GroupNormalization(c.value(0), c.value(1), c.value(2), groups, { epsilon }),
  }),
  InstanceNormalization: onnxOperator({
    attributes: { epsilon },
    read: (c, options) => op.InstanceNormalization(c.value(0), c.value(1), c.value(2), options),
  }),
  LayerNormalization: onnxOperator({
    attributes: { axis: int(-1), epsilon },
    read: (c, { axis, epsilon }) => {
      const x = c.value(0);
      const axes = [...x.shape.keys()].slice(axis);
      return [
        op.LayerNormalization(x, c.value(1), c.optional(2), { axis, epsilon }),
        op.ReduceMean(x, { axes }),
        op.InverseDeviation(x, axes, epsilon),
      ];
    },
  }),
};
