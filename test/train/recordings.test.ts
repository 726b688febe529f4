// Recordings as people have them become windows: the same numbers from every format, rates by the times that files tell, channels by
// their names; what cannot be read is refused by its file, and what is unlike is told.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Samples } from "@innerloop/runtime/input";
import type { ExamplesConfig, WindowPreprocessing } from "@innerloop/schemas";
import { openTasks, readers } from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { refusal } from "../support/refusal.ts";
import { wav } from "../support/wav.ts";

const folder = temporaryFolder("recordings");
const files = readers.named("windows").files!;
let made = 0;

/** A file with a recording, read. */
async function read(
  content: string | Uint8Array,
  ending = "csv",
): Promise<Samples & { names?: string[]; done: string[] }> {
  const file = join(folder, `recording-${made++}.${ending}`);
  writeFileSync(file, content);
  return (await files.read({ name: "recording", file })) as never;
}

/** What a recording is, of sines that are told apart: `[samples, 3]`. */
const wave = (samples: number, seed = 0, size = 1): number[][] =>
  Array.from({ length: samples }, (_, i) =>
    [1, 2, 3].map((channel) => size * (Math.sin((i / samples) * 6 * channel + seed) + channel / 10)),
  );

const flat = (samples: readonly (readonly number[])[]): number[] => samples.flat().map(Math.fround);
const lines = (samples: readonly (readonly (number | string)[])[], between = ","): string =>
  samples.map((sample) => sample.join(between)).join("\n");

/** A .npy as NumPy writes it. */
function npy(type: string, shape: string, elements: Uint8Array): Uint8Array {
  const header = `${`{'descr': '${type}', 'fortran_order': False, 'shape': (${shape}), }`.padEnd(117)}\n`;
  return Buffer.concat([
    Buffer.from([0x93]),
    Buffer.from(`NUMPY\x01\x00${String.fromCharCode(118)}\x00${header}`),
    elements,
  ]);
}

describe("a recording is the same in every format", () => {
  const samples = wave(20);
  const timed = samples.map((sample, i) => [i / 50, ...sample]);
  const named = samples.map(([x, y, z]) => ({ x, y, z }));
  const doubles = new Uint8Array(Float64Array.from(samples.flat()).buffer);
  it.each<[string, string | Uint8Array, string, number | undefined, readonly string[] | undefined]>([
    ["CSV", `x,y,z\n${lines(samples)}\n`, "csv", undefined, ["x", "y", "z"]],
    ["CSV with times", `t,x,y,z\n${lines(timed)}\n`, "csv", 50, ["x", "y", "z"]],
    ["CSV without names", lines(samples), "csv", undefined, undefined],
    ["CSV with times and without names", lines(timed), "csv", 50, undefined],
    [
      "CSV with its class in it",
      `x,y,z,label\n${lines(samples.map((each) => [...each, "wave"]))}`,
      "csv",
      undefined,
      ["x", "y", "z"],
    ],
    ["tabs", `x\ty\tz\n${lines(samples, "\t")}`, "tsv", undefined, ["x", "y", "z"]],
    ["decimal commas", `x;y;z\n${lines(samples, ";").replaceAll(".", ",")}`, "csv", undefined, ["x", "y", "z"]],
    ["decimal commas without names", lines(samples, ";").replaceAll(".", ","), "csv", undefined, undefined],
    [
      "blanks, with comments before",
      `# made by a logger\n# x  y  z\n${lines(samples, "   ")}\n`,
      "txt",
      undefined,
      undefined,
    ],
    ["names in a comment", `# x,y,z\n${lines(samples)}\n`, "txt", undefined, ["x", "y", "z"]],
    ["JSON of lists", JSON.stringify(samples), "json", undefined, undefined],
    [
      "JSON with a rate",
      JSON.stringify({ rate: 50, channels: ["x", "y", "z"], data: samples }),
      "json",
      50,
      ["x", "y", "z"],
    ],
    ["JSON of samples", JSON.stringify(named.map((each, i) => ({ t: i * 20, ...each }))), "json", 50, ["x", "y", "z"]],
    ["JSON of samples beside a rate", JSON.stringify({ fs: 25, samples: named }), "json", 25, ["x", "y", "z"]],
    [
      "JSON of columns",
      JSON.stringify({ x: samples.map(([x]) => x), y: samples.map(([, y]) => y), z: samples.map(([, , z]) => z) }),
      "json",
      undefined,
      ["x", "y", "z"],
    ],
    ["npy", npy("<f8", "20, 3", doubles), "npy", undefined, undefined],
  ])("%s", async (_, content, ending, rate, names) => {
    const { data, channels, rate: told, names: called } = await read(content, ending);
    expect([...data]).toEqual(flat(samples));
    expect([channels, told, called]).toEqual([3, rate, names]);
  });

  it("of one channel as well", async () => {
    for (const [content, ending] of [
      ["1\n2\n3\n4\n", "csv"],
      ["[1, 2, 3, 4]", "json"],
      [npy("<f4", "4,", new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer)), "npy"],
    ] as const)
      expect(await read(content, ending)).toMatchObject({ data: Float32Array.of(1, 2, 3, 4), channels: 1 });
  });
});

