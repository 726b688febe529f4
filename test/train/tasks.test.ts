// Episodes: what MetaDataset, sinusoid and openTasks promise, and what wrong calls are told.
import {
  type Episode,
  MetaDataset,
  type MetaDatasetOptions,
  openTasks,
  Sinusoid,
  splitClasses,
  TASK_SPECS,
  type TaskSource,
} from "@innerloop/train";
import { describe, expect, test } from "vitest";
import { refusalOf } from "../support/refusal.ts";

const values = (tensor: { data: ArrayLike<unknown> }): number[] => Array.from(tensor.data as ArrayLike<number>);

/** 12 classes of 8 examples; example e of class c is the one number 100·c + e, so that it can be recognized. */
const CLASSES = 12;
const PER_CLASS = 8;
const data = Array.from({ length: CLASSES * PER_CLASS }, (_, i) =>
  Float32Array.of(100 * Math.floor(i / PER_CLASS) + (i % PER_CLASS)),
);
const labels = data.map(([value]) => `class ${Math.floor(value! / 100)}`);
const options: MetaDatasetOptions = { ways: 5, shots: 2, queries: 3 };

describe("MetaDataset", () => {
  const dataset = new MetaDataset(data, labels, options);
  const episodes = Array.from({ length: 300 }, (_, index) => dataset.episode("train", 1, index));

  test("has N classes of K and Q examples, under one label each, which classes[] names", () => {
    for (const { support, query, classes } of episodes) {
      expect(support.x.shape).toEqual([10, 1]);
      expect(query.x.shape).toEqual([15, 1]);
      expect(new Set(classes).size).toBe(5);
      for (const [set, count] of [
        [support, 2],
        [query, 3],
      ] as const) {
        const names = values(set.y).map((label) => classes![label]);
        expect(names).toEqual(values(set.x).map((value) => `class ${Math.floor(value / 100)}`));
        for (const name of classes!) expect(names.filter((other) => other === name)).toHaveLength(count);
      }
    }
  });

  test("keeps support and query apart, and no example comes twice", () => {
    for (const { support, query } of episodes) {
      const all = [...values(support.x), ...values(query.x)];
      expect(new Set(all).size).toBe(all.length);
    }
  });

  test("a class gets every label equally often, and every place in the order every label", () => {
    const byClass = new Map<string, number[]>();
    const byPlace = Array.from({ length: 10 }, () => new Array<number>(5).fill(0));
    const count = 3000;
    for (let index = 0; index < count; index++) {
      const { support, classes } = dataset.episode("train", 2, index);
      classes!.forEach((name, label) => {
        byClass.set(name, byClass.get(name) ?? new Array<number>(5).fill(0));
        byClass.get(name)![label]!++;
      });
      values(support.y).forEach((label, place) => {
        byPlace[place]![label]!++;
      });
    }
    expect(byClass.size).toBe(CLASSES);
    // Binomial counts; five standard deviations.
    const near = (counts: number[], p: number): void => {
      for (const hits of counts) expect(Math.abs(hits - count * p)).toBeLessThan(5 * Math.sqrt(count * p * (1 - p)));
    };
    for (const counts of byClass.values()) near(counts, 1 / CLASSES);
    for (const counts of byPlace) near(counts, 1 / 5);
  });

  test("is a function of split, seed and index, in whatever order it is asked", () => {
    const again = new MetaDataset(data, labels, options);
    for (const index of [299, 0, 17]) expect(again.episode("train", 1, index)).toEqual(episodes[index]);
    expect(dataset.episode("train", 2, 0)).not.toEqual(episodes[0]);
  });

  test("loops go on where the last one ended; start repeats", () => {
    const looped = new MetaDataset(data, labels, { ...options, seed: 9 });
    const at = (index: number): Episode => looped.episode("train", 9, index);
    expect([...looped.episodes(3)]).toEqual([0, 1, 2].map(at));
    expect([...looped.batches(2, 2)]).toEqual([[3, 4].map(at), [5, 6].map(at)]);
    expect([...looped.episodes(2, { start: 0 })]).toEqual([0, 1].map(at));
    expect([...looped.batches(2, 1, { start: 5 })]).toEqual([[at(5)], [at(6)]]);
    for (const _episode of looped.episodes(5, { start: 20 })) break;
    expect([...looped.episodes(1)]).toEqual([at(21)]);
  });

  test("takes a tensor, and numbers as labels", () => {
    const tensor = { dtype: "float32", shape: [96, 1, 1], data: Float32Array.from(data, ([v]) => v!) } as const;
    const numbers = labels.map((label) => Number(label.slice(6)));
    const { support, classes } = new MetaDataset(tensor, numbers, options).episode("train", 1, 0);
    expect(support.x.shape).toEqual([10, 1, 1]);
    expect(classes!.every((name) => Number(name) < CLASSES)).toBe(true);
  });

  test("holds back classes, by share or by name", () => {
    const small = { ways: 2, shots: 1, queries: 1 };
    const split = new MetaDataset(data, labels, { ...small, split: { val: 0.25, test: ["class 3", "class 7"] } });
    expect([split.classCount("train"), split.classCount("val"), split.classCount("test")]).toEqual([7, 3, 2]);
    const seen = (which: "train" | "val" | "test"): Set<string> =>
      new Set(Array.from({ length: 60 }, (_, i) => split.episode(which, 0, i).classes!).flat());
    expect([...seen("test")].sort()).toEqual(["class 3", "class 7"]);
    expect([...seen("train"), ...seen("val"), ...seen("test")].sort()).toEqual([...new Set(labels)].sort());
  });

  test.each<[string, string, () => unknown]>([
    [
      "too-few-classes",
      "The train split of data has 12 classes; 13 ways need at least 13. Ask for fewer ways or give examples of more classes",
      () => new MetaDataset(data, labels, { ...options, ways: 13 }),
    ],
    [
      "too-few-classes",
      "The test split of data has 0 classes; 5 ways need at least 5. Ask for fewer ways or hold back more classes with split: { test: … }",
      () => dataset.episode("test", 0, 0),
    ],
    [
      "too-few-examples",
      'Class "class 11" of the train split of data has 4 examples; 2 shots + 3 queries need 5. ' +
        "Ask for fewer shots or queries, add examples to the class, or leave it out",
      () => new MetaDataset(data.slice(0, -4), labels.slice(0, -4), options),
    ],
    [
      "not-a-number",
      "Example 2 is NaN at position 1; expected finite numbers. Repair the example or leave it out",
      () =>
        new MetaDataset({ data: Float32Array.of(1, 2, 3, 4, 5, Number.NaN), shape: [3, 2] }, ["a", "b", "b"], {
          ways: 1,
          shots: 1,
          queries: 1,
        }),
    ],
    [
      "label-count",
      "95 labels for 96 examples of data; give one label for each example",
      () => new MetaDataset(data, labels.slice(1), options),
    ],
    ...([null, "", Number.NaN, true, undefined] as const).map((label): [string, string, () => unknown] => [
      "bad-label",
      `Example 1 has the label ${label === "" ? '""' : label}; a text or a finite number was expected`,
      () => new MetaDataset([Float32Array.of(1), Float32Array.of(2)], ["a", label as string], options),
    ]),
    [
      "bad-shape",
      "Example 1 has 2 numbers; expected 1, for the shape [1]",
      () => new MetaDataset([Float32Array.of(1), Float32Array.of(1, 2)], [0, 1], options),
    ],
    [
      "bad-shape",
      "4 numbers for the shape [3, 2]; expected [examples, ...input], whose product is the number of values",
      () => new MetaDataset({ data: new Float32Array(4), shape: [3, 2] }, [0, 1, 2], options),
    ],
    [
      "bad-shape",
      'The shape of the data is [2,"2"]; [examples, ...input] was expected',
      () => new MetaDataset({ data: new Float32Array(4), shape: [2, "2" as unknown as number] }, [0, 1], options),
    ],
    [
      "bad-shape",
      "The data are null; a list of examples, or { data, shape }, was expected",
      () => new MetaDataset(null as never, [0, 1], options),
    ],
    [
      "bad-episode-shape",
      "shots is 0; expected an integer of at least 1",
      () => new MetaDataset(data, labels, { ...options, shots: 0 }),
    ],
  ])("%s: %s", (code, message, action) => {
    expect(refusalOf(action)).toMatchObject({ code, message, exitStatus: 2 });
  });
});

