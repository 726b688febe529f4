// The public functions, called with arguments of which one, or something in it, is of another kind than it takes.

import { defaultBundle } from "@innerloop/demo";
import * as exported from "@innerloop/export";
import * as graph from "@innerloop/graph";
import { classify, Learner, rejectionScore, temperatureAt, thresholdAt } from "@innerloop/runtime";
import { exampleOf, readExample } from "@innerloop/runtime/input";
import * as schemas from "@innerloop/schemas";
import { sizeOf } from "@innerloop/schemas";
import * as bundle from "@innerloop/schemas/bundle";
import { decodeModel, encodeModel } from "@innerloop/schemas/onnx";
import * as train from "@innerloop/train";
import fc from "fast-check";
import { strangers } from "./mutate.ts";
import type { Opened, Target } from "./run.ts";

type Call = (...given: never[]) => unknown;

/** Functions by name, each with arguments that it takes. */
type Calls = Readonly<Record<string, readonly [call: Call, ...given: unknown[]]>>;

interface Wrong {
  readonly name: string;
  /** Which argument, and which of the places in it; none: the argument itself. */
  readonly at: number;
  readonly place: number;
  readonly by: number;
  readonly count: number;
}

const isPlain = (value: unknown): value is Record<string, unknown> | unknown[] =>
  Array.isArray(value) ||
  (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype);

/** The arguments with one of them, or a value in it, replaced; or fewer of them. */
function changed(given: readonly unknown[], { at, place, by, count }: Wrong): unknown[] {
  const list = [...given];
  const stranger = strangers[by % strangers.length];
  const target = list.length === 0 ? 0 : at % list.length;
  const old = list[target];
  if (isPlain(old) && place % 2 === 1 && Object.keys(old).length > 0) {
    const copy = (Array.isArray(old) ? [...old] : { ...old }) as Record<string, unknown>;
    const keys = Object.keys(copy);
    const key = keys[(place >> 1) % keys.length]!;
    copy[key] = stranger;
    list[target] = copy;
  } else list[target] = stranger;
  return count % 8 === 0 ? list.slice(0, target) : list;
}

function opened(calls: Calls, close?: () => Promise<unknown>): Opened {
  const names = Object.keys(calls);
  return {
    inputs: fc.record({
      name: fc.constantFrom(...names),
      at: fc.nat(5),
      place: fc.nat(63),
      by: fc.nat(strangers.length - 1),
      count: fc.nat(63),
    }),
    async run(wrong: Wrong) {
      const [call, ...given] = calls[wrong.name]!;
      await (call as (...given: unknown[]) => unknown)(...changed(given, wrong));
    },
    show: (wrong: Wrong) =>
      `${wrong.name}(${changed(calls[wrong.name]!.slice(1), wrong)
        .map((it) => (typeof it === "function" ? "a function" : schemas.show(it)))
        .join(", ")})`,
    ...(close ? { close } : {}),
  };
}

const target = (name: string, memory: number, open: () => Promise<Opened> | Opened): Target => ({
  name: `calls-${name}`,
  memory,
  open,
});

