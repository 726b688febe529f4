// Data that come from files: images:DIR and omniglot:DIR, on folders made here.
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Preprocessing, RunConfigInput } from "@innerloop/schemas";
import {
  completeConfig,
  listImageClasses,
  loadImage,
  Omniglot,
  openImages,
  openTasks,
  type Split,
  tasksOf,
} from "@innerloop/train";
import { encode } from "fast-png";
import { zipSync } from "fflate";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";

const values = (tensor: { data: ArrayLike<unknown> }): number[] => Array.from(tensor.data as ArrayLike<number>);

const folder = temporaryFolder("tasks");

/** An 8-bit grey PNG, `pixel(x, y)` in 0…255. */
function png(width: number, height: number, pixel: (x: number, y: number) => number): Uint8Array {
  const data = Uint8Array.from({ length: width * height }, (_, i) => pixel(i % width, Math.floor(i / width)));
  return encode({ width, height, data, channels: 1, depth: 8 });
}

function write(path: string, bytes: Uint8Array | string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  return file;
}

/** A data folder of uniform grey images: class c, example e has the grey 10·c + e. */
function greys(name: string, classes: readonly string[], examples: number): string {
  classes.forEach((label, c) => {
    for (let e = 0; e < examples; e++)
      write(
        `${name}/${label}/${e}.png`,
        png(4, 4, () => 10 * c + e),
      );
  });
  return join(folder, name);
}

const plain: Preprocessing = { kind: "image", width: 2, height: 2, channels: 1, invert: false, mean: 0, std: 1 };

describe("loadImage", () => {
  const image = png(4, 4, (x, y) => [0, 100, 200, 255][(x >> 1) + 2 * (y >> 1)]!);
  const fractions = [0, 100, 200, 255].map((byte) => Math.fround(byte / 255));

  test("reads bytes and files: pixel / 255, channels-last", async () => {
    expect([...(await loadImage(image, plain))]).toEqual(fractions);
    expect([...(await loadImage(write("one.png", image), plain))]).toEqual(fractions);
    expect([...(await loadImage(image, { ...plain, channels: 3 }))]).toEqual(fractions.flatMap((p) => [p, p, p]));
  });

  test("resizes by area averaging, with shares at the edges, to width × height", async () => {
    // Three columns to two: [a, b, c] → [(a + b/2) / 1.5, (b/2 + c) / 1.5].
    const row = png(3, 1, (x) => [30, 90, 240][x]!);
    const [left, right] = await loadImage(row, { ...plain, width: 2, height: 1 });
    expect([left! * 255, right! * 255]).toEqual([expect.closeTo(50, 4), expect.closeTo(190, 4)]);
    const tall = await loadImage(row, { ...plain, width: 1, height: 2 });
    expect([...tall].map((p) => p * 255)).toEqual([expect.closeTo(120, 4), expect.closeTo(120, 4)]);
  });

  test("inverts, then standardizes", async () => {
    const [first] = await loadImage(image, { ...plain, invert: true, mean: 0.5, std: 0.25 });
    expect(first).toBeCloseTo((1 - 0 - 0.5) / 0.25, 6);
  });

  test("puts transparent images on white, makes colours grey, and keeps RGB in order", async () => {
    const red = { r: 255, g: 0, b: 0 };
    const clear = await sharp({ create: { width: 2, height: 2, channels: 4, background: { ...red, alpha: 0 } } })
      .png()
      .toBuffer();
    expect([...(await loadImage(clear, plain))]).toEqual([1, 1, 1, 1]);
    const solid = await sharp({ create: { width: 2, height: 2, channels: 3, background: red } })
      .png()
      .toBuffer();
    expect([...(await loadImage(solid, { ...plain, channels: 3 }))].slice(0, 3)).toEqual([1, 0, 0]);
    const grey = await loadImage(solid, plain);
    expect(grey[0]).toBeGreaterThan(0.1);
    expect(grey[0]).toBeLessThan(0.9);
  });

  test("names the file that is not an image", async () => {
    const text = write("broken/a/not-an-image.png", "hello");
    await expect(loadImage(text, plain)).rejects.toMatchObject({ code: "image-broken", exitStatus: 1 });
    await expect(loadImage(text, plain)).rejects.toThrow(text);
    const whole = png(64, 64, (x, y) => (x * x * 37 + y * y * 91) & 255);
    const short = write("broken/a/short.png", whole.subarray(0, whole.length / 2));
    await expect(loadImage(short, plain)).rejects.toThrow(short);
    await expect(loadImage(new Uint8Array(5), plain)).rejects.toThrow("5 bytes: cannot be read as an image");
  });
});

