// A result is judged in words, beside guessing and beside what needs no meta-learning, on the same episodes.
import { join } from "node:path";
import { defaultBundle } from "@innerloop/demo";
import { logisticRegression, metrics, nearestNeighbours, openTasks } from "@innerloop/train";
import { evaluateBundle } from "innerloop";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop, writeImages } from "../support/innerloop.ts";

const cwd = temporaryFolder();
const words = (text: string) => innerloop(text.split(" "), { cwd });
const short = "--iterations 2 --meta-batch 1 --queries 3 --workers 0";

describe("an evaluation", () => {
  it("compares on the same episodes, and says what is better", async () => {
    const shape = { ways: 5, shots: 2, queries: 4 };
    const result = await evaluateBundle(defaultBundle, { data: "glyphs", episodes: 20, seed: 5, ...shape });
    const tasks = await openTasks("glyphs");
    const scores = Array.from({ length: 20 }, (_, i) => {
      const episode = tasks.episode("test", 5, i, shape);
      const accuracy = (answers: Int32Array) => metrics.accuracy(answers, episode.query.y.data as Int32Array);
      return [accuracy(nearestNeighbours(episode)), accuracy(logisticRegression(episode, 5))] as const;
    });
    expect(result.nearestNeighbour).toEqual(metrics.estimate(scores.map(([nearest]) => nearest)));
    expect(result.logisticRegression).toEqual(metrics.estimate(scores.map(([, logistic]) => logistic)));
    expect(result.verdict.kind).toBe("better");
    expect(result.verdict.text).toMatch(
      /^Better than the nearest neighbour on raw input \(.* %\) and logistic regression on raw input \(.* %\)/,
    );
  }, 240_000);

  it("does not judge by a handful of episodes", async () => {
    const { verdict } = await evaluateBundle(defaultBundle, { data: "glyphs", episodes: 2, queries: 2 });
    expect(verdict).toMatchObject({ kind: "unclear", text: expect.stringMatching(/^2 episodes are too few/) });
  }, 240_000);
});

describe("a run", () => {
  it("that learned nothing says so, and does not go on to an export", async () => {
    const { status, stdout } = await words(
      `train --data glyphs --model mlp --hidden 1 --algorithm maml --inner-rate 0.000001 ${short} --validate-episodes 30 --out none`,
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/\nNo better than guessing, which is right in 20\.0 % among 5 classes/);
    expect(stdout).toMatch(/\nNext: see that each sub-folder/);
    expect(stdout).not.toContain("innerloop export");
  }, 240_000);

  it("of a regression is compared with the mean of the examples", async () => {
    const { stdout } = await words(`train sinusoid-10shot ${short} --validate-episodes 30 --out wave`);
    expect(stdout).toMatch(/\nNo better than answering with the mean of the examples \(\d/);
    expect(stdout).not.toContain("innerloop export");
  }, 240_000);

  it("that is worse than the nearest neighbour says by how few classes", async () => {
    await writeImages(join(cwd, "few"), 20, 6);
    const { stdout } = await words(
      `train --data images:few --filters 2 --input raw --no-shifts --ways 2 ${short} --validate-episodes 80 --out few-run --json`,
    );
    const { verdict, best } = JSON.parse(stdout);
    expect(best.score).toBeGreaterThan(0);
    expect(verdict).toMatchObject({
      kind: "worse",
      text: expect.stringMatching(/^Worse than the nearest neighbour .*: too few classes, \d+ to train on/),
    });
  }, 240_000);
});
