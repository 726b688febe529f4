// Sounds as examples: what makes no difference to them, where a tone is to be found, and what is refused.
import { preprocess, type RawInput } from "@innerloop/runtime/input";
import { preprocessedShape, type SoundPreprocessing } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { distance } from "../support/numbers.ts";
import { refusalOf } from "../support/refusal.ts";
import { noise } from "./raw-inputs.ts";

const how: SoundPreprocessing = {
  ...{ kind: "sound", rate: 16_000, length: 8000, frame: 400, hop: 160, bands: 40, lowest: 20, highest: 8000 },
  ...{ relative: true, floor: 1e-4, mean: -6, std: 2 },
};
const [frames] = preprocessedShape(how) as [number];

/** A tone of a tenth of a second in silence. */
const tone = (hertz: number, { rate = 16_000, seconds = 0.5, at = 0.2, loud = 0.5 } = {}): Float64Array =>
  Float64Array.from({ length: rate * seconds }, (_, i) => {
    const t = i / rate - at;
    return t < 0 || t > 0.1 ? 0 : loud * Math.sin(2 * Math.PI * hertz * t) * Math.sin(10 * Math.PI * t) ** 2;
  });

/** Where an example has its largest number. */
function peak(example: Float32Array): { readonly frame: number; readonly band: number } {
  const at = example.indexOf(Math.max(...example));
  return { frame: Math.floor(at / how.bands), band: at % how.bands };
}

describe("a sound", () => {
  it.each([200, 440, 1000, 3000, 5500])("of %i Hz is loudest in the band that has it", (hertz) => {
    const mel = (value: number) => 2595 * Math.log10(1 + value / 700);
    const width = (mel(8000) - mel(20)) / 41;
    const expected = (mel(hertz) - mel(20)) / width - 1;
    expect(Math.abs(peak(preprocess(how, { data: tone(hertz) })).band - expected)).toBeLessThan(1);
  });

  it("is the same at any rate that holds it", () => {
    const expected = preprocess(how, { data: tone(1000) });
    for (const rate of [8000, 11_025, 22_050, 44_100, 48_000, 96_000]) {
      const example = preprocess({ ...how, highest: 3500 }, { data: tone(1000, { rate }), rate });
      expect(peak(example).frame).toBe(peak(expected).frame);
      expect(distance(example, preprocess({ ...how, highest: 3500 }, { data: tone(1000) }))).toBeLessThan(0.02);
    }
  });

  it("has nothing of what its rate does not hold", () => {
    // 11 kHz would be heard as 5 kHz, were samples merely left out; −50 dB are the least that the filter takes away.
    const high = { ...how, relative: false, floor: 1e-9, mean: 0, std: 1 };
    const loudest = (hertz: number) =>
      Math.max(...preprocess(high, { data: tone(hertz, { rate: 48_000 }), rate: 48_000 }));
    expect(loudest(5000) - loudest(11_000)).toBeGreaterThan(Math.log(1e5));
  });

  it("of a long recording is its loudest stretch, wherever that is", () => {
    const expected = preprocess(how, { data: tone(700, { seconds: 0.5 }) });
    for (const at of [0.3, 1.234, 2.6]) {
      const example = preprocess(how, { data: tone(700, { seconds: 3, at }) });
      expect(Math.abs(peak(example).frame - frames / 2)).toBeLessThan(3);
      expect(peak(example).band).toBe(peak(expected).band);
    }
  });

  it("that is short has silence around it, and is there whole", () => {
    const data = tone(700, { seconds: 0.12, at: 0.01 });
    const example = preprocess(how, { data });
    expect(Math.abs(peak(example).frame - frames / 2)).toBeLessThan(3);
    const silence = Math.fround((Math.log(1e-4) + 6) / 2);
    expect([example[0], example.at(-1)]).toEqual([expect.closeTo(silence, 5), expect.closeTo(silence, 5)]);
  });

  it("makes no difference by how loud it is, where that is said, nor by what is constant", () => {
    const data = noise(3, { count: 8000, channels: 1, middle: 4000, width: 900 });
    const expected = preprocess(how, { data });
    expect(distance(preprocess(how, { data: data.map((value) => value / 50) }), expected)).toBeLessThan(1e-5);
    expect(distance(preprocess(how, { data: data.map((value) => value + 0.3) }), expected)).toBeLessThan(1e-5);
    const { relative: _, ...absolute } = how;
    const apart = distance(
      preprocess(absolute, { data: data.map((value) => value / 50) }),
      preprocess(absolute, { data }),
    );
    expect(apart).toBeGreaterThan(0.3);
  });

  it("of several channels is their mean, of whole numbers −1…1, and of Web Audio as it is", () => {
    const both = noise(4, { count: 4000, channels: 2, middle: 2000, width: 900 });
    const planes = [0, 1].map((channel) => Float32Array.from({ length: 4000 }, (_, i) => both[2 * i + channel]!));
    const mixed = planes[0]!.map((value, i) => (value + planes[1]![i]!) / 2);
    const expected = preprocess(how, { data: mixed });
    expect(distance(preprocess(how, { data: both, channels: 2 }), expected)).toBeLessThan(1e-5);
    const audio = { sampleRate: 16_000, numberOfChannels: 2, length: 4000, getChannelData: (c: number) => planes[c]! };
    expect(preprocess(how, audio)).toEqual(preprocess(how, { data: Float32Array.from(both), channels: 2 }));
    const whole = Int16Array.from(mixed, (value) => value * 32767);
    expect(preprocess(how, { data: whole })).toEqual(
      preprocess(how, { data: Float64Array.from(whole, (value) => value / 32768) }),
    );
  });

  it("that is silent is the number of silence everywhere", () => {
    const example = preprocess(how, { data: new Float32Array(9000).fill(0.25) });
    expect(new Set(example).size).toBe(1);
    expect(example[0]).toBeCloseTo((Math.log(1e-4) + 6) / 2, 5);
  });

  it.each([
    [{ data: [] }, /^the sound has no samples/],
    [{ data: [0.1, Number.NaN] }, /^the sound holds NaN or infinity/],
    [{ data: [0.1, "loud"] }, /^the sound holds "loud" at position 1; numbers were expected/],
    [{ data: [1e200, -1e200] }, /^the sound has numbers far from −1…1/],
    [
      { data: [0.1, 0.2], rate: 1e9 },
      /^the sound has 2 samples at 1000000000 Hz, less than one at this bundle's 16000 Hz/,
    ],
    [{ data: [0.1, 0.2], rate: -1 }, /^the rate -1 was given/],
    [{ data: [0.1, 0.2, 0.3], channels: 2 }, /^3 numbers were given for 2 channels/],
    ["word.wav", /^input of an unknown form was given; this bundle takes samples as/],
    [{ data: new Uint8Array(4), width: 2, height: 2 }, /^input of an unknown form was given/],
  ])("that is none is refused: %#", (input, message) => {
    expect(refusalOf(() => preprocess(how, input as RawInput))).toMatchObject({
      code: "bad-input",
      message: expect.stringMatching(message),
    });
  });
});
