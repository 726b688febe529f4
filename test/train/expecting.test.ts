// Training that expects what users bring: which presets do, what a run makes of it, and models to which paper and ink are the same.
import { join } from "node:path";
import { InnerloopError, type RunConfigInput } from "@innerloop/schemas";
import {
  completeConfig,
  type Episode,
  Glyphs,
  learnerOf,
  MetaTrainer,
  presets,
  readCheckpoint,
  runTraining,
  shifted,
  type TaskSource,
} from "@innerloop/train";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";

const folder = temporaryFolder("expecting");

const glyphs = new Glyphs();
const small: RunConfigInput = {
  data: "glyphs",
  model: { kind: "conv4", filters: 4 },
  ways: 3,
  shots: 3,
  queries: 2,
  metaBatch: 3,
  iterations: 4,
  workers: 0,
  validation: { every: 4, episodes: 2 },
};

describe("a config", () => {
  test("expects shifts in every preset but the regression's, and by --no-shifts in none", () => {
    for (const [name, { config }] of Object.entries(presets)) {
      expect(completeConfig({ preset: name }).shifts, name).toEqual(config.shifts);
      if (name === "sinusoid-10shot") expect(config.shifts).toBeNull();
      else expect(config.shifts!.share).toBeGreaterThan(0);
      expect(completeConfig({ preset: name, shifts: null }).shifts).toBeNull();
    }
    expect(completeConfig({ shifts: { share: 0.1 } }).shifts).toEqual({
      ...presets.quickstart!.config.shifts,
      share: 0.1,
    });
  });

  test("refuses shifts of a regression", () => {
    expect(() => completeConfig({ data: "sinusoid", shifts: { share: 0.5 } })).toThrow(InnerloopError);
    expect(() => completeConfig({ data: "sinusoid", shifts: { share: 0.5 } })).toThrow(/leave shifts out/);
  });
});

describe("a run", () => {
  /** The tasks with a note of what was drawn from each split. */
  function noted(): { tasks: TaskSource; episodes: Episode[] } {
    const episodes: Episode[] = [];
    const tasks: TaskSource = {
      name: glyphs.name,
      kind: "classification",
      inputShape: glyphs.inputShape,
      preprocessing: glyphs.preprocessing,
      classCount: (split) => glyphs.classCount(split),
      episode(split, seed, index, shape) {
        const episode = glyphs.episode(split, seed, index, shape);
        if (split === "val") episodes.push(episode);
        return episode;
      },
    };
    return { tasks, episodes };
  }

  test("sees shifted tasks in training alone, and gives the plain ones back", async () => {
    const shifts = { share: 1, families: ["inverted"], wrongLabels: 0 };
    const { tasks, episodes } = noted();
    const result = await runTraining({ config: completeConfig({ ...small, shifts }), tasks });
    expect(result.tasks).toBe(tasks);
    // Paper is 0 in what is drawn for validation.
    for (const { support } of episodes)
      expect([...support.x.data].filter((it) => it === 0).length).toBeGreaterThan(support.x.data.length / 2);
    const inverted: TaskSource = shifted(glyphs, { families: ["inverted"] });
    const own = await runTraining({ config: completeConfig({ ...small, shifts: null }), tasks: inverted });
    expect(own.weights).toEqual(result.weights);
    const plain = await runTraining({ config: completeConfig({ ...small, shifts: null }), tasks: glyphs });
    expect(plain.weights).not.toEqual(result.weights);
  });

  test("that goes on later draws what it would have drawn, and its checkpoint says how", async () => {
    const config = completeConfig({ ...small, shifts: { share: 0.5, wrongLabels: 0.3 } });
    const whole = await runTraining({ config });
    const out = join(folder, "run");
    const stop = new AbortController();
    const half = await runTraining({
      config,
      out,
      signal: stop.signal,
      onProgress: ({ iteration }) => iteration === 2 && stop.abort(),
    });
    expect(half.stopped).toBe(true);
    const { header } = await readCheckpoint(out);
    expect(header.config.shifts).toEqual({ share: 0.5, wrongLabels: 0.3 });
    const rest = await runTraining({ config: header.config, out, resume: true });
    for (const [name, { data }] of Object.entries(whole.weights))
      expect(
        Math.max(
          ...Array.from(data as Float32Array, (it, i) => Math.abs(it - (rest.weights[name]!.data as Float32Array)[i]!)),
        ),
      ).toBeLessThan(1e-6);
  });
});

