// The model that data choose, and what else of a config they decide: by the shape of an example, its size, and how many classes
// there are.

import type { RunConfigInput } from "@innerloop/schemas";
import {
  chooseModel,
  completeConfig,
  MetaDataset,
  models,
  type RunResult,
  random,
  runTraining,
} from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { refusal } from "../support/refusal.ts";

const chosen = (inputShape: number[], given: object = {}) => chooseModel({ kind: "auto", ...given }, { inputShape });

describe("the model that is chosen", () => {
  it.each([
    [[28, 28, 1], "conv4", [2, 2, 2, 1]],
    [[8, 8, 1], "conv4", [2, 1, 1, 1]],
    [[64, 64, 3], "conv4", [2, 2, 2, 2]],
    [[84, 84, 3], "conv4", [2, 2, 2, 2, 2]],
    [[224, 224, 3], "conv4", [2, 2, 2, 2, 2, 2]],
    [[100, 3], "conv1d", [2, 2, 2, 2, 1]],
    [[8, 3], "conv1d", [2, 1]],
    [[24], "mlp", undefined],
  ])("for examples %j is %s with strides %j", (shape, kind, strides) => {
    const { model, because } = chosen(shape);
    expect(model).toMatchObject({ kind, ...(strides ? { strides } : {}) });
    expect(because).toContain(String(shape[0]));
    // What is said to be its settings is all it takes.
    expect(Object.keys(models.named(kind).options)).toEqual(expect.arrayContaining(Object.keys(model).slice(1)));
  });

  it("keeps the settings that are given, and refuses what it has not", async () => {
    expect(chosen([100, 3], { filters: 8 }).model).toMatchObject({ kind: "conv1d", filters: 8 });
    expect(chosen([28, 28, 1], { pool: true }).model).toEqual({
      ...{ kind: "conv4", filters: 64, norm: "layer", pooling: "flat", input: "standardized", pool: true },
    });
    const { code, message } = await refusal(() => chosen([24], { filters: 8 }));
    expect(code).toBe("no-effect");
    expect(message).toMatch(/^The setting filters has no effect: mlp was chosen for rows of 24 numbers/);
  });

  it.each(["conv4", "resnet12"])("has %s by name for pictures of any size", (name) => {
    for (const side of [3, 8, 15, 16, 40]) {
      const settings = name === "conv4" ? { filters: 2, pool: true } : { filters: [2, 2, 2, 2] };
      const model = models.named(name).build([side, side, 1], 5, settings);
      const [rows, ways] = Object.values(model.parameters).at(-2)!.shape;
      expect(rows).toBe(2 * Math.max(1, Math.floor(side / 16)) ** 2);
      expect(ways).toBe(5);
    }
  });

  it("takes the bands of a sound over time, wherever it is in its recording", () => {
    const preprocessing = { kind: "sound", length: 16_000, frame: 400, hop: 160, bands: 40 } as never;
    const { model } = chooseModel({ kind: "auto" }, { inputShape: [98, 40, 1], preprocessing });
    expect(model).toMatchObject({ kind: "conv1d", pool: true, pooling: "mean" });
  });
});

/** Tasks that a program has, of classes that differ in a few numbers. */
function tasksOf(inputShape: readonly number[], classes: number): MetaDataset {
  const size = inputShape.reduce((product, each) => product * each, 1);
  const rng = random(3);
  const examples = Array.from({ length: classes * 8 }, (_, i) =>
    Float32Array.from({ length: size }, (_, at) => rng.normal((Math.floor(i / 8) >> (at % 5)) & 1, 0.1)),
  );
  const labels = examples.map((_, i) => Math.floor(i / 8));
  const split = { val: [0, 1, 2], test: [3, 4, 5] };
  return new MetaDataset(examples, labels, { ways: 2, shots: 1, queries: 2, split, inputShape: [...inputShape] });
}

const short: RunConfigInput = {
  ...{ data: "mine", ways: 2, queries: 2, iterations: 2, engine: "onnxruntime:cpu", workers: 0 },
  validation: { every: 9, episodes: 1 },
};

async function trained(
  input: RunConfigInput,
  tasks: MetaDataset,
  more: { readonly out?: string; readonly resume?: boolean } = {},
): Promise<RunResult & { readonly told: string[] }> {
  const told: string[] = [];
  const config = completeConfig(input);
  const result = await runTraining({ config, tasks, onMessage: (message) => told.push(message), ...more });
  return { ...result, told };
}

describe("a run on data of a program", () => {
  it("says which model it has and how many classes a training task has, and its checkpoint knows both", async () => {
    const { header, told } = await trained({ ...short, model: { kind: "auto", filters: 4 } }, tasksOf([16, 2], 13));
    expect(header.config.model).toMatchObject({ kind: "conv1d", filters: 4, strides: [2, 1] });
    expect(header.config.trainingWays).toBe(7);
    expect(told).toEqual([
      expect.stringMatching(/^The model is conv1d \(.*filters 4.*\), chosen for windows of 16 samples of 2 channels$/),
      "Training tasks have 7 classes, all that there are to train on, and not 20",
    ]);
  });

  it("goes on with what was decided when it began", async () => {
    const out = `${temporaryFolder()}/run`;
    const tasks = tasksOf([6], 13);
    const first = await trained(short, tasks, { out });
    const { header, told } = await trained({ ...short, iterations: 3 }, tasks, { out, resume: true });
    expect(header.iteration).toBe(3);
    expect(header.config.model).toEqual(first.header.config.model);
    expect(told).toEqual([]);
  });

  it("has the model that is named, with strides that suit the size of pictures", async () => {
    const tasks = tasksOf([48, 48, 1], 8);
    const { header } = await trained({ ...short, model: { kind: "conv4", filters: 2 } }, tasks);
    expect(header.config.model).toMatchObject({ kind: "conv4", filters: 2, strides: [2, 2, 2, 2] });
  });
});

it("presets and characters keep the model that their figures were measured with", () => {
  expect(completeConfig({ data: "glyphs" }).model).toMatchObject({ kind: "conv4", strides: [2, 2, 2, 1] });
  for (const preset of ["quickstart", "omniglot-5way-1shot", "sinusoid-10shot"])
    expect(completeConfig({ preset }).model.kind).not.toBe("auto");
  expect(completeConfig({ data: "images:photos" })).toMatchObject({ model: { kind: "auto" }, trainingWays: 20 });
});
