// Normalization as ONNX has it.
import * as op from "../../ops/index.ts";
import { flag, float, int, ints } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";

const epsilon = float(1e-5);

export const normalization = {
  BatchNormalization: onnxOperator({
    attributes: { epsilon, training_mode: flag(false), momentum: float(0.9) },
    read: (c, { epsilon, training_mode: training, momentum }) => {
      const [x, scale, bias, mean, variance] = [c.value(0), c.value(1), c.value(2), c.value(3), c.value(4)];
      if (training) return op.trainingNormalization([x, scale, bias, mean, variance], { epsilon, momentum });
      return op.BatchNormalization(x, scale, bias, mean, variance, { epsilon });
    },
    since: ({ training_mode: training }) => (training ? 15 : 9),
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
  LpNormalization: onnxOperator({
    attributes: { axis: int(-1), p: int(2) },
    read: (c, options) => op.LpNormalization(c.value(0), options),
  }),
  LRN: onnxOperator({
    attributes: { alpha: float(1e-4), beta: float(0.75), bias: float(1), size: int(1) },
    read: (c, { size, ...options }) => op.LRN(c.value(0), size, options),
    since: () => 1,
  }),
  MeanVarianceNormalization: onnxOperator({
    attributes: { axes: ints() },
    read: (c, { axes }) => op.MeanVarianceNormalization(c.value(0), axes),
    since: () => 9,
  }),
  RMSNormalization: onnxOperator({
    attributes: { axis: int(-1), epsilon, stash_type: int(1) },
    read: (c, { axis, epsilon }) => op.RMSNormalization(c.value(0), c.value(1), { axis, epsilon }),
  }),
};
