// The formats of the project: safetensors, manifests and bundles, personal files plain and sealed, checkpoints, configs.
import { readFileSync } from "node:fs";
import { defaultBundle } from "@innerloop/demo";
import { Learner } from "@innerloop/runtime";
import {
  type CheckpointHeader,
  decodeSafetensors,
  encodeSafetensors,
  type Manifest,
  parseJson,
  readCheckpointHeader,
  sizeOf,
  validateConfig,
  validateManifest,
} from "@innerloop/schemas";
import { checkManifest } from "@innerloop/schemas/bundle";
import { checkPreprocessing } from "@innerloop/schemas/preprocessing";
import { completeConfig, presets } from "@innerloop/train";
import fc from "fast-check";
import { sampleConfidence } from "../schemas/sample.ts";
import { joined, mutatedBytes, mutatedText, mutatedTree } from "./mutate.ts";
import type { Target } from "./run.ts";

/** A safetensors file as it never is: any header, any data. */
function safetensorsOf(header: unknown, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
  return joined(length, text, data);
}

/** The header and the data of a file. */
function takenApart(bytes: Uint8Array): { header: Record<string, unknown>; data: Uint8Array } {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  return { header, data: bytes.slice(8 + length) };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const words = [
  '"',
  ":",
  ",",
  "{",
  "}",
  "[",
  "]",
  "null",
  "1e999",
  "-1",
  "true",
  "\\u0000",
  '"a":1,"a":2',
  "9".repeat(400),
];

/** Files made of a sound one: its header changed as a tree, its bytes changed. */
function filesLike(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const { header, data } = takenApart(bytes);
  return fc.oneof(
    { weight: 3, arbitrary: mutatedTree({ header }).map((it) => safetensorsOf(it?.header ?? it, data)) },
    { weight: 1, arbitrary: mutatedBytes(bytes) },
    {
      weight: 1,
      arbitrary: mutatedText(JSON.stringify(header), words).map((text) => {
        const json = new TextEncoder().encode(text);
        const length = new Uint8Array(8);
        new DataView(length.buffer).setBigUint64(0, BigInt(json.length), true);
        return joined(length, json, data);
      }),
    },
  );
}

export const safetensorsTarget: Target = {
  name: "safetensors",
  memory: 32e6,
  open() {
    const whole = encodeSafetensors(
      {
        weight: { dtype: "float32", shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
        count: { dtype: "int64", shape: [2], data: BigInt64Array.of(1n, 2n) },
        flag: { dtype: "bool", shape: [3], data: Uint8Array.of(1, 0, 1) },
        none: { dtype: "float64", shape: [0, 4], data: new Float64Array() },
      },
      { note: "x" },
    );
    return { inputs: filesLike(whole), run: (bytes: Uint8Array) => decodeSafetensors(bytes, "file"), show: base64 };
  },
};

const bundleFile = (name: string): Uint8Array => new Uint8Array(readFileSync(`${defaultBundle}/${name}`));
const manifestOf = (): Manifest => JSON.parse(new TextDecoder().decode(bundleFile("manifest.json")));

/** A manifest with all that one may have. */
const fullManifest = (): Manifest => ({
  ...manifestOf(),
  labels: ["a", "b"],
  metrics: { accuracy: 0.5 },
  confidence: sampleConfidence,
});

export const manifestTarget: Target = {
  name: "manifest",
  memory: 16e6,
  open: () => ({
    inputs: fc.oneof(
      { weight: 3, arbitrary: mutatedTree(fullManifest()).map((value) => JSON.stringify(value) ?? "") },
      { weight: 1, arbitrary: mutatedText(JSON.stringify(fullManifest()), words) },
    ),
    run(text: string) {
      let value: unknown;
      try {
        value = parseJson(text);
      } catch {
        return;
      }
      const device = checkManifest(value, "manifest.json");
      // What a device takes never fails later in another way than by a code.
      checkPreprocessing(device.input);
      validateManifest(value, "manifest.json");
    },
  }),
};

export const bundleTarget: Target = {
  name: "bundle",
  memory: 64e6,
  open() {
    const names = ["manifest.json", "adapt.onnx", "predict.onnx"];
    const files = Object.fromEntries(names.map((name) => [name, bundleFile(name)]));
    return {
      inputs: mutatedTree(manifestOf(), { most: 2 }).map((value) => JSON.stringify(value) ?? ""),
      async run(text: string) {
        const learner = await Learner.load(
          { files: { ...files, "manifest.json": new TextEncoder().encode(text) } },
          { provider: "cpu" },
        );
        const size = sizeOf(learner.manifest.input.shape);
        try {
          if (size < 1e6) await learner.predict(new Float32Array(size));
        } finally {
          await learner.dispose();
        }
      },
    };
  },
};

/** A learner, and the bytes of one user of it. */
async function user() {
  const learner = await Learner.load(defaultBundle, { provider: "cpu" });
  const size = sizeOf(learner.manifest.input.shape);
  const drawn = (at: number) => Float32Array.from({ length: size }, (_, i) => Number(i % 7 === at));
  const mine = await learner.adapt([
    { label: "a", data: drawn(1) },
    { label: "b", data: drawn(2) },
    { label: "b", data: drawn(3) },
  ]);
  return { learner, mine, example: drawn(1) };
}

const texts = ["labels", "columns", "shots", "support_loss", "settings", "examples", "next"];

export const personalTarget: Target = {
  name: "personal",
  memory: 64e6,
  async open() {
    const { learner, mine, example } = await user();
    const bytes = await mine.toBytes();
    const { header, data } = takenApart(bytes);
    const { __metadata__: written, ...arrays } = header as Record<string, Record<string, string>>;
    const said = Object.fromEntries(
      Object.entries(written!).map(([key, text]) => [key, texts.includes(key) ? JSON.parse(text) : text]),
    );
    const saidAnew = (value: typeof said) =>
      Object.fromEntries(
        Object.entries(value ?? {}).map(([key, it]) => [key, texts.includes(key) ? (JSON.stringify(it) ?? "") : it]),
      );
    const numbers = new Uint8Array(data);
    return {
      inputs: fc.oneof(
        {
          weight: 4,
          arbitrary: mutatedTree(said, { most: 2 }).map((it) =>
            safetensorsOf({ ...arrays, __metadata__: saidAnew(it) }, data),
          ),
        },
        { weight: 1, arbitrary: mutatedBytes(numbers, 2).map((it) => safetensorsOf(header, it)) },
        { weight: 1, arbitrary: filesLike(bytes) },
      ),
      async run(file: Uint8Array) {
        const again = await learner.restore(file);
        const { label, probability } = (await again.predict(example)) as { label: string; probability: number };
        if (!again.labels.includes(label) || !(probability >= 0 && probability <= 1))
          throw new Error(`answers ${label} with ${probability}`);
        await learner.restore(await again.toBytes());
      },
      show: base64,
      close: () => learner.dispose(),
    };
  },
};

export const sealedTarget: Target = {
  name: "sealed",
  memory: 32e6,
  async open() {
    const { learner, mine } = await user();
    const key = Uint8Array.from({ length: 32 }, (_, i) => i);
    const bytes = await mine.toBytes({ key });
    // The first bytes are the header; what is behind them is all alike.
    const head = bytes.slice(0, 60);
    return {
      inputs: fc.record({
        file: fc.oneof(
          mutatedBytes(head).map((it) => joined(it, bytes.subarray(60))),
          mutatedBytes(head),
          mutatedBytes(bytes, 2),
        ),
        key: fc.constantFrom(key, undefined, new Uint8Array(32), new Uint8Array(3)),
      }),
      run: (input: { file: Uint8Array; key?: Uint8Array }) =>
        learner.restore(input.file, input.key === undefined ? {} : { key: input.key }),
      show: ({ file }: { file: Uint8Array }) => base64(file),
      close: () => learner.dispose(),
    };
  },
};

const fullConfig = () => ({
  ...completeConfig({ preset: Object.keys(presets)[0]! as never }),
  model: { kind: "conv4", filters: 8, strides: [2, 2, 2, 1], pool: false, norm: "layer", pooling: "flat" },
});

export const configTarget: Target = {
  name: "config",
  memory: 16e6,
  open: () => ({
    inputs: mutatedTree<unknown>(fullConfig()),
    run: (value: unknown) => completeConfig(validateConfig(value, "config.yaml")),
    show: (value: unknown) => JSON.stringify(value),
  }),
};

export const checkpointTarget: Target = {
  name: "checkpoint",
  memory: 16e6,
  open() {
    const header = {
      format: "innerloop-checkpoint",
      version: 1,
      config: fullConfig(),
      iteration: 100,
      elapsedSeconds: 4.5,
      seed: 7,
      best: { iteration: 50, score: 0.9 },
      history: [{ iteration: 50, loss: 0.7, score: 0.9 }],
      parameters: [{ name: "w", shape: [2] }],
    } as unknown as CheckpointHeader;
    const tensors = { w: { dtype: "float32", shape: [2], data: Float32Array.of(1, 2) } } as const;
    return {
      inputs: fc.oneof(
        mutatedTree(header).map((it) => encodeSafetensors(tensors, { innerloop: JSON.stringify(it) ?? "" })),
        mutatedText(JSON.stringify(header), words).map((text) => encodeSafetensors(tensors, { innerloop: text })),
        filesLike(encodeSafetensors(tensors, { innerloop: JSON.stringify(header) })),
      ),
      run: (bytes: Uint8Array) => readCheckpointHeader(decodeSafetensors(bytes, "file").metadata, "file"),
      show: base64,
    };
  },
};
