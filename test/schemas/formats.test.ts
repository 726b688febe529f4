// What the validators of manifest, run config and checkpoint accept, and what they tell a person about the rest.
import {
  CHECKPOINT_KEY,
  type CheckpointHeader,
  type RunConfig,
  readCheckpointHeader,
  suggest,
  validateCheckpoint,
  validateConfig,
  validateManifest,
} from "@innerloop/schemas";
import { describe, expect, test } from "vitest";
import { refusalOf } from "../support/refusal.ts";
import { sampleManifest } from "./sample.ts";

const manifest = sampleManifest;
const config: RunConfig = {
  version: 1,
  preset: "omniglot-5way-1shot",
  data: "glyphs",
  model: {
    kind: "conv4",
    filters: 48,
    strides: [2, 2, 2, 1],
    pool: false,
    norm: "layer",
    pooling: "flat",
    input: "raw",
  },
  algorithm: "maml",
  head: "zero",
  steps: 0,
  innerRate: 0.4,
  learnRates: true,
  maxInnerRate: 1,
  multiStepLoss: false,
  ways: 5,
  shots: 1,
  queries: 3,
  metaBatch: 8,
  optimizer: { kind: "adam", rate: 0.005 },
  schedule: { warmup: 50, decay: "cosine", floor: 0.02 },
  clip: null,
  minutes: 0.5,
  engine: "auto",
  workers: 2,
  seed: 7,
  validation: { every: 100, episodes: 50 },
  rotations: true,
  shifts: { share: 0.4, families: ["inverted", "noise"], wrongLabels: 0.2 },
};
const checkpoint: CheckpointHeader = {
  format: "innerloop-checkpoint",
  version: 1,
  config,
  iteration: 100,
  elapsedSeconds: 4.5,
  seed: 7,
  best: { iteration: 50, score: 0.9 },
  history: [{ iteration: 50, loss: 0.7, score: 0.9 }],
  parameters: [{ name: "dense.weight", shape: [64, 5] }],
};

/** A deep copy with the value at `path` replaced; `undefined` removes it. */
function altered(original: object, path: readonly (string | number)[], value: unknown): unknown {
  const copy = JSON.parse(JSON.stringify(original)) as Record<string | number, unknown>;
  let holder = copy;
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string | number, unknown>;
  const last = path.at(-1) as string;
  if (value === undefined) delete holder[last];
  else holder[last] = value;
  return copy;
}

describe("a value of the format is returned as it is", () => {
  test("manifest", () => expect(validateManifest(manifest, "m")).toBe(manifest));
  test("run config", () => expect(validateConfig(config, "c")).toBe(config));
  test("checkpoint", () => expect(validateCheckpoint(checkpoint, "k")).toBe(checkpoint));
  test("a run config may give any part", () => {
    for (const part of [{}, { steps: 3 }, { optimizer: { rate: 0.1 } }, { model: {} }, { clip: 10 }]) {
      expect(validateConfig(part, "c")).toBe(part);
    }
  });
  test("a manifest may list variants of adapt.onnx", () => {
    const files = { ...manifest.files, "adapt.webgpu.onnx": manifest.files["adapt.onnx"] };
    expect(() => validateManifest({ ...manifest, files }, "m")).not.toThrow();
  });
  test("a manifest may hold more than the format names", () => {
    expect(() => validateManifest({ ...manifest, note: "mine" }, "m")).not.toThrow();
  });
  test("a checkpoint before the first validation", () => {
    expect(() => validateCheckpoint({ ...checkpoint, best: null, history: [] }, "k")).not.toThrow();
  });
});

