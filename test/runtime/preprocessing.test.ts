// Raw input as a manifest's preprocessing makes examples of it: against formulas, in float64; against training, to the bit;
// and what is said of input that does not fit.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Input, Learner } from "@innerloop/runtime";
import { exampleOf, preprocess, type RawInput } from "@innerloop/runtime/input";
import type { ImagePreprocessing, Manifest, Preprocessing, WindowPreprocessing } from "@innerloop/schemas";
import { MetaDataset, openImages } from "@innerloop/train";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { itUnless } from "../support/absent.ts";
import { temporaryFolder } from "../support/folders.ts";
import { uniformNumbers } from "../support/numbers.ts";
import { python, pythonLacks } from "../support/python.ts";
import { refusalOf } from "../support/refusal.ts";
import { writeBundle } from "./fixture.ts";

const image: ImagePreprocessing = { kind: "image", width: 5, height: 4, channels: 1, invert: false, mean: 0, std: 1 };
const window: WindowPreprocessing = { kind: "window", length: 40, channels: 1, rate: 100, mean: 0, std: 1 };

function picture(width: number, height: number, channels: number, seed = 1) {
  const next = uniformNumbers(seed);
  const data = Uint8ClampedArray.from({ length: width * height * channels }, () => Math.floor(next() * 256));
  return { data, width, height };
}

