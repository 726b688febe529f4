// How pictures become examples where nobody says it: their size, grey or colour, and which way around light and dark are.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ImagePreprocessing } from "@innerloop/schemas";
import { openImages, openTasks, random } from "@innerloop/train";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { refusal } from "../support/refusal.ts";

const folder = temporaryFolder("look");

type Colour = readonly [red: number, green: number, blue: number];

/** What a pixel is, by where it is (0 to 1), its class and its example. */
type Scene = (x: number, y: number, of: number, rng: ReturnType<typeof random>) => Colour;

let sets = 0;

/** Four classes of three pictures. */
async function data(
  scene: Scene,
  { width = 40, height = width, jpeg = false }: { width?: number; height?: number; jpeg?: boolean } = {},
): Promise<string> {
  const place = join(folder, String(sets++));
  for (let of = 0; of < 4; of++) {
    mkdirSync(join(place, `c${of}`), { recursive: true });
    for (let i = 0; i < 3; i++) {
      const rng = random(of, i);
      const pixels = new Uint8ClampedArray(width * height * 3);
      for (let at = 0; at < width * height; at++)
        pixels.set(scene((at % width) / width, Math.floor(at / width) / height, of, rng), 3 * at);
      const picture = sharp(pixels, { raw: { width, height, channels: 3 } });
      const bytes = await (jpeg ? picture.jpeg({ quality: 75 }) : picture.png()).toBuffer();
      writeFileSync(join(place, `c${of}`, `${i}.${jpeg ? "jpg" : "png"}`), bytes);
    }
  }
  return place;
}

const grey = (value: number): Colour => [value, value, value];

/** A stroke across the middle, another one in each class, and 1 where it is. */
const stroke: (...of: Parameters<Scene>) => number = (x, y, of, rng) =>
  Math.abs(x - 0.5) < 0.35 && Math.abs(y - 0.3 - of * 0.07 - 0.05 * rng.uniform()) < 0.08 ? 1 : 0;

/** Light and dark all over. */
const clouds: (...of: Parameters<Scene>) => number = (x, y, of, rng) =>
  120 + 80 * Math.sin((6 + of) * x) * Math.cos(7 * y) + 30 * rng.uniform();

const chosen = async (place: string) => {
  const { preprocessing, notes } = await openTasks(`images:${place}`);
  return { ...(preprocessing as ImagePreprocessing), told: notes![0]! };
};

describe("colour", () => {
  const tint = (value: number): Colour => [value, 0.86 * value, 0.66 * value];
  test.each<[string, Scene, 1 | 3]>([
    ["grey pictures that are saved as RGB", (...at) => grey(clouds(...at)), 1],
    ["pictures with one tint, as sepia has", (...at) => tint(clouds(...at)), 1],
    ["blue ink on yellowed paper", (...at) => (stroke(...at) ? [40, 50, 140] : [235, 222, 190]), 1],
    [
      "classes that differ in colour",
      (x, y, of, rng) => {
        const value = clouds(x, y, of, rng);
        return of % 2 ? [value, 0.7 * value, 0.5 * value] : [0.5 * value, 0.7 * value, value];
      },
      3,
    ],
    [
      "a dot of a colour in the corner",
      (x, y, of) =>
        x < 0.15 && y < 0.15
          ? ([
              [200, 30, 30],
              [30, 160, 30],
              [40, 40, 220],
            ][of % 3] as unknown as Colour)
          : grey(200),
      3,
    ],
    ["pictures of many colours", (x, y, of, rng) => [255 * x, 255 * y, 40 * of + 10 * rng.uniform()], 3],
  ])("of %s", async (_, scene, channels) => {
    for (const jpeg of [false, true]) {
      const { channels: found, told } = await chosen(await data(scene, { jpeg }));
      expect(found).toBe(channels);
      expect(told).toContain(channels === 3 ? "in colour, since" : "grey, since");
    }
  });
});

