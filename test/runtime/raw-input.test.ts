// Raw input given to a learner: against training, to the bit; and what is said of input that does not fit.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Input, Learner } from "@innerloop/runtime";
import { exampleOf, preprocess } from "@innerloop/runtime/input";
import type { ImagePreprocessing, Manifest, Preprocessing, WindowPreprocessing } from "@innerloop/schemas";
import { MetaDataset, openImages } from "@innerloop/train";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { uniformNumbers } from "../support/numbers.ts";
import { refusalOf } from "../support/refusal.ts";
import { writeBundle } from "./fixture.ts";
import { image, picture } from "./pictures.ts";

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

  it("has the margin and the inversion that the learner was asked for", async () => {
    const folder = writeBundle("linear", ({ input }) => Object.assign(input, { preprocessing: how }));
    const source = picture(9, 7, 3);
    const wide = { ...how, width: 8, height: 2 };
    const pictures = { margin: 0.25, ground: 30, invert: false };
    const other = await Learner.load(folder, { provider: "cpu", pictures: { ground: 30, invert: false } });
    learners.push(other);
    expect(other.manifest.input.preprocessing).toEqual({ ...how, ground: 30, invert: false });
    expect(await other.example(source)).toEqual(preprocess({ ...how, invert: false }, source));
    const framed = preprocess({ ...wide, height: 4, ...pictures }, source);
    const inner = preprocess({ ...wide, width: 4, invert: false }, source);
    const ground = Math.fround(30 / 255);
    const [left, right] = [inner.slice(0, 4), inner.slice(4)];
    const frame = [ground, ground];
    const all = Array(8).fill(ground);
    expect([...framed]).toEqual([...all, ...frame, ...left, ...frame, ...frame, ...right, ...frame, ...all]);
    const load = (settings: object) => Learner.load(folder, { provider: "cpu", pictures: settings });
    await expect(load({ margin: 0.9 })).rejects.toMatchObject({ code: "bad-option", exitStatus: 2 });
    await expect(load({ margin: 0.3 })).rejects.toMatchObject({
      message: expect.stringMatching(/leaves nothing of 2/),
    });
    await expect(Learner.load(writeBundle("linear"), { pictures })).rejects.toMatchObject({
      message: expect.stringMatching(/takes none as raw input/),
    });
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
      { kind: "video", frames: 3 },
      "hello",
      "newer-version",
      /of the kind "video", and this release knows image, window, sound, row, text and bytes; upgrade/,
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
