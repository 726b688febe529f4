// Every reader of data keeps the same promises: what it says of itself is so, and a place that is missing, is something else or
// holds nothing is refused by its name. Readers of files are opened on samples that are made here.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeSafetensors, type InnerloopError, type RunConfigInput } from "@innerloop/schemas";
import { completeConfig, isSpec, type NamedReader, openTasks, presets, readers, runTraining } from "@innerloop/train";
import { encode } from "fast-png";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { refusal } from "../support/refusal.ts";
import { wav } from "../support/wav.ts";

const folder = temporaryFolder("readers");

const drawing = (seed: number): Uint8Array => {
  const data = Uint8Array.from({ length: 105 * 105 }, (_, i) => ((i * 31 + seed * 17) % 97 < 20 ? 0 : 255));
  return encode({ width: 105, height: 105, data, channels: 1, depth: 8 });
};

/** Sets of 20 classes with 6 examples each, by the name of the reader; the place of each. */
const samples: Readonly<Record<string, () => string>> = {
  images() {
    for (let c = 0; c < 20; c++) {
      mkdirSync(join(folder, "photos", `class-${c}`), { recursive: true });
      for (let e = 0; e < 6; e++) writeFileSync(join(folder, "photos", `class-${c}`, `${e}.png`), drawing(10 * c + e));
    }
    return join(folder, "photos");
  },
  omniglot() {
    mkdirSync(join(folder, "omniglot"));
    for (const archive of ["images_background", "images_evaluation"]) {
      const files: Record<string, Uint8Array> = {};
      for (let c = 0; c < 20; c++)
        for (let e = 0; e < 6; e++)
          files[`${archive}/Alphabet_${String(c % 10)}/character${c}/${e}.png`] = drawing(10 * c + e);
      writeFileSync(join(folder, "omniglot", `${archive}.zip`), zipSync(files));
    }
    return join(folder, "omniglot");
  },
  sound() {
    for (let c = 0; c < 20; c++) {
      mkdirSync(join(folder, "sounds", `class-${c}`), { recursive: true });
      for (let e = 0; e < 6; e++) {
        const tone = Float32Array.from({ length: 2000 }, (_, i) => Math.sin(i * (0.1 + 0.05 * c + 0.005 * e)) / 2);
        writeFileSync(join(folder, "sounds", `class-${c}`, `${e}.wav`), wav(tone, 8000));
      }
    }
    return join(folder, "sounds");
  },
  windows() {
    for (let c = 0; c < 20; c++) {
      mkdirSync(join(folder, "gestures", `class-${c}`), { recursive: true });
      for (let e = 0; e < 6; e++) {
        const lines = Array.from({ length: 16 }, (_, i) => `${i / 50},${Math.sin(c + i * e)},${Math.cos(c * i + e)}`);
        writeFileSync(join(folder, "gestures", `class-${c}`, `${e}.csv`), `t,x,y\n${lines.join("\n")}\n`);
      }
    }
    return join(folder, "gestures");
  },
  rows() {
    const place = join(folder, "set.csv");
    const lines = Array.from(
      { length: 120 },
      (_, i) => `${Math.sin(i)},${i % 7} cm,${i % 3 ? "red" : "blue"},kind ${i % 20}`,
    );
    writeFileSync(place, `a,b,colour,label\n${lines.join("\n")}\n`);
    return place;
  },
  arrays() {
    const place = join(folder, "set.safetensors");
    const x = Float32Array.from({ length: 120 * 4 }, (_, i) => Math.sin(i));
    const y = Int32Array.from({ length: 120 }, (_, i) => i % 20);
    writeFileSync(
      place,
      encodeSafetensors({
        x: { dtype: "float32", shape: [120, 2, 2], data: x },
        y: { dtype: "int32", shape: [120], data: y },
      }),
    );
    return place;
  },
};

const placed = ({ spec }: NamedReader) => spec.includes(":");
const specOf = (reader: NamedReader, place: string) => `${reader.name}:${place}`;

