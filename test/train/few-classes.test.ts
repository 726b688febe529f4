// Data with few classes, or few examples in them: what is needed is said at once, and what there is, is made do with.
import { join } from "node:path";
import { evaluateBundle, exportRun } from "@innerloop/measure";
import type { RunConfigInput } from "@innerloop/schemas";
import { completeConfig, openRun, openTasks, type RunResult, runTraining } from "@innerloop/train";
import { describe, expect, test } from "vitest";
import { classArrays, tens } from "../support/class-arrays.ts";
import { temporaryFolder } from "../support/folders.ts";

const folder = temporaryFolder("few-classes");
let files = 0;
const data = (examples: readonly number[]): string => classArrays(join(folder, `${files++}.safetensors`), examples);

/** A small and quick run. */
const small: RunConfigInput = {
  model: { kind: "mlp", hidden: [8] },
  iterations: 2,
  engine: "onnxruntime:cpu",
  workers: 0,
  shifts: null,
  validation: { every: 10, episodes: 4 },
};

interface Told {
  readonly run: RunResult;
  readonly notes: readonly string[];
}

async function trained(input: RunConfigInput, out?: string): Promise<Told> {
  const notes: string[] = [];
  const config = completeConfig({ ...small, ...input });
  const run = await runTraining({ config, ...(out ? { out } : {}), onMessage: (note) => notes.push(note) });
  return { run, notes };
}

describe("training", () => {
  test("says at once what there is, what is needed, and what would work", async () => {
    const spec = data(tens(6));
    await expect(trained({ data: spec, ways: 5 })).rejects.toMatchObject({
      code: "too-few-classes",
      exitStatus: 2,
      message: expect.stringMatching(
        /has 6 classes: 4 to train on, none for validation \(val\), 2 for test\. Tasks of 5 ways, 1 shots and 4 queries need 5 classes.*--ways 4.*--split train\).*--from drawings/s,
      ),
    });
    for (const works of [{ ways: 4 }, { split: ["train"] }] as RunConfigInput[])
      expect((await trained({ data: spec, ...works })).run.stopped).toBe(false);
  });

  test("validates with fewer ways where fewer classes are held back", async () => {
    const { run, notes } = await trained({ data: data(tens(12)) });
    expect(run.header.tasks?.heldBack?.classes).toBe(2);
    expect(notes).toContainEqual("Validation tells 2 classes apart, not 5: no more are held back for it");
  });

  test("validates on other episodes of the training classes where none are held back", async () => {
    const { run, notes } = await trained({ data: data(tens(12)), split: ["train", "test"] });
    expect(run.tasks.classCount("train")).toBe(10);
    expect(notes.join()).toContain("No classes are held back for validation");
  });

  test("has fewer queries where a class has few examples, and leaves out those that are too small", async () => {
    const { run, notes } = await trained({ data: data([...tens(12), 3, 1]), split: ["train"] });
    expect(run.tasks.classCount("train")).toBe(13);
    expect(notes).toContainEqual(
      "Classes with fewer examples than a task needs (1 example and a query) are left out: 13 (1)",
    );
    expect(notes.join("\n")).toContain('Training tasks have 2 queries a class, not 4: "12" has 3 examples');
  });
});

describe("a bundle of few classes", () => {
  test("is verified and evaluated on fewer ways, and never on classes that it was trained on", async () => {
    const spec = data(tens(12));
    const out = join(folder, "run");
    const { run } = await trained({ data: spec }, out);
    const bundle = join(folder, "bundle");
    const { training } = await exportRun(await openRun(out), bundle, { calibrate: false });
    expect(training?.split).toEqual(run.tasks.split);
    const trainedOn = (await openTasks(spec)).classCount("train");
    expect(trainedOn).toBe(8);
    // Twice as many classes would be split otherwise; those that were trained on stay where they were.
    classArrays(spec.slice("arrays:".length), tens(24));
    const notes: string[] = [];
    const evaluation = await evaluateBundle(bundle, { episodes: 3, queries: 5, onNote: (note) => notes.push(note) });
    const again = await openTasks(spec, { split: { as: training!.split! } });
    expect(again.classCount("train")).toBeGreaterThanOrEqual(8);
    expect(evaluation.ways).toBe(Math.min(5, again.classCount("test")));
    expect(notes.some((note) => note.startsWith("Episodes have"))).toBe(again.classCount("test") < 5);
  });

  test("that was trained on all of them has nothing to be evaluated on", async () => {
    const spec = data(tens(6));
    const { run } = await trained({ data: spec, split: ["train"] });
    const bundle = join(folder, "all");
    const manifest = await exportRun(run, bundle, { calibrate: false });
    expect(manifest.metrics).toBeUndefined();
    await expect(evaluateBundle(bundle, { episodes: 2 })).rejects.toMatchObject({
      code: "too-few-classes",
      exitStatus: 2,
      message: expect.stringContaining("6 are what is trained on"),
    });
  });
});
