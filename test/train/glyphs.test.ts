// Glyphs, characters that are drawn here, and the nearest neighbour on pixels that shows how hard they are.
import { drawGlyph, type Episode, Glyphs, nearestNeighbourAccuracy, nearestNeighbours } from "@innerloop/train";
import { describe, expect, test } from "vitest";

const values = (tensor: { data: ArrayLike<unknown> }): number[] => Array.from(tensor.data as ArrayLike<number>);

describe("glyphs", () => {
  const glyphs = new Glyphs();
  const shape = { ways: 5, shots: 1, queries: 15 };

  test("a glyph is ink on an empty page, the same every time, and no two are alike", () => {
    const seen = new Set<string>();
    for (let id = 0; id < 40; id++) {
      for (let drawer = 0; drawer < 5; drawer++) {
        const glyph = drawGlyph(id, drawer);
        const inked = glyph.filter((pixel) => pixel > 127).length;
        expect(inked).toBeGreaterThan(20);
        expect(inked).toBeLessThan(400);
        seen.add(glyph.join());
      }
    }
    expect(seen.size).toBe(200);
    drawGlyph(5, 0);
    expect(drawGlyph(39, 4).join()).toBe([...seen].at(-1));
  });

  test("episodes hold values in [0, 1], and are the same from another instance and in another order", () => {
    const episode = glyphs.episode("train", 4, 7, shape);
    expect(episode.support.x.shape).toEqual([5, 28, 28, 1]);
    expect(values(episode.query.x).every((value) => value >= 0 && value <= 1)).toBe(true);
    glyphs.episode("train", 4, 8, shape);
    expect(new Glyphs().episode("train", 4, 7, shape)).toEqual(episode);
    expect(glyphs.episode("val", 4, 7, shape)).not.toEqual(episode);
  });

  test("the splits share no character", () => {
    const characters = (split: "train" | "val" | "test"): string[] =>
      Array.from({ length: 50 }, (_, i) => glyphs.episode(split, 0, i, { ways: 20, shots: 1, queries: 1 }).classes!)
        .flat()
        .map((name) => name.replace(/@.*/, ""));
    const [train, val, held] = [characters("train"), characters("val"), characters("test")];
    expect(val.filter((name) => train.includes(name) || held.includes(name))).toEqual([]);
    expect(held.filter((name) => train.includes(name))).toEqual([]);
  });

  test("a class of train is a character turned anticlockwise by what its name says", () => {
    for (let index = 0; index < 20; index++) {
      const { support, classes } = glyphs.episode("train", 1, index, shape);
      const row = 0;
      const [, id, degrees = "0"] = /^glyph-(\d+)(?:@(\d+))?$/.exec(classes![values(support.y)[row]!]!)!;
      const pixels = values(support.x).slice(0, 784);
      const matches = Array.from({ length: 20 }, (_, drawer) => {
        let image = Array.from(drawGlyph(Number(id), drawer), (byte) => Math.fround(byte / 255));
        for (let turned = 0; turned < Number(degrees); turned += 90) {
          // Anticlockwise: the top row of the result is the last column.
          const before = image;
          image = before.map((_, at) => before[(at % 28) * 28 + 27 - Math.floor(at / 28)]!);
        }
        return image.join() === pixels.join();
      });
      expect(matches.filter(Boolean)).toHaveLength(1);
    }
  });

  test("without rotations every class of train is upright", () => {
    const upright = new Glyphs({ rotations: false });
    expect([upright.classCount("train"), glyphs.classCount("train")]).toEqual([1200, 4800]);
    const { support, classes } = upright.episode("train", 1, 0, { ways: 20, shots: 1, queries: 1 });
    values(support.y).forEach((label, row) => {
      const id = Number(/^glyph-(\d+)$/.exec(classes![label]!)![1]);
      const drawn = Array.from({ length: 20 }, (_, drawer) => Array.from(drawGlyph(id, drawer)).join());
      const pixels = values(support.x).slice(row * 784, (row + 1) * 784);
      expect(drawn).toContain(pixels.map((ink) => Math.round(255 * ink)).join());
    });
  });

  test("more shots and queries than the 20 usual drawers are possible", () => {
    const { query } = glyphs.episode("train", 0, 0, { ways: 2, shots: 10, queries: 30 });
    expect(query.y.shape).toEqual([60]);
  });

  test("nearest neighbour on pixels is far above chance, and below 75 %", () => {
    const { mean } = nearestNeighbourAccuracy(glyphs, shape, { episodes: 200 });
    expect(mean).toBeGreaterThan(0.35);
    expect(mean).toBeLessThan(0.65);
  });
});

describe("nearestNeighbours", () => {
  test("takes the label of the closest example", () => {
    const tensor = (rows: number[][]) =>
      ({ dtype: "float32", shape: [rows.length, 2], data: Float32Array.from(rows.flat()) }) as const;
    const y = { dtype: "int32", shape: [2], data: Int32Array.of(1, 0) } as const;
    const episode: Episode = {
      support: {
        x: tensor([
          [0, 0],
          [3, 4],
        ]),
        y,
      },
      query: {
        x: tensor([
          [1, 1],
          [3, 3],
        ]),
        y,
      },
    };
    expect([...nearestNeighbours(episode)]).toEqual([1, 0]);
  });
});
