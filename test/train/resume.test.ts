// Going on with a run: what may change and what may not, what a run knows of its data, and that a validation that was cut
// off is made up for.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { RunConfig, RunConfigInput, WindowPreprocessing } from "@innerloop/schemas";
import {
  completeConfig,
  type Episode,
  Glyphs,
  MetaDataset,
  MetaTrainer,
  maml,
  mlp,
  openImages,
  openRun,
  type RunOptions,
  random,
  readCheckpoint,
  runTraining,
} from "@innerloop/train";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop, writeImages } from "../support/innerloop.ts";

const folder = temporaryFolder("resume");
const place = (name: string) => join(folder, name);

const small: RunConfigInput = {
  data: "glyphs",
  model: { kind: "mlp", hidden: [4] },
  algorithm: "maml",
  head: "learned",
  steps: 1,
  ways: 3,
  shots: 1,
  queries: 2,
  metaBatch: 2,
  iterations: 4,
  workers: 0,
  engine: "onnxruntime:cpu",
  validation: { every: 2, episodes: 3 },
};
const configOf = (more: RunConfigInput = {}): RunConfig => completeConfig({ ...small, ...more });
const train = (out: string, more: RunConfigInput = {}, options: Partial<RunOptions> = {}) =>
  runTraining({ config: configOf(more), out: place(out), ...options });

beforeAll(async () => {
  await train("run");
});

describe("a run that goes on", () => {
  const refused: [string, RunConfigInput, string][] = [
    ["ways", { ways: 2, trainingWays: 3 }, "ways 3 in the run, 2 asked for"],
    ["shots", { shots: 2 }, "shots 1 in the run, 2 asked for"],
    ["queries", { queries: 3 }, "queries 2 in the run, 3 asked for"],
    ["steps", { steps: 2 }, "steps 1 in the run, 2 asked for"],
    ["steps after training", { testSteps: 3 }, "testSteps not set in the run, 3 asked for"],
    ["how steps are taken", { loop: "plain" }, 'loop not set in the run, "plain" asked for'],
    ["the seed", { seed: 7 }, "seed 0 in the run, 7 asked for"],
    [
      "episodes of a validation",
      { validation: { every: 2, episodes: 4 } },
      "validation.episodes 3 in the run, 4 asked for",
    ],
    ["the model", { model: { kind: "mlp", hidden: [5] } }, "model.hidden [4] in the run, [5] asked for"],
    ["the algorithm", { algorithm: "anil" }, 'algorithm "maml" in the run, "anil" asked for'],
    ["outputs of a learned head", { trainingWays: 5 }, "trainingWays 3 in the run, 5 asked for"],
    ["the optimizer", { optimizer: { kind: "sgd", rate: 0.1 } }, 'optimizer.kind "adam" in the run, "sgd" asked for'],
  ];

  it.each(refused)("may not change %s: both values are named, and nothing is changed", async (_, more, named) => {
    const before = await readCheckpoint(place("run"));
    await expect(train("run", more, { resume: true })).rejects.toMatchObject({
      code: "other-run",
      exitStatus: 2,
      message: expect.stringContaining(named),
    });
    expect(await readCheckpoint(place("run"))).toEqual(before);
  });

  it("may not change an inner rate that is not learned, and may change where one that is learned began", async () => {
    const fixed = configOf({ learnRates: false, innerRate: 0.1 });
    await runTraining({ config: fixed, out: place("fixed") });
    await expect(
      runTraining({ config: { ...fixed, innerRate: 0.2 }, out: place("fixed"), resume: true }),
    ).rejects.toThrow("innerRate 0.1 in the run, 0.2 asked for");
    expect((await train("run", { innerRate: 0.3 }, { resume: true })).stopped).toBe(false);
  });

  it("may take longer, at another rate, clipped and validated otherwise often; finished, it does nothing more", async () => {
    const { header: before } = await readCheckpoint(place("run"));
    await train("run", {}, { resume: true });
    expect((await readCheckpoint(place("run"))).header.history).toEqual(before.history);
    const more = { iterations: 6, optimizer: { rate: 1e-4 }, clip: 1, validation: { every: 3, episodes: 3 } };
    const { header } = await train("run", more, { resume: true });
    expect(header.history.map(({ iteration }) => iteration)).toEqual([2, 4, 6]);
  });

  it("may not go on with other data, were they named alike or not", async () => {
    const other = (tasks: RunOptions["tasks"]) =>
      train("run", { iterations: 8 }, { resume: true, ...(tasks && { tasks }) });
    const { inputShape, preprocessing } = new Glyphs();
    const stream = random(1);
    const digits = (name: string, size: number, like = {}) =>
      new MetaDataset(
        Array.from({ length: 40 }, () => Float32Array.from({ length: size }, stream.normal)),
        Array.from({ length: 40 }, (_, i) => i % 8),
        { ways: 3, shots: 1, queries: 2, split: { val: 0.5 }, name, ...like },
      );
    await expect(other(digits("mine", 9))).rejects.toThrow(
      "glyphs was a classification of examples [28,28,1], and mine is a classification of examples [9]",
    );
    await expect(other(digits("glyphs", 784, { inputShape, preprocessing }))).rejects.toThrow(
      /classes that glyphs held back are not the 4/,
    );
    expect((await other(new Glyphs())).header.iteration).toBe(8);
  });

  it("and stops twice before its first validation keeps the weights of the last time, not of the first", async () => {
    const rare = { iterations: 6, validation: { every: 100, episodes: 3 } };
    for (const last of [2, 4]) {
      const stop = new AbortController();
      const stopping = {
        signal: stop.signal,
        onProgress: ({ iteration }: { iteration: number }) => iteration >= last && stop.abort(),
      };
      expect((await train("twice", rare, { ...stopping, resume: last > 2 })).stopped).toBe(true);
      const { header, tensors, best } = await readCheckpoint(place("twice"));
      expect([header.iteration, header.best]).toEqual([last, null]);
      for (const { name } of header.parameters) expect(best[name], name).toEqual(tensors[name]);
    }
  });

  it("is written by one of two in the same process", async () => {
    const outcomes = await Promise.allSettled(
      [20, 21].map((iterations) => train("run", { iterations }, { resume: true })),
    );
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const failed = outcomes.find(({ status }) => status === "rejected") as PromiseRejectedResult;
    expect(failed.reason).toMatchObject({ code: "run-in-use", exitStatus: 1 });
    expect(failed.reason.message).toContain(`process ${process.pid}`);
  });
});

