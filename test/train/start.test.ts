// Training on from a bundle: it starts as the bundle is, is compared with that and with a start from nothing, and the best is kept;
// and folds, each of which holds back other classes.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { starterBundle } from "@innerloop/bundles";
import { exportRun } from "@innerloop/measure";
import { Learner } from "@innerloop/runtime";
import type { RunConfigInput } from "@innerloop/schemas";
import {
  buildLearner,
  completeConfig,
  completed,
  conv4,
  Glyphs,
  openReference,
  type RunResult,
  readCheckpoint,
  readStart,
  runTraining,
  settingsFrom,
} from "@innerloop/train";
import { beforeAll, describe, expect, test } from "vitest";
import { classArrays, tens } from "../support/class-arrays.ts";
import { temporaryFolder } from "../support/folders.ts";

const folder = temporaryFolder("start");
const quick: RunConfigInput = {
  iterations: 6,
  engine: "onnxruntime:cpu",
  workers: 0,
  shifts: null,
  validation: { every: 2, episodes: 6 },
};
const spec = classArrays(join(folder, "many.safetensors"), tens(20));
const bundle = join(folder, "bundle");
const learned = join(folder, "learned");

beforeAll(async () => {
  const model = { kind: "mlp", hidden: [8] };
  const run = (more: RunConfigInput) =>
    runTraining({ config: completeConfig({ ...quick, data: spec, model, ...more }) });
  await exportRun(await run({}), bundle, { calibrate: false });
  await exportRun(await run({ algorithm: "maml", head: "learned", ways: 3, trainingWays: 3 }), learned, {
    calibrate: false,
  });
});

/** Runs on from a bundle, with what it was told. */
async function on(from: string, input: RunConfigInput, out?: string, signal?: AbortSignal) {
  const notes: string[] = [];
  const config = completed(settingsFrom(await readStart(from), { ...quick, from, ...input }));
  const result: RunResult = await runTraining({
    config,
    ...(out ? { out, resume: existsSync(join(out, "checkpoint.safetensors")) } : {}),
    ...(signal ? { signal } : {}),
    onMessage: (note) => notes.push(note),
  });
  return { result, notes, config };
}

describe("a bundle as a start", () => {
  test("of a release that did not say its model has the one that gives its answers", async () => {
    const drawings = starterBundle("drawings");
    const { model, weights, manifest } = await readStart(drawings);
    expect(model).toMatchObject({ kind: "conv4", input: "polarity-free", strides: [2, 2, 2, 1] });
    const config = completed(settingsFrom(await readStart(drawings), {}));
    const learner = buildLearner(config, conv4([28, 28, 1], 5, model as object), "classification");
    const reference = await openReference(learner, weights, "onnxruntime:cpu");
    const device = await Learner.load(drawings, { provider: "cpu", task: "classification" });
    const { support, query } = new Glyphs().episode("test", 3, 0, { ways: 5, shots: 2, queries: 3 });
    const { steps } = manifest.innerLoop;
    const { logits } = await reference.answer(support, query, steps);
    const labels = Array.from(support.y.data, String);
    const personal = await device.adapt({ data: support.x.data as Float32Array, shape: support.x.shape, labels });
    const answers = await personal.predictBatch({ data: query.x.data as Float32Array, shape: query.x.shape });
    // The device has its classes in the order in which they came.
    const column = personal.labels.map(Number);
    for (const [i, answer] of answers.entries())
      answer.logits.forEach((value, j) => {
        expect(value).toBeCloseTo(Number(logits.data[i * 5 + column[j]!]), 2);
      });
    await reference.dispose();
    await device.dispose();
  });

  test("is what the run is before its first step, and the best of all starts is kept", async () => {
    const { result } = await on(bundle, { data: spec });
    const { comparison, header } = result;
    expect(Object.keys(comparison!.scores).sort()).toEqual(["asItIs", "fromNothing", "trainedOn"]);
    expect(header.history[0]).toMatchObject({ iteration: 0, score: comparison!.scores.asItIs!.mean });
    const scores = Object.values(comparison!.scores).map(({ mean }) => mean);
    expect(header.best!.score).toBe(Math.max(...scores));
  });

  test("is compared over folds where no classes are held back", async () => {
    const few = classArrays(join(folder, "few.safetensors"), tens(5));
    const { result, notes } = await on(bundle, { data: few, split: ["train"] }, join(folder, "few"));
    expect(result.comparison!.on).toContain("2 folds in turn");
    expect(result.comparison!.nearestNeighbour).toBeDefined();
    expect(notes.join("\n")).toContain("4 short runs");
  });

  test("is what a run goes on from that was stopped and is to be longer, whatever longer comparisons would say", async () => {
    const few = classArrays(join(folder, "settled.safetensors"), tens(5));
    const out = join(folder, "settled");
    const run = (iterations: number) => on(bundle, { data: few, split: ["train"], iterations, seed: 1 }, out);
    const lengths = () =>
      Promise.all(
        ["fold-1", "fold-2", "fold-1-from-nothing", "fold-2-from-nothing"].map(
          async (fold) => (await readCheckpoint(join(out, fold))).header.iteration,
        ),
      );
    const { result: first } = await run(12);
    expect(first.header.iteration).toBeGreaterThan(0);
    const before = await lengths();
    const { result: again } = await run(36);
    expect(again.header.iteration).toBeGreaterThan(first.header.iteration);
    expect(again.comparison).toEqual(first.comparison);
    expect(await lengths()).toEqual(before);
  });

  test("with a learned head of other ways begins that head anew, and says so", async () => {
    const { notes } = await on(learned, { data: spec, ways: 4, trainingWays: 4, compare: false });
    expect(notes).toContainEqual(expect.stringContaining("The head starts anew"));
  });

  test("of another model or of other examples is refused", async () => {
    const start = await readStart(bundle);
    expect(() => settingsFrom(start, { model: { hidden: [9] } })).toThrow(
      /has model.hidden \[8\], but \[9\] was given/,
    );
    const wider = classArrays(join(folder, "wider.safetensors"), tens(10), 7);
    await expect(on(bundle, { data: wider })).rejects.toMatchObject({ code: "bad-start", exitStatus: 2 });
  });
});

describe("folds", () => {
  const few = classArrays(join(folder, "folds.safetensors"), tens(8));
  const config = completeConfig({ ...quick, data: few, model: { kind: "mlp", hidden: [8] }, folds: 3, ways: 3 });

  test("hold back all classes in turn, and the run itself none; one that was stopped goes on", async () => {
    const out = join(folder, "folded");
    const stop = new AbortController();
    const onPart = (title?: string) => title?.startsWith("fold 2") && stop.abort();
    const stopped = await runTraining({ config, out, signal: stop.signal, onPart });
    expect(stopped.stopped).toBe(true);
    const { comparison, tasks, header } = await runTraining({ config, out, resume: true });
    expect(tasks.classCount("train")).toBe(8);
    expect(header.iteration).toBeGreaterThan(0);
    expect(comparison).toMatchObject({ best: "fromNothing", on: expect.stringContaining("3 folds in turn") });
    expect([1, 2, 3].every((fold) => existsSync(join(out, `fold-${fold}`, "checkpoint.safetensors")))).toBe(true);
  });

  test("are refused where they are too many", async () => {
    await expect(runTraining({ config: { ...config, folds: 5 } })).rejects.toMatchObject({ code: "bad-split" });
  });
});