describe("images:DIR", () => {
  const shape = { ways: 2, shots: 1, queries: 2 };
  const names = Array.from({ length: 10 }, (_, i) => `group${i % 2}/c${i}`);

  test("every folder that holds images is a class, at any depth, and hidden or other files do not count", () => {
    const data = greys("depth", ["a", "b/c", "b/c/d"], 2);
    write("depth/a/notes.txt", "");
    write("depth/.cache/x.png", "");
    write("depth/empty/readme.md", "");
    expect(listImageClasses(data).map(({ name, files }) => `${name} ${files.length}`)).toEqual([
      "a 2",
      "b/c 2",
      "b/c/d 2",
    ]);
  });

  test("splits classes by name into 64, 16 and 20 %, the same every time; episodes come from their split", async () => {
    const tasks = await openTasks(`images:${greys("split", names, 3)}`);
    const count = (split: Split): number => tasks.classCount(split);
    expect([count("train"), count("val"), count("test")]).toEqual([6, 2, 2]);
    const seen = (split: Split): Set<string> =>
      new Set(Array.from({ length: 40 }, (_, i) => tasks.episode(split, 0, i, shape).classes!).flat());
    expect([...seen("train"), ...seen("val"), ...seen("test")].sort()).toEqual([...names].sort());
    const again = await openTasks(`images:${join(folder, "split")}`);
    expect(again.episode("train", 3, 5, shape)).toEqual(tasks.episode("train", 3, 5, shape));
    const { query, classes } = tasks.episode("train", 0, 0, shape);
    expect(query.x.shape).toEqual([4, 28, 28, 1]);
    values(query.y).forEach((label, row) => {
      const grey = Math.round(values(query.x)[row * 784]! * 255);
      expect(Math.floor(grey / 10)).toBe(names.indexOf(classes![label]!));
    });
  });

  test("folders named train, val and test are the splits; size and channels can be chosen", async () => {
    const data = greys("given", ["train/a", "train/b", "train/c", "test/d", "test/e"], 3);
    const tasks = await openImages(data, { preprocessing: { width: 6, height: 5, channels: 3, invert: true } });
    expect([tasks.classCount("train"), tasks.classCount("val"), tasks.classCount("test")]).toEqual([3, 0, 2]);
    expect(tasks.inputShape).toEqual([5, 6, 3]);
    expect(tasks.preprocessing).toEqual({ ...plain, width: 6, height: 5, channels: 3, invert: true });
    const { support, classes } = tasks.episode("test", 0, 0, shape);
    expect(support.x.shape).toEqual([2, 5, 6, 3]);
    expect([...classes!].sort()).toEqual(["test/d", "test/e"]);
    expect(Math.min(...values(support.x))).toBeGreaterThan(0.7);
  });

  test("all classes can be one split", async () => {
    const tasks = await openImages(greys("all", ["x", "y"], 3), { heldBack: { val: 0, test: 1 } });
    expect([tasks.classCount("train"), tasks.classCount("test")]).toEqual([0, 2]);
  });

  test("says what is missing or broken", async () => {
    mkdirSync(join(folder, "nothing"));
    await expect(openTasks(`images:${join(folder, "nothing")}`)).rejects.toMatchObject({
      code: "data-missing",
      message: `${join(folder, "nothing")} holds no images; expected one sub-folder a class with PNG, JPEG, WebP, GIF, TIFF or AVIF files`,
      exitStatus: 2,
    });
    const file = write("a-file", "");
    await expect(openTasks(`images:${file}`)).rejects.toThrow(`${file} is a file; expected a folder`);
    const data = greys("few", ["a", "b"], 2);
    const tasks = await openImages(data, { heldBack: { val: 0, test: 0 } });
    expect(() => tasks.episode("train", 0, 0, { ...shape, ways: 5 })).toThrow(
      `The train split of images:${data} (2 classes in all) has 2 classes; 5 ways need at least 5. ` +
        "Ask for fewer ways or add folders of images",
    );
    expect(() => tasks.episode("train", 0, 0, shape)).toThrow(
      `Class "a" of the train split of images:${data} (2 classes in all) has 2 examples; 1 shots + 2 queries need 3. ` +
        "Ask for fewer shots or queries, add examples to the class, or leave it out",
    );
    const corrupt = write("few/a/9.png", "not a png");
    await expect(openTasks(`images:${data}`)).rejects.toThrow(corrupt);
  });
});