describe.each(readers.names)("%s", (name) => {
  const reader = readers.named(name);
  const sample = samples[name];

  it("is known by its SPEC", () => {
    expect(reader.spec).toMatch(/^\w+(:(DIR|FILE))?$/);
    expect(reader.summary).toMatch(/\w{3}/);
    expect(isSpec(placed(reader) ? specOf(reader, "somewhere") : name)).toBe(true);
    expect(isSpec(placed(reader) ? name : `${name}:somewhere`)).toBe(false);
    expect(isSpec(`${name}:`)).toBe(false);
  });

  it("refuses a wrong SPEC, a place that is missing, and one that holds nothing", async () => {
    const wrong = placed(reader) ? name : `${name}:somewhere`;
    expect(await refusal(() => openTasks(wrong))).toMatchObject({ code: "unknown-data", exitStatus: 2 });
    if (!placed(reader)) return;
    const missing = join(folder, "missing");
    expect(await refusal(() => openTasks(specOf(reader, missing)))).toMatchObject({
      message: expect.stringContaining(missing),
      exitStatus: 2,
    });
    const isFile = reader.spec.endsWith(":FILE");
    const [emptyFile, emptyFolder] = [join(folder, `empty-${name}`), join(folder, `nothing-${name}`)];
    writeFileSync(emptyFile, "");
    mkdirSync(emptyFolder);
    for (const place of [emptyFile, emptyFolder]) {
      const error = await refusal(() => openTasks(specOf(reader, place)));
      expect(error.message).toContain(place);
      // What is there and damaged is no wrong call.
      expect(error.exitStatus).toBe(isFile && place === emptyFile ? 1 : 2);
    }
  });

  it("names a preset that there is, where it has one", () => {
    if (reader.preset !== undefined) expect(Object.keys(presets)).toContain(reader.preset);
    const config = completeConfig({ data: placed(reader) ? specOf(reader, "x") : name });
    expect(completeConfig(config)).toEqual(config);
    if (reader.kind === "regression") expect(config.shifts).toBeNull();
  });

  it("takes the settings that suit what it says", async () => {
    const data = placed(reader) ? specOf(reader, "x") : name;
    const given = async (config: RunConfigInput) => {
      try {
        completeConfig({ data, ...config });
        return "taken";
      } catch (error) {
        return (error as InnerloopError).code;
      }
    };
    expect(await given({ rotations: false })).toBe(reader.rotations ? "taken" : "no-effect");
    expect(await given({ ways: 4 })).toBe(reader.kind === "regression" ? "no-effect" : "taken");
  });

  it.skipIf(placed(reader) && !sample)("gives the same episodes whoever asks, and trains", async () => {
    const data = sample ? specOf(reader, sample()) : name;
    const [tasks, again] = [await openTasks(data), await openTasks(data)];
    expect(tasks).toMatchObject({ name: data, kind: reader.kind });
    const shape = { ways: reader.kind === "regression" ? 1 : 2, shots: 1, queries: 2 };
    for (const split of ["train", "val", "test"] as const) {
      const episode = tasks.episode(split, 3, 7, shape);
      expect(again.episode(split, 3, 7, shape)).toEqual(episode);
      expect(episode.support.x.shape).toEqual([shape.ways, ...tasks.inputShape]);
      expect(episode.query.x.shape).toEqual([2 * shape.ways, ...tasks.inputShape]);
    }
    const { header } = await runTraining({
      config: completeConfig({
        data,
        ...(reader.kind === "regression" ? {} : { ways: 2 }),
        ...{ shots: 1, queries: 2, metaBatch: 1, iterations: 1, engine: "onnxruntime:cpu", workers: 0 },
        model: { kind: "mlp", hidden: [4] },
        validation: { every: 9, episodes: 1 },
      }),
    });
    expect(header.tasks).toMatchObject({ name: data, kind: reader.kind });
  });
});
