// A manifest with all that one may have, for the tests of what is refused of one.
import type { Confidence, Manifest } from "@innerloop/schemas";

/** What a manifest lists of a file. */
export const listed = { sha256: "0f".repeat(32), bytes: 12 };

export const sampleConfidence: Confidence = {
  ways: 5,
  shots: 1,
  temperature: 1.5,
  temperatureSlope: 0.1,
  expectedCalibrationError: 0.01,
  uncalibratedError: 0.1,
  episodes: 100,
  rejection: { score: "margin", threshold: -1, shotsSlope: 0, waysSlope: 0, falseAccepts: 0.05, kept: 0.9 },
};

export const sampleManifest: Manifest = {
  format: "innerloop-bundle",
  version: 1,
  name: "glyphs",
  created: "2027-01-31T12:00:00.000Z",
  producer: { name: "innerloop", version: "0.1.0" },
  task: "classification",
  input: {
    shape: [28, 28, 1],
    dtype: "float32",
    preprocessing: { kind: "image", width: 28, height: 28, channels: 1, invert: true, mean: 0, std: 1 },
  },
  output: { ways: null },
  labels: ["a", "b"],
  opset: 17,
  irVersion: 8,
  innerLoop: { algorithm: "maml", head: "prototypes", steps: 5, rates: { "dense.weight": 0.4 }, shots: 1 },
  parameters: [{ name: "dense.weight", shape: [64, "ways"], adapted: true, required: true }],
  files: { "predict.onnx": listed, "adapt.onnx": listed },
  verification: { episodes: 4, largestDifference: 1e-6, engine: "onnxruntime" },
  training: { data: "glyphs", seed: 1, usesBatchStatistics: false },
  metrics: { accuracy: 0.95 },
  confidence: sampleConfidence,
};
