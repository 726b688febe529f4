// Element types: tensors of every numeric one are read as ONNX's own tools read them, what graphs have no arrays for in a dtype
// that holds its numbers, and what is written is what was meant.
import { constant, evaluate, input, op, readOnnx, type ShapedNumbers, writeOnnx } from "@innerloop/graph";
import {
  type DType,
  ELEMENT_TYPES,
  ELEMENTS,
  elementNameOf,
  encodeNumbers,
  type NumericName,
} from "@innerloop/schemas";
import { decodeModel, encodeModel, onnx } from "@innerloop/schemas/onnx";
import { describe, expect, test } from "vitest";
import { readRecorded } from "../support/recorded.ts";

const { DataType } = onnx.TensorProto;
const { AttributeType } = onnx.AttributeProto;

function modelOf(
  node: readonly onnx.NodeProto.$Properties[],
  initializer: readonly onnx.TensorProto.$Properties[],
): Uint8Array {
  const graph = { name: "g", node: [...node], initializer: [...initializer], output: [{ name: "y" }] };
  return encodeModel({ irVersion: 10, opsetImport: [{ domain: "", version: 21 }], graph });
}
const cast = (from: string, to: number): onnx.NodeProto.$Properties => ({
  opType: "Cast",
  name: "widen",
  input: [from],
  output: ["y"],
  attribute: [{ name: "to", i: to, type: AttributeType.INT }],
});

/** The numbers of a model's output `y`, its weights being what the file has. */
function numbersOf(bytes: Uint8Array): number[] {
  const { outputs, initializers } = readOnnx(bytes, "m");
  const feeds: Record<string, ShapedNumbers> = Object.fromEntries(
    Object.entries(initializers).map(([name, { shape, data }]) => [name, { shape, data: Array.from(data, Number) }]),
  );
  return [...evaluate([outputs.y!], feeds)[0]!.data];
}

interface Recorded {
  readonly type: string;
  readonly form: string;
  readonly tensor: string;
  readonly numbers: readonly number[];
}
const recorded = readRecorded<readonly Recorded[]>("graph/recorded/tensors.json").map((r) => ({
  ...r,
  proto: onnx.TensorProto.decode(Buffer.from(r.tensor, "base64")),
}));

describe.each(recorded)("$type in a file's $form", ({ proto, numbers }) => {
  test("as an initializer that a Cast reads", () => {
    expect(numbersOf(modelOf([cast("w", DataType.DOUBLE)], [proto]))).toEqual(numbers);
  });

  test("as a constant that a Cast reads", () => {
    const attribute = [{ name: "value", t: proto, type: AttributeType.TENSOR }];
    const nodes = [{ opType: "Constant", output: ["w"], attribute }, cast("w", DataType.DOUBLE)];
    expect(numbersOf(modelOf(nodes, []))).toEqual(numbers);
  });

  test("as it is, where graphs have the type", () => {
    const bytes = modelOf([{ opType: "Identity", input: ["w"], output: ["y"] }], [proto]);
    const element = elementNameOf(proto.dataType) as NumericName;
    const { outputs, elements } = readOnnx(bytes, "m");
    expect(outputs.y!.dtype).toBe(ELEMENT_TYPES[element].dtype);
    expect(elements.y ?? outputs.y!.dtype).toBe(element);
    expect(numbersOf(bytes)).toEqual(numbers);
  });
});

test("weights stored in float16 are float32 weights, which can be trained", () => {
  const rawData = encodeNumbers("float16", [0.5, -2, 0.1]);
  const w = { name: "w", dataType: DataType.FLOAT16, dims: [3], rawData };
  const { initializers, inputs } = readOnnx(modelOf([cast("w", DataType.FLOAT)], [w]), "m");
  expect(inputs.w!.dtype).toBe("float32");
  expect(initializers.w).toEqual({ dtype: "float32", shape: [3], data: Float32Array.of(0.5, -2, 0.0999755859375) });
});

describe("what cannot be read is refused, and told", () => {
  const half = { name: "w", dataType: DataType.FLOAT16, dims: [1], rawData: encodeNumbers("float16", [1]) };
  test.each<[string, onnx.NodeProto.$Properties[], onnx.TensorProto.$Properties[], string]>([
    [
      "a Cast to it",
      [cast("w", DataType.COMPLEX64)],
      [half],
      'Cast (node "widen"): the attribute to has the element type COMPLEX64',
    ],
    [
      "numbers that are not read",
      [cast("w", DataType.FLOAT)],
      [{ name: "w", dataType: DataType.FLOAT6E2M3, dims: [1], rawData: Uint8Array.of(1) }],
      'm: the initializer "w" has the element type FLOAT6E2M3; supported are',
    ],
    [
      "a text",
      [cast("w", DataType.FLOAT)],
      [{ name: "w", dataType: DataType.STRING, dims: [1], stringData: [Uint8Array.of(65)] }],
      'm: the initializer "w" has the element type STRING; supported are',
    ],
    [
      "one number too few",
      [cast("w", DataType.FLOAT)],
      [{ name: "w", dataType: DataType.INT4, dims: [5], rawData: Uint8Array.of(1, 2) }],
      'm: the initializer "w" has 4 numbers, which do not fill its shape [5]',
    ],
  ])("%s", (_, nodes, initializers, message) => {
    expect(() => readOnnx(modelOf(nodes, initializers), "m")).toThrow(message);
  });
});

test.each(Object.keys(ELEMENTS) as DType[])("%s goes into a file and comes back", (dtype) => {
  const list = dtype === "bool" ? [1, 0, 1] : dtype.startsWith("u") ? [0, 7, 200] : [-3, 7, 100];
  const x = input("x", [3], dtype);
  const outputs = { sum: op.Where(op.Equal(x, x), constant(list, [3], dtype), x) };
  const bytes = writeOnnx(outputs, {
    initializers: { x: { dtype, shape: [3], data: new ELEMENTS[dtype].array(encodeNumbers(dtype, list).buffer) } },
  });
  const { graph } = decodeModel(bytes, "m");
  expect(graph?.initializer?.map(({ dataType }) => dataType)).toEqual([
    ELEMENT_TYPES[dtype].onnx,
    ELEMENT_TYPES[dtype].onnx,
  ]);
  const again = readOnnx(bytes, "m");
  const feeds = Object.keys(again.inputs).length > 0 ? { x: { shape: [3], data: list } } : {};
  expect([...evaluate([again.outputs.sum!], feeds)[0]!.data]).toEqual(list);
});