it("a WAV file has a rate, and samples in −1…1", async () => {
  const { data, rate, channels } = await read(wav(Float32Array.of(0.5, -0.5, 0.25, 0), 100), "wav");
  expect([rate, channels]).toEqual([100, 1]);
  for (const [i, value] of [0.5, -0.5, 0.25, 0].entries()) expect(data[i]).toBeCloseTo(value, 4);
});

describe("times tell the rate", () => {
  const at = (name: string, times: readonly (number | string)[]): Promise<Samples & { done: string[] }> =>
    read(`${name},x\n${times.map((time, i) => `${time},${i % 5}`).join("\n")}\n`);
  const every = (step: number, from = 0): number[] => Array.from({ length: 40 }, (_, i) => from + i * step);
  const iso = (step: number): string[] => every(step).map((ms) => new Date(1.7e12 + ms).toISOString());
  it.each<[string, string, readonly (number | string)[], number]>([
    ["seconds", "time", every(0.02), 50],
    ["milliseconds", "t", every(20), 50],
    ["milliseconds since 1970", "timestamp", every(20, 1.7e12), 50],
    ["seconds since 1970", "epoch", every(0.5, 1.7e9), 2],
    ["nanoseconds of a phone", "timestamp", every(1e7, 7.5e13), 100],
    ["what the name says", "time (ms)", every(0.5), 2000],
    ["what else the name says", "t_us", every(2500), 400],
    ["dates", "timestamp", iso(40), 25],
    [
      "dates with a blank and microseconds",
      "date",
      iso(40).map((text) => text.replace("T", " ").replace("Z", "000")),
      25,
    ],
    ["clocks", "time", iso(40).map((text) => text.slice(11, 23)), 25],
    ["clocks that are a hair off", "t", every(0.02004), 50],
    ["clocks that tremble", "t", every(0.02).map((time, i) => time + (i % 3) * 0.004), 50],
  ])("in %s", async (_, name, times, rate) => {
    expect((await at(name, times)).rate).toBeCloseTo(rate, 6);
  });

  it("but counts of samples tell none", async () => {
    for (const name of ["index", "t", ""]) {
      const { rate, channels } = await at(name, every(1));
      expect([rate, channels]).toEqual([undefined, 1]);
    }
  });

  it("and samples at uneven times lie on an even grid, on the line between their neighbours", async () => {
    const times = [0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12].map((t) => t / 10);
    const { data, rate, done } = await read(`t,x\n${times.map((t) => `${t},${3 * t}`).join("\n")}`);
    expect(rate).toBe(10);
    expect(data.length).toBe(13);
    for (const [i, value] of [...data].entries()) expect(value).toBeCloseTo(0.3 * i, 6);
    expect(done.join()).toMatch(/uneven times/);
  });
});