describe("what a model makes of its input first", () => {
  const size = { ways: 3, shots: 2, queries: 3 };
  const changed = (episode: Episode, change: (value: number) => number): Episode => {
    const of = <E extends Episode["support"]>(set: E) => ({
      ...set,
      x: { ...set.x, data: Float32Array.from(set.x.data as Float32Array, change) },
    });
    return { ...episode, support: of(episode.support), query: of(episode.query) };
  };
  async function apart(
    input: "raw" | "standardized" | "polarity-free",
    change: (value: number) => number,
  ): Promise<number> {
    const learner = learnerOf(completeConfig({ ...small, model: { kind: "conv4", filters: 4, input } }), glyphs);
    const trainer = await MetaTrainer.create(learner, { workers: 0, seed: 3 });
    const episode = glyphs.episode("test", 0, 1, size);
    const [own, other] = await trainer.evaluate([episode, changed(episode, change)], { steps: 0 });
    await trainer.dispose();
    const [a, b] = [own!, other!].map(({ predictions }) => Array.from(predictions.data as Float32Array));
    for (const value of b!) expect(Number.isFinite(value)).toBe(true);
    return Math.max(...a!.map((value, i) => Math.abs(value - b![i]!))) / Math.max(...a!.map(Math.abs));
  }

  test("makes grey paper and pale ink the same, and ink on paper the same as paper on ink, where it says so", async () => {
    const grey = (value: number) => 0.3 + 0.6 * value;
    const inverse = (value: number) => 1 - value;
    expect(await apart("standardized", grey)).toBeLessThan(1e-3);
    expect(await apart("polarity-free", grey)).toBeLessThan(1e-3);
    // The two sides are as far from where the turn is to a hundredth.
    expect(await apart("polarity-free", inverse)).toBeLessThan(5e-3);
    expect(await apart("standardized", inverse)).toBeGreaterThan(0.01);
    expect(await apart("raw", grey)).toBeGreaterThan(0.01);
    expect(await apart("raw", inverse)).toBeGreaterThan(0.01);
  });

  test("leaves patterns that are half dark as they are, whichever half is the larger by a hair", async () => {
    const learner = learnerOf(
      completeConfig({ ...small, model: { kind: "conv4", filters: 4, input: "polarity-free" } }),
      glyphs,
    );
    const trainer = await MetaTrainer.create(learner, { workers: 0, seed: 3 });
    const stripes = (slow: number): Episode => {
      const set = (count: number) => ({
        x: {
          dtype: "float32" as const,
          shape: [count, 28, 28, 1],
          data: Float32Array.from({ length: count * 784 }, (_, i) =>
            Number(Math.sin((i % 784) * (Math.floor(i / 784) % 2 ? 0.3 : slow)) > 0),
          ),
        },
        y: { dtype: "int32" as const, shape: [count], data: Int32Array.from({ length: count }, (_, i) => i % 2) },
      });
      return { support: set(2), query: set(4), classes: ["slow", "quick"] };
    };
    const shares = [0.0715, 0.072].map((slow) => {
      const x = stripes(slow).support.x.data as Float32Array;
      return x.subarray(0, 784).reduce((sum, it) => sum + it, 0) / 784 - 0.5;
    });
    expect(shares[0]! * shares[1]!).toBeLessThan(0);
    const [less, more] = [0.0715, 0.072].map(stripes);
    const crossed: Episode = { ...less!, query: more!.query };
    const [own, other] = await trainer.evaluate([less!, crossed], { steps: 0 });
    await trainer.dispose();
    expect([own!.accuracy, other!.accuracy]).toEqual([1, 1]);
  });

  test("is finite for examples that are the same everywhere", async () => {
    for (const input of ["standardized", "polarity-free"] as const) await apart(input, () => 0.4);
  });
});
