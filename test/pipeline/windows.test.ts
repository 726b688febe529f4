// Sound, from a recording to an answer: learners are trained on raw 16-bit samples, exported, and given raw samples of
// classes that they never heard, at another rate. Whoever records them needs to know nothing of how it was trained.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { exportRun } from "@innerloop/measure";
import { Learner, type Samples } from "@innerloop/runtime";
import type { WindowPreprocessing } from "@innerloop/schemas";
import { completeConfig, MetaDataset, random, runTraining } from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop } from "../support/innerloop.ts";

const preprocessing: WindowPreprocessing = { kind: "window", length: 50, channels: 1, rate: 100, mean: 0, std: 0.1 };

/** Knocks: a class is when they come in the last half second, what came before is anything, and no two are alike. */
function recording(knocks: readonly number[], rate: number, seed: number): Samples {
  const { uniform } = random(seed);
  const count = Math.round(rate * uniform(0.6, 0.8));
  const data = Int16Array.from({ length: count }, (_, i) => {
    const time = 0.5 - (count - 1 - i) / rate;
    if (time < 0) return uniform(-10000, 10000);
    const sound = knocks.reduce((sum, knock) => sum + Math.exp(-(((time - knock) / 0.03) ** 2)), 0);
    return 9000 * sound * uniform(0.8, 1.2) + uniform(-750, 750);
  });
  return { data, rate };
}

const rhythm = (seed: number): number[] => {
  const { uniform } = random(seed);
  return [uniform(0.05, 0.45), uniform(0.05, 0.45)];
};

describe("a learner of sound", () => {
  it("is trained on raw samples, and takes raw samples", { timeout: 120_000 }, async () => {
    const labels = Array.from({ length: 20 * 5 }, (_, i) => i % 20);
    const tasks = new MetaDataset(
      labels.map((label, i) => recording(rhythm(label), 400, 1000 + i)),
      labels,
      { ways: 4, shots: 1, queries: 2, name: "knocks", split: { val: 0.3 }, preprocessing },
    );
    const run = await runTraining({
      tasks,
      config: completeConfig({
        data: "knocks",
        model: { kind: "mlp", hidden: [32] },
        algorithm: "maml",
        head: "prototypes",
        steps: 1,
        ways: 4,
        shots: 1,
        queries: 2,
        metaBatch: 2,
        iterations: 20,
        workers: 0,
        engine: "onnxruntime:cpu",
        validation: { every: 20, episodes: 2 },
      }),
    });
    const out = join(temporaryFolder(), "knocks");
    const manifest = await exportRun(run, out, { calibrate: false });
    expect(manifest.input).toEqual({ shape: [50, 1], dtype: "float32", preprocessing });

    const learner: Learner = await Learner.load(out, { provider: "cpu" });
    const heard = await Promise.all(
      [101, 102, 103, 104].map(async (seed) => ({
        label: `rhythm ${seed}`,
        data: await learner.example(recording(rhythm(seed), 800, seed)),
      })),
    );
    const mine = await learner.adapt(heard);
    let right = 0;
    for (let i = 0; i < 40; i++) {
      const seed = 101 + (i % 4);
      const { label } = await mine.predict(await learner.example(recording(rhythm(seed), 44_100, 5000 + i)));
      if (label === `rhythm ${seed}`) right++;
    }
    expect(right).toBeGreaterThan(36);
    await learner.dispose();

    // The command line takes samples at the bundle's rate, a row each, and answers as the runtime does.
    const cwd = temporaryFolder();
    const rows = [101, 102, 103, 104].map((seed) => {
      const { data } = recording(rhythm(seed), 100, seed);
      return { label: `rhythm ${seed}`, x: Array.from(data, (value) => value / 32768) };
    });
    writeFileSync(join(cwd, "known.json"), JSON.stringify(rows));
    writeFileSync(join(cwd, "short.json"), JSON.stringify([{ x: [1, 2, 3] }]));
    const adapted = await innerloop(["adapt", out, "--support", "known.json", "--out", "mine.safetensors"], { cwd });
    expect([adapted.status, adapted.stderr]).toEqual([0, expect.not.stringContaining("error")]);
    const predicted = await innerloop(["predict", out, "--params", "mine.safetensors", "known.json", "--json"], {
      cwd,
    });
    expect((JSON.parse(predicted.stdout) as { label: string }[]).map(({ label }) => label)).toEqual(
      rows.map(({ label }) => label),
    );
    const refused = await innerloop(["predict", out, "--params", "mine.safetensors", "short.json"], { cwd });
    expect([refused.status, refused.stderr]).toEqual([
      2,
      expect.stringMatching(/short\.json:1: the window has 3 samples/),
    ]);
  });
});
