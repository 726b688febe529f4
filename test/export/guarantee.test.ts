// The promise of the guarded loop, for every kind of learner: whatever the data, labels, steps and rate, what comes out has
// no higher loss on the examples than what went in. In training's own graph, in the exported file, and in
// the runtime; learners that take long are in guarantee.slow.test.ts.
import { buildBundle } from "@innerloop/export";
import type { Learner } from "@innerloop/graph";
import { Learner as BundledLearner } from "@innerloop/runtime";
import { anil, conv4, maml, mlp, random } from "@innerloop/train";
import { describe, expect, test } from "vitest";
import { describeGuarantee, guarded } from "./guarantee-suite.ts";
import { large, randomWeights } from "./learners.ts";

for (const [name, learner] of guarded) if (!large.includes(name)) describeGuarantee(name, learner);

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
