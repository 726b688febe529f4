// A LeNet that PyTorch wrote is meta-trained as the same LeNet of our own layers is: with the same weights at the start, the losses of the
// iterations are the same; and a run may name such a file as its model.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { input, op, readOnnx, writeOnnx } from "@innerloop/graph";
import type { RunConfigInput } from "@innerloop/schemas";
import {
  buildModel,
  Conv2d,
  checkEffects,
  completeConfig,
  crossEntropy,
  Flatten,
  Glyphs,
  gradientLearner,
  importedModel,
  Linear,
  MaxPool2d,
  MetaTrainer,
  type Model,
  ReLU,
  random,
  runTraining,
  sequential,
} from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { distance } from "../support/numbers.ts";
import { readRecorded } from "../support/recorded.ts";
import { refusalOf } from "../support/refusal.ts";

const { lenet } = readRecorded<{ readonly lenet: string }>("train/recorded/imported.json");
const file = new Uint8Array(Buffer.from(lenet, "base64"));
const shape = [28, 28, 1];

const imported = importedModel(file, shape, 5);

/** The same network of our own layers, channels last. */
const own = sequential(shape, [
  ...[Conv2d(4, { kernel: 5 }), ReLU, MaxPool2d(2), Conv2d(8, { kernel: 5, padding: 0 }), ReLU, MaxPool2d(2)],
  ...[Flatten, Linear(30), ReLU, Linear(20), ReLU, Linear(5)],
]);

/** Numbers of an array whose axes are put in another order. */
function turned(data: Float32Array, sizes: readonly number[], order: readonly number[]): Float32Array {
  const strides = sizes.map((_, axis) => sizes.slice(axis + 1).reduce((a, b) => a * b, 1));
  const shape = order.map((axis) => sizes[axis]!);
  return Float32Array.from(data, (_, i) => {
    let [at, rest] = [0, i];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += (rest % shape[axis]!) * strides[order[axis]!]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return data[at]!;
  });
}

/** The file's weights as our layers have them: kernels `[height, width, in, out]`, matrices `[in, out]`, places before channels. */
function ownWeights(): Float32Array[] {
  const { initializers } = readOnnx(file, "lenet.onnx");
  const data = (name: string) => initializers[name]!.data as Float32Array;
  const kernel = (name: string, inputs: number, outputs: number) =>
    turned(data(name), [outputs, inputs, 5, 5], [2, 3, 1, 0]);
  return [
    ...[kernel("0.weight", 1, 4), data("0.bias"), kernel("3.weight", 4, 8), data("3.bias")],
    ...[turned(data("7.weight"), [30, 8, 5, 5], [2, 3, 1, 0]), data("7.bias")],
    ...[turned(data("9.weight"), [20, 30], [1, 0]), data("9.bias")],
  ];
}

/** The model with these numbers at its start, times three, so that its features tell characters apart. */
function starting(model: Model, numbers: readonly Float32Array[]): Model {
  const body = Object.entries(model.parameters).filter(([name]) => !name.startsWith("head."));
  expect(body.map(([, { shape: each }]) => each.reduce((a, b) => a * b, 1))).toEqual(
    numbers.map(({ length }) => length),
  );
  const known = body.map(
    ([name, spec], i) => [name, { ...spec, initialize: () => numbers[i]!.map((number) => 3 * number) }] as const,
  );
  const head = ["head.weight", "head.bias"].map((name) => {
    const spec = model.parameters[name]!;
    return [name, { ...spec, initialize: () => headOf(spec.shape) }] as const;
  });
  return { ...model, parameters: Object.fromEntries([...known, ...head]) };
}

const headOf = (of: readonly number[]): Float32Array =>
  Float32Array.from({ length: of.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i));

async function losses(model: Model): Promise<number[]> {
  const learner = gradientLearner(
    model,
    { algorithm: "maml", order: 2, moves: () => true },
    { loss: crossEntropy, innerRate: 0.1, learnRates: true, steps: 2 },
  );
  const trainer = await MetaTrainer.create(learner, {
    optimizer: { kind: "sgd", rate: 0.1 },
    clip: 10,
    engine: "onnxruntime:cpu",
  });
  const tasks = new Glyphs();
  const found: number[] = [];
  for (let batch = 0; batch < 4; batch++) {
    const episodes = [0, 1].map((task) =>
      tasks.episode("train", 0, 2 * batch + task, { ways: 5, shots: 1, queries: 3 }),
    );
    found.push((await trainer.step(episodes)).loss);
  }
  await trainer.dispose();
  return found;
}

