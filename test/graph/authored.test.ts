// What was read is written as it was authored: the same operators with the same attributes, but for those that a derivative
// goes through.
import { evaluate, gradients, op, readOnnx, type ShapedNumbers, topological, writeOnnx } from "@innerloop/graph";
import { decodeModel, encodeModel, onnx } from "@innerloop/schemas/onnx";
import { describe, expect, test } from "vitest";
import { readRecorded } from "../support/recorded.ts";
import { distance, numbers, randomNumbers } from "./numbers.ts";

type NodeProto = onnx.NodeProto.$Properties;
type Attribute = number | string | readonly number[];
const { AttributeType } = onnx.AttributeProto;
const { DataType } = onnx.TensorProto;

const attributes = (given: Readonly<Record<string, Attribute>>): onnx.AttributeProto.$Properties[] =>
  Object.entries(given).map(([name, value]) => {
    if (typeof value === "string") return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) };
    if (typeof value !== "number") return { name, type: AttributeType.INTS, ints: [...value] };
    return Number.isInteger(value)
      ? { name, type: AttributeType.INT, i: value }
      : { name, type: AttributeType.FLOAT, f: value };
  });

const node = (
  opType: string,
  inputs: string,
  output: string,
  given: Readonly<Record<string, Attribute>> = {},
): NodeProto => ({
  opType,
  input: inputs.split(" ").map((name) => (name === "_" ? "" : name)),
  output: output.split(" "),
  attribute: attributes(given),
});

const weight = (name: string, ...dims: number[]): onnx.TensorProto.$Properties => ({
  name,
  dataType: DataType.FLOAT,
  dims,
  floatData: Array.from(numbers(dims, randomNumbers(dims.length)).data),
});
const places = (name: string, ...list: number[]): onnx.TensorProto.$Properties => ({
  name,
  dataType: DataType.INT64,
  dims: [list.length],
  int64Data: list,
});

function modelOf(
  nodes: readonly NodeProto[],
  initializer: onnx.TensorProto.$Properties[],
  { x = ["n", 4, 8, 8] as (string | number)[], outputs = ["y"], opset = 18 } = {},
): Uint8Array {
  const dim = x.map((size) => (typeof size === "string" ? { dimParam: size } : { dimValue: size }));
  return encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: "", version: opset }],
    graph: {
      name: "test",
      node: [...nodes],
      initializer,
      input: [{ name: "x", type: { tensorType: { elemType: DataType.FLOAT, shape: { dim } } } }],
      output: outputs.map((name) => ({ name })),
    },
  });
}

/** The operators of a file with their attributes, as text. */
const operatorsIn = (bytes: Uint8Array): string[] =>
  (decodeModel(bytes, "m").graph?.node ?? []).map(({ opType, attribute, input }) => {
    const said = (attribute ?? []).map((a) => {
      const value = a.s?.length
        ? new TextDecoder().decode(a.s)
        : a.ints?.length
          ? a.ints.map(Number)
          : a.f || Number(a.i ?? 0);
      return `${a.name}=${value}`;
    });
    return `${opType}(${(input ?? []).map((name) => (name ? "x" : "_"))})${said.sort().join(" ")}`;
  });

const weightsOf = (model: ReturnType<typeof readOnnx>): Record<string, ShapedNumbers> =>
  model.initializers as unknown as Record<string, ShapedNumbers>;

const network = [
  node("Conv", "x w1 b1", "c1", { pads: [1, 1, 1, 1], strides: [2, 2], group: 2 }),
  node("BatchNormalization", "c1 s1 o1 m1 v1", "n1", { epsilon: 0.25 }),
  node("Clip", "n1 _ most", "a1"),
  node("MaxPool", "a1", "p1", { kernel_shape: [2, 2], strides: [2, 2] }),
  node("ConvTranspose", "p1 w2", "c2", { strides: [2, 2] }),
  node("InstanceNormalization", "c2 s2 o2", "n2", { epsilon: 0.5 }),
  node("AveragePool", "n2", "p2", { kernel_shape: [2, 2], count_include_pad: 1, pads: [1, 0, 1, 0] }),
  node("Flatten", "p2", "f"),
  node("Gemm", "f w3 b3", "g", { transB: 1, alpha: 0.5 }),
  node("Div", "g half", "h"),
  node("LayerNormalization", "h s3 o3", "l", { axis: 1, epsilon: 0.125 }),
  node("LeakyRelu", "l", "r", { alpha: 0.25 }),
  node("Slice", "r first last axes steps", "cut"),
  node("ReduceMean", "cut last_axis", "mean"),
  node("Softmax", "cut", "soft", { axis: 0 }),
  node("Sub", "soft mean", "y"),
];
const stored = [
  weight("w1", 6, 2, 3, 3),
  ...[weight("b1", 6), weight("s1", 6), weight("o1", 6), weight("m1", 6)],
  { name: "v1", dataType: DataType.FLOAT, dims: [6], floatData: [1, 2, 3, 4, 5, 6] },
  { name: "most", dataType: DataType.FLOAT, dims: [], floatData: [1.5] },
  { name: "half", dataType: DataType.FLOAT, dims: [], floatData: [1.75] },
  weight("w2", 6, 3, 2, 2),
  ...[weight("s2", 3), weight("o2", 3)],
  weight("w3", 5, 45),
  ...[weight("b3", 5), weight("s3", 5), weight("o3", 5)],
  ...[places("first", 0), places("last", 5), places("axes", 1), places("steps", 2), places("last_axis", 1)],
];
const bytes = modelOf(network, stored);
const model = readOnnx(bytes, "m");

