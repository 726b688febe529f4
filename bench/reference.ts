// A yardstick that our code has no part in: stock ONNX Runtime on plain models of MatMul, Gather and elementwise ops, of
// the sizes that the workloads have. How fast a machine is today cancels out of the ratio to it.
import { sizeOf } from "@innerloop/schemas";
import { encodeModel, onnx } from "@innerloop/schemas/onnx";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { type Contender, contender } from "./contender.ts";
import type { Workload } from "./workloads.ts";

const { DataType } = onnx.TensorProto;

interface NodeSketch {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly ints?: Readonly<Record<string, number>>;
}

interface Sketch {
  readonly input: readonly number[];
  readonly nodes: readonly NodeSketch[];
  readonly constants: readonly onnx.TensorProto.$Properties[];
}

const bytes = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** Numbers that need no generator: a wave over the indices, small enough that nothing overflows on the way. */
const wave = (size: number, scale = 1): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => scale * Math.sin(i));

function floats(name: string, dims: readonly number[], scale = 1): onnx.TensorProto.$Properties {
  const size = sizeOf(dims);
  return { name, dims: [...dims], dataType: DataType.FLOAT, rawData: bytes(wave(size, scale)) };
}

const int32 = (name: string, dims: readonly number[], data: Int32Array): onnx.TensorProto.$Properties => ({
  name,
  dims: [...dims],
  dataType: DataType.INT32,
  rawData: bytes(data),
});

const int64 = (name: string, values: readonly number[]): onnx.TensorProto.$Properties => ({
  name,
  dims: [values.length],
  dataType: DataType.INT64,
  rawData: bytes(BigInt64Array.from(values, BigInt)),
});

/**
 * `turns` times: columns of 3×3 patches by Gather, times weights, a gain, the input added (so that numbers neither
 * vanish nor grow), ReLU, and the product of the transposed columns with the result, as a weight gradient is; all over
 * `rows` positions of 64 channels.
 */
function convolutions(rows: number, turns: number): Sketch {
  const channels = 64;
  const patch = 9 * channels;
  const table = Int32Array.from({ length: rows * 9 }, (_, i) => (Math.floor(i / 9) + (i % 9) * 14) % rows);
  const nodes = Array.from({ length: turns }, (_, i): NodeSketch[] => [
    { op: "Gather", inputs: [i === 0 ? "x" : `x${i}`, "table"], output: `patches${i}`, ints: { axis: 0 } },
    { op: "Reshape", inputs: [`patches${i}`, "columns_shape"], output: `columns${i}` },
    { op: "MatMul", inputs: [`columns${i}`, i === 0 ? "weights" : `weights${i}`], output: `product${i}` },
    { op: "Mul", inputs: [`product${i}`, "gain"], output: `scaled${i}` },
    { op: "Add", inputs: [`scaled${i}`, "x"], output: `kept${i}` },
    { op: "Relu", inputs: [`kept${i}`], output: `x${i + 1}` },
    { op: "Transpose", inputs: [`columns${i}`], output: `transposed${i}` },
    { op: "MatMul", inputs: [`transposed${i}`, `x${i + 1}`], output: `gradient${i}` },
    { op: "Mul", inputs: [`gradient${i}`, "rate"], output: `step${i}` },
    { op: "Sub", inputs: [i === 0 ? "weights" : `weights${i}`, `step${i}`], output: `weights${i + 1}` },
  ]).flat();
  const constants = [
    int32("table", [rows, 9], table),
    int64("columns_shape", [rows, patch]),
    floats("weights", [patch, channels], 0.05),
    floats("gain", [channels], 0.5),
    floats("rate", [], 0),
  ];
  return { input: [rows, channels], nodes, constants };
}

/** `turns` times: a dense layer of 40 units on `[tasks, 10, 40]`, tasks with weights of their own. */
function denseLayers(tasks: number, turns: number): Sketch {
  const nodes = Array.from({ length: turns }, (_, i): NodeSketch[] => [
    { op: "MatMul", inputs: [i === 0 ? "x" : `x${i}`, "weights"], output: `product${i}` },
    { op: "Add", inputs: [`product${i}`, "bias"], output: `sum${i}` },
    { op: "Relu", inputs: [`sum${i}`], output: `x${i + 1}` },
  ]).flat();
  return {
    input: [tasks, 10, 40],
    nodes,
    constants: [floats("weights", [tasks, 40, 40], 0.2), floats("bias", [40], 0.1)],
  };
}

/** Sizes and lengths like the workload's, so that caches and threads matter to both alike. */
const sketches: Readonly<Record<string, () => Sketch>> = {
  "adapt-conv4": () => convolutions(245, 15),
  "meta-conv4": () => convolutions(245, 120),
  "meta-metamodel": () => convolutions(980, 40),
  "adapt-mlp": () => denseLayers(1, 30),
  "meta-mlp": () => denseLayers(25, 60),
};

function model({ input, nodes, constants }: Sketch): Uint8Array {
  const { AttributeType } = onnx.AttributeProto;
  const last = nodes.at(-1)!.output;
  const valueInfo = (name: string, dims?: readonly number[]) => ({
    name,
    type: {
      tensorType: {
        elemType: DataType.FLOAT,
        ...(dims ? { shape: { dim: dims.map((dimValue) => ({ dimValue })) } } : {}),
      },
    },
  });
  return encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: "", version: 17 }],
    graph: {
      name: "reference",
      input: [valueInfo("x", input)],
      output: [valueInfo(last)],
      initializer: [...constants],
      node: nodes.map(({ op, inputs, output, ints = {} }) => ({
        opType: op,
        input: [...inputs],
        output: [output],
        attribute: Object.entries(ints).map(([name, i]) => ({ name, type: AttributeType.INT, i })),
      })),
    },
  });
}

/** Opens the reference of a workload. */
export async function openReference(
  { name }: Workload,
  threads: number,
): Promise<Contender & { close(): Promise<void> }> {
  const sketch = sketches[name]!();
  const session = await InferenceSession.create(model(sketch), {
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
    logSeverityLevel: 4,
    extra: { session: { force_spinning_stop: "1" } },
  });
  const x = new Tensor("float32", wave(sizeOf(sketch.input)), sketch.input);
  return { ...contender(() => session.run({ x })), close: () => session.release() };
}
