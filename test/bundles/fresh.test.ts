// Bundles that are there from the start, on classes that nobody has met, made as those of their training were: they tell them
// apart from one example each, far better than the nearest neighbour on the same numbers.
import { starterBundles } from "@innerloop/bundles";
import { Learner } from "@innerloop/runtime";
import type { Tensor } from "@innerloop/schemas";
import { nearestNeighbours, openTasks } from "@innerloop/train";
import { describe, expect, it } from "vitest";

const episodes = 12;

const rowsOf = ({ data, shape }: Tensor): Float32Array[] => {
  const size = data.length / shape[0]!;
  return Array.from({ length: shape[0]! }, (_, i) => (data as Float32Array).slice(i * size, (i + 1) * size));
};
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** What each was trained on, and what it is right about at least. */
const training: Readonly<Record<string, { readonly data: string; readonly floor: number }>> = {
  drawings: { data: "glyphs", floor: 0.95 },
  motions: { data: "motions", floor: 0.85 },
  sounds: { data: "tones", floor: 0.9 },
};

describe.each(starterBundles)("$name", ({ name, folder }) => {
  it("tells five new classes apart from one example each", async () => {
    const { data, floor } = training[name]!;
    const tasks = await openTasks(data);
    const learner = await Learner.load(folder, { provider: "cpu", task: "classification" });
    expect(learner.manifest.input).toMatchObject({ shape: tasks.inputShape, preprocessing: tasks.preprocessing });
    const own: number[] = [];
    const neighbour: number[] = [];
    for (let index = 0; index < episodes; index++) {
      const episode = tasks.episode("test", 77, index, { ways: 5, shots: 1, queries: 3 });
      const { support, query } = episode;
      const personal = await learner.adapt(
        rowsOf(support.x).map((example, i) => ({ label: `class ${support.y.data[i]}`, data: example })),
      );
      const answers = await personal.predictBatch(rowsOf(query.x));
      const right = answers.filter(({ label }, i) => label === `class ${query.y.data[i]}`);
      own.push(right.length / answers.length);
      const nearest = nearestNeighbours(episode).filter((label, i) => label === Number(query.y.data[i]));
      neighbour.push(nearest.length / answers.length);
    }
    await learner.dispose();
    expect(mean(own)).toBeGreaterThan(floor);
    expect(mean(own)).toBeGreaterThan(mean(neighbour) + 0.15);
  });
});
