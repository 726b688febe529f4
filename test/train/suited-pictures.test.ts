// Pictures that fill their frame, for a bundle whose pictures had a margin: what is drawn is measured, and made as large as there.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { starterBundle } from "@innerloop/bundles";
import type { ImagePreprocessing } from "@innerloop/schemas";
import { contentOfTasks, Glyphs, openTasks, readStart, unlikePictures } from "@innerloop/train";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";

const folder = temporaryFolder("suited");
const how: ImagePreprocessing = { kind: "image", width: 28, height: 28, channels: 1, invert: true, mean: 0, std: 1 };
const like = { extent: 0.8, ground: 0 };
const side = 40;

/** What a pixel is, by where it is (0 to 1), and the number of the picture. */
type Scene = (x: number, y: number, i: number) => number;

/** A bar from one edge of a box in the middle to the other, each time elsewhere. */
const bar =
  (extent: number, ink: number, ground: number): Scene =>
  (x, y, i) =>
    Math.abs(y - 0.5) < extent / 2 && Math.abs(x - 0.3 - 0.05 * i) < 0.06 ? ink : ground;

async function pictures(name: string, scenes: Readonly<Record<string, Scene>>): Promise<string> {
  for (const [label, scene] of Object.entries(scenes)) {
    mkdirSync(join(folder, name, label), { recursive: true });
    for (let i = 0; i < 4; i++) {
      const pixels = Uint8Array.from({ length: side * side }, (_, at) =>
        Math.round(scene(((at % side) + 0.5) / side, (Math.floor(at / side) + 0.5) / side, i)),
      );
      const png = sharp(pixels, { raw: { width: side, height: side, channels: 1 } }).png();
      writeFileSync(join(folder, name, label, `${i}.png`), await png.toBuffer());
    }
  }
  return `images:${join(folder, name)}`;
}

const suited = async (spec: string, examples = {}) => {
  const { preprocessing, notes = [] } = await openTasks(spec, { preprocessing: how, like, examples });
  return { ...(preprocessing as ImagePreprocessing), told: notes.join("\n") };
};

describe("pictures on an even ground", () => {
  test.each([
    ["light on dark", 250, 5, { margin: 0.1, ground: 5, invert: false }],
    ["dark on light", 20, 240, { margin: 0.1, ground: 240, invert: true }],
  ])(
    "that fill their frame, %s, get the margin and the ground of the bundle's",
    async (name, ink, ground, expected) => {
      const scene = bar(1, ink, ground);
      const found = await suited(await pictures(name, { a: scene, b: scene }));
      expect(found).toMatchObject(expected);
      expect(found.told).toContain("with a margin of 3 pixels (--margin 0.1)");
      expect(found.told).toContain("fills 100 % of a side, and 80 % in the pictures of the bundle");
      // What comes of it looks like the bundle's.
      const tasks = await openTasks(`images:${join(folder, name)}`, { preprocessing: how, like });
      expect(contentOfTasks(tasks)!.extent).toBeCloseTo(22 / 28, 3);
      expect(contentOfTasks(tasks)!.ground).toBeCloseTo(Math.min(ground, 255 - ground) / 255, 1);
      const { x } = tasks.episode("train", 0, 0, { ways: 1, shots: 1, queries: 1 }).support;
      const row = Array.from(x.data.subarray(0, 28), Number);
      expect(new Set(row)).toEqual(new Set([Math.fround(expected.invert ? 1 - ground / 255 : ground / 255)]));
    },
  );

  test("that have a margin as wide as the bundle's, or wider, are left as they are", async () => {
    for (const extent of [0.8, 0.5]) {
      const scene = bar(extent, 20, 240);
      const found = await suited(await pictures(`of ${extent}`, { a: scene, b: scene }));
      expect(found).not.toHaveProperty("margin");
      expect(found.told).not.toContain("margin");
    }
  });

  test("with grounds that are not alike have a margin of their own each", async () => {
    const scene: Scene = (x, y, i) => bar(1, 20, 150 + 30 * i)(x, y, i);
    const { margin, ground } = await suited(await pictures("grounds", { a: scene, b: scene }));
    expect([margin, ground]).toEqual([0.1, undefined]);
  });

  test("are measured without those of test, which fill their frame less", async () => {
    const [whole, small] = [bar(1, 20, 240), bar(0.4, 20, 240)];
    const spec = await pictures("split", {
      "train/a": whole,
      "train/b": whole,
      ...Object.fromEntries(["c", "d", "e", "f"].map((label) => [`test/${label}`, small])),
    });
    expect(await suited(spec)).toMatchObject({ margin: 0.1 });
  });

  test("have what is asked for, whatever they look like", async () => {
    const scene = bar(1, 250, 5);
    const spec = await pictures("asked", { a: scene, b: scene });
    expect(await suited(spec, { margin: 0.2, invert: true })).toMatchObject({ margin: 0.2, ground: 5, invert: true });
    expect(await suited(spec, { margin: 0 })).not.toHaveProperty("margin");
    const alone = await openTasks(spec, { examples: { margin: 0.25 } });
    expect(alone.preprocessing).toMatchObject({ margin: 0.25, ground: 5, width: 28 });
  });
});

test("photographs are left as they are", async () => {
  const hills: Scene = (x, y, i) => 128 + 80 * Math.sin(5 * x + i) * Math.cos(4 * y) + 40 * Math.sin(31 * x * y + i);
  const sky: Scene = (x, y, i) => (y < 0.4 ? 200 - 90 * x : hills(x, y, i));
  const { told, ...found } = await suited(await pictures("photographs", { hills, sky }));
  expect(found).toEqual(how);
  expect(told).toBe("");
  expect(contentOfTasks(await openTasks(`images:${join(folder, "photographs")}`))).toBeUndefined();
});

test("the bundle of drawings says of its pictures what they are", async () => {
  const { manifest } = await readStart(starterBundle("drawings"));
  expect(manifest.input.content).toEqual(contentOfTasks(new Glyphs()));
});

describe("examples of a bundle", () => {
  const input = { shape: [28, 28, 1], dtype: "float32" as const, preprocessing: how, content: like };
  const example = (extent: number, ink: number, ground: number): Float32Array =>
    Float32Array.from({ length: 784 }, (_, at) =>
      bar(extent, ink, ground)((at % 28) / 28, (Math.floor(at / 28) + 0.5) / 28, 2),
    );

  test("that are larger, or the other way around, tell what would make them alike", () => {
    expect(unlikePictures([example(1, 1, 0)], input)).toMatchObject({ margin: 0.1 });
    expect(unlikePictures([example(1, 0, 1)], input)).toMatchObject({ margin: 0.1, invert: false });
    expect(unlikePictures([example(22 / 28, 1, 0)], input)).toBeUndefined();
    const { content: _, ...silent } = input;
    expect(unlikePictures([example(1, 1, 0)], silent)).toBeUndefined();
  });

  test("that have a margin already are told how wide it has to be in all", () => {
    const preprocessing = { ...how, margin: 0.05 };
    expect(unlikePictures([example(1, 1, 0)], { ...input, preprocessing })).toMatchObject({ margin: 0.14 });
  });
});