export const graphCalls = target("graph", 256e6, () => {
  const { op } = graph;
  const x = graph.input("x", [2, 3, 8, 8]);
  const m = graph.input("m", ["n", 6]);
  const w = graph.input("w", [6, 4]);
  const k = graph.input("k", [5, 3, 3, 3]);
  const c = graph.input("c", [3]);
  const i = graph.input("i", ["n"], "int64");
  const sum = op.ReduceSum(op.Mul(m, m), { keepdims: false });
  const model = graph.writeOnnx({ y: op.MatMul(m, w) });
  const special: Calls = {
    Concat: [op.Concat, [m, m], 0],
    Cast: [op.Cast, m, "int64"],
    Constant: [op.Constant, [1, 2], [2], "float32"],
    ConstantOfShape: [op.ConstantOfShape, [2, 3], 1, "float32"],
    Conv: [op.Conv, x, k, undefined, { strides: [1, 1], pads: [1, 1, 1, 1], group: 1 }],
    ConvTranspose: [op.ConvTranspose, x, graph.input("t", [3, 5, 3, 3]), undefined, { strides: [2, 2] }],
    Convolution: [op.Convolution, x, graph.input("l", [3, 3, 8, 4]), { strides: [1, 1] }],
    MatMul: [op.MatMul, m, w],
    Gemm: [op.Gemm, m, w, undefined, { alpha: 2, transA: 0 }],
    MaxPool: [op.MaxPool, x, [2, 2], { strides: [2, 2], ceilMode: true }],
    MaxPooling: [op.MaxPooling, x, [2, 2], { strides: [2, 2] }],
    AveragePool: [op.AveragePool, x, [2, 2], { strides: [2, 2], countIncludePad: true }],
    AveragePooling: [op.AveragePooling, x, [2, 2], { strides: [2, 2] }],
    BatchNormalization: [op.BatchNormalization, x, c, c, c, c, { epsilon: 1e-5, trainingMode: false }],
    InstanceNormalization: [op.InstanceNormalization, x, c, c, { epsilon: 1e-5 }],
    GroupNormalization: [op.GroupNormalization, x, c, c, 3, { epsilon: 1e-5 }],
    LayerNormalization: [op.LayerNormalization, m, graph.input("g", [6]), undefined, { axis: -1 }],
    Normalize: [op.Normalize, x, graph.input("n8", [8]), graph.input("b8", [8]), "layer", 1e-5],
    Standardize: [op.Standardize, m, [1], 1e-5],
    InverseDeviation: [op.InverseDeviation, m, [1], 1e-5],
    SoftmaxCrossEntropyLoss: [op.SoftmaxCrossEntropyLoss, m, i, { reduction: "mean" }],
    NegativeLogLikelihoodLoss: [op.NegativeLogLikelihoodLoss, m, i, { reduction: "sum" }],
    Where: [op.Where, op.Less(m, 0), m, m],
    Gather: [op.Gather, m, i, 1],
    OneHot: [op.OneHot, i, 4, "float32"],
    Pad: [op.Pad, m, [0, 1, 0, 1], "constant", 0],
    Range: [op.Range, 5],
    Reshape: [op.Reshape, m, ["n", 2, 3]],
    Expand: [op.Expand, m, [4, "n", 6]],
    Slice: [op.Slice, m, [0], [2], [1], [1]],
    Split: [op.Split, m, 2, 1],
    Squeeze: [op.Squeeze, op.Unsqueeze(m, [0]), [0]],
    Unsqueeze: [op.Unsqueeze, m, [0]],
    Tile: [op.Tile, m, [1, 2]],
    Transpose: [op.Transpose, m, [1, 0]],
    DepthToSpace: [op.DepthToSpace, graph.input("d", [1, 8, 2, 2]), 2, "DCR"],
    SpaceToDepth: [op.SpaceToDepth, x, 2],
    CumSum: [op.CumSum, m, 1, { exclusive: 1 }],
    squaredNorm: [op.squaredNorm, [m, w]],
    Loop: [
      op.Loop,
      graph.input("s", [], "int64"),
      [w],
      (...given: graph.Value[]) => ({ carried: [op.Neg(given[1]!)], collected: [] }),
      "turns",
    ],
  };
  const plain = Object.entries(op).flatMap(([name, call]) =>
    name in special || typeof call !== "function" ? [] : [[name, [call as Call, m, m]] as const],
  );
  const others: Calls = {
    readOnnx: [graph.readOnnx, model, "model.onnx"],
    "OnnxModel.apply": [graph.readOnnx(model, "m").apply, { m }],
    writeOnnx: [
      graph.writeOnnx,
      { y: sum },
      { name: "g", opset: 18, metadata: { a: "b" }, inputs: [m], initializers: {} },
    ],
    evaluate: [graph.evaluate, [sum], { m: { shape: [1, 6], data: [1, 2, 3, 4, 5, 6] } }],
    grad: [graph.grad, sum, [m]],
    gradients: [graph.gradients, sum, [m]],
    cotangents: [graph.cotangents, [sum], [graph.constant(1)], [m]],
    jvp: [graph.jvp, [sum], [m], [m]],
    jacobian: [graph.jacobian, sum, [m], "reverse"],
    hvp: [graph.hvp, sum, [m], [m]],
    "transform.grad": [graph.transform.grad, graph.readOnnx(model, "m"), { of: "y", wrt: ["m"], reduce: "sum" }],
    "transform.vjp": [graph.transform.vjp, graph.readOnnx(model, "m"), { of: "y", wrt: ["m"], also: ["y"] }],
    "transform.jacobian": [graph.transform.jacobian, graph.readOnnx(model, "m"), { wrt: ["m"], mode: "forward" }],
    "transform.hvp": [graph.transform.hvp, graph.readOnnx(model, "m"), { of: "y", wrt: ["m"], zeros: true }],
    "transform.vmap": [graph.transform.vmap, graph.readOnnx(model, "m"), { axes: { m: 0 }, size: "many" }],
    "transform.specialize": [graph.transform.specialize, graph.readOnnx(model, "m"), { n: 2 }],
    "transform.reach": [graph.transform.reach, graph.readOnnx(model, "m"), "y"],
    "transform.costOf": [graph.transform.costOf, graph.readOnnx(model, "m"), "y", { n: 2 }],
    surveyOnnx: [graph.surveyOnnx, model, "m"],
    writeModel: [graph.writeModel, graph.readOnnx(model, "m"), { opset: 18, overridable: ["m"] }],
    vmap: [graph.vmap, (a: graph.Value) => [op.Neg(a)], [m]],
    simplify: [graph.simplify, [sum]],
    lower: [graph.lower, [sum], graph.onnxTarget()],
    innerLoop: [
      graph.innerLoop,
      (weights: Record<string, graph.Value>) => op.ReduceSum(op.MatMul(m, weights.w!), { keepdims: false }),
      { w },
      { steps: graph.input("steps", [], "int64"), rates: { w: 0.1 } },
    ],
    input: [graph.input, "x", [2, "n"], "float32"],
    constant: [graph.constant, [1, 2], [2], "float32"],
    print: [graph.print, [sum]],
    topological: [graph.topological, [sum]],
    onnxTarget: [graph.onnxTarget, { opset: 18, convolution: "columns" }],
    onnxTargetFor: [graph.onnxTargetFor, "cuda", { opset: 18 }],
    inputName: [graph.inputName, m],
    isInput: [graph.isInput, m],
    constantOf: [graph.constantOf, m],
    scope: [graph.scope, "a", () => 1],
    showShape: [graph.showShape, [1, 2]],
    halfBits: [graph.halfBits, [1, 2]],
    halfNodes: [graph.halfNodes, [sum]],
    irVersion: [graph.irVersion, 18],
    operatorNamed: [graph.operatorNamed, "Add"],
  };
  return opened({ ...special, ...Object.fromEntries(plain), ...others } as Calls);
});