test("a model is written with the operators, attributes and inputs that it was read with", () => {
  const written = operatorsIn(writeOnnx(model.outputs, { initializers: model.initializers }));
  const read = operatorsIn(bytes).map((said) => said.replace("Flatten(x)", "Reshape(x,x)"));
  expect(written.sort()).toEqual(read.sort());
});

test("a file is of the opset that what was read needs, and what an opset asked for lacks is taken apart", () => {
  const old = modelOf([node("GroupNormalization", "x s o", "y", { num_groups: 2 })], [weight("s", 4), weight("o", 4)], {
    opset: 21,
  });
  const { outputs } = readOnnx(old, "m");
  const opsetOf = (file: Uint8Array) => Number(decodeModel(file, "m").opsetImport[0]!.version);
  expect(opsetOf(writeOnnx(outputs))).toBe(21);
  expect(operatorsIn(writeOnnx(outputs))).toEqual(["GroupNormalization(x,x,x)num_groups=2"]);
  expect(opsetOf(writeOnnx(outputs, { opset: 17 }))).toBe(17);
  expect(operatorsIn(writeOnnx(outputs, { opset: 17 })).join()).not.toContain("GroupNormalization");
  const mean = modelOf([node("ReduceMean", "x axes", "y")], [places("axes", 1)]);
  expect(operatorsIn(writeOnnx(readOnnx(mean, "m").outputs, { opset: 17 })).join()).not.toContain("ReduceMean");
});