describe("messages", () => {
  const cases: [string, () => unknown, string, string][] = [
    [
      "a wrong shape",
      () => validateManifest(altered(manifest, ["input", "shape"], "28x28"), "bundle/manifest.json"),
      "manifest-invalid",
      'bundle/manifest.json: input.shape must be a list of whole numbers from 1, the shape of one example, got "28x28"; write it as [28,28,1]',
    ],
    [
      "a temperature that divides by nothing",
      () => validateManifest(altered(manifest, ["confidence", "temperature"], 0), "m"),
      "manifest-invalid",
      "m: confidence.temperature must be a number from 0.000001 to 1000000, got 0",
    ],
    [
      "a score that is not known",
      () => validateManifest(altered(manifest, ["confidence", "rejection", "score"], "entropy"), "m"),
      "manifest-invalid",
      'm: confidence.rejection.score must be "maximum", "logsumexp", "margin" or "probability", got "entropy"',
    ],
    [
      "a wrong element of a list",
      () => validateManifest(altered(manifest, ["input", "shape", 1], 2.5), "m"),
      "manifest-invalid",
      "m: input.shape must be a list of whole numbers from 1, the shape of one example, got [28,2.5,1]; write it as [28,28,1]",
    ],
    [
      "a missing field",
      () => validateManifest(altered(manifest, ["verification"], undefined), "m"),
      "manifest-invalid",
      "m: verification is missing; it must be an object with episodes, largestDifference and engine",
    ],
    [
      "a field inside a list and a definition",
      () => validateManifest(altered(manifest, ["files", "adapt.onnx", "sha256"], "abc"), "m"),
      "manifest-invalid",
      'm: files["adapt.onnx"].sha256 must be the file\'s SHA-256 as 64 lower-case hexadecimal digits, got "abc"',
    ],
    [
      "a file that the format does not name",
      () => validateManifest(altered(manifest, ["files", "adapt.cuda.onnx"], { sha256: "0".repeat(64) }), "m"),
      "manifest-invalid",
      'm: files["adapt.cuda.onnx"].bytes is missing; it must be a whole number of bytes',
    ],
    [
      "a field of a list's element",
      () => validateManifest(altered(manifest, ["parameters", 0, "adapted"], "yes"), "m"),
      "manifest-invalid",
      'm: parameters[0].adapted must be true or false, got "yes"',
    ],
    [
      "something else altogether",
      () => validateManifest({ hello: 1 }, "package.json"),
      "manifest-invalid",
      'package.json: this is no bundle manifest: "format" is missing, expected "innerloop-bundle"; check the path',
    ],
    [
      "no object",
      () => validateConfig([1], "c.yaml"),
      "config-invalid",
      "c.yaml: a run config must be an object of named values, got [1]",
    ],
    [
      "a range",
      () => validateConfig({ steps: -1 }, "c"),
      "config-invalid",
      "c: steps must be a whole number from 0 to 256, got -1",
    ],
    [
      "more threads than any machine has cores",
      () => validateConfig({ workers: 100_000 }, "c"),
      "config-invalid",
      "c: workers must be a whole number of worker threads from 0 to 1024, got 100000",
    ],
    [
      "a choice",
      () => validateConfig({ head: "random" }, "c"),
      "config-invalid",
      'c: head must be "learned", "zero" or "prototypes", got "random"',
    ],
    [
      "not a number",
      () => validateConfig({ innerRate: Number.NaN }, "c"),
      "config-invalid",
      "c: innerRate must be a number above 0, got NaN",
    ],
    [
      "a misspelled key",
      () => validateConfig({ inerRate: 1 }, "c"),
      "unknown-option",
      'c: unknown key "inerRate"; did you mean "innerRate"?',
    ],
    [
      "a key written as a flag",
      () => validateConfig({ "meta-batch": 1 }, "c"),
      "unknown-option",
      'c: unknown key "meta-batch"; did you mean "metaBatch"?',
    ],
    [
      "an unknown key inside, near to none",
      () => validateConfig({ schedule: { banana: 1 } }, "c"),
      "unknown-option",
      'c: unknown key "banana" in schedule; known are warmup, decay, floor',
    ],
    [
      "a config inside a checkpoint",
      () => validateCheckpoint(altered(checkpoint, ["config", "optimizer", "rate"], "fast"), "k"),
      "checkpoint-invalid",
      'k: config.optimizer.rate must be a number above 0, got "fast"',
    ],
    [
      "an incomplete config inside a checkpoint",
      () => validateCheckpoint(altered(checkpoint, ["config", "ways"], undefined), "k"),
      "checkpoint-invalid",
      "k: config.ways is missing; it must be a whole number of classes from 1",
    ],
    [
      "a misspelled key in a checkpoint's config",
      () => validateCheckpoint(altered(checkpoint, ["config", "model", "filter"], 3), "k"),
      "unknown-option",
      'k: unknown key "filter" in config.model; did you mean "filters"?',
    ],
    [
      "a safetensors file that is no checkpoint",
      () => readCheckpointHeader({ other: "x" }, "k"),
      "checkpoint-invalid",
      'k: this safetensors file has no "innerloop" metadata, so it is no checkpoint; give the checkpoint that a training run wrote',
    ],
    [
      "a damaged header",
      () => readCheckpointHeader({ [CHECKPOINT_KEY]: "{" }, "k"),
      "checkpoint-invalid",
      "k: the checkpoint's header is not valid JSON; the file is damaged: use an earlier one",
    ],
  ];
  for (const [name, action, code, message] of cases) {
    test(name, () => {
      const error = refusalOf(action);
      expect(error.message).toBe(message);
      expect(error.code).toBe(code);
    });
  }

  test("a wrong config is a wrong call; a wrong bundle or checkpoint is not", () => {
    expect(refusalOf(() => validateConfig({ steps: -1 }, "c")).exitStatus).toBe(2);
    expect(refusalOf(() => validateConfig({ step: 1 }, "c")).exitStatus).toBe(2);
    expect(refusalOf(() => validateManifest({}, "m")).exitStatus).toBe(1);
    expect(refusalOf(() => validateCheckpoint({}, "k")).exitStatus).toBe(1);
  });

  test("every field of a manifest that is removed or replaced by nonsense is either refused by name or optional", () => {
    const optional = new Set(["labels", "training", "metrics", "confidence"]);
    for (const key of Object.keys(manifest)) {
      const nonsense = refusalOf(() => validateManifest({ ...manifest, [key]: () => 0 }, "m"));
      expect(nonsense.message).toContain(key);
      const without = () => validateManifest(altered(manifest, [key], undefined), "m");
      if (optional.has(key)) expect(without).not.toThrow();
      else expect(refusalOf(without).message).toContain(key);
    }
  });

  test("every field of a run config is refused by name when it is nonsense", () => {
    for (const key of Object.keys(config)) {
      const error = refusalOf(() => validateConfig({ ...config, [key]: [[]] }, "c"));
      expect(error.message).toMatch(new RegExp(`^c: ${key} must be .+, got \\[\\[\\]\\]`));
    }
  });
});