const parameters = { w: { dtype: "float32", shape: [2], data: Float32Array.of(1, 2) } } as const;

export const schemasCalls = target("schemas", 32e6, () =>
  opened({
    encodeSafetensors: [schemas.encodeSafetensors, parameters, { a: "b" }],
    decodeSafetensors: [schemas.decodeSafetensors, schemas.encodeSafetensors(parameters), "file"],
    deviceDecode: [bundle.decodeSafetensors, schemas.encodeSafetensors(parameters), "file"],
    deviceEncode: [bundle.encodeSafetensors, parameters, { a: "b" }],
    validateManifest: [schemas.validateManifest, {}, "m"],
    validateConfig: [schemas.validateConfig, { steps: 1 }, "c"],
    validateCheckpoint: [schemas.validateCheckpoint, {}, "c"],
    readCheckpointHeader: [schemas.readCheckpointHeader, { innerloop: "{}" }, "c"],
    checkManifest: [bundle.checkManifest, {}, "m"],
    checkPreprocessing: [
      schemas.checkPreprocessing,
      { shape: [4, 4, 1], dtype: "float32", preprocessing: { kind: "image" } },
    ],
    misfit: [schemas.misfit, { kind: "window", length: 3, channels: 1, mean: 0, std: 1 }, [3, 1]],
    preprocessedShape: [schemas.preprocessedShape, { kind: "window", length: 3, channels: 1 }],
    suggest: [schemas.suggest, "stesp", ["steps"]],
    encodeNumbers: [schemas.encodeNumbers, "float16", [1, 2]],
    decodeNumbers: [schemas.decodeNumbers, "int4", new Uint8Array(4), 8],
    bytesOf: [schemas.bytesOf, "int4", 5],
    elementNameOf: [schemas.elementNameOf, 1],
    isNumeric: [schemas.isNumeric, "string"],
    sizeOf: [schemas.sizeOf, [2, 3]],
    show: [schemas.show, "x"],
    plain: [schemas.plain, "x", 80],
    decodeModel: [decodeModel, new Uint8Array(), "m"],
    encodeModel: [encodeModel, { irVersion: 8, graph: { name: "g" } }],
  }),
);

