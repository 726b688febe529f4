// The examples with encoders out of packages: joined and measured on small models of the same inputs and outputs; with the files
// themselves where INNERLOOP_PRETRAINED names a folder of the unpacked wheels.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { input, op, writeOnnx } from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import { describe, expect, it } from "vitest";
import { itUnless } from "../support/absent.ts";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop } from "../support/innerloop.ts";
import { distance, randomNumbers } from "../support/numbers.ts";

const example = (name: string) => fileURLToPath(new URL(`../../examples/dist/${name}.js`, import.meta.url));

function run(name: string, ...args: string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, [example(name), ...args], { encoding: "utf8" });
  expect(status, stderr).toBe(0);
  return stdout;
}

const drawn = (seed: number, shape: readonly number[], reach = 1) => {
  const numbers = randomNumbers(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return { dtype: "float32", shape, data: Float32Array.from({ length: size }, () => reach * numbers()) } as const;
};

/** A second of sound to [n, 1, 97, 32], and a part of that to [n, 1, 1, 96], as openWakeWord's models are. */
function writeSoundModels(folder: string): void {
  const samples = input("input", ["batch_size", 16_000]);
  const framed = op.Reshape(op.Slice(samples, [0], [97 * 160], [1]), ["batch_size", 97, 160]);
  const bands = op.Unsqueeze(op.MatMul(op.Mul(framed, 1 / 32_767), input("basis", [160, 32])), [1]);
  const basis = drawn(1, [160, 32]);
  const spectrogram = writeOnnx({ output: bands }, { inputs: [samples], initializers: { basis } });
  const frames = input("input_1", ["n", 76, 32, 1]);
  const mean = op.Reshape(op.ReduceMean(frames, { axes: [1], keepdims: false }), ["n", 32]);
  const embedding = op.Reshape(op.Tanh(op.MatMul(mean, input("weight", [32, 96]))), ["n", 1, 1, 96]);
  const weight = drawn(2, [32, 96], 0.2);
  const encoder = writeOnnx({ conv2d_19: embedding }, { inputs: [frames], initializers: { weight } });
  writeFileSync(join(folder, "melspectrogram.onnx"), spectrogram);
  writeFileSync(join(folder, "embedding_model.onnx"), encoder);
}

it("joins the models of openWakeWord as one encoder", { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  writeSoundModels(folder);
  run("sound-encoder", folder, join(folder, "encoder.onnx"));
  const open = (name: string) => openSession(new Uint8Array(readFileSync(join(folder, name))), { provider: "cpu" });
  const [spectrogram, encoder, joined] = [
    await open("melspectrogram.onnx"),
    await open("embedding_model.onnx"),
    await open("encoder.onnx"),
  ];
  const sound = drawn(5, [2, 16_000]);
  const loud = { ...sound, data: sound.data.map((x) => x * 32_767) };
  const bands = (await spectrogram.run({ input: loud })).output!.data as Float32Array;
  const wanted: number[] = [];
  for (let each = 0; each < 2; each++) {
    const sum = new Float64Array(96);
    for (const start of [0, 8, 16]) {
      const from = (each * 97 + start) * 32;
      const data = bands.slice(from, from + 76 * 32).map((x) => x / 10 + 2);
      const said = (await encoder.run({ input_1: { dtype: "float32", shape: [1, 76, 32, 1], data } })).conv2d_19!;
      (said.data as Float32Array).forEach((x, i) => {
        sum[i]! += x / 3;
      });
    }
    wanted.push(...sum);
  }
  const found = (await joined.run({ samples: sound })).embedding!;
  expect(found.shape).toEqual([2, 96]);
  expect(distance([...(found.data as Float32Array)], wanted)).toBeLessThan(1e-5);
  for (const session of [spectrogram, encoder, joined]) await session.dispose();
});

it("says how much better than the nearest neighbour an adapted bundle is", { timeout: 120_000 }, async () => {
  const folder = temporaryFolder();
  // Two of the numbers tell the classes apart, and four that mean nothing are larger.
  const bytes = input("bytes", ["n", 6], "int32");
  const scale = { dtype: "float32", shape: [6], data: Float32Array.of(1, 1, 4, 4, 4, 4) } as const;
  const embedding = op.Mul(op.Sub(op.Cast(bytes, "float32"), 128), input("scale", [6]));
  const model = join(folder, "model.onnx");
  writeFileSync(model, writeOnnx({ embedding }, { inputs: [bytes], initializers: { scale } }));
  const numbers = randomNumbers(8);
  const around = (middle: number, reach: number) => Math.round(128 + middle + reach * (2 * numbers() - 1));
  for (const [label, [a, b]] of Object.entries({ one: [40, 0], two: [-20, 35], three: [-20, -35] } as const)) {
    mkdirSync(join(folder, "files", label), { recursive: true });
    for (let i = 0; i < 30; i++) {
      const noise = Array.from({ length: 4 }, () => around(0, 20));
      writeFileSync(join(folder, "files", label, `${i}`), Uint8Array.of(around(a, 20), around(b, 20), ...noise));
    }
  }
  const bundle = join(folder, "bundle");
  const made = await innerloop(["adaptable", model, "--kind", "bytes", "--out", bundle], { cwd: folder });
  expect(made.status, made.stderr).toBe(0);
  const said = run(
    "against-neighbour",
    ...[bundle, join(folder, "files"), "--ways", "3", "--shots", "10", "--queries", "20", "--episodes", "40"],
  );
  const share = (name: string) =>
    /([-\d.]+) ± ([\d.]+) %/
      .exec(said.split("\n").find((line) => line.startsWith(name)) ?? "")!
      .slice(1, 3)
      .map(Number);
  const [[nearest], [adapted], [difference, interval]] = [
    share("nearest neighbour"),
    share("adapted"),
    share("difference"),
  ] as [[number], [number], [number, number]];
  expect(difference).toBeCloseTo(adapted - nearest, 0);
  expect(difference).toBeGreaterThan(interval);
  expect(nearest).toBeGreaterThan(40);
  expect(said).toMatch(/40 episodes of 3 of 3 classes, 10 examples a class, up to 20 queries/);
});

const wheels = process.env.INNERLOOP_PRETRAINED;
const absent =
  wheels !== undefined && existsSync(join(wheels, "magika"))
    ? undefined
    : "INNERLOOP_PRETRAINED names no folder of unpacked wheels";

describe("with the files of packages", () => {
  itUnless(absent, "tells kinds of files by magika", { timeout: 300_000 }, async () => {
    const folder = temporaryFolder();
    const model = join(wheels!, "magika", "models", "standard_v3_3", "model.onnx");
    const embedding = "jax2tf_get_logits_/pjit_get_logits_/MagikaV2/LayerNorm_1/AddV2_1:0";
    const kind = ["--kind", "bytes", "--last", "1024", "--trim", "4096", "--padding", "256"];
    const call = ["adaptable", model, ...kind, "--embedding", embedding, "--out", join(folder, "bundle")];
    const made = await innerloop(call, { cwd: folder });
    expect(made.status, made.stderr).toBe(0);
    const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
    const texts = {
      licences: (i: number) =>
        `MIT License\n\nCopyright ${2000 + i} the authors of part ${i}\n\nPermission is hereby granted, free of charge.\n`,
      recipes: (i: number) =>
        `${i} eggs\n${100 + i} g of flour\n\nMix, wait for ${i} minutes and bake at ${150 + i} degrees.\n`,
    };
    for (const [label, text] of Object.entries(texts)) {
      mkdirSync(join(folder, "kinds", label), { recursive: true });
      for (let i = 1; i <= 5; i++) write(join("kinds", label, `${i}`), text(i));
      write(label, text(30));
    }
    const said = run(
      "file-types",
      join(folder, "bundle"),
      join(folder, "kinds"),
      join(folder, "licences"),
      join(folder, "recipes"),
    );
    expect([...said.matchAll(/: (\w+),/g)].map(([, label]) => label)).toEqual(["licences", "recipes"]);
  });
});