describe("versions", () => {
  const formats: [string, (value: unknown, source: string) => unknown, object][] = [
    ["bundle manifest", validateManifest, manifest],
    ["run config", validateConfig, config],
    ["checkpoint", validateCheckpoint, checkpoint],
  ];
  for (const [title, validate, value] of formats) {
    test(`a newer ${title} says so, even when it looks different`, () => {
      const error = refusalOf(() => validate({ ...value, version: 2, input: "other", data: [] }, "new"));
      expect(error.code).toBe("newer-version");
      expect(error.message).toBe(
        `new: ${title} version 2 is newer than this release understands (up to version 1); ` +
          "upgrade innerloop, or write the file again with this release",
      );
    });
    test(`a ${title} with a version that never was is invalid`, () => {
      const error = refusalOf(() => validate({ ...value, version: "one" }, "odd"));
      expect(error.message).toBe('odd: version must be the number 1, got "one"');
    });
  }
});

describe("suggest", () => {
  test("finds the nearest, forgives case, dashes and one swap, and stays silent when nothing is near", () => {
    const names = ["shots", "steps", "seed", "maxInnerRate"];
    expect(suggest("shtos", names)).toBe("shots");
    expect(suggest("max_inner-rate", names)).toBe("maxInnerRate");
    expect(suggest("banana", names)).toBeUndefined();
    expect(suggest("x", [])).toBeUndefined();
  });
});
