// The promise of the guarded loop, for every kind of learner: whatever the data, labels, steps and rate, what comes out has
// no higher loss on the examples than what went in. In training's own graph, in the exported file, and in the runtime.
// INNERLOOP_RANDOM_ADAPTATIONS says how many adaptations are tried in the exported files, over all learners.
import { buildBundle } from "@innerloop/export";
import type { Learner } from "@innerloop/graph";
import { Learner as BundledLearner } from "@innerloop/runtime";
import { openSession } from "@innerloop/runtime/session";
import { sizeOf, type Tensor } from "@innerloop/schemas";
import { anil, conv4, maml, mlp, type Random, random } from "@innerloop/train";
import { describe, expect, test } from "vitest";
import { learners, randomWeights, unrolled } from "./learners.ts";

const guarded = Object.entries(learners)
  .map(([name, build]) => [name, build()] as const)
  .filter(([, { loop }]) => loop === "guarded");
const rounds = Math.ceil(Number(process.env.INNERLOOP_RANDOM_ADAPTATIONS ?? 360) / guarded.length);

interface Trial {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly steps: number;
  readonly rate: number;
}

const between = (stream: Random, low: number, high: number) => low + (high - low) * stream.uniform();
const whole = (stream: Random, low: number, high: number) => Math.floor(between(stream, low, high + 1));

/** Data of any scale, place and number, some of it constant or twice there; labels that are right, wrong or at odds. */
function randomTrial({ inputShape, outputs, task }: Learner, stream: Random): Trial {
  const size = sizeOf(inputShape);
  const ways = whole(stream, 2, Math.min(outputs ?? 6, 6));
  const n = whole(stream, ways, 4 * ways);
  const [scale, place] = [10 ** between(stream, -4, 4), between(stream, -1, 1) * 10 ** between(stream, -2, 3)];
  const data = new Float32Array(n * size);
  for (let i = 0; i < n; i++) {
    const kind = stream.uniform();
    for (let k = 0; k < size; k++)
      data[i * size + k] =
        kind < 0.1 ? place : kind < 0.2 && i > 0 ? data[(i - 1) * size + k]! : place + scale * stream.normal();
  }
  const y: Tensor =
    task === "regression"
      ? {
          dtype: "float32",
          shape: [n, outputs!],
          data: new Float32Array(n * outputs!).map(() => 10 ** between(stream, -2, 2) * stream.normal()),
        }
      : {
          dtype: "int32",
          shape: [n],
          // Every class has an example; the rest is as it comes.
          data: Int32Array.from({ length: n }, (_, i) => (i < ways ? i : whole(stream, 0, ways - 1))),
        };
  return {
    x: { dtype: "float32", shape: [n, ...inputShape], data },
    y,
    steps: whole(stream, 0, 25),
    rate: 10 ** between(stream, -3, 3),
  };
}

/** The loss of answers, each class weighing the same. */
function lossOf(task: Learner["task"], answers: Tensor, y: Tensor): number {
  const width = answers.shape[1]!;
  const rows = Array.from({ length: answers.shape[0]! }, (_, i) =>
    Array.from(answers.data.slice(i * width, (i + 1) * width) as Float32Array, Number),
  );
  if (task === "regression") {
    const errors = rows.flatMap((row, i) => row.map((value, k) => (value - Number(y.data[i * width + k])) ** 2));
    return errors.reduce((sum, it) => sum + it, 0) / errors.length;
  }
  const labels = Array.from(y.data as Int32Array);
  const classes = [...new Set(labels)];
  return (
    classes.reduce((sum, label) => {
      const own = labels.flatMap((it, i) => (it === label ? [i] : []));
      const losses = own.map((i) => {
        const row = rows[i]!.slice(0, classes.length);
        const highest = Math.max(...row);
        return highest + Math.log(row.reduce((total, it) => total + Math.exp(it - highest), 0)) - row[label]!;
      });
      return sum + losses.reduce((total, it) => total + it, 0) / own.length;
    }, 0) / classes.length
  );
}

