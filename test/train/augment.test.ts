// Augmentations: what each does to an example, against its words, and what an augmented source promises about its episodes.
import { sizeOf } from "@innerloop/schemas";
import { augmentationNames, augmentationsFor, augmented, MetaDataset, random, type TaskSource } from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { refusal } from "../support/refusal.ts";

const sound = { kind: "sound" } as never;
const kinds = [
  { what: "pictures", inputShape: [6, 8, 3] },
  { what: "windows", inputShape: [20, 6] },
  { what: "sounds", inputShape: [16, 8, 1], preprocessing: sound },
  { what: "rows", inputShape: [12] },
];

function tasksOf({ inputShape, preprocessing }: (typeof kinds)[number]): TaskSource {
  const rng = random(2);
  const examples = Array.from({ length: 60 }, () =>
    Float32Array.from({ length: sizeOf(inputShape) }, () => rng.uniform()),
  );
  const split = { val: [0, 1], test: [2, 3] };
  const options = { ways: 2, shots: 1, queries: 2, split, inputShape };
  const tasks = new MetaDataset(
    examples,
    examples.map((_, i) => i % 10),
    options,
  );
  return preprocessing
    ? {
        ...{ name: "sounds", kind: "classification", inputShape, preprocessing },
        classCount: (split) => tasks.classCount(split),
        episode: (...asked) => tasks.episode(...asked),
      }
    : tasks;
}

const shape = { ways: 2, shots: 2, queries: 2 };

describe.each(kinds)("of $what", (kind) => {
  const { inputShape, preprocessing } = kind;
  const known = augmentationsFor(inputShape, preprocessing);
  const example = Float32Array.from({ length: sizeOf(inputShape) }, (_, i) => Math.sin(i));
  const made = (name: string, seed: number): Float32Array => {
    const target = new Float32Array(example.length).fill(Number.NaN);
    known[name]!.make(inputShape)(example, target, random(seed));
    return target;
  };

  it.each(Object.keys(known))("%s writes every number, differs by draw, and is the same for the same draw", (name) => {
    const draws = Array.from({ length: 8 }, (_, seed) => made(name, seed));
    expect(draws.every((draw) => draw.every(Number.isFinite))).toBe(true);
    expect(new Set(draws.map((draw) => draw.join())).size).toBeGreaterThan(1);
    expect(made(name, 3)).toEqual(draws[3]);
    expect(known[name]!.what).toMatch(/\w{3}/);
  });

  it("changes examples of training alone, by seed and number of the episode", () => {
    const tasks = tasksOf(kind);
    const names = Object.keys(known);
    const more = augmented(tasks, names);
    const of = (source: TaskSource, split: "train" | "val", index: number) => source.episode(split, 5, index, shape);
    expect(of(more, "train", 1)).toEqual(of(augmented(tasks, names), "train", 1));
    expect(of(more, "train", 1).support.x.data).not.toEqual(of(tasks, "train", 1).support.x.data);
    expect(of(more, "train", 1).query.x.data).not.toEqual(of(tasks, "train", 1).query.x.data);
    expect(of(more, "train", 1).support.y).toEqual(of(tasks, "train", 1).support.y);
    expect(of(more, "val", 1)).toEqual(of(tasks, "val", 1));
  });

  it("usual stands for those that are so by themselves, and a name that is none is refused", async () => {
    const usual = Object.keys(known).filter((name) => known[name]!.usual);
    expect(augmentationNames(tasksOf(kind), ["usual"])).toEqual(usual);
    expect(augmentationNames(tasksOf(kind), ["noise", "usual"])).toEqual(
      Object.keys(known).filter((name) => name === "noise" || usual.includes(name)),
    );
    expect(await refusal(() => augmented(tasksOf(kind), ["nois"]))).toMatchObject({
      code: "unknown-augmentation",
      message: expect.stringMatching(/did you mean "noise"\?/),
    });
  });
});

describe("an augmentation", () => {
  const change = (inputShape: number[], name: string, values: number[], seed = 1, how?: never): number[] => {
    const target = new Float32Array(values.length);
    augmentationsFor(inputShape, how)[name]!.make(inputShape)(Float32Array.from(values), target, random(seed));
    return [...target];
  };

  it("mirrors pictures left to right, colours and all, or leaves them", () => {
    const [plain, mirrored] = [
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
      [4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9],
    ];
    const seen = new Set(Array.from({ length: 20 }, (_, seed) => change([2, 2, 3], "flip", plain, seed).join()));
    expect([...seen].sort()).toEqual([plain.join(), mirrored.join()].sort());
  });

  it("turns three axes together, which keeps the length of what they measure", () => {
    const values = [3, 4, 12, 1, 2, 2];
    const turned = change([2, 3], "tilt", values, 4);
    expect(turned).not.toEqual(values);
    expect(Math.hypot(...turned.slice(0, 3))).toBeCloseTo(13, 5);
    expect(Math.hypot(...turned.slice(3))).toBeCloseTo(3, 5);
  });

  it("leaves out neighbouring bands, or neighbouring frames, of a sound", () => {
    const ones = new Array<number>(32 * 16).fill(1);
    const drawn = Array.from({ length: 12 }, (_, seed) => change([32, 16, 1], "bands", ones, seed, sound));
    for (const values of drawn) {
      const silent = [...Array(16).keys()].filter((band) => values[band] === 0);
      expect(silent.length).toBeLessThanOrEqual(2);
      for (let at = 0; at < values.length; at++) expect(values[at]).toBe(silent.includes(at % 16) ? 0 : 1);
    }
    expect(drawn.some((values) => values.includes(0))).toBe(true);
  });
});
