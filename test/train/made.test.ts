// Motions and tones, which are made here: the same whoever asks, what a sensor or a microphone could have recorded, and hard for
// the nearest neighbour on raw numbers.
import { preprocess } from "@innerloop/runtime/input";
import {
  drawMotion,
  drawTone,
  Motions,
  nearestNeighbourAccuracy,
  type Split,
  type TaskSource,
  TONE_RATE,
  Tones,
} from "@innerloop/train";
import { describe, expect, it } from "vitest";

const shape = { ways: 5, shots: 1, queries: 5 };
const numbersOf = (tensor: { data: ArrayLike<unknown> }): number[] => Array.from(tensor.data as ArrayLike<number>);
const rows = (numbers: readonly number[], size: number): number[][] =>
  Array.from({ length: numbers.length / size }, (_, row) => numbers.slice(row * size, (row + 1) * size));
const lengths = (samples: readonly number[]): number[] => rows(samples, 3).map((vector) => Math.hypot(...vector));

const made: readonly [name: string, make: () => TaskSource, inputShape: readonly number[]][] = [
  ["motions", () => new Motions(), [100, 3]],
  ["tones", () => new Tones(), [47, 40, 1]],
];

describe.each(made)("%s", (name, make, inputShape) => {
  const tasks = make();

  it("has episodes of finite numbers, the same from another instance and in another order", () => {
    expect(tasks).toMatchObject({ name, inputShape, kind: "classification" });
    const episode = tasks.episode("train", 4, 7, shape);
    expect(episode.support.x.shape).toEqual([5, ...inputShape]);
    expect(numbersOf(episode.query.x).every(Number.isFinite)).toBe(true);
    const again = make();
    again.episode("train", 4, 8, shape);
    expect(again.episode("train", 4, 7, shape)).toEqual(episode);
    expect(tasks.episode("val", 4, 7, shape)).not.toEqual(episode);
  });

  it("has numbers of about mean 0 and deviation 1", () => {
    const numbers = Array.from({ length: 30 }, (_, i) =>
      numbersOf(tasks.episode("train", 0, i, { ways: 2, shots: 1, queries: 1 }).support.x),
    ).flat();
    const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
    const deviation = Math.sqrt(numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / numbers.length);
    expect(Math.abs(mean)).toBeLessThan(0.3);
    expect(deviation).toBeGreaterThan(0.7);
    expect(deviation).toBeLessThan(1.4);
  });

  it("has classes without end, of which no split has one of another", () => {
    const classes = (split: Split) =>
      Array.from(
        { length: 5 },
        (_, i) => tasks.episode(split, 0, i, { ways: 10, shots: 1, queries: 1 }).classes!,
      ).flat();
    const [train, val, test] = [classes("train"), classes("val"), classes("test")];
    expect(new Set([...train, ...val, ...test]).size).toBe(
      new Set(train).size + new Set(val).size + new Set(test).size,
    );
    expect(tasks.classCount("test")).toBe(2 ** 20);
  });

  it("has more shots and queries than training keeps, where they are asked for", () => {
    expect(tasks.episode("train", 0, 0, { ways: 1, shots: 10, queries: 25 }).query.y.shape).toEqual([25]);
  });

  it("is above chance and below 75 % for the nearest neighbour", () => {
    const { mean } = nearestNeighbourAccuracy(tasks, { ...shape, queries: 2 }, { episodes: 40 });
    expect(mean).toBeGreaterThan(0.35);
    expect(mean).toBeLessThan(0.75);
  });
});

describe("a motion", () => {
  it("is two seconds of an accelerometer, another one for each number", () => {
    const seen = new Set(Array.from({ length: 100 }, (_, i) => drawMotion(i >> 2, i & 3).join()));
    expect(seen.size).toBe(100);
    expect([...drawMotion(1, 2)].length).toBe(300);
    drawMotion(9, 9);
    expect(drawMotion(1, 2)).toEqual(drawMotion(1, 2));
  });

  it("has gravity in it: what is felt in the middle of most recordings' first moment is 9.81 m/s²", () => {
    const first = Array.from({ length: 400 }, (_, i) => lengths([...drawMotion(i, 0)])[0]!).sort((a, b) => a - b);
    expect(first[200]).toBeGreaterThan(9.5);
    expect(first[200]).toBeLessThan(10.2);
  });

  it("is what a device would feel in another hand: turned as a whole, and divided by 7", () => {
    const { query, classes } = new Motions().episode("train", 1, 3, { ways: 3, shots: 1, queries: 2 });
    const labels = numbersOf(query.y);
    rows(numbersOf(query.x), 300).forEach((window, row) => {
      const id = Number(/^motion-(\d+)$/.exec(classes![labels[row]!]!)![1]);
      const felt = lengths(window).map((length) => 7 * length);
      const matches = Array.from({ length: 20 }, (_, attempt) =>
        lengths([...drawMotion(id, attempt)]).every((length, i) => Math.abs(length - felt[i]!) < 1e-3),
      );
      expect(matches.filter(Boolean)).toHaveLength(1);
    });
  });
});

describe("a tone", () => {
  const tones = new Tones();

  it("is a recording of a second or three, another one for each number", () => {
    const takes = Array.from({ length: 40 }, (_, i) => drawTone(i >> 2, i & 3));
    expect(new Set(takes.map((take) => take.join())).size).toBe(40);
    for (const take of takes) {
      expect(take.length / TONE_RATE).toBeGreaterThan(0.3);
      expect(take.length / TONE_RATE).toBeLessThan(4);
      expect(take.every((sample) => Math.abs(sample) <= 1)).toBe(true);
      expect(take.some((sample) => Math.abs(sample) > 0.005)).toBe(true);
    }
  });

  it("becomes an example by the preprocessing of the runtime", () => {
    const { support, classes } = tones.episode("test", 1, 3, { ways: 1, shots: 1, queries: 1 });
    const id = Number(/^tone-(\d+)$/.exec(classes![0]!)![1]);
    expect(id).toBeGreaterThanOrEqual(2 ** 21);
    const kept = tones.episode("train", 1, 3, { ways: 1, shots: 16, queries: 1 });
    const own = Number(/^tone-(\d+)$/.exec(kept.classes![0]!)![1]);
    const examples = Array.from({ length: 17 }, (_, take) =>
      preprocess(tones.preprocessing, { data: drawTone(own, take), rate: TONE_RATE, channels: 1 }).join(),
    );
    for (const row of rows(numbersOf(kept.support.x), 47 * 40)) expect(examples).toContain(row.join());
    expect(support.x.shape).toEqual([1, 47, 40, 1]);
  });
});