describe.each(guarded)("%s", (name, learner) => {
  const weights = randomWeights(learner);

  test("in the exported file", { timeout: 60_000 + 1000 * rounds }, async () => {
    const { files } = buildBundle(learner, weights);
    const adapt = await openSession(files["adapt.onnx"]!, { provider: "cpu" });
    const predict = await openSession(files["predict.onnx"]!, { provider: "cpu" });
    const stream = random(7, name.length);
    const seen = { refused: 0, lowered: 0 };
    for (let round = 0; round < rounds; round++) {
      const trial = randomTrial(learner, stream);
      const run = async (steps: number) => {
        const feeds = { support_x: trial.x, support_y: trial.y, rate: scalar(trial.rate) };
        const results = await adapt.run({
          ...feeds,
          steps: { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(steps)) },
        });
        const state = Object.entries(results).flatMap(([key, value]) =>
          key.startsWith("adapted/") ? [[key.slice(8), value] as const] : [],
        );
        const { logits } = await predict.run({ query_x: trial.x, ...Object.fromEntries(state) });
        return { results, loss: lossOf(learner.task, logits!, trial.y) };
      };
      const { results, loss } = await run(trial.steps);
      const losses = Array.from(results.support_loss!.data as Float32Array);
      const said = `round ${round}, ${trial.steps} steps at ${trial.rate}: ${losses}`;
      expect(losses, said).toHaveLength(trial.steps + 1);
      if (!Number.isFinite(losses[0])) continue;
      expect(Math.max(...losses), said).toBe(losses[0]);
      const { loss: before } = await run(0);
      // float32 says both only so exactly.
      expect(loss, said).toBeLessThanOrEqual(before + 1e-4 * Math.max(1, before));
      const [kept, refused] = [Number(results.kept_step!.data[0]), Number(results.refused_steps!.data[0])];
      expect(Math.max(kept, refused), said).toBeLessThanOrEqual(trial.steps);
      expect(results.rate_scale!.data[0]).toBe(Math.fround(0.25 ** refused));
      if (kept === 0) expect(loss, said).toBe(before);
      seen.refused += refused;
      seen.lowered += Number(losses.at(-1)! < losses[0]!);
    }
    expect(seen.lowered).toBeGreaterThan(0);
    await Promise.all([adapt.dispose(), predict.dispose()]);
  });

  test("in training's graph", { timeout: 60_000 }, async () => {
    const stream = random(8, name.length);
    for (let round = 0; round < 2; round++) {
      const { x, y } = randomTrial(learner, stream);
      const { supportLoss } = await unrolled(learner, weights)({ x, y }, { x, y }, 3);
      const losses = supportLoss as readonly number[];
      if (Number.isFinite(losses[0])) expect(Math.max(...losses)).toBe(losses[0]);
    }
  });
});

const scalar = (value: number): Tensor => ({ dtype: "float32", shape: [], data: Float32Array.of(value) });

