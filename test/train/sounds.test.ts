// Files of sound, as the encoders of others write them and as people have them: what becomes of them, and what is said of those
// that are broken.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { preprocess, type Samples } from "@innerloop/runtime/input";
import type { SoundPreprocessing } from "@innerloop/schemas";
import { openTasks, readers } from "@innerloop/train";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { uniformNumbers } from "../support/numbers.ts";
import { readRecorded } from "../support/recorded.ts";
import { refusal } from "../support/refusal.ts";
import { wav } from "../support/wav.ts";

interface Recorded {
  readonly name: string;
  readonly bytes: string;
  readonly rate: number;
  readonly channels: number;
  readonly count: number;
  readonly samples: readonly number[];
}

const folder = temporaryFolder("sounds");
const files = readers.named("sound").files!;
const recorded = readRecorded<Recorded[]>("train/recorded/sounds.json");
const bytesOf = (name: string): Uint8Array =>
  new Uint8Array(Buffer.from(recorded.find((file) => file.name === name)!.bytes, "base64"));

const read = (name: string, bytes: Uint8Array): Promise<Samples> => {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return files.read({ name, file }) as Promise<Samples>;
};

describe("a file", () => {
  it.each(recorded)("$name is read as libsndfile reads it", async ({ name, rate, channels, count, samples }) => {
    const sound = await read(name, bytesOf(name));
    const scale = sound.data instanceof Int16Array ? 1 / 32768 : 1;
    if (/opus|mp3/.test(name)) {
      // Opus is of 48 kHz always, and libsndfile may give another rate; of MP3 both pad, and one channel may be there twice.
      const loudest = (data: ArrayLike<number>) => Math.max(...Array.from(data, Math.abs));
      expect(Math.abs(loudest(sound.data) - loudest(samples))).toBeLessThan(0.05);
      if (/opus/.test(name)) expect([sound.rate, sound.data.length]).toEqual([48_000, 4800]);
      return;
    }
    expect([sound.rate, sound.channels, sound.data.length]).toEqual([rate, channels, count * channels]);
    samples.forEach((expected, i) => {
      const apart = Math.abs(sound.data[50 * i * channels]! * scale - expected);
      expect(apart).toBeLessThan(/ogg$/.test(name) ? 1e-3 : 3e-5);
    });
  });

  it("is known by what is in it, not by its name", async () => {
    expect((await read("really-flac.wav", bytesOf("chirp.flac"))).data.length).toBe(1600);
  });

  // Of a short MP3 nothing says how long it was.
  it.each(recorded.map(({ name }) => name).filter((name) => !/mp3/.test(name)))(
    "%s that is cut short is said to be that",
    async (name) => {
      const bytes = bytesOf(name);
      for (const share of [0.02, 0.5, 0.9]) {
        const refused = await refusal(read(`cut-${name}`, bytes.subarray(0, Math.ceil(share * bytes.length))));
        expect([refused.code, refused.exitStatus]).toEqual(["sound-broken", 1]);
        expect(refused.message).toMatch(/cut-.*: .*(cut short|does not say|cannot be decoded|no sound)/);
      }
    },
  );

  it("with a strange size or format is refused by its name, before anything is made of it", async () => {
    const changed = (at: number, ...values: number[]) => {
      const bytes = bytesOf("pcm16.wav").slice();
      bytes.set(values, at);
      return bytes;
    };
    const said = async (bytes: Uint8Array) =>
      (await refusal(read("strange.wav", bytes))).message.replace(`${folder}/`, "");
    expect(await said(changed(20, 7))).toMatch(
      /^strange.wav: its samples are of WAV format 7 with 16 bits; PCM of 8, 16/,
    );
    expect(await said(changed(22, 0))).toMatch(/says that it has 0 channels/);
    expect(await said(new Uint8Array())).toMatch(/^strange.wav: it is empty/);
    expect(await said(new TextEncoder().encode("<!doctype html><html>"))).toMatch(/it is a web page/);
    expect(await said(Uint8Array.from({ length: 99 }, (_, i) => i))).toMatch(/it is no sound that is read; WAV, FLAC/);
    const flac = bytesOf("chirp.flac").slice();
    flac.set([0xff, 0xff, 0xff, 0xff], 22);
    expect(await said(flac)).toMatch(
      /it has 4294967295 samples in all channels, and 33554432 are read at most; cut it/,
    );
    // A writer that could not go back leaves the largest size.
    const streamed = changed(40, 0xff, 0xff, 0xff, 0xff);
    expect((await read("streamed.wav", streamed)).data.length).toBe(1600);
    expect(await said(changed(40, 0, 0, 1, 0))).toMatch(/it is cut short: 3200 of 65536 bytes of samples are there/);
  });
});