describe("omniglot:DIR, on small archives", () => {
  // 12 alphabets of one character with three drawers; drawer e's image is black except for rows below 30 + 5·e.
  const alphabets = Array.from({ length: 12 }, (_, i) => `Alphabet_${String.fromCharCode(65 + i)}`);
  const entries = (archive: string): Record<string, Uint8Array> =>
    Object.fromEntries(
      alphabets.flatMap((alphabet, a) =>
        [0, 1, 2].map((e) => [
          `${archive}/${alphabet}/character01/${a}_0${e + 1}.png`,
          png(105, 105, (_, y) => (y < 30 + 5 * e ? 0 : 255)),
        ]),
      ),
    );
  const shape = { ways: 2, shots: 1, queries: 1 };

  test("every sixth background alphabet is val, evaluation is test, train has four turns of each character", () => {
    write("zipped/images_background.zip", zipSync(entries("images_background")));
    write("zipped/images_evaluation.zip", zipSync(entries("images_evaluation")));
    const tasks = new Omniglot(join(folder, "zipped"));
    expect([tasks.classCount("train"), tasks.classCount("val"), tasks.classCount("test")]).toEqual([40, 2, 12]);
    const val = Array.from({ length: 5 }, (_, i) => tasks.episode("val", 0, i, shape).classes!).flat();
    expect([...new Set(val)].sort()).toEqual(["Alphabet_F/character01", "Alphabet_L/character01"]);
    expect(new Omniglot(join(folder, "zipped"), { turnHeldBack: true }).classCount("test")).toBe(48);
  });

  test("a run config may leave the turns out", async () => {
    const data = `omniglot:${join(folder, "zipped")}`;
    const count = async (input: RunConfigInput) => (await tasksOf(completeConfig(input))).classCount("train");
    expect([await count({ data }), await count({ data, rotations: true })]).toEqual([40, 40]);
    expect(await count({ preset: "omniglot-5way-1shot", data, rotations: false })).toBe(10);
    const upright = await tasksOf({ data, rotations: false });
    const classes = Array.from({ length: 30 }, (_, i) => upright.episode("train", 0, i, shape).classes!).flat();
    expect(classes.filter((name) => name.includes("@"))).toEqual([]);
  });

  test("ink is 1, averaged by area, and a class is turned anticlockwise by what its name says", () => {
    const tasks = new Omniglot(join(folder, "zipped"));
    for (let index = 0; index < 30; index++) {
      const { support, classes } = tasks.episode("train", 0, index, shape);
      const image = values(support.x).slice(0, 784);
      const degrees = Number(/@(\d+)$/.exec(classes![values(support.y)[0]!]!)?.[1] ?? 0);
      // Upright the ink is on top; anticlockwise it comes to the left, the bottom, the right.
      const side = (row: number, column: number): number => image[row * 28 + column]!;
      const sides = [side(0, 14), side(14, 0), side(27, 14), side(14, 27)];
      expect(sides.indexOf(1)).toBe(degrees / 90);
      const ink = image.reduce((a, b) => a + b, 0) / 784;
      expect([30, 35, 40].some((rows) => Math.abs(ink - rows / 105) < 1e-3)).toBe(true);
    }
  });

  test("unpacked folders give the same episodes as archives", () => {
    for (const archive of ["images_background", "images_evaluation"]) {
      for (const [path, bytes] of Object.entries(entries(archive))) write(`unpacked/${path}`, bytes);
    }
    const [zipped, unpacked] = ["zipped", "unpacked"].map((name) => new Omniglot(join(folder, name)));
    for (const split of ["train", "val", "test"] as const) {
      expect(unpacked!.episode(split, 1, 2, shape)).toEqual(zipped!.episode(split, 1, 2, shape));
    }
  });

  test("says what is missing or broken", () => {
    write("half/images_background.zip", zipSync(entries("images_background")));
    const half = new Omniglot(join(folder, "half"));
    expect(half.classCount("train")).toBe(40);
    expect(() => half.classCount("test")).toThrow("images_evaluation.zip is not in");
    expect(() => half.episode("train", 0, 0, { ...shape, shots: 3 })).toThrow("has 3 examples; 3 shots + 1 queries");
    truncateSync(write("cut/images_background.zip", zipSync(entries("images_background"))), 900);
    expect(() => new Omniglot(join(folder, "cut")).classCount("train")).toThrow(
      /images_background\.zip cannot be unpacked \(.*\); it may be cut short\. Fetch it again/,
    );
    const bad = {
      ...entries("images_background"),
      "images_background/Alphabet_A/character01/0_02.png": Uint8Array.of(1),
    };
    write("bad/images_background.zip", zipSync(bad));
    expect(() => new Omniglot(join(folder, "bad")).classCount("train")).toThrow(
      /images_background\.zip\/images_background\/Alphabet_A\/character01\/0_02\.png cannot be read/,
    );
  });
});
