// A bundle is measured from a program: judged beside what needs no meta-learning on the same episodes, refused in the program's
// own words, and stopped when it is asked to.
import { defaultBundle } from "@innerloop/demo";
import { evaluateBundle } from "@innerloop/measure";
import { logisticRegression, metrics, nearestNeighbours, openTasks } from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { writeBundle } from "../runtime/fixture.ts";

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

  it("names what does not fit by the name that the program gave", async () => {
    const prototypes = writeBundle("prototypes");
    await expect(evaluateBundle(prototypes, { steps: 2 })).rejects.toMatchObject({
      code: "no-effect",
      exitStatus: 2,
      message: expect.stringMatching(
        /^steps has no effect here: the bundle "prototypes" .*takes no inner steps\. Leave it out\.$/,
      ),
    });
    await expect(evaluateBundle(prototypes)).rejects.toMatchObject({
      code: "missing-option",
      message: expect.stringMatching(/; give data SPEC\.$/),
    });
    await expect(evaluateBundle(prototypes, { data: "glyphs" })).rejects.toMatchObject({ code: "wrong-data" });
    const transductive = { data: "glyphs", transductive: true, naming: (setting: string) => `--${setting}` };
    await expect(evaluateBundle(defaultBundle, transductive)).rejects.toMatchObject({
      code: "bad-option",
      message: expect.stringMatching(/^--transductive was given, but the bundle .* has no batch norm/),
    });
  });

  it("ends with the reason of the signal after the episode that is being measured", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const measured: number[] = [];
    const evaluation = evaluateBundle(defaultBundle, {
      data: "glyphs",
      episodes: 50,
      queries: 1,
      signal: controller.signal,
      onEpisode: (done) => {
        measured.push(done);
        if (done === 2) controller.abort(reason);
      },
    });
    await expect(evaluation).rejects.toBe(reason);
    expect(measured).toEqual([1, 2]);
  }, 240_000);
});
