// A setting is idle where two values of it train the same weights, and only there: the table of effects against what training
// does, in a situation.
import type { RunConfig, RunConfigInput } from "@innerloop/schemas";
import { checkEffects, completeConfig, runTraining } from "@innerloop/train";
import { describe, expect, it } from "vitest";

const length = { iterations: 2, metaBatch: 1, workers: 0, engine: "onnxruntime:cpu", queries: 2 };
const validation = { every: 9, episodes: 1 };

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
  "model.residual": [true, false],
  "model.weights": ["file", "fresh"],
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

/** A config, and the settings that are tried on it. */
export interface Situation {
  readonly config: RunConfigInput;
  readonly settings: readonly string[];
}

export function describeEffects(name: string, { config: input, settings }: Situation): void {
  describe(name, () => {
    const config = completeConfig({ ...length, validation, ...input });

    it.each(settings)("%s is idle where it changes nothing", async (path) => {
      const [one, other] = values[path]!.map((value) => withSetting(config, path, value));
      const same = (await trained(one!)) === (await trained(other!));
      expect(isIdle(one!, path) || isIdle(other!, path)).toBe(same);
    });
  });
}
