// Pictures and windows as a manifest's preprocessing makes examples of them: against formulas, in float64; and what is said of
// input that does not fit.
import { spawnSync } from "node:child_process";
import { preprocess, type RawInput } from "@innerloop/runtime/input";
import type { ImagePreprocessing, WindowPreprocessing } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { itUnless } from "../support/absent.ts";
import { uniformNumbers } from "../support/numbers.ts";
import { python, pythonLacks } from "../support/python.ts";
import { refusalOf } from "../support/refusal.ts";
import { image, picture } from "./pictures.ts";

const window: WindowPreprocessing = { kind: "window", length: 40, channels: 1, rate: 100, mean: 0, std: 1 };

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

  it("has its channels in the bundle's order, by their names", () => {
    const data = wave(60, 3);
    const how = { ...window, channels: 3, names: ["x", "y", "z"] };
    const turned = data.map((_, i) => data[i - (i % 3) + [2, 0, 1][i % 3]!]!);
    expect(preprocess(how, { data: turned, names: ["Z", "x ", "y"] })).toEqual(data.slice(60));
    expect(preprocess(how, { data })).toEqual(data.slice(60));
    expect(refusalOf(() => preprocess(how, { data, names: ["x", "y", "w"] }))).toMatchObject({
      code: "bad-input",
      message: expect.stringContaining('channels "x", "y", "w"; this bundle takes "x", "y", "z"'),
    });
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

  it("that is shorter begins with its first sample where the bundle pads, at any rate", () => {
    const padded = { ...window, pad: true };
    for (const rate of [50, 100, 133, 441]) {
      const data = wave(Math.ceil(0.2 * rate));
      const before = new Float32Array(500).fill(data[0]!);
      const expected = preprocess(window, { data: Float32Array.of(...before, ...data), rate });
      preprocess(padded, { data, rate }).forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i]!, 5);
      });
      // One that is long enough is the same to the bit.
      const long = { data: wave(300), rate };
      expect(preprocess(padded, long)).toEqual(preprocess(window, long));
    }
    expect(preprocess(padded, { data: [0.5] })).toEqual(new Float32Array(40).fill(0.5));
    expect(refusalOf(() => preprocess(padded, { data: [] }))?.message).toMatch(/^the window has 0 samples/);
    expect(refusalOf(() => preprocess(padded, { data: [1, 2], rate: 1e12 }))?.message).toMatch(
      /^the window has 2 samples/,
    );
  });

  it("of other channels is refused", () => {
    const stereo = { ...window, channels: 2 };
    expect(refusalOf(() => preprocess(stereo, { data: wave(120), channels: 3 }))?.message).toBe(
      "the window has 3 channels; this bundle takes 2",
    );
  });
});