describe("a validation", () => {
  it("shows how far it is, and one that is stopped is made up for: the run is as if it had never stopped", async () => {
    const seen: number[] = [];
    await train(
      "straight",
      {},
      { onValidating: ({ iteration, done, episodes }) => seen.push(iteration, done, episodes) },
    );
    expect(seen).toEqual([2, 1, 3, 2, 2, 3, 2, 3, 3, 4, 1, 3, 4, 2, 3, 4, 3, 3]);
    for (const at of [2, 4]) {
      const stop = new AbortController();
      const stopped = await train(
        `stopped-${at}`,
        {},
        {
          signal: stop.signal,
          onValidating: ({ iteration, done }) => {
            if (iteration === at && done === 1) stop.abort();
          },
        },
      );
      expect([stopped.stopped, stopped.header.iteration]).toEqual([true, at]);
      expect(stopped.header.history.map(({ iteration }) => iteration)).toEqual(at === 2 ? [] : [2]);
      await train(`stopped-${at}`, {}, { resume: true });
      const [a, b] = [await readCheckpoint(place("straight")), await readCheckpoint(place(`stopped-${at}`))];
      expect(b.tensors).toEqual(a.tensors);
      expect(b.best).toEqual(a.best);
      const scores = ({ header }: typeof a) =>
        header.history.map(({ iteration, loss, score }) => [iteration, loss, score]);
      expect(scores(b)).toEqual(scores(a));
    }
  });

  it.each([0, 2])(
    "scores the classes of a task alone, whatever a head of more outputs prefers (%i threads)",
    async (workers) => {
      const outputs = 6;
      const trainer = await MetaTrainer.create(maml(mlp([28, 28, 1], outputs, { hidden: [4] })), {
        engine: "onnxruntime:cpu",
        workers,
      });
      // A net that has collapsed: it answers with an output that no class of these tasks has, whatever it sees.
      const weights = Object.entries(await trainer.weights()).map(([name, tensor]) => {
        const data = new Float32Array(tensor.data.length);
        if (name === "head.bias") data[outputs - 1] = 9;
        return [name, { ...tensor, data }] as const;
      });
      trainer.restore({ steps: 0, tensors: Object.fromEntries(weights) });
      const tasks = new Glyphs();
      const episodes: Episode[] = [0, 1].map((i) => tasks.episode("val", 1, i, { ways: 3, shots: 1, queries: 2 }));
      for (const { accuracy, loss, predictions } of await trainer.evaluate(episodes, { steps: 0 })) {
        expect(accuracy).toBeCloseTo(1 / 3, 6);
        expect(loss).toBeCloseTo(Math.log(3), 5);
        expect(predictions.shape).toEqual([6, 3]);
      }
      await trainer.dispose();
    },
  );
});

