// Which settings of a convolutional net have an effect: the table against what training does.
import { describeEffects } from "./settings-effects.ts";

describeEffects("conv4 with steps of the head", {
  config: {
    data: "glyphs",
    model: { kind: "conv4", filters: 2, strides: [2, 1] },
    algorithm: "anil",
    head: "prototypes",
    ways: 3,
    optimizer: { kind: "sgd", rate: 0.1 },
  },
  settings: [
    ...[
      "model.filters",
      "model.strides",
      "model.pool",
      "model.norm",
      "model.pooling",
      "model.input",
      "model.hidden",
      "model.residual",
    ],
    ...[
      "steps",
      "testSteps",
      "loop",
      "maxInnerRate",
      "multiStepLoss",
      "optimizer.momentum",
      "schedule.floor",
      "ways",
      "rotations",
    ],
  ],
});
