// What a run does when a device's memory is too small or the device goes away, and what it may do while steps are queued.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunConfigInput, Tensor } from "@innerloop/schemas";
import {
  completeConfig,
  type Episode,
  MetaTrainer,
  type MetaTrainerOptions,
  maml,
  mlp,
  readCheckpoint,
  runTraining,
  Sinusoid,
} from "@innerloop/train";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fakeDevice } from "./fake-device.ts";

const learner = () => maml(mlp([1], 1, { hidden: [8] }), { task: "regression", innerRate: 0.01, steps: 2 });
const source = new Sinusoid();
const shape = { ways: 1, shots: 5, queries: 5 };
const batch = (iteration: number, size: number): Episode[] =>
  Array.from({ length: size }, (_, i) => source.episode("train", 1, iteration * size + i, shape));

const numbers = (tensors: Readonly<Record<string, Tensor>>): Record<string, number[]> =>
  Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, Array.from(data, Number)]));

/** The weights and the losses of some steps. */
async function trained(options: MetaTrainerOptions, size: number, steps = 3) {
  const trainer = await MetaTrainer.create(learner(), { clip: 10, optimizer: { kind: "sgd", rate: 0.01 }, ...options });
  const reports = [];
  for (let i = 0; i < steps; i++) reports.push(await trainer.step(batch(i, size)));
  const weights = numbers(await trainer.weights());
  await trainer.dispose();
  return { reports, weights };
}

function expectClose(ours: Record<string, number[]>, theirs: Record<string, number[]>, tolerance = 1e-5): void {
  for (const [name, values] of Object.entries(theirs)) {
    const largest = Math.max(...values.map(Math.abs));
    const apart = Math.max(...values.map((value, i) => Math.abs(value - ours[name]![i]!)));
    expect(apart / largest, name).toBeLessThan(tolerance);
  }
}

describe("a device whose memory is too small for the batch", () => {
  it.each([
    ["a run says so", false, false],
    ["reading says so, on a device that queues", true, true],
  ])("runs it in parts, with the same result, and remembers (%s)", async (_, late, queues) => {
    const whole = await trained({ engine: "onnxruntime:cpu", workers: 0 }, 7);
    const { engine, ran } = await fakeDevice({ memory: 3, late, queues });
    const said: string[] = [];
    const parts = await trained({ engine, onMessage: (message) => said.push(message) }, 7);
    expectClose(parts.weights, whole.weights);
    parts.reports.forEach((report, i) => {
      expect(report.loss).toBeCloseTo(whole.reports[i]!.loss, 5);
      expect(report.gradientNorm / whole.reports[i]!.gradientNorm).toBeCloseTo(1, 4);
    });
    // 7 do not fit, then 4 do not; 2 + 2 + 2 + 1 do, and larger parts are not tried again.
    expect(ran).toEqual([2, 2, 2, 1, 2, 2, 2, 1, 2, 2, 2, 1]);
    expect(parts.reports.map((report) => report.parts)).toEqual([4, 4, 4]);
    expect(said).toEqual([
      "7 tasks at once do not fit into the memory of fake:gpu; the batch of 7 goes on in 2 parts of up to 4, with the same result up to rounding.",
      "4 tasks at once do not fit into the memory of fake:gpu; the batch of 7 goes on in 4 parts of up to 2, with the same result up to rounding.",
    ]);
  });

  it("says what to lower where not even one task fits", async () => {
    const { engine } = await fakeDevice({ memory: 0 });
    await expect(trained({ engine }, 4)).rejects.toMatchObject({
      code: "out-of-memory",
      message: expect.stringMatching(/One task of 5 support and 5 query examples.*fake:gpu.*lower --queries/),
    });
  });
});