describe("sound:DIR", () => {
  const rate = 8000;
  /** A warble of its own for each class, somewhere in silence, in another pitch each time. */
  function warble(kind: number, seed: number, rate = 8000): Float32Array {
    const next = uniformNumbers(100 * kind + seed);
    const [at, pitch] = [0.1 + 0.2 * next(), 1 + 0.2 * next()];
    return Float32Array.from({ length: rate }, (_, i) => {
      const t = i / rate - at;
      const hertz = pitch * (250 + 60 * kind);
      const noise = 1e-4 * (next() - 0.5);
      return t < 0 || t > 0.4 ? noise : noise + 0.4 * Math.sin(2 * Math.PI * hertz * t) * Math.sin(7.85 * t);
    });
  }

  const place = join(folder, "set");
  beforeAll(() => {
    for (let kind = 0; kind < 20; kind++) {
      mkdirSync(join(place, `kind ${kind}`), { recursive: true });
      for (let seed = 0; seed < 6; seed++)
        writeFileSync(join(place, `kind ${kind}`, `${seed}.wav`), wav(warble(kind, seed), rate));
    }
    writeFileSync(join(place, "kind 5", "0.wav"), wav(warble(5, 9, 44_100), 44_100));
    const odd = join(place, "kind 3");
    writeFileSync(join(odd, "silent.wav"), wav(new Float32Array(8000), rate));
    writeFileSync(join(odd, "click.wav"), wav(warble(3, 7).subarray(2000, 2050), rate));
    writeFileSync(
      join(odd, "clipped.wav"),
      wav(
        warble(3, 8).map((value) => Math.sign(value)),
        rate,
      ),
    );
    writeFileSync(join(odd, "cut.wav"), wav(warble(3, 8), rate).subarray(0, 400));
    writeFileSync(join(odd, "notes.txt"), "which is none");
    writeFileSync(join(odd, "again.wav"), wav(warble(3, 0), rate));
  });

  it("chooses how examples are, says so, and leaves out with a word what is none", async () => {
    const tasks = await openTasks(`sound:${place}`);
    const how = tasks.preprocessing as SoundPreprocessing;
    expect(how).toMatchObject({ kind: "sound", rate, frame: 200, bands: 40, relative: true, highest: 3600 });
    // What is heard takes 0.4 s.
    expect(how.length / rate).toBeGreaterThan(0.35);
    expect(how.length / rate).toBeLessThan(0.55);
    expect(tasks.inputShape).toEqual([expect.closeTo(48, -1), 40, 1]);
    const notes = tasks.notes!.join("\n");
    expect(notes).toMatch(
      /Examples are sounds of 0\.\d+ s at 8000 Hz, as \d+ frames of 40 bands, since in 98 % of the recordings/,
    );
    expect(notes).toMatch(/resampled where need be: those that were looked at are \d+ of 8000 Hz and 1 of 44100 Hz/);
    expect(notes).toMatch(/Recordings of silence are left out: kind 3\/silent\.wav/);
    expect(notes).toMatch(/Recordings of less than 20 ms are left out: kind 3\/click\.wav/);
    expect(notes).toMatch(/Recordings that are clipped all over are left out: kind 3\/clipped\.wav/);
    expect(notes).toMatch(/cut\.wav \(it is cut short: 356 of 16000 bytes/);
    expect(notes).toMatch(/again\.wav/);
    expect(notes).toMatch(/notes\.txt|\.txt/);
    expect(["train", "val", "test"].reduce((sum, split) => sum + tasks.classCount(split as "val"), 0)).toBe(20);
    const { x } = tasks.episode("train", 0, 0, { ways: 5, shots: 1, queries: 1 }).support;
    const mean = Array.from(x.data, Number).reduce((sum, value) => sum + value, 0) / x.data.length;
    expect(Math.abs(mean)).toBeLessThan(0.5);
  });

  it("takes settings, and says which do not go together", async () => {
    const examples = { length: 4000, sampleRate: 4000, bands: 12 };
    const { preprocessing } = await openTasks(`sound:${place}`, { examples });
    expect(preprocessing).toMatchObject({ rate: 4000, length: 4000, bands: 12 });
    const refused = await refusal(openTasks(`sound:${place}`, { examples: { bands: 300 } }));
    expect([refused.exitStatus, refused.message]).toEqual([
      2,
      expect.stringMatching(
        /cannot be examples: preprocessing has 300 bands, and number \d+ lies between .*change --length/,
      ),
    ]);
    const fewer = await openTasks(`sound:${place}`, { examples: { sampleRate: 500 } });
    expect((fewer.preprocessing as SoundPreprocessing).bands).toBeLessThan(40);
  });

  it("makes of a file what the runtime makes of its samples, to the bit", async () => {
    const { preprocessing } = await openTasks(`sound:${place}`);
    const [item] = await files.items(join(place, "kind 4"), {});
    const raw = await files.read(item!);
    const [kept] = files.examples(item!, raw, preprocessing!, {});
    const target = new Float32Array(2000 * 2).fill(7);
    files.write(kept, preprocessing!, target, 5);
    const expected = preprocess(preprocessing!, { data: await pcm(warble(4, 0)), rate });
    expect(target.slice(5, 5 + expected.length)).toEqual(expected);
  });

  /** As 16 bits hold it. */
  const pcm = async (data: Float32Array) => (await read("one.wav", wav(data, rate))).data;
});