test("what later opsets only added to is of the opset that had it", () => {
  const list = (name: string, ...values: number[]) => ({
    name,
    dataType: DataType.FLOAT,
    dims: [4],
    floatData: values,
  });
  const grid = weight("grid", 1, 3, 3, 2);
  const written = (last: NodeProto, opset: number) =>
    operatorsIn(
      writeOnnx(readOnnx(modelOf([last], [list("by", 1, 1, 2, 2), grid], { x: [1, 4, 8, 8], opset }), "m").outputs, {
        opset: 18,
      }),
    );
  const doubled = { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
  expect(written(node("Resize", "x _ by", "y", doubled), 13)).toEqual([expect.stringMatching(/^Resize\(x,_,x\)/)]);
  expect(written(node("GridSample", "x grid", "y"), 16)).toEqual([expect.stringMatching(/^GridSample/)]);
  // It was added in opset 19.
  const symmetric = { ...doubled, coordinate_transformation_mode: "half_pixel_symmetric" };
  expect(written(node("Resize", "x _ by", "y", symmetric), 19).join()).not.toContain("Resize");
});

test("sizes that a model computes of open ones are there where they are read", () => {
  const halved = [
    ...[
      node("Shape", "x", "s"),
      node("Slice", "s first last axes", "front"),
      node("Slice", "s last end axes", "space"),
    ],
    ...[node("Div", "space two", "half"), node("Concat", "front half", "sizes", { axis: 0 })],
    node("Resize", "x _ _ sizes", "y", { mode: "linear" }),
  ];
  const lists = [places("first", 0), places("last", 2), places("end", 4), places("axes", 0), places("two", 2)];
  const { outputs } = readOnnx(modelOf(halved, lists, { x: ["n", 4, "height", "width"] }), "m");
  const again = readOnnx(writeOnnx(outputs), "again");
  const given = readOnnx(modelOf(halved, lists, { x: [2, 4, 6, 9] }), "m");
  const x = numbers([2, 4, 6, 9], randomNumbers(1));
  const [wanted] = evaluate([given.outputs.y!], { x });
  const [got] = evaluate([again.outputs.y!], { x });
  expect(got!.shape).toEqual([2, 4, 3, 4]);
  expect(distance(got!.data, wanted!.data)).toBeLessThan(1e-12);
});

test("what is empty along an axis of an open size stays open", () => {
  const sizes = [
    node("Shape", "x", "s"),
    node("Gather", "s zero", "n"),
    node("Concat", "n last", "shape", { axis: 0 }),
  ];
  const joined = [node("ConstantOfShape", "shape", "e"), node("Concat", "x e", "y", { axis: 1 })];
  const file = modelOf([...sizes, ...joined], [places("zero", 0), places("last", 0, 8, 8)]);
  const { outputs } = readOnnx(file, "m");
  expect(outputs.y!.shape).toEqual(["n", 4, 8, 8]);
  const again = readOnnx(writeOnnx(outputs), "again");
  const x = numbers([2, 4, 8, 8], randomNumbers(1));
  expect(Array.from(evaluate([again.outputs.y!], { x })[0]!.data)).toEqual(Array.from(x.data));
});

describe("a derivative", () => {
  const loss = op.ReduceMean(op.Mul(model.outputs.y!, model.outputs.y!), { keepdims: false });
  const whole = operatorsIn(writeOnnx(model.outputs));
  const gradientOf = (...names: string[]) =>
    gradients(
      loss,
      names.map((name) => model.inputs[name]!),
    ).map((slope) => slope!);

  test("leaves what it does not go through as it was", () => {
    const [slope] = gradientOf("s3");
    const written = operatorsIn(writeOnnx({ y: model.outputs.y!, slope: slope! }));
    expect(written.slice(0, 9)).toEqual(whole.slice(0, 9));
    expect(written.filter((said) => said.startsWith("Conv("))).toHaveLength(1);
  });

  test("has nothing computed a second time beside its parts", () => {
    const [slope] = gradientOf("o3");
    const written = operatorsIn(writeOnnx({ y: model.outputs.y!, slope: slope! }));
    expect(written.filter((said) => said.startsWith("Softmax("))).toHaveLength(1);
  });

  test("and the whole have the numbers of central differences", () => {
    const names = ["x", ...Object.keys(model.initializers)];
    const slopes = gradientOf(...names);
    const feeds = { x: numbers([2, 4, 8, 8], randomNumbers(3)), ...weightsOf(model) };
    const got = evaluate(slopes, feeds);
    const step = 1e-5;
    names.forEach((name, i) => {
      const { shape, data } = feeds[name as keyof typeof feeds]!;
      const along = Array.from(numbers([data.length], randomNumbers(i + 7)).data);
      const moved = (by: number) => ({
        ...feeds,
        [name]: { shape, data: Array.from(data).map((value, k) => value + by * along[k]!) },
      });
      const [up, down] = [step, -step].map((by) => evaluate([loss], moved(by))[0]!.data[0]!);
      const slope = Array.from(got[i]!.data).reduce((sum, value, k) => sum + value * along[k]!, 0);
      expect(Math.abs(slope - (up! - down!) / (2 * step)), name).toBeLessThan(1e-7);
    });
  });
});

test("outputs beside the first, and sizes that are open, are kept", () => {
  const file = modelOf(
    [
      node("LayerNormalization", "x s", "y mean scale", { axis: 3 }),
      node("Shape", "mean", "shape"),
      node("Tile", "scale shape", "z"),
    ],
    [weight("s", 8)],
    { outputs: ["y", "z"] },
  );
  const two = readOnnx(
    modelOf([node("LayerNormalization", "x s", "y mean scale", { axis: 3 })], [weight("s", 8)], {
      outputs: ["y", "scale"],
    }),
    "m",
  );
  expect(operatorsIn(writeOnnx(two.outputs))).toEqual(["LayerNormalization(x,x)axis=3"]);
  expect(readOnnx(file, "m").outputs.z!.rank).toBe(4);
  const x = numbers([2, 4, 8, 8], randomNumbers(1));
  const [scale] = evaluate([two.outputs.scale!], { x, ...weightsOf(two) });
  const again = readOnnx(writeOnnx(two.outputs, { initializers: two.initializers }), "again");
  expect(distance(evaluate([again.outputs.scale!], { x, ...weightsOf(again) })[0]!.data, scale!.data)).toBeLessThan(
    1e-12,
  );
});

test("what depends on no input is a constant, whatever computes it", () => {
  const file = modelOf([node("Gemm", "a a", "aa"), node("LeakyRelu", "aa", "r"), node("Add", "x r", "y")], [], {
    x: [1],
  });
  const decoded = decodeModel(file, "m");
  const nodes = [node("Constant", "", "a"), ...(decoded.graph?.node ?? [])];
  nodes[0] = {
    opType: "Constant",
    output: ["a"],
    attribute: [{ name: "value", type: AttributeType.TENSOR, t: weight("", 1, 1) }],
  };
  const { outputs } = readOnnx(modelOf(nodes, [], { x: [1] }), "m");
  expect(topological([outputs.y!]).map(({ operator }) => operator.name)).toEqual(["Input", "Constant", "Add"]);
});

test("PyTorch's networks are written with the operators that take their time", () => {
  const heavy = /^(Conv|Gemm|MatMul|.*Pool|.*Normalization|.*Softmax|Gelu|Erf|HardSwish|LeakyRelu|PRelu|Resize)/;
  const recorded = readRecorded<readonly { name: string; model: string }[]>("graph/recorded/models.json");
  for (const { name, model: file } of recorded) {
    const read = new Uint8Array(Buffer.from(file, "base64"));
    const kinds = (operators: readonly string[]) =>
      operators
        .map((said) => said.slice(0, said.indexOf("(")))
        .filter((kind) => heavy.test(kind))
        .sort();
    expect(kinds(operatorsIn(writeOnnx(readOnnx(read, name).outputs))), name).toEqual(kinds(operatorsIn(read)));
  }
});
