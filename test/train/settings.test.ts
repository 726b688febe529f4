// Which settings have an effect: the table against what training does. A setting is idle where two values of it train the
// same weights, and only there.
import type { RunConfig, RunConfigInput } from "@innerloop/schemas";
import { checkEffects, completeConfig, presets, runTraining } from "@innerloop/train";
import { describe, expect, it } from "vitest";

const length = { iterations: 2, metaBatch: 1, workers: 0, engine: "onnxruntime:cpu", queries: 2 };
const validation = { every: 9, episodes: 1 };

const situations: Record<string, { readonly config: RunConfigInput; readonly settings: readonly string[] }> = {
  "conv4 with steps of the head": {
    config: {
      data: "glyphs",
      model: { kind: "conv4", filters: 2, strides: [2, 1] },
      algorithm: "anil",
      head: "prototypes",
      ways: 3,
      optimizer: { kind: "sgd", rate: 0.1 },
    },
    settings: [
      ...["model.filters", "model.strides", "model.pool", "model.norm", "model.pooling", "model.input", "model.hidden"],
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
  },
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

/** Two values of each, both other than what would be there. */
const values: Record<string, readonly [unknown, unknown]> = {
  "model.filters": [3, 4],
  "model.strides": [
    [2, 2],
    [2, 1],
  ],
  "model.pool": [true, false],
  "model.norm": ["none", "group"],
  "model.pooling": ["mean", "flat"],
  "model.input": ["raw", "standardized"],
  "model.hidden": [[3], [5]],
  steps: [2, 3],
  testSteps: [2, 3],
  loop: ["guarded", "plain"],
  innerRate: [0.05, 0.08],
  learnRates: [true, false],
  maxInnerRate: [0.1, 0.2],
  multiStepLoss: [true, false],
  "optimizer.momentum": [0.5, 0.6],
  "schedule.floor": [0.5, 0.6],
  ways: [2, 4],
  trainingWays: [5, 6],
  rotations: [true, false],
};

function withSetting(config: RunConfig, path: string, value: unknown): RunConfig {
  const [key, inside] = path.split(".") as [keyof RunConfig, string?];
  return { ...config, [key]: inside === undefined ? value : { ...(config[key] as object), [inside]: value } };
}

const trained = async (config: RunConfig) => {
  const { weights, header } = await runTraining({ config });
  return JSON.stringify([
    header.history.map(({ loss }) => loss),
    Object.entries(weights).map(([name, { data }]) => [name, Array.from(data, Number)]),
  ]);
};

const isIdle = (config: RunConfig, path: string): boolean => {
  try {
    checkEffects(config, [path]);
    return false;
  } catch (error) {
    expect(error).toMatchObject({ code: "no-effect", exitStatus: 2 });
    return true;
  }
};

describe.each(Object.keys(situations))("%s", (name) => {
  const config = completeConfig({ ...length, validation, ...situations[name]!.config });

  it.each(situations[name]!.settings)("%s is idle where it changes nothing", async (path) => {
    const [one, other] = values[path]!.map((value) => withSetting(config, path, value));
    const same = (await trained(one!)) === (await trained(other!));
    expect(isIdle(one!, path) || isIdle(other!, path)).toBe(same);
  });
});

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
