// Which settings have an effect: the table against what training does. A setting is idle where two values of it train the
// same weights, and only there.
import type { RunConfigInput } from "@innerloop/schemas";
import { completeConfig, presets } from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { describeEffects, type Situation } from "./settings-effects.ts";

const situations: Record<string, Situation> = {
  "an mlp of which all moves, by one step": {
    config: {
      data: "glyphs",
      model: { kind: "mlp", hidden: [4] },
      algorithm: "maml",
      head: "learned",
      steps: 1,
      ways: 3,
      schedule: { warmup: 0, decay: "none" },
    },
    settings: [
      "model.filters",
      "model.norm",
      "model.input",
      "model.hidden",
      "model.residual",
      "multiStepLoss",
      "schedule.floor",
      "trainingWays",
    ],
  },
  "an mlp and class means": {
    config: { data: "glyphs", model: { kind: "mlp", hidden: [4] }, algorithm: "prototypes", ways: 3 },
    settings: [
      "model.pooling",
      "steps",
      "testSteps",
      "loop",
      "innerRate",
      "learnRates",
      "maxInnerRate",
      "multiStepLoss",
    ],
  },
  "a regression with fixed rates": {
    config: { data: "sinusoid", learnRates: false },
    settings: ["innerRate", "learnRates", "maxInnerRate", "optimizer.momentum", "ways", "trainingWays", "rotations"],
  },
};

for (const [name, situation] of Object.entries(situations)) describeEffects(name, situation);

describe("a config", () => {
  it.each([
    [
      { model: { kind: "mlp", filters: 3 } },
      /^model.filters has no effect with model.kind: "mlp": .* Leave it out, or give model.kind: "conv4"/,
    ],
    [{ data: "sinusoid", ways: 5 }, /^ways has no effect with data: "sinusoid": a regression has no classes/],
    [{ algorithm: "prototypes", steps: 3 }, /^steps has no effect with algorithm: "prototypes"/],
    [{ ways: 5, trainingWays: 4 }, /^trainingWays: 4 has no effect with ways: 5: .* Give at least 5/],
    [{ engine: "tfjs:wasm", workers: 2 }, /^workers has no effect with engine: "tfjs:wasm"/],
  ] as [RunConfigInput, RegExp][])("%j is refused", (input, message) => {
    expect(() => completeConfig(input)).toThrow(message);
  });

  it("that is complete is one, too, for every preset and what may be chosen of it", () => {
    for (const preset of Object.keys(presets))
      for (const changes of [
        {},
        { algorithm: "prototypes" },
        { algorithm: "maml", steps: 2 },
        { model: { kind: "mlp" } },
        { learnRates: false },
        { optimizer: { kind: "sgd" } },
        { schedule: { decay: "none" } },
      ] as RunConfigInput[]) {
        if (preset === "sinusoid-10shot" && changes.algorithm === "prototypes") continue;
        const complete = completeConfig({ preset, ...changes });
        expect(completeConfig(complete)).toEqual(complete);
      }
  });
});