describe("a LeNet that PyTorch wrote", () => {
  it("has the iterations of the same LeNet of our own layers", async () => {
    const data = Object.entries(imported.parameters)
      .filter(([name]) => !name.startsWith("head."))
      .map(([, { initialize }]) => initialize({ uniform: () => 0, normal: () => 0 }));
    const ofFile = await losses(starting(imported, data));
    const ofOwn = await losses(starting(own, ownWeights()));
    expect(Math.max(...ofFile) - Math.min(...ofFile)).toBeGreaterThan(0.01);
    expect(distance(ofFile, ofOwn)).toBeLessThan(1e-5);
  });

  it("has a fresh head on what its classifier reads", () => {
    expect(imported.features).toBe(20);
    expect(imported.outputs).toBe(5);
    expect(Object.keys(imported.parameters).slice(-2)).toEqual(["head.weight", "head.bias"]);
  });

  it("is the model of a run whose config has its path", () => {
    const path = join(temporaryFolder(), "lenet.onnx");
    writeFileSync(path, file);
    const { model } = completeConfig({ data: "glyphs", model: { kind: path } });
    expect(model).toEqual({ kind: path });
    expect(buildModel(model, shape, 5).parameters["0.weight"]!.shape).toEqual([4, 1, 5, 5]);
  });

  it("begins at weights drawn as our own layers draw theirs, where that is wished", () => {
    const fresh = importedModel(file, shape, 5, { weights: "fresh" });
    expect(Object.keys(fresh.parameters)).toEqual(Object.keys(imported.parameters));
    const of = (model: Model, name: string) => model.parameters[name]!.initialize(random(3));
    const deviation = (numbers: Float32Array) => Math.hypot(...numbers) / Math.sqrt(numbers.length);
    // Kernels [out, in, height, width]: √(2 / inputs) where PyTorch has √(1 / 3 inputs).
    expect(deviation(of(fresh, "3.weight")) / Math.sqrt(2 / 100)).toBeCloseTo(1, 1);
    expect(deviation(of(imported, "3.weight")) / Math.sqrt(1 / 300)).toBeCloseTo(1, 1);
    expect(of(fresh, "3.bias")).toEqual(new Float32Array(8));
    // Matrices [out, in], as they lie in the file.
    const matrix = of(fresh, "7.weight");
    expect(Math.max(...matrix.map(Math.abs))).toBeLessThanOrEqual(Math.fround(1 / Math.sqrt(200)));
    expect(deviation(matrix) / Math.sqrt(1 / 600)).toBeCloseTo(1, 1);
    expect(matrix).not.toEqual(of(imported, "7.weight"));
  });

  it("draws matrices by their inputs, whichever way they lie, and other weights with the mean and the deviation that they have", () => {
    const weights = {
      gain: { shape: [6], data: new Float32Array(6).fill(2) },
      matrix: { shape: [30, 6], data: Float32Array.from({ length: 180 }, (_, i) => 9 * Math.cos(i)) },
      offset: { shape: [30], data: Float32Array.from({ length: 30 }, (_, i) => 3 + 0.1 * Math.sin(i)) },
    };
    const { gain, matrix, offset } = Object.fromEntries(
      Object.entries(weights).map(([name, { shape: sizes }]) => [name, input(name, sizes)]),
    );
    const product = op.MatMul(op.Mul(input("x", ["n", 6]), gain!), op.Transpose(matrix!, [1, 0]));
    const initializers = Object.fromEntries(
      Object.entries(weights).map(([name, weight]) => [name, { ...weight, dtype: "float32" as const }]),
    );
    const bytes = writeOnnx({ features: op.Add(op.Relu(product), offset!) }, { initializers });
    const { parameters } = importedModel(bytes, [6], 5, { weights: "fresh" });
    const drawn = (name: string) => parameters[name]!.initialize(random(1));
    expect(drawn("gain")).toEqual(weights.gain.data);
    expect(Math.max(...drawn("matrix")) * Math.sqrt(6)).toBeGreaterThan(0.9);
    expect(Math.max(...drawn("matrix")) * Math.sqrt(6)).toBeLessThanOrEqual(1.0001);
    expect(drawn("offset").reduce((sum, each) => sum + each) / 30).toBeCloseTo(3, 1);
    expect(drawn("offset")).not.toEqual(weights.offset.data);
  });

  it("is said to be as PyTorch drew it, unless somebody trained it, or said where to begin", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "lenet.onnx");
    writeFileSync(path, file);
    const trained = join(folder, "trained.onnx");
    const { outputs, initializers } = readOnnx(file, "lenet.onnx");
    const moved = {
      ...initializers["3.weight"]!,
      data: (initializers["3.weight"]!.data as Float32Array).map((w) => 2 * w),
    };
    writeFileSync(trained, writeOnnx(outputs, { initializers: { ...initializers, "3.weight": moved } }));
    const notes = async (model: NonNullable<RunConfigInput["model"]>) => {
      const told: string[] = [];
      const config = completeConfig({ data: "glyphs", model, iterations: 1, metaBatch: 1, workers: 0 });
      await runTraining({ config, onMessage: (message) => told.push(message) });
      return told.filter((message) => message.includes("PyTorch"));
    };
    expect(await notes({ kind: path })).toEqual([expect.stringContaining("--weights fresh")]);
    expect(await notes({ kind: path, weights: "file" })).toEqual([]);
    expect(await notes({ kind: path, weights: "fresh" })).toEqual([]);
    expect(await notes({ kind: trained })).toEqual([]);
    const named = { data: "glyphs", model: { kind: "conv4", weights: "fresh" } } as const;
    expect(refusalOf(() => checkEffects(completeConfig(named), ["model.weights"])).message).toContain("ONNX file");
  });

  it("is refused for examples of another size, and where there is no file", () => {
    const error = refusalOf(() => importedModel(file, [32, 32, 1], 5, { source: "lenet.onnx" }));
    expect(error.code).toBe("bad-model");
    expect(error.message).toContain("[32,32,1]");
    expect(refusalOf(() => buildModel({ kind: "none.onnx" }, shape, 5)).code).toBe("file-missing");
  });
});