describe("a device that queues", () => {
  const options = { optimizer: { kind: "adam", rate: 0.01 } } as const;

  it("gives the same as one that does not, and is read after the next step is there", async () => {
    const { engine, log } = await fakeDevice({ queues: true });
    const trainer = await MetaTrainer.create(learner(), { ...options, engine });
    expect(trainer.defers).toBe(true);
    let pending = await trainer.submit(batch(0, 4));
    const losses = [];
    for (let i = 1; i < 4; i++) {
      const next = await trainer.submit(batch(i, 4));
      losses.push((await pending.report()).loss);
      pending = next;
    }
    losses.push((await pending.report()).loss);
    const weights = numbers(await trainer.weights());
    await trainer.dispose();
    // The first run of a program is read at once, to see that it fits the memory.
    expect(log.join(" ")).toMatch(/^run read run read read read run read read read run /);

    const plain = await MetaTrainer.create(learner(), { ...options, engine: "onnxruntime:cpu", workers: 0 });
    const expected = [];
    for (let i = 0; i < 4; i++) expected.push((await plain.step(batch(i, 4))).loss);
    expect(losses).toEqual(expected);
    expectClose(weights, numbers(await plain.weights()), 1e-6);
    await plain.dispose();
  });

  it("keeps the weights from before a step that diverged, although the next one was submitted already", async () => {
    const { engine } = await fakeDevice({ queues: true });
    const trainer = await MetaTrainer.create(learner(), { ...options, engine });
    await trainer.step(batch(0, 4));
    const before = await trainer.save();
    const broken = batch(1, 4);
    (broken[2]!.query.y.data as Float32Array)[0] = Number.NaN;
    const step = await trainer.submit(broken);
    const after = await trainer.submit(batch(2, 4));
    await expect(step.report()).rejects.toMatchObject({ code: "diverged" });
    await after.report().catch(() => {});
    expect(trainer.steps).toBe(1);
    expect(numbers((await trainer.save()).tensors)).toEqual(numbers(before.tensors));
    await trainer.step(batch(3, 4));
    expect(numbers((await trainer.save()).tensors)).not.toEqual(numbers(before.tensors));
    await trainer.dispose();
  });
});

describe("a device that is lost in the middle of a run", () => {
  const config: RunConfigInput = {
    preset: "sinusoid-10shot",
    model: { kind: "mlp", hidden: [8] },
    optimizer: { kind: "sgd", rate: 0.01 },
    metaBatch: 3,
    iterations: 12,
    workers: 0,
    validation: { every: 4, episodes: 2 },
  };
  let out: string;
  beforeEach(async () => {
    out = join(await mkdtemp(join(tmpdir(), "innerloop-lost-")), "run");
  });
  afterEach(() => rm(join(out, ".."), { recursive: true }));

  const straight = async () => {
    const complete = completeConfig({ ...config, engine: "onnxruntime:cpu" });
    return runTraining({ config: complete });
  };

  it("ends the run with a whole checkpoint, from which it goes on as if nothing had been", async () => {
    const { engine } = await fakeDevice({ steps: 7, queues: true });
    const complete = completeConfig(config);
    await expect(runTraining({ config: complete, out, engine })).rejects.toMatchObject({
      code: "device-lost",
      exitStatus: 1,
      message: expect.stringMatching(
        /fake:gpu.*the cable was pulled.*checkpoint of iteration 0.*--resume --out.*fallback/,
      ),
    });
    expect((await readCheckpoint(out)).header.iteration).toBe(0);
    const resumed = await runTraining({ config: { ...complete, engine: "onnxruntime:cpu" }, out, resume: true });
    expect(resumed.header.iteration).toBe(12);
    expectClose(numbers(resumed.weights), numbers((await straight()).weights));
  });

  it("goes on with the next engine that works where that is asked for, and says so", async () => {
    const { engine } = await fakeDevice({ steps: 7, queues: true });
    const said: string[] = [];
    const { header, weights } = await runTraining({
      config: completeConfig({ ...config, onDeviceLost: "fallback" }),
      out,
      engine,
      onMessage: (message) => said.push(message),
    });
    expect(header.iteration).toBe(12);
    expect(header.history.map(({ iteration }) => iteration)).toEqual([4, 8, 12]);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(
      /fake:gpu lost its device in iteration \d+ \(the cable was pulled\); the run goes on from iteration \d+ with (native|onnxruntime:cpu)/,
    );
    expectClose(numbers(weights), numbers((await straight()).weights));
  });
});