export const runtimeCalls = target("runtime", 64e6, async () => {
  const learner = await Learner.load(defaultBundle, { provider: "cpu" });
  const size = sizeOf(learner.manifest.input.shape);
  const drawn = (at: number) => Float32Array.from({ length: size }, (_, i) => Number(i % 7 === at));
  const support = [
    { label: "a", data: drawn(1) },
    { label: "b", data: drawn(2) },
  ];
  const mine = await learner.adapt(support);
  const bytes = await mine.toBytes();
  const confidence = {
    ways: 5,
    shots: 1,
    temperature: 1,
    temperatureSlope: 0,
    expectedCalibrationError: 0,
    uncalibratedError: 0,
    episodes: 1,
  };
  // Of a fresh one each, so that a call finds what it expects.
  const on =
    (name: string): Call =>
    async (...given: unknown[]) => {
      const again = await learner.restore(bytes);
      return (again[name as keyof typeof again] as unknown as Call)(...(given as never[]));
    };
  return opened(
    {
      load: [Learner.load.bind(Learner), defaultBundle, { provider: "cpu", task: "classification" }],
      adapt: [learner.adapt.bind(learner), support, { check: false, keepExamples: true }],
      adaptOne: [
        learner.adapt.bind(learner),
        support,
        { onProgress: () => undefined, signal: new AbortController().signal },
      ],
      start: [learner.start.bind(learner), { rate: 1 }],
      example: [learner.example.bind(learner), { data: new Uint8ClampedArray(16), width: 2, height: 2 }],
      learnerPredict: [learner.predict.bind(learner), drawn(1)],
      restore: [learner.restore.bind(learner), bytes, {}],
      predict: [on("predict"), drawn(1)],
      predictExample: [on("predict"), { data: drawn(1), shape: [28, 28, 1] }],
      predictBatch: [on("predictBatch"), [drawn(1)]],
      predictRows: [on("predictBatch"), { data: drawn(1), shape: [1, 28, 28, 1] }],
      evaluate: [on("evaluate"), support],
      add: [on("add"), "c", [drawn(3)], { check: false }],
      addMany: [on("add"), support, { check: false }],
      addRows: [on("add"), { data: drawn(1), shape: [1, 28, 28, 1], labels: ["a"] }],
      remove: [on("remove"), "zz", {}],
      relabel: [on("relabel"), "zz", "b", {}],
      toBytes: [on("toBytes"), { key: new Uint8Array(32) }],
      classify: [classify, [1, 2], ["a", "b"], confidence, 1],
      rejectionScore: [rejectionScore, "margin", [1, 2], 1],
      temperatureAt: [temperatureAt, confidence, 1],
      thresholdAt: [thresholdAt, confidence, 2, 1],
      readExample: [readExample, learner.manifest, { data: new Uint8ClampedArray(16), width: 2, height: 2 }],
      exampleOf: [exampleOf, learner.manifest, { data: new Uint8ClampedArray(16), width: 2, height: 2 }],
    } as unknown as Calls,
    () => learner.dispose(),
  );
});