describe("light and dark", () => {
  test.each<[string, Scene, boolean]>([
    ["ink on paper", (...at) => grey(stroke(...at) ? 40 : 240), true],
    ["ink on grey paper", (...at) => grey(stroke(...at) ? 40 : 180 + 10 * at[3].uniform()), true],
    ["light on dark", (...at) => grey(stroke(...at) ? 240 : 10), false],
    ["light and dark all over", (...at) => grey(clouds(...at)), false],
    [
      "both on an even ground",
      (x, y, of, rng) => grey(stroke(x, y, of, rng) ? 20 : stroke(x, y + 0.3, of, rng) ? 255 : 190),
      false,
    ],
  ])("of %s", async (_, scene, invert) => {
    const place = await data(scene);
    const { invert: found, told } = await chosen(place);
    expect(found).toBe(invert);
    expect(told.includes("inverted")).toBe(invert);
    if (!invert) return;
    // The ground is nearly 0.
    const { support } = (await openTasks(`images:${place}`)).episode("train", 0, 0, { ways: 2, shots: 1, queries: 1 });
    expect(support.x.data[0]).toBeLessThan(0.3);
  });
});

describe("size", () => {
  const scene: Scene = (...at) => grey(clouds(...at));
  test.each([
    [8, 8, 28],
    [28, 28, 28],
    [31, 90, 28],
    [33, 33, 32],
    [300, 50, 32],
    [48, 48, 32],
    [240, 180, 32],
  ])("of %i×%i pixels: %i", async (width, height, side) => {
    const { told, ...found } = await chosen(await data(scene, { width, height }));
    expect([found.width, found.height]).toEqual([side, side]);
    expect(told).toMatch(new RegExp(`^Examples are ${side}×${side} pixels, `));
  });
});

test.each([
  [40, 240],
  [240, 10],
])("drawings of %i on %i are as large as characters, however large they are", async (drawn, ground) => {
  const { width, told } = await chosen(await data((...at) => grey(stroke(...at) ? drawn : ground), { width: 105 }));
  expect(width).toBe(28);
  expect(told).toMatch(/^Examples are 28×28 pixels, as much as characters/);
});

describe("what is given", () => {
  const scene: Scene = (...at) => (stroke(...at) ? [40, 40, 200] : [240, 240, 240]);

  test("is not chosen, and nothing is said of it", async () => {
    const place = await data(scene);
    const all = await openTasks(`images:${place}`, { examples: { size: [20, 10], channels: 3, invert: true } });
    expect(all.preprocessing).toEqual({
      kind: "image",
      width: 20,
      height: 10,
      channels: 3,
      invert: true,
      mean: 0,
      std: 1,
    });
    expect(all.notes).toEqual([]);
    const some = await openTasks(`images:${place}`, { examples: { size: 16 } });
    expect(some.preprocessing).toMatchObject({ width: 16, height: 16, channels: 1, invert: true });
    expect(some.notes![0]).toMatch(/^Examples are grey, .*; inverted, /);
  });

  test("as the whole of preprocessing, or a part of it by a program, is what examples are made by", async () => {
    const place = await data(scene);
    const given: ImagePreprocessing = {
      kind: "image",
      width: 9,
      height: 8,
      channels: 3,
      invert: false,
      mean: 0.5,
      std: 0.2,
    };
    const tasks = await openTasks(`images:${place}`, { preprocessing: given, examples: { size: 64 } });
    expect([tasks.preprocessing, tasks.inputShape, tasks.notes]).toEqual([given, [8, 9, 3], []]);
    const part = await openImages(place, { preprocessing: { width: 12, std: 2 } });
    expect(part.preprocessing).toMatchObject({ width: 12, height: 12, channels: 1, invert: true, mean: 0, std: 2 });
  });

  test("for other data is refused", async () => {
    const window = { kind: "window", length: 4, channels: 1, mean: 0, std: 1 } as const;
    const error = await refusal(async () => openTasks(`images:${await data(scene)}`, { preprocessing: window }));
    expect(error).toMatchObject({ code: "wrong-data", exitStatus: 2 });
    expect(error.message).toMatch(/has images, and examples of the kind "window" were expected/);
  });
});