describe("a recording is refused", () => {
  const head = "t,x\n0,1\n0.1,2\n0.2,3\n";
  it.each<[string, string | Uint8Array, string, RegExp]>([
    [
      "with a text among its numbers",
      `${head}0.3,oops\n`,
      "csv",
      /"x" has 1 of 4 samples that are no numbers: "oops" \(line 5\)/,
    ],
    ["whose times go back", `${head}0.1,4\n`, "csv", /times go back \(line 5\)/],
    ["without a time", `${head},4\n`, "csv", /a time is missing \(line 5\)/],
    ["that pauses for long", `${head}90,4\n`, "csv", /its 4 samples lie in the time of 901/],
    ["with other fields in a line", `${head}1,2,3\n`, "csv", /line 5 has 3 fields and others 2/],
    ["that is empty", "", "csv", /it is empty/],
    ["of one sample", "x,y\n1,2\n", "csv", /it has one sample/],
    ["without numbers", "x,y\na,b\nc,d\n", "csv", /no column of numbers/],
    ["of a bad rate", '{"rate": -1, "data": [[1], [2]]}', "json", /its rate is -1/],
    ["of ragged samples", "[[1, 2], [3]]", "json", /sample 2 is \[3\], and the first has 2 numbers/],
    ["that is no recording", '"text"', "json", /it holds "text"; samples were expected/],
    [
      "that lies on its side",
      npy("<f8", "3, 20", new Uint8Array(480)),
      "npy",
      /3 samples of 20 channels; .* turn it around/,
    ],
    ["of three dimensions", npy("<f8", "2, 2, 2", new Uint8Array(64)), "npy", /<f8\[2, 2, 2\]; numbers of the shape/],
  ])("%s", async (_, content, ending, words) => {
    expect(await refusal(read(content, ending))).toMatchObject({
      exitStatus: 1,
      message: expect.stringMatching(words),
    });
  });
});