describe("in the runtime", () => {
  const filesOf = (learner: Learner) => {
    const { manifest, files } = buildBundle(learner, randomWeights(learner));
    return { ...files, "manifest.json": new TextEncoder().encode(JSON.stringify(manifest)) };
  };
  const head = () =>
    anil(conv4([12, 12, 1], 5, { filters: 8 }), { head: "prototypes", innerRate: 0.5, learnRates: true });
  const body = () => maml(conv4([12, 12, 1], 5, { filters: 8 }), { innerRate: 4, steps: 3 });

  /** Far from what any net was trained on. */
  const examples = (seed: number) => {
    const stream = random(9, seed);
    return Array.from({ length: 12 }, (_, i) => ({
      label: ["a", "b", "c"][i % 3]!,
      data: Float32Array.from({ length: 144 }, () => 50 + 20 * stream.normal() + (i % 3)),
    }));
  };

  test.each([
    ["a head", head],
    ["a whole net", body],
  ])("of %s: what was kept and taken back is told, is saved, and is the same in strides", async (_, build) => {
    const learner = await BundledLearner.load({ files: filesOf(build()) }, { provider: "cpu" });
    for (const seed of [1, 2, 3]) {
      const mine = await learner.adapt(examples(seed), { steps: 12, rate: 30 });
      expect(Math.max(...mine.supportLoss)).toBe(mine.supportLoss[0]);
      const { kept, refused } = mine.adaptation!;
      expect(mine.adaptation).toEqual({ steps: 12, kept: expect.any(Number), refused: expect.any(Number) });
      const told: number[] = [];
      const watched = await learner.adapt(examples(seed), {
        steps: 12,
        rate: 30,
        onProgress: ({ loss }) => told.push(loss),
      });
      expect(watched.adaptation).toEqual({ steps: 12, kept, refused });
      expect(told).toEqual(mine.supportLoss.map((loss) => expect.closeTo(loss, 3)));
      const again = await learner.restore(await mine.toBytes());
      expect(again.adaptation).toEqual(mine.adaptation);
    }
    await learner.dispose();
  });

  test("many steps of a whole net give way in between, and can be stopped", async () => {
    const learner = await BundledLearner.load({ files: filesOf(body()) }, { provider: "cpu" });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 5);
    const stopped = learner.adapt(examples(1), { steps: 1000, signal: stop.signal });
    await expect(stopped).rejects.toMatchObject({ code: "aborted" });
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    const mine = await learner.adapt(examples(1), { steps: 1000 });
    clearInterval(ticking);
    expect(mine.supportLoss).toHaveLength(1001);
    expect(turns).toBeGreaterThan(2);
    await learner.dispose();
  });

  test.each([
    [{ steps: 1001 }, /steps 1001 was given; a whole number from 0 to 1000/],
    [{ steps: 1e6 }, /from 0 to 1000, or "auto"/],
    [{ steps: 2.5 }, /steps 2.5/],
    [{ rate: 1001 }, /rate 1001 was given.*from 0 to 1000/],
    [{ rate: Number.POSITIVE_INFINITY }, /rate Infinity/],
    [{ steps: "auto", rate: 2 }, /which chooses the rate as well/],
  ] as const)("%j is refused", async (options, message) => {
    const learner = await BundledLearner.load({ files: filesOf(head()) }, { provider: "cpu" });
    await expect(learner.adapt(examples(1), options)).rejects.toMatchObject({
      code: "bad-option",
      message: expect.stringMatching(message),
    });
    await learner.dispose();
  });

  test("the same example under two labels is taken as it is, and lies between them", async () => {
    const learner = await BundledLearner.load({ files: filesOf(head()) }, { provider: "cpu" });
    const given = examples(4);
    const [data, other] = [given[0]!.data, given[1]!.data];
    const mine = await learner.adapt([
      { label: "a", data },
      { label: "b", data },
      { label: "c", data: other },
    ]);
    expect(Math.max(...mine.supportLoss)).toBe(mine.supportLoss[0]);
    const { probabilities } = await mine.predict(data);
    expect(probabilities.a).toBeCloseTo(probabilities.b!, 5);
    expect(probabilities.a).toBeGreaterThan(probabilities.c!);
    await learner.dispose();
  });

  test("values that the net makes no numbers of: an error, and nothing is changed", async () => {
    const learner = await BundledLearner.load(
      { files: filesOf(maml(mlp([1], 1, { hidden: [8] }), { task: "regression" })) },
      { provider: "cpu", task: "regression" },
    );
    const points = (...values: number[]) => ({ data: values, shape: [values.length, 1] });
    const mine = await learner.adapt({ x: points(0, 1), y: points(1, 2) });
    const before = await mine.predict([0.5]);
    const huge = mine.add({ x: points(3e38), y: points(1) });
    await expect(huge).rejects.toMatchObject({ code: "diverged", message: expect.stringMatching(/before any step/) });
    expect(await mine.predict([0.5])).toEqual(before);
    await learner.dispose();
  });
});

describe("steps chosen by the examples", () => {
  test("of many shots: said what was chosen; of one shot: the bundle's own, and why", async () => {
    const made = anil(mlp([6], 3, { hidden: [16] }), { head: "zero", steps: 2, innerRate: 0.05, learnRates: true });
    const { manifest, files } = buildBundle(made, randomWeights(made));
    const learner = await BundledLearner.load(
      { files: { ...files, "manifest.json": new TextEncoder().encode(JSON.stringify(manifest)) } },
      { provider: "cpu" },
    );
    const stream = random(3);
    const set = (shots: number) =>
      Array.from({ length: 3 * shots }, (_, i) => ({
        label: String(i % 3),
        data: Array.from({ length: 6 }, (_, k) => (k % 3 === i % 3 ? 1 : 0) + 0.2 * stream.normal()),
      }));
    const many = await learner.adapt(set(6), { steps: "auto" });
    const { chosen, steps } = many.adaptation!;
    // Two steps from zero at this rate leave the head near guessing, so more of them do better on what was held out.
    expect(chosen).toMatchObject({
      steps: 8,
      rate: 1,
      message: expect.stringMatching(/of 5 ways.*held out in turn.*least loss/),
    });
    expect(steps).toBe(chosen!.steps);
    const one = await learner.adapt(set(1), { steps: "auto", check: true });
    expect(one.adaptation!.chosen).toMatchObject({
      steps: 2,
      rate: 1,
      message: expect.stringMatching(/too few examples to choose by/),
    });
    expect(one.check).toMatchObject({ worse: null, message: expect.stringMatching(/cannot tell/) });
    // A personal model goes on as it began, also after it was saved.
    const again = await learner.restore(await many.toBytes());
    await again.add("0", set(1)[0]!.data);
    expect(again.adaptation!.chosen).toBeDefined();
    await learner.dispose();
  });
});
