// The demo's bundle on data unlike its training: the stripes of the README's example, and its own symbols in other ink and
// on other paper. Nothing gets worse, and what is unlike is said to be.
import { starterBundle } from "@innerloop/bundles";
import { Learner } from "@innerloop/runtime";
import { Glyphs } from "@innerloop/train";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const bundle = starterBundle("drawings");
let learner: Learner;
beforeAll(async () => {
  learner = await Learner.load(bundle, { provider: "cpu" });
});
afterAll(() => learner.dispose());

it("stripes, as in the README: a star is a star, and the examples are said to be unlike the training's", async () => {
  const drawing = (f: number) => Float32Array.from({ length: 784 }, (_, i) => Number(Math.sin(f * i) > 0));
  const mine = await learner.adapt([
    { label: "heart", data: drawing(0.3) },
    { label: "star", data: drawing(0.07) },
  ]);
  expect(await mine.predict(drawing(0.0702))).toMatchObject({ label: "star", known: true });
  expect(await mine.predict(drawing(0.3005))).toMatchObject({ label: "heart", known: true });
  expect(await mine.predict(drawing(0.7))).toMatchObject({ known: false });
  expect(mine.confidence).toMatchObject({ familiar: false, message: expect.stringMatching(/unlike what this bundle/) });
});

describe("symbols that training never saw, 5 ways, 5 shots", () => {
  const glyphs = new Glyphs();
  const noise = (i: number) =>
    Math.sin(12.9898 * i) * 43758.5453 - Math.floor(Math.sin(12.9898 * i) * 43758.5453) - 0.5;
  const worlds: Record<string, (value: number, i: number) => number> = {
    "as in training": (v) => v,
    "white on black": (v) => 1 - v,
    "grey paper": (v) => 0.3 + 0.7 * v,
    "pale ink": (v) => 0.4 * v,
    noise: (v, i) => v + 0.8 * noise(i),
    stripes: (v, i) => Math.min(1, v + (Math.floor(i / 28) % 7 === 0 ? 0.4 : 0)),
  };

  it.each(Object.keys(worlds))("%s", { timeout: 60_000 }, async (name) => {
    const right = new Map<number, number>();
    for (let index = 0; index < 12; index++) {
      const { support, query } = glyphs.episode("test", 1, index, { ways: 5, shots: 5, queries: 5 });
      const seen = (data: ArrayLike<number>) => Float32Array.from(data, (value, i) => worlds[name]!(value, i));
      const labels = Array.from(support.y.data as Int32Array, String);
      for (const steps of [0, 5, 20]) {
        const given = { data: seen(support.x.data as Float32Array), shape: support.x.shape, labels };
        const mine = await learner.adapt(given, { steps, rate: steps === 20 ? 3 : 1 });
        expect(Math.max(...mine.supportLoss)).toBe(mine.supportLoss[0]);
        const answers = await mine.predictBatch({ data: seen(query.x.data as Float32Array), shape: query.x.shape });
        const hits = answers.filter(({ label }, i) => label === String(query.y.data[i])).length;
        right.set(steps, (right.get(steps) ?? 0) + hits);
      }
    }
    const [none, usual, many] = [0, 5, 20].map((steps) => right.get(steps)! / 300) as [number, number, number];
    expect(none).toBeGreaterThan(name === "as in training" ? 0.97 : 0.85);
    // Two of 300 queries: half a point of these few episodes is one and a half.
    expect(Math.min(usual, many)).toBeGreaterThanOrEqual(none - 2 / 300);
  });
});