describe("what windows are is chosen", () => {
  /** Eight classes of three files each, by what makes a file of its number. */
  async function chosen(make: (file: number) => string, settings: ExamplesConfig = {}) {
    const place = join(folder, `set-${made++}`);
    for (let file = 0; file < 24; file++) {
      const path = join(place, `class ${file % 8}`, `${file}.csv`);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, make(file));
    }
    const tasks = await openTasks(`windows:${place}`, { examples: settings, heldBack: { val: 0, test: 0 } });
    return { how: tasks.preprocessing as WindowPreprocessing, said: tasks.notes!.join("\n"), tasks, place };
  }
  const timed = (samples: readonly (readonly number[])[], rate: number, header = "t,x,y,z"): string =>
    `${header}\n${lines(samples.map((sample, i) => [i / rate, ...sample]))}\n`;

  it("as long as all are", async () => {
    const { how, said, tasks } = await chosen((file) => timed(wave(60, file), 50));
    expect(how).toMatchObject({ kind: "window", length: 60, channels: 3, rate: 50 });
    expect(how.pad).toBeUndefined();
    expect(said).toMatch(
      /^Examples are windows of 60 samples, since all have 60; at 50 samples a second; of 3 channels/,
    );
    const { support } = tasks.episode("train", 0, 0, { ways: 8, shots: 2, queries: 1 });
    const mean = Array.from(support.x.data, Number).reduce((sum, value) => sum + value, 0) / support.x.data.length;
    expect(Math.abs(mean)).toBeLessThan(0.2);
  });

  it("as long as nearly all, shorter ones with what comes before them", async () => {
    const { how, said } = await chosen((file) => timed(wave(40 + 2 * file, file), 50));
    // 95 % of 40, 42, … 86, as numpy.quantile has it: 83.7.
    expect(how).toMatchObject({ length: 84, pad: true });
    expect(said).toMatch(
      /84 samples, which 95 % of the recordings fit in \(recordings have 40 to 86\); shorter ones, from 40/,
    );
  });

  it("of 2.56 seconds where recordings go on, one after the other without a sample in two", async () => {
    const { how, tasks } = await chosen((file) => timed(wave(700, file), 25));
    expect(how.length).toBe(64);
    // 700 samples are ten windows of 64, and three files make a class.
    expect(() => tasks.episode("train", 0, 0, { ways: 8, shots: 29, queries: 1 })).not.toThrow();
    expect(() => tasks.episode("train", 0, 0, { ways: 8, shots: 30, queries: 1 })).toThrow(/30/);
    const {
      how: given,
      said,
      tasks: others,
    } = await chosen((file) => timed(wave(700, file), 25), { length: 100, hop: 50 });
    expect(given.length).toBe(100);
    expect(said).toMatch(/one every 50 samples .* share samples/);
    // (700 − 100) / 50 + 1 = 13 of each file.
    expect(() => others.episode("train", 0, 0, { ways: 8, shots: 38, queries: 1 })).not.toThrow();
    expect(() => others.episode("train", 0, 0, { ways: 8, shots: 39, queries: 1 })).toThrow(/39/);
  });

  it("at the rate of most, or the one that is said", async () => {
    const make = (file: number): string => (file % 4 === 0 ? timed(wave(30, file), 25) : timed(wave(60, file), 50));
    const { how, said } = await chosen(make);
    expect(how).toMatchObject({ length: 60, rate: 50 });
    expect(said).toMatch(/at 50 samples a second, to which others are resampled \(18 at 50, 6 at 25\)/);
    expect((await chosen(make, { sampleRate: 25 })).how).toMatchObject({ length: 30, rate: 25 });
  });

  it("of channels in one order, by their names", async () => {
    const straight = await chosen((file) => timed(wave(60, file), 50));
    const { how, said, tasks } = await chosen((file) =>
      file % 4 === 0
        ? timed(
            wave(60, file).map(([x, y, z]) => [z!, x!, y!]),
            50,
            "t,Z,x,y",
          )
        : timed(wave(60, file), 50),
    );
    expect(said).toMatch(/channels in that order also where files have another: /);
    expect([...(how.names ?? [])].map((name) => name.toLowerCase()).sort()).toEqual(["x", "y", "z"]);
    // The same numbers, but for the order that all have.
    const sorted = ({ tasks }: Pick<typeof straight, "tasks">): number[] =>
      [...tasks.episode("train", 0, 0, { ways: 8, shots: 2, queries: 1 }).support.x.data]
        .map(Number)
        .sort((a, b) => a - b);
    sorted({ tasks }).forEach((value, i) => {
      expect(value).toBeCloseTo(sorted(straight)[i]!, 5);
    });
  });

  it("and not where channels differ", async () => {
    const call = chosen((file) =>
      file % 4 === 0
        ? timed(
            wave(60, file).map(([x, y]) => [x!, y!]),
            50,
            "t,x,y",
          )
        : timed(wave(60, file), 50),
    );
    expect(await refusal(call)).toMatchObject({
      exitStatus: 2,
      message: expect.stringMatching(/different channels: 18 have x, y, z \(.*\), 6 have x, y \(/),
    });
    const others = chosen((file) => timed(wave(60, file), 50, file % 4 === 0 ? "t,ax,ay,az" : "t,x,y,z"));
    expect((await refusal(others)).message).toMatch(/18 have x, y, z .*, 6 have ax, ay, az/);
  });

  it.each([
    [9.80665, "g and m/s²"],
    [1000, "thousandths and wholes"],
    [180 / Math.PI, "radians and degrees"],
  ])("with files %d times larger than others told", async (factor, words) => {
    const { said } = await chosen((file) => timed(wave(60, file, file % 6 === 0 ? factor : 1), 50));
    expect(said).toContain(`probably in mixed units, ${words}`);
    expect(said).toMatch(/in 4 of 24 files are [\d.]+ times larger than in the others \(.*class 0/);
  });

  it("and files that are broken, still or without numbers are left out and told", async () => {
    const { said } = await chosen((file) => {
      if (file === 1) return "t,x,y,z\n0,1,2,oops\n0.02,1,2,3\n0.04,1,1,1\n";
      if (file === 2)
        return timed(
          Array.from({ length: 60 }, () => [1, 2, 3]),
          50,
        );
      const samples = wave(60, file);
      if (file === 3)
        return timed(
          samples.map((sample, i) => (i > 9 && i < 30 ? ([Number.NaN, 1, 2] as number[]) : sample)),
          50,
        );
      return timed(
        samples.map((sample, i) => (file === 4 && i === 7 ? [Number.NaN, ...sample.slice(1)] : sample)),
        50,
      );
    });
    expect(said).toMatch(/Recordings that cannot be read are left out: .*1\.csv \("z" has 1 of 3 samples/);
    expect(said).toMatch(/3\.csv \(20 of its 60 samples have no numbers/);
    expect(said).toMatch(/in which nothing changes, .* left out: .*2\.csv/);
    expect(said).toMatch(/single samples that are missing put between their neighbours \(in class 4.4\.csv\)/);
  });
});