describe("splitClasses", () => {
  const names = Array.from({ length: 50 }, (_, i) => `c${i}`);

  test("is the same whatever the order of the names, and covers them once", () => {
    const split = splitClasses(names, { val: 0.16, test: 0.2 });
    expect(splitClasses([...names].reverse(), { val: 0.16, test: 0.2 })).toEqual(split);
    expect([split.train.length, split.val.length, split.test.length]).toEqual([32, 8, 10]);
    expect([...split.train, ...split.val, ...split.test].sort()).toEqual([...names].sort());
  });

  test.each([
    [{ val: 0.6, test: 0.6 }, "val 0.6 and test 0.6 are more than 1 together; expected fractions of the classes"],
    [{ val: -1 }, "val is -1; expected a fraction from 0 to 1"],
    [{ test: ["x"] }, '"x" is listed for test but no example has this label'],
    [{ val: ["c1"], test: ["c1"] }, '"c1" is listed for both val and test; a class belongs to one split'],
  ])("%j: %s", (split, message) => {
    expect(refusalOf(() => splitClasses(names, split))).toMatchObject({ code: "bad-split", message, exitStatus: 2 });
  });
});

describe("sinusoid", () => {
  const tasks = new Sinusoid();
  const shape = { ways: 1, shots: 10, queries: 10 };

  test("support and query lie on one wave A·sin(x − φ), with A and φ in the paper's ranges", () => {
    const amplitudes: number[] = [];
    const phases: number[] = [];
    for (let index = 0; index < 400; index++) {
      const { support, query } = tasks.episode("train", 0, index, shape);
      expect(support.x.shape).toEqual([10, 1]);
      // y = p·sin x + q·cos x with p = A·cos φ and q = −A·sin φ: two points give both, and the rest must agree.
      const [x, y] = [values(support.x).concat(values(query.x)), values(support.y).concat(values(query.y))];
      let [i, j] = [0, 1];
      for (let k = 2; k < 20; k++) if (Math.abs(Math.sin(x[k]! - x[i]!)) > Math.abs(Math.sin(x[j]! - x[i]!))) j = k;
      const determinant = Math.sin(x[i]! - x[j]!);
      const p = (y[i]! * Math.cos(x[j]!) - y[j]! * Math.cos(x[i]!)) / determinant;
      const q = (y[j]! * Math.sin(x[i]!) - y[i]! * Math.sin(x[j]!)) / determinant;
      for (let k = 0; k < 20; k++) {
        expect(Math.abs(x[k]!)).toBeLessThanOrEqual(5);
        expect(p * Math.sin(x[k]!) + q * Math.cos(x[k]!)).toBeCloseTo(y[k]!, 3);
      }
      amplitudes.push(Math.hypot(p, q));
      phases.push(Math.atan2(-q, p));
    }
    const uniform = (samples: number[], low: number, high: number): void => {
      expect(Math.min(...samples)).toBeGreaterThan(low - 1e-3);
      expect(Math.max(...samples)).toBeLessThan(high + 1e-3);
      const mean = samples.reduce((a, b) => a + b, 0) / samples.length;
      expect(Math.abs(mean - (low + high) / 2)).toBeLessThan((4 * (high - low)) / Math.sqrt(12 * samples.length));
    };
    uniform(amplitudes, 0.1, 5);
    uniform(phases, 0, Math.PI);
  });

  test("is deterministic, and its splits are different tasks", () => {
    expect(new Sinusoid().episode("test", 3, 5, shape)).toEqual(tasks.episode("test", 3, 5, shape));
    expect(tasks.episode("val", 3, 5, shape)).not.toEqual(tasks.episode("test", 3, 5, shape));
  });

  test("has no ways", () => {
    expect(refusalOf(() => tasks.episode("train", 0, 0, { ...shape, ways: 5 }))).toMatchObject({
      code: "bad-episode-shape",
      message: "ways is 5; sinusoid is a regression, which has no classes. Set ways to 1",
      exitStatus: 2,
    });
  });
});