export const trainCalls = target("train", 256e6, async () => {
  const { op } = graph;
  const x = graph.input("x", ["n", 8, 8, 1]);
  const logits = graph.input("logits", ["n", 5]);
  const labels = graph.input("labels", ["n"], "int64");
  const config = train.completeConfig({ preset: "sinusoid-10shot" });
  const model = train.mlp([4], 5, { hidden: [3] } as never);
  const glyphs = await train.openTasks("glyphs");
  return opened({
    completeConfig: [train.completeConfig, { preset: "sinusoid-10shot", model: { kind: "mlp" } }],
    validateRunConfig: [train.validateRunConfig, { algorithm: "maml", model: { kind: "mlp" } }, "c"],
    settingSchema: [train.settingSchema as Call, "model.kind"],
    otherwise: [train.otherwise, "model.filters"],
    enginesFor: [train.enginesFor as Call, "onnxruntime"],
    readerOf: [train.readerOf as Call, "images:photos"],
    isSpec: [train.isSpec, "glyphs"],
    presetNamed: [train.presetNamed, "sinusoid-10shot"],
    openTasks: [train.openTasks, "glyphs", { rotations: true }],
    tasksOf: [train.tasksOf, { data: "glyphs" }],
    Glyphs: [((...given: never[]) => new train.Glyphs(...(given as []))) as Call, { rotations: true }],
    Sinusoid: [((...given: never[]) => new train.Sinusoid(...(given as []))) as Call],
    buildModel: [train.buildModel, config.model, [1], 1],
    buildLearner: [train.buildLearner, config, model, "classification"],
    learnerOf: [train.learnerOf, config, glyphs],
    mlp: [train.mlp as Call, [4], 5, { hidden: [3] }],
    conv4: [train.conv4 as Call, [28, 28, 1], 5, { filters: 4 }],
    sequential: [train.sequential as Call, [train.Linear(4, 3), train.ReLU, train.Linear(3, 2)], [4], 2],
    Linear: [train.Linear as Call, 4, 3],
    Conv2d: [train.Conv2d, 4, { kernel: 3, stride: 1 }],
    MaxPool2d: [(...given: never[]) => train.MaxPool2d(...given)(x), 2, 2],
    MeanPool: [train.MeanPool, x],
    Flatten: [train.Flatten, x],
    ReLU: [train.ReLU, x],
    crossEntropy: [train.crossEntropy, logits, labels],
    meanSquaredError: [train.meanSquaredError, logits, logits],
    accuracyOf: [train.accuracyOf, logits, labels],
    maml: [train.maml as Call, model, { task: "classification", steps: 1, innerRate: 0.1 }],
    anil: [train.anil as Call, model, { task: "classification", steps: 1, innerRate: 0.1 }],
    prototypeLearner: [train.prototypeLearner as Call, model, { task: "classification" }],
    random: [train.random, 1, 2],
    xoshiro128: [train.xoshiro128, [1, 2, 3, 4]],
    splitClasses: [train.splitClasses as Call, ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"], {}],
    parted: [train.parted, [1, 2, 3], 2],
    adam: [train.adam as Call, {}],
    sgd: [train.sgd as Call, {}],
    optimizerRule: [train.optimizerRule as Call, { kind: "adam", rate: 0.1 }],
    scheduledRate: [train.scheduledRate as Call, 0.1, { warmup: 1, decay: "cosine", floor: 0 }, 0.5, 3],
    normalInit: [train.normalInit, [2, 2], 2],
    oneHot: [train.oneHot as Call, labels, 5],
    drawGlyph: [train.drawGlyph as Call, 1, 2],
    estimate: [train.metrics.estimate, [1, 2]],
    argmax: [train.metrics.argmax, [1, 2], 2],
    accuracy: [train.metrics.accuracy, [1, 2], [1, 2]],
    confusionMatrix: [train.metrics.confusionMatrix, [0, 1], [0, 1], 2],
    macroRecall: [
      train.metrics.macroRecall,
      [
        [1, 0],
        [0, 1],
      ],
    ],
    macroF1: [
      train.metrics.macroF1,
      [
        [1, 0],
        [0, 1],
      ],
    ],
    metricsCrossEntropy: [train.metrics.crossEntropy, [1, 2], [0], 2],
    metricsMeanSquaredError: [train.metrics.meanSquaredError, [1, 2], [1, 2]],
    openEngine: [train.openEngine as Call, "nonsense", {}],
    readCheckpoint: [train.readCheckpoint, "/nonsense"],
    openRun: [train.openRun, "/nonsense"],
    MetaTrainer: [
      ((...given: never[]) => new (train.MetaTrainer as never as new (...given: never[]) => unknown)(...given)) as Call,
      { learner: undefined },
    ],
    op: [op.Relu, x],
  } as unknown as Calls);
});

export const exportCalls = target("export", 64e6, () => {
  const answers = {
    ways: 2,
    shots: 1,
    logits: [
      [1, 0],
      [0, 1],
    ],
    labels: [0, 1],
    outsiders: [[0.1, 0.2]],
  };
  return opened({
    expectedCalibrationError: [exported.expectedCalibrationError as Call, [answers], 1],
    thresholdFor: [exported.thresholdFor, [1, 2, 3], 0.1],
    fitConfidence: [exported.fitConfidence as Call, [answers, answers], { ways: 2, shots: 1, falseAccepts: 0.1 }],
    buildBundle: [exported.buildBundle as Call, {}, {}, {}],
    verifyBundle: [exported.verifyBundle as Call, "/nonsense", {}, {}],
    calibrateBundle: [exported.calibrateBundle as Call, "/nonsense", {}],
  });
});
