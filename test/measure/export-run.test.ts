// exportRun: a run becomes a bundle in one call, whatever its data came from.
import { join } from "node:path";
import { exportRun } from "@innerloop/measure";
import { Learner } from "@innerloop/runtime";
import { completeConfig, MetaDataset, random, runTraining } from "@innerloop/train";
import { expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";

const folder = temporaryFolder();

it("exports a run on a program's own data, and says what they were", async () => {
  const stream = random(1);
  const labels = Array.from({ length: 60 }, (_, i) => `gesture ${i % 12}`);
  const data = labels.map((_, i) =>
    Float32Array.from({ length: 6 }, (__, j) => Number(i % 12 === j) + stream.normal()),
  );
  const tasks = new MetaDataset(data, labels, {
    ways: 2,
    shots: 1,
    queries: 1,
    split: { val: 0.25 },
    name: "gestures",
  });
  const run = await runTraining({
    config: completeConfig({
      model: { kind: "mlp", hidden: [8] },
      algorithm: "prototypes",
      ways: 2,
      queries: 1,
      metaBatch: 2,
      iterations: 2,
      seed: 3,
      validation: { every: 10, episodes: 2 },
    }),
    tasks,
  });
  const out = join(folder, "bundles", "gestures");
  const manifest = await exportRun(run, out);
  expect(manifest).toMatchObject({ name: "gestures", task: "classification", input: { shape: [6] } });
  expect(manifest.input.preprocessing).toBeUndefined();
  expect(manifest.training).toMatchObject({
    data: "gestures",
    seed: 3,
    iterations: 2,
    tasksSeen: 4,
    ways: 2,
    shots: 1,
  });
  expect(manifest.verification.episodes).toBe(10);
  expect(manifest.verification.largestDifference).toBeLessThan(1e-4);
  // Of three held-back classes two are in an episode and one is outside; five examples of each allow one shot, not five.
  expect(manifest.confidence).toMatchObject({ ways: 2, shots: 1, episodes: 30, rejection: { falseAccepts: 0.05 } });
  const learner = await Learner.load(out);
  expect(learner.manifest).toEqual(manifest);
  await learner.dispose();
});
