// Training in mixed precision: refused where an engine has none, as good as float32 on a small task, and a loss scale that
// finds its place by itself.
import {
  completeConfig,
  type Episode,
  MetaTrainer,
  type MetaTrainerOptions,
  maml,
  mlp,
  runTraining,
  Sinusoid,
} from "@innerloop/train";
import { expect, it } from "vitest";
import { float16Engine } from "../support/float16.ts";

const learner = () => maml(mlp([1], 1, { hidden: [16] }), { task: "regression", innerRate: 0.01, steps: 2 });
const source = new Sinusoid();
const batch = (iteration: number): Episode[] =>
  Array.from({ length: 8 }, (_, i) =>
    source.episode("train", 1, iteration * 8 + i, { ways: 1, shots: 10, queries: 10 }),
  );
const create = (options: MetaTrainerOptions): Promise<MetaTrainer> =>
  MetaTrainer.create(learner(), { optimizer: { kind: "adam", rate: 0.01 }, engine: "onnxruntime:cpu", ...options });

it("refuses an engine that has no float16", async () => {
  await expect(create({ engine: "tfjs:cpu", precision: "float16" })).rejects.toMatchObject({
    code: "no-float16",
    exitStatus: 2,
    message: expect.stringMatching(
      /tfjs:cpu computes in float32 only; use --precision float32, or an engine with float16/,
    ),
  });
});

it("learns as float32 does", async () => {
  const [full, half] = await Promise.all([
    create({ clip: 10 }),
    create({ clip: 10, precision: "float16", engine: await float16Engine() }),
  ]);
  let [a, b] = [await full.step(batch(0)), await half.step(batch(0))];
  // The loss scale has to come down to where the first gradient fits.
  while (b.skipped) b = await half.step(batch(0));
  expect(Math.abs(b.loss / a.loss - 1)).toBeLessThan(0.01);
  expect(Math.abs(b.gradientNorm / a.gradientNorm - 1)).toBeLessThan(0.05);
  expect(b.gradientNorm).not.toBe(a.gradientNorm);
  const mean = { full: 0, half: 0 };
  for (let i = 1; i < 120; i++) {
    [a, b] = [await full.step(batch(i)), await half.step(batch(i))];
    if (i < 100) continue;
    mean.full += a.loss / 20;
    mean.half += b.loss / 20;
  }
  expect(Math.abs(mean.half / mean.full - 1)).toBeLessThan(0.1);
  await Promise.all([full.dispose(), half.dispose()]);
});

it("leaves out steps that do not fit, lowering the loss scale until they do", async () => {
  const said: string[] = [];
  const trainer = await create({
    precision: "float16",
    engine: await float16Engine(),
    onMessage: (message) => said.push(message),
  });
  const before = await trainer.weights();
  // Targets of such a size make the scaled derivative of the loss overflow.
  const far = batch(0);
  for (const { query } of far) for (let i = 0; i < query.y.data.length; i++) (query.y.data as Float32Array)[i] = 500;
  const skipped = await trainer.step(far);
  expect(skipped).toMatchObject({ skipped: true, step: 1 });
  expect(await trainer.weights()).toEqual(before);
  expect(said[0]).toMatch(/step 1 was left out.*loss scale is halved/);
  let report = skipped;
  while (report.skipped) report = await trainer.step(far);
  expect(report.step).toBeLessThan(12);
  expect(await trainer.weights()).not.toEqual(before);
  await trainer.dispose();
});

it("gives up where no scale helps, and keeps the weights", async () => {
  const trainer = await create({ precision: "float16" });
  const before = await trainer.weights();
  const broken = batch(0);
  (broken[0]!.query.y.data as Float32Array)[0] = Number.NaN;
  const steps = async () => {
    for (let i = 0; i < 40; i++) await trainer.step(broken);
  };
  await expect(steps()).rejects.toMatchObject({
    code: "diverged",
    message: expect.stringMatching(/--precision float32/),
  });
  expect(await trainer.weights()).toEqual(before);
  await trainer.dispose();
});

it.each([0, 2])("is a field of a run (%i worker threads)", async (workers) => {
  const config = completeConfig({
    preset: "sinusoid-10shot",
    model: { kind: "mlp", hidden: [8] },
    metaBatch: 3,
    iterations: 4,
    engine: "onnxruntime:cpu",
    workers,
    precision: "float16",
    validation: { every: 100, episodes: 2 },
  });
  const { header, weights } = await runTraining({ config });
  expect(header.config.precision).toBe("float16");
  expect(Object.values(weights).every(({ data }) => Array.from(data, Number).every(Number.isFinite))).toBe(true);
});