describe("a run from code", () => {
  const preprocessing: WindowPreprocessing = { kind: "window", length: 20, channels: 1, rate: 100, mean: 0, std: 0.5 };
  const stream = random(3);
  const sounds = new MetaDataset(
    Array.from({ length: 60 }, (_, i) => ({
      data: Float32Array.from({ length: 30 }, (__, t) => Math.sin(t * (1 + (i % 12))) + 0.1 * stream.normal()),
      rate: 100,
    })),
    Array.from({ length: 60 }, (_, i) => `sound ${i % 12}`),
    { ways: 3, shots: 1, queries: 3, split: { val: 0.4 }, name: "sounds", preprocessing },
  );
  const options = ["--json"];

  it("is exported without the program that has its data, with its preprocessing", async () => {
    await train("sounds", { data: "sounds", queries: 3 }, { tasks: sounds });
    const exported = await innerloop(["export", place("sounds"), ...options], { cwd: folder });
    expect(exported.status, exported.stderr).toBe(0);
    const { manifest } = JSON.parse(exported.stdout);
    expect(manifest.input).toEqual({ shape: [20, 1], dtype: "float32", preprocessing });
    expect(manifest.verification).toMatchObject({ episodes: 10 });
    expect(manifest.training).toMatchObject({ data: "sounds" });
    expect(manifest.confidence).toBeUndefined();
    const { tasks } = await openRun(place("sounds"));
    const kept = tasks.episode("val", 0, 9, { ways: 3, shots: 1, queries: 3 });
    expect(kept.support).toEqual(sounds.episode("val", 3, 9, { ways: 3, shots: 1, queries: 3 }).support);
  });

  it("goes on in that program alone, and the command says so", async () => {
    const call = ["train", "--resume", "--out", place("sounds"), "--iterations", "6"];
    const { status, stderr } = await innerloop(call, { cwd: folder });
    expect([status, stderr]).toEqual([2, expect.stringMatching(/"sounds" were given by a program.*runTraining/)]);
    const { header } = await train(
      "sounds",
      { data: "sounds", queries: 3, iterations: 6 },
      { tasks: sounds, resume: true },
    );
    expect(header.iteration).toBe(6);
  });

  it("on a folder of images remembers how it read them, for export and for going on, where they moved to as well", async () => {
    await writeImages(place("images"), 16, 6);
    const look = { width: 14, height: 10, channels: 3, invert: true, mean: 0.5, std: 0.25 } as const;
    const spec = `images:${place("images")}`;
    const tasks = await openImages(place("images"), { preprocessing: look });
    await train("seen", { data: spec, ways: 2, queries: 3 }, { tasks });
    const exported = await innerloop(["export", place("seen"), "--no-calibrate", ...options], { cwd: folder });
    expect(exported.status, exported.stderr).toBe(0);
    expect(JSON.parse(exported.stdout).manifest.input).toEqual({
      shape: [10, 14, 3],
      dtype: "float32",
      preprocessing: { kind: "image", ...look },
      content: { extent: expect.any(Number), ground: 0 },
    });
    mkdirSync(place("elsewhere"));
    await writeImages(place("elsewhere"), 16, 6);
    for (const [data, iterations] of [
      [[], 6],
      [["--data", `images:${place("elsewhere")}`], 8],
    ] as const) {
      const call = ["train", "--resume", "--out", place("seen"), "--iterations", String(iterations), ...data];
      const { status, stderr } = await innerloop(call, { cwd: folder });
      expect(status, stderr).toBe(0);
    }
    await writeImages(place("more"), 40, 6);
    const more = [
      "train",
      "--resume",
      "--out",
      place("seen"),
      "--iterations",
      "9",
      "--data",
      `images:${place("more")}`,
    ];
    const { status, stderr } = await innerloop(more, { cwd: folder });
    expect([status, stderr]).toEqual([2, expect.stringMatching(/held back are not the \d+ that .*more holds back/)]);
  });
});

it("a run that fails for any reason saves what it has learned", async () => {
  let steps = 0;
  const onProgress = () => {
    if (++steps === 3) throw new Error("the listener fell over");
  };
  await expect(train("fallen", {}, { onProgress })).rejects.toThrow("the listener fell over");
  expect((await readCheckpoint(place("fallen"))).header.iteration).toBe(3);
  expect((await train("fallen", {}, { resume: true })).header.iteration).toBe(4);
  await expect(train("unbegun", { data: "images:nowhere" })).rejects.toMatchObject({ code: "data-missing" });
  expect(existsSync(place("unbegun"))).toBe(false);
});
