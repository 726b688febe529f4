// Runs: they end whether or not somebody listens, one seed gives one result to the bit, and both ways of running a batch of
// tasks compute the same.

import type { Learner } from "@innerloop/graph";
import type { RunConfigInput, Tensor } from "@innerloop/schemas";
import {
  completeConfig,
  conv4,
  Glyphs,
  MetaTrainer,
  maml,
  mlp,
  type RunResult,
  runTraining,
  Sinusoid,
  type TaskSource,
} from "@innerloop/train";
import { describe, expect, it } from "vitest";

const validation = { every: 100, episodes: 2 };

/** Sinusoids, for a model that runs as one graph. */
const wave: RunConfigInput = {
  preset: "sinusoid-10shot",
  model: { kind: "mlp", hidden: [8] },
  metaBatch: 3,
  iterations: 6,
  workers: 0,
  validation,
};

/** Characters, over threads. */
const characters: RunConfigInput = {
  preset: "quickstart",
  algorithm: "maml",
  model: { filters: 32 },
  steps: 2,
  metaBatch: 3,
  queries: 2,
  iterations: 3,
  workers: 2,
  validation,
};

const train = (input: RunConfigInput, seed: number): Promise<RunResult> =>
  runTraining({ config: completeConfig({ ...input, engine: "onnxruntime:cpu", seed }) });

const numbers = (tensors: Readonly<Record<string, Tensor>>): Record<string, number[]> =>
  Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, Array.from(data, Number)]));

describe.each([
  ["all tasks in one graph", wave],
  ["worker threads", characters],
])("a run: %s", (_, input) => {
  it("ends without anybody listening, and has moved its weights", async () => {
    const { header, stopped, weights, learner } = await train(input, 1);
    expect([header.iteration, stopped]).toEqual([input.iterations, false]);
    const trainer = await MetaTrainer.create(learner, { seed: 1 });
    const start = numbers(await trainer.weights());
    await trainer.dispose();
    const end = numbers(weights);
    expect(Object.keys(end).sort()).toEqual(Object.keys(start).sort());
    for (const [name, values] of Object.entries(end)) {
      expect(values.every(Number.isFinite), name).toBe(true);
      expect(values, name).not.toEqual(start[name]);
    }
  });

  it("gives the same weights for the same seed, to the bit, and others for another", async () => {
    const [first, again, other] = [await train(input, 1), await train(input, 1), await train(input, 2)];
    expect(numbers(again.weights)).toEqual(numbers(first.weights));
    expect(again.header.history.map(({ loss }) => loss)).toEqual(first.header.history.map(({ loss }) => loss));
    expect(numbers(other.weights)).not.toEqual(numbers(first.weights));
  });
});

const cases: [string, string, () => Learner, TaskSource, { ways: number; shots: number; queries: number }][] = [
  [
    "mlp",
    "2 worker threads, each with its share of the batch in one graph",
    () => maml(mlp([1], 1, { hidden: [8] }), { task: "regression", innerRate: 0.01 }),
    new Sinusoid(),
    { ways: 1, shots: 5, queries: 5 },
  ],
  [
    "conv4",
    "2 worker threads, one task at a time",
    () => maml(conv4([28, 28, 1], 3, { filters: 32 }), { steps: 2, learnRates: true, innerRate: 0.1 }),
    new Glyphs(),
    { ways: 3, shots: 1, queries: 2 },
  ],
];

it.each(cases)(
  "%s: one graph and worker threads agree to rounding on the same batches",
  async (_, strategy, learner, tasks, shape) => {
    const optimizer = { kind: "sgd", rate: 0.01 } as const;
    const [together, apart] = await Promise.all(
      [0, 2].map((workers) =>
        MetaTrainer.create(learner(), { engine: "onnxruntime:cpu", workers, optimizer, clip: 10 }),
      ),
    );
    expect([together!.strategy, apart!.strategy]).toEqual(["all tasks of a batch in one graph", strategy]);
    for (let iteration = 0; iteration < 2; iteration++) {
      const batch = [0, 1, 2].map((i) => tasks.episode("train", 1, 3 * iteration + i, shape));
      const [a, b] = [await together!.step(batch), await apart!.step(batch)];
      expect(b.loss).toBeCloseTo(a.loss, 5);
      expect(b.accuracy).toBeCloseTo(a.accuracy, 5);
      expect(b.gradientNorm / a.gradientNorm).toBeCloseTo(1, 4);
    }
    const [ours, theirs] = [numbers(await together!.weights()), numbers(await apart!.weights())];
    for (const [name, values] of Object.entries(ours)) {
      const largest = Math.max(...values.map(Math.abs));
      const apartBy = Math.max(...values.map((value, i) => Math.abs(value - theirs[name]![i]!)));
      expect(apartBy / largest, name).toBeLessThan(1e-5);
    }
    await Promise.all([together!.dispose(), apart!.dispose()]);
  },
);