describe("a picture", () => {
  /** The mean of a picture's grey values under a rectangle, in float64. */
  function meanUnder(grey: (x: number, y: number) => number, [left, right, top, bottom]: readonly number[]): number {
    let sum = 0;
    for (let y = Math.floor(top!); y < bottom!; y++)
      for (let x = Math.floor(left!); x < right!; x++)
        sum +=
          grey(x, y) * (Math.min(right!, x + 1) - Math.max(left!, x)) * (Math.min(bottom!, y + 1) - Math.max(top!, y));
    return sum / ((right! - left!) * (bottom! - top!));
  }

  it.each([
    [5, 4],
    [10, 8],
    [13, 9],
    [3, 2],
    [1, 1],
    [640, 480],
  ])("of %i × %i becomes 5 × 4 by averaging areas", (width, height) => {
    const source = picture(width, height, 1);
    const example = preprocess(image, source);
    const at = (x: number, y: number) => source.data[y * width + x]!;
    for (let y = 0; y < 4; y++)
      for (let x = 0; x < 5; x++) {
        const area = [(x * width) / 5, ((x + 1) * width) / 5, (y * height) / 4, ((y + 1) * height) / 4];
        const value = 255 * example[y * 5 + x]!;
        // A whole number, and the nearest.
        expect(Math.abs(value - Math.round(value))).toBeLessThan(1e-4);
        expect(Math.abs(value - meanUnder(at, area))).toBeLessThan(0.5 + 1e-3);
      }
  });

  it("is laid on white, and made grey by the luma of ITU-R BT.601", () => {
    const one = (channels: 1 | 3, ...data: number[]) =>
      Array.from(
        preprocess({ ...image, width: 1, height: 1, channels }, { data: Uint8Array.from(data), width: 1, height: 1 }),
        (value) => Math.round(255 * value),
      );
    expect([one(1, 255, 0, 0), one(1, 0, 255, 0), one(1, 0, 0, 255)]).toEqual([[76], [150], [29]]);
    const next = uniformNumbers(3);
    for (let i = 0; i < 500; i++) {
      const [r, g, b, a] = Array.from({ length: 4 }, () => Math.floor(next() * 256)) as [
        number,
        number,
        number,
        number,
      ];
      const luma = 0.299 * r + 0.587 * g + 0.114 * b;
      expect(Math.abs(one(1, r, g, b)[0]! - luma)).toBeLessThan(0.51);
      const white = [r, g, b].map((value) => value * (a / 255) + 255 * (1 - a / 255));
      one(3, r, g, b, a).forEach((value, c) => {
        expect(Math.abs(value - white[c]!)).toBeLessThan(0.51);
      });
      expect(one(1, r, r, r)).toEqual([r]);
      expect(one(3, r)).toEqual([r, r, r]);
    }
    expect(one(3, 9, 8, 7, 0)).toEqual([255, 255, 255]);
  });

  it("is the same as RGBA, RGB or grey, as bytes of either kind", () => {
    const grey = picture(7, 6, 1);
    const as = (channels: number) => ({
      ...grey,
      data: Uint8Array.from({ length: 42 * channels }, (_, i) =>
        i % 4 === 3 && channels === 4 ? 255 : grey.data[Math.floor(i / channels)]!,
      ),
    });
    for (const channels of [1, 3] as const) {
      const how = { ...image, channels };
      const expected = preprocess(how, grey);
      expect(expected.length).toBe(20 * channels);
      for (const other of [as(1), as(3), as(4)]) expect(preprocess(how, other)).toEqual(expected);
    }
  });

  it("is inverted, and then standardized", () => {
    const source = picture(5, 4, 1);
    const example = preprocess({ ...image, invert: true, mean: 0.4, std: 0.3 }, source);
    source.data.forEach((byte, i) => {
      expect(example[i]).toBe(Math.fround((1 - byte / 255 - 0.4) / 0.3));
    });
  });

  it.each([
    [
      { data: new Uint8Array(7), width: 5, height: 4 },
      /^the picture has 7 bytes for 5×4 pixels; 4 for each pixel were expected/,
    ],
    [{ data: new Uint8Array(40), width: 5, height: 4 }, /40 bytes for 5×4 pixels/],
    [{ data: new Uint8Array(0), width: 0, height: 4 }, /0 bytes for 0×4 pixels/],
    [{ data: new Uint8Array(10), width: 2.5, height: 4 }, /10 bytes for 2.5×4/],
    [{ data: new Float32Array(20), width: 5, height: 4 }, /^the picture's data are no bytes/],
    [{ data: new Float32Array(20) }, /^input of an unknown form was given; this bundle takes a picture as/],
    [undefined, /^input of an unknown form/],
  ])("that is none is refused: %#", (input, message) => {
    expect(refusalOf(() => preprocess(image, input as RawInput))).toMatchObject({
      code: "bad-input",
      message: expect.stringMatching(message),
    });
  });

  itUnless(pythonLacks("numpy", "PIL"), "is what Pillow makes of it", { timeout: 30_000 }, () => {
    const source = picture(55, 36, 4);
    const code = `
import sys, json, numpy as np
from PIL import Image
raw = np.array(json.load(sys.stdin), np.uint8).reshape(36, 55, 4)
rgba = Image.fromarray(raw, "RGBA")
flat = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
print(json.dumps([np.asarray(flat.convert("L")).ravel().tolist(), np.asarray(flat.convert("RGB").resize((11, 9), Image.Resampling.BOX)).ravel().tolist()]))`;
    const { stdout } = spawnSync(python, ["-W", "ignore", "-c", code], {
      encoding: "utf8",
      input: JSON.stringify([...source.data]),
    });
    const [grey, small] = JSON.parse(stdout) as [number[], number[]];
    const bytes = (how: Partial<ImagePreprocessing>) =>
      Array.from(preprocess({ ...image, ...how }, source), (value) => Math.round(255 * value));
    expect(bytes({ width: 55, height: 36 })).toEqual(grey);
    // By whole numbers, since Pillow's boxes hold whole pixels; it rounds to bytes between the two directions as well.
    bytes({ width: 11, height: 9, channels: 3 }).forEach((value, i) => {
      expect(Math.abs(value - small[i]!)).toBeLessThanOrEqual(1);
    });
  });
});

describe("a window", () => {
  const wave = (count: number, channels = 1) => {
    const next = uniformNumbers(7);
    return Float32Array.from({ length: count * channels }, () => 2 * next() - 1);
  };

  it("is the last samples, channels interleaved, standardized by one number or one for each channel", () => {
    const data = wave(60, 3);
    const how = { ...window, channels: 3, mean: [0.1, 0.2, 0.3], std: [1, 2, 4] };
    const example = preprocess(how, { data });
    expect(example.length).toBe(120);
    example.forEach((value, i) => {
      expect(value).toBeCloseTo((data[60 + i]! - how.mean[i % 3]!) / how.std[i % 3]!, 6);
    });
    expect(preprocess({ ...how, mean: 0, std: 1 }, { data, rate: 100, channels: 3 })).toEqual(data.slice(60));
    expect(preprocess({ ...window, channels: 3 }, { data: Array.from(data) })).toEqual(data.slice(60));
  });

  it("of 16-bit integers is scaled to −1…1", () => {
    const data = Int16Array.from({ length: 40 }, (_, i) => (i === 0 ? -32768 : i * 800));
    const example = preprocess(window, { data });
    expect([example[0], example[1]]).toEqual([-1, Math.fround(800 / 32768)]);
    expect(example).toEqual(preprocess(window, { data: Float32Array.from(data, (value) => value / 32768) }));
  });

  it.each([200, 150, 441, 100.7])(
    "at %d Hz, more than the bundle's 100, is averaged over the time of each sample",
    (rate) => {
      const count = 260;
      const data = wave(count);
      const example = preprocess(window, { data, rate });
      const span = rate / 100;
      for (let i = 0; i < 40; i++) {
        const [start, end] = [count - (40 - i) * span, count - (39 - i) * span];
        let sum = 0;
        for (let j = Math.floor(start); j < end; j++) sum += data[j]! * (Math.min(end, j + 1) - Math.max(start, j));
        expect(example[i]).toBeCloseTo(sum / span, 5);
      }
    },
  );

  it.each([50, 30, 99])("at %d Hz, less than the bundle's 100, lies on the lines between samples", (rate) => {
    const data = wave(45);
    const example = preprocess(window, { data, rate });
    for (let i = 0; i < 40; i++) {
      // The middle of a sample's time, in samples; before the first and after the last middle there is no line.
      const position = Math.min(44, Math.max(0, 45 - ((39.5 - i) * rate) / 100 - 0.5));
      const left = Math.min(43, Math.floor(position));
      const share = position - left;
      expect(example[i]).toBeCloseTo((1 - share) * data[left]! + share * data[left + 1]!, 5);
    }
  });

  it("does not depend on what came earlier, at any rate", () => {
    for (const rate of [50, 100, 133, 441]) {
      const data = wave(500);
      const expected = preprocess(window, { data, rate });
      const needed = Math.ceil(0.4 * rate);
      for (const cut of [0, 1, 13, 500 - needed - 1]) {
        expect(preprocess(window, { data: data.slice(cut), rate })).toEqual(expected);
      }
      expect(preprocess(window, { data: new Float32Array([...wave(77), ...data]), rate })).toEqual(expected);
    }
  });

  it("without a rate is taken as it comes", () => {
    const { rate: _, ...how } = window;
    expect(preprocess(how, { data: wave(50), rate: 8000 })).toEqual(wave(50).slice(10));
  });

  it("of Web Audio is taken with its rate, and mixed where the bundle has one channel", () => {
    const planes = [wave(100), wave(200).slice(100)];
    const sound = {
      sampleRate: 200,
      numberOfChannels: 2,
      length: 100,
      getChannelData: (channel: number) => planes[channel]!,
    };
    const mixed = planes[0]!.map((value, i) => (value + planes[1]![i]!) / 2);
    preprocess(window, sound).forEach((value, i, all) => {
      expect(value).toBeCloseTo(preprocess(window, { data: mixed, rate: 200 })[i]!, 6);
      expect(all.length).toBe(40);
    });
    const interleaved = Float32Array.from({ length: 200 }, (_, i) => planes[i % 2]![i >> 1]!);
    const stereo = { ...window, channels: 2 };
    expect(preprocess(stereo, sound)).toEqual(preprocess(stereo, { data: interleaved, rate: 200, channels: 2 }));
    expect(preprocess(window, sound)).toEqual(preprocess(window, { data: interleaved, rate: 200, channels: 2 }));
  });

  it.each([
    [
      { data: wave(39) },
      /^the window has 39 samples at 100 Hz; this bundle takes the last 40; wait until there are as many/,
    ],
    [{ data: wave(79), rate: 200 }, /79 samples at 200 Hz; this bundle takes the last 80;/],
    [{ data: [] }, /has 0 samples/],
    [{ data: wave(40), rate: 0 }, /^the rate 0 was given; samples a second were expected/],
    [{ data: wave(40), rate: Number.NaN }, /^the rate NaN was given/],
    [{ data: wave(41), channels: 2 }, /^41 numbers were given for 2 channels/],
    [{ data: wave(40), channels: 0 }, /^40 numbers were given for 0 channels/],
    [{ data: [...wave(39), Number.NaN] }, /^the window holds NaN or infinity/],
    [{ data: [...wave(39), null] }, /^the window holds null at position 39; numbers were expected/],
    [{ data: [...wave(39), ""] }, /^the window holds "" at position 39/],
    [{ data: [true, ...wave(39)] }, /^the window holds true at position 0/],
    [{ data: new Uint8Array(40) }, /^samples of an unknown form were given/],
    [{ data: "wave" }, /^samples of an unknown form were given/],
    [picture(5, 4, 4), /^input of an unknown form was given; this bundle takes samples as/],
    ["wave.wav", /^input of an unknown form was given/],
  ])("that is none is refused: %#", (input, message) => {
    expect(refusalOf(() => preprocess(window, input as RawInput))).toMatchObject({
      code: "bad-input",
      message: expect.stringMatching(message),
    });
  });

  it("of other channels is refused", () => {
    const stereo = { ...window, channels: 2 };
    expect(refusalOf(() => preprocess(stereo, { data: wave(120), channels: 3 }))?.message).toBe(
      "the window has 3 channels; this bundle takes 2",
    );
  });
});

describe("learner.example", () => {
  const how: ImagePreprocessing = { ...image, width: 2, height: 2, invert: true };
  const learners: Learner[] = [];
  afterAll(() => Promise.all(learners.map((learner) => learner.dispose())));
  async function open(preprocessing: unknown): Promise<Learner> {
    const folder = writeBundle("linear", ({ input }) => Object.assign(input, preprocessing && { preprocessing }));
    const learner = await Learner.load(folder, { provider: "cpu" });
    learners.push(learner);
    return learner;
  }
  const png = ({ data, width, height }: ReturnType<typeof picture>, channels: 3 | 4) =>
    sharp(data, { raw: { width, height, channels } }).png().toBuffer();

  it("is what training makes of the same files, to the bit, however they are given", async () => {
    const folder = temporaryFolder();
    const files = new Map<string, ReturnType<typeof picture>>();
    for (let i = 0; i < 6; i++) {
      const source = picture(9 + 7 * i, 40 - 5 * i, i % 2 === 0 ? 4 : 3, i);
      const file = join(folder, `${i < 3 ? "a" : "b"}${i}.png`);
      files.set(file, source);
      writeFileSync(file, await png(source, i % 2 === 0 ? 4 : 3));
    }
    const trained = new Set<string>();
    const tasks = await openImages(folder, { preprocessing: how, heldBack: { val: 0, test: 0 } });
    for (let index = 0; index < 20; index++) {
      const { support } = tasks.episode("train", 0, index, { ways: 1, shots: 4, queries: 1 });
      for (let row = 0; row < 4; row++) trained.add(String(support.x.data.slice(row * 4, row * 4 + 4)));
    }
    const learner = await open(how);
    const made = new Set<string>();
    for (const [file, source] of files) {
      const bytes = readFileSync(file);
      const example = await learner.example(file);
      expect(example).toBeInstanceOf(Float32Array);
      made.add(String(example));
      const exact = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
      const same: Input[] = [pathToFileURL(file), bytes, new Uint8Array(exact), exact, new Blob([exact]), source];
      for (const input of same) expect(await learner.example(input)).toEqual(example);
      expect(exampleOf(learner.manifest, source)).toEqual(example);
    }
    expect(trained.size).toBe(6);
    expect(made).toEqual(trained);
  });

  it("takes an image from an address", async () => {
    const bytes = await png(picture(20, 10, 3), 3);
    const server = createServer(({ url }, response) =>
      url === "/a.png" ? response.end(bytes) : response.writeHead(404).end(),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const learner = await open(how);
    expect(await learner.example(`${origin}/a.png`)).toEqual(await learner.example(bytes));
    await expect(learner.example(`${origin}/b.png`)).rejects.toMatchObject({ code: "file-missing" });
    server.close();
  });

  it("is what a dataset in memory makes of the same input, to the bit", async () => {
    const stretches = Array.from({ length: 4 }, (_, i) => {
      const next = uniformNumbers(i);
      return { data: Int16Array.from({ length: 24 }, () => 60000 * next() - 30000), rate: 50, channels: 2 };
    });
    const preprocessing: WindowPreprocessing = {
      kind: "window",
      length: 2,
      channels: 2,
      rate: 10,
      mean: [0.1, -0.1],
      std: 0.5,
    };
    const dataset = new MetaDataset(stretches, ["a", "a", "b", "b"], { ways: 2, shots: 1, queries: 1, preprocessing });
    expect([dataset.inputShape, dataset.preprocessing]).toEqual([[2, 2], preprocessing]);
    const learner = await open(preprocessing);
    const made = await Promise.all(stretches.map((stretch) => learner.example(stretch)));
    const { support, query } = dataset.episode("train", 0, 0);
    const rows = [...support.x.data, ...query.x.data].map(Number);
    const taken = Array.from({ length: 4 }, (_, row) => String(rows.slice(row * 4, row * 4 + 4)));
    expect(taken.sort()).toEqual(made.map(String).sort());
  });

  it("is good for adapt and predict", async () => {
    const learner = await open(how);
    const [dark, light] = [0, 200].map((grey) => ({ data: Uint8Array.of(grey, 9, 99, 30), width: 2, height: 2 }));
    const mine = await learner.adapt([
      { label: "dark", data: await learner.example(dark!) },
      { label: "light", data: await learner.example(light!) },
    ]);
    expect(await mine.predict(await learner.example(light!))).toMatchObject({ label: "light" });
  });

  it("does not keep others waiting while it works on a large picture", async () => {
    const learner = await open(how);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const large = { data: new Uint8Array(4000 * 3000 * 4), width: 4000, height: 3000 };
    expect(await learner.example(large)).toEqual(Float32Array.of(0, 0, 0, 0));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
  });

  const cases: [string, unknown, unknown, string, RegExp][] = [
    [
      "a missing file",
      how,
      "nothing.png",
      "file-missing",
      /^nothing\.png: there is no such file; an image was expected/,
    ],
    ["bytes that are no image", how, Uint8Array.of(1, 2, 3), "image-broken", /^3 bytes: cannot be read as an image/],
    [
      "a number",
      how,
      3,
      "bad-input",
      /unknown form was given; this bundle takes a decoded picture, .* or an image file by its place/,
    ],
    ["nothing", how, undefined, "bad-input", /unknown form was given/],
    ["an element of a page, in Node", how, { width: 3, height: 4 }, "bad-input", /unknown form was given/],
    ["samples", how, { data: new Float32Array(4) }, "bad-input", /unknown form was given/],
    [
      "a bundle without preprocessing",
      undefined,
      "a.png",
      "bad-input",
      /^raw input was given, and this bundle does not say .* give adapt and predict the numbers themselves, \[2, 2, 1\]$/,
    ],
    [
      "preprocessing of a later release",
      { kind: "text", vocabulary: 3 },
      "hello",
      "newer-version",
      /of the kind "text", and this release knows image and window; upgrade/,
    ],
    ["preprocessing that lacks a field", { ...how, std: undefined }, "a.png", "manifest-invalid", /std is missing/],
    ["preprocessing of another size", { ...how, width: 3 }, "a.png", "manifest-invalid", /makes \[2, 3, 1\]/],
  ];
  it.each(cases)("refuses %s", async (_, preprocessing, input, code, message) => {
    const learner = await open(preprocessing);
    await expect(learner.example(input as Input)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    // The bundle itself works.
    expect(await learner.predict([1, 2, 3, 4])).toMatchObject({ label: expect.any(String) });
  });
});

describe("a dataset of raw input", () => {
  const options = { ways: 2, shots: 1, queries: 1 };
  const four = Array.from({ length: 4 }, (_, i) => picture(8, 8, 3, i));
  const labels = ["a", "a", "b", "b"];

  it("takes a shape that the examples fit, and refuses another", () => {
    const make = (inputShape: number[], preprocessing: Preprocessing = image) =>
      new MetaDataset(four, labels, { ...options, preprocessing, inputShape });
    expect(make([20, 1, 1]).inputShape).toEqual([20, 1, 1]);
    expect(refusalOf(() => make([4, 4, 1]))).toMatchObject({ code: "bad-shape" });
    const made = four.map((input) => preprocess(image, input));
    expect(new MetaDataset(made, labels, { ...options, preprocessing: image }).episode("train", 0, 0)).toEqual(
      make([4, 5, 1]).episode("train", 0, 0),
    );
    expect(
      refusalOf(
        () =>
          new MetaDataset({ data: new Float32Array(16), shape: [4, 4] }, labels, { ...options, preprocessing: image }),
      ),
    ).toMatchObject({
      code: "bad-preprocessing",
      message: "The preprocessing makes [4, 5, 1], and an example is [4]; make them agree",
    });
  });

  it("names the example that does not fit, and asks for preprocessing", () => {
    const broken = [...four.slice(1), { ...four[0]!, width: 3 }];
    expect(refusalOf(() => new MetaDataset(broken, labels, { ...options, preprocessing: image }))).toMatchObject({
      code: "bad-input",
      message: expect.stringMatching(/^Example 3: the picture has 192 bytes for 3×8 pixels/),
    });
    expect(refusalOf(() => new MetaDataset(four, labels, options))).toMatchObject({ code: "bad-shape" });
  });
});

describe("React Native", () => {
  it("takes decoded pictures and samples, and says so of all else", () => {
    const code = `
import { readExample } from "@innerloop/runtime/input";
const manifest = { input: { shape: [1, 1, 1], dtype: "float32", preprocessing: ${JSON.stringify({ ...image, width: 1, height: 1 })} } };
console.log(String(await readExample(manifest, { data: Uint8Array.of(255), width: 1, height: 1 })));
await readExample(manifest, "picture.png").catch(({ code, message }) => console.log(code, message));`;
    const { stdout, stderr } = spawnSync(process.execPath, ["-C", "react-native", "--input-type=module", "-e", code], {
      encoding: "utf8",
      cwd: import.meta.dirname,
    });
    expect([stderr, stdout.trim().split("\n")]).toEqual([
      "",
      [
        "1",
        "bad-input input of an unknown form was given; this bundle takes a decoded picture, { data, width, height } " +
          "such as ImageData, to make an example of",
      ],
    ]);
  });
});

describe("exampleOf", () => {
  it("needs nothing but a manifest's input", () => {
    const manifest: Pick<Manifest, "input"> = { input: { shape: [4, 5, 1], dtype: "float32", preprocessing: image } };
    expect(exampleOf(manifest, picture(5, 4, 1))).toEqual(preprocess(image, picture(5, 4, 1)));
  });
});