describe("openTasks", () => {
  const specs = TASK_SPECS.join(", ");

  test("opens the embedded data sets by name", async () => {
    const opened: TaskSource[] = [await openTasks("glyphs"), await openTasks("sinusoid")];
    expect(opened.map(({ name, kind }) => `${name} ${kind}`)).toEqual(["glyphs classification", "sinusoid regression"]);
  });

  test.each([
    [
      "mnist",
      "unknown-data",
      `Data "mnist" is not known; expected ${specs}. A folder of images is images:DIR, as images:mnist`,
    ],
    [
      "toString",
      "unknown-data",
      `Data "toString" is not known; expected ${specs}. A folder of images is images:DIR, as images:toString`,
    ],
    [
      "images",
      "unknown-data",
      `Data "images" lacks its folder; expected ${specs}. Give images:DIR with the folder's path`,
    ],
    [
      "omniglot:",
      "unknown-data",
      `Data "omniglot:" lacks its folder; expected ${specs}. Give omniglot:DIR with the folder's path`,
    ],
    [
      "images:/no/such",
      "data-missing",
      "/no/such does not exist; expected a folder with one sub-folder of images a class",
    ],
    [
      "omniglot:/no/such",
      "data-missing",
      "No Omniglot in /no/such, which does not exist; expected images_background.zip and images_evaluation.zip, " +
        "or their unpacked folders. Get both from https://github.com/brendenlake/omniglot (folder python)",
    ],
  ])("%s", async (spec, code, message) => {
    await expect(openTasks(spec)).rejects.toMatchObject({ code, message, exitStatus: 2 });
  });
});
