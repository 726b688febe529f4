// Element types of fewer bits than graphs have: a model keeps them at its borders and in its weights, rounds where it says so, and is
// computed in a dtype that holds their numbers.
import { constant, evaluate, gradients, input, type OnnxModel, op, readOnnx, vmap, writeOnnx } from "@innerloop/graph";
import { ELEMENT_TYPES, encodeNumbers, type NumericName } from "@innerloop/schemas";
import { decodeModel, encodeModel, onnx } from "@innerloop/schemas/onnx";
import { describe, expect, test } from "vitest";
import { readRecorded } from "../support/recorded.ts";
import { codeOf } from "../support/refusal.ts";

const { DataType } = onnx.TensorProto;
const { AttributeType } = onnx.AttributeProto;
type NodeProto = onnx.NodeProto.$Properties;
type NarrowType = Parameters<typeof op.Narrow>[1];

interface Rounded {
  readonly type: NarrowType;
  readonly saturate: boolean;
  readonly x: readonly number[];
  readonly y: readonly (number | string)[];
}
const rounded = readRecorded<readonly Rounded[]>("graph/recorded/narrow.json");

describe.each(rounded)("$type, saturating: $saturate", ({ type, saturate, x, y }) => {
  const feed = { x: { shape: [x.length], data: x } };

  test("rounds as the standard's reference does", () => {
    const value = op.Narrow(input("x", [x.length]), type, { saturate });
    expect([...evaluate([value], feed)[0]!.data].map(String)).toEqual(y.map((n) => String(Number(n))));
  });

  test("is written as two Casts and read again", () => {
    const bytes = writeOnnx({ y: op.Neg(op.Narrow(input("x", [x.length]), type, { saturate })) });
    const { graph, opsetImport } = decodeModel(bytes, "m");
    expect(graph!.node!.map(({ opType }) => opType)).toEqual(["Cast", "Cast", "Neg"]);
    expect(Number(opsetImport[0]!.version)).toBeGreaterThanOrEqual(18);
    const again = readOnnx(bytes, "m").outputs.y!;
    expect([...evaluate([again], feed)[0]!.data].map((n) => String(-n))).toEqual(y.map((n) => String(Number(n))));
  });
});

test("a derivative goes straight through rounding, a task axis stays in front of it", () => {
  const x = input("x", [3]);
  const [slope] = gradients(
    op.ReduceSum(op.Mul(op.Narrow(x, "float8e4m3fn"), op.Narrow(x, "float16")), { keepdims: false }),
    [x],
  );
  const feed = { x: { shape: [3], data: [1.07, -2, 300] } };
  expect(evaluate([slope!], feed)[0]!.data[2]).toBe(288 + 300);
  const reach = { x: { shape: [3], data: [447, -460, 500] } };
  const [ofSaturated, ofOverflowing] = [true, false].map((saturate) => {
    const y = op.Narrow(x, "float8e4m3fn", { saturate });
    return gradients(op.ReduceSum(op.Mul(y, constant([3, 4, 5], [3])), { keepdims: false }), [x])[0]!;
  });
  expect([...evaluate([ofSaturated!], reach)[0]!.data]).toEqual([3, 0, 0]);
  expect([...evaluate([ofOverflowing!], reach)[0]!.data]).toEqual([3, 4, 5]);
  const many = vmap((each) => [op.Narrow(each, "bfloat16")], [input("x", [2, 3])]);
  expect(many[0]!.shape).toEqual([2, 3]);
});

const dims = (shape: readonly (number | string)[]) =>
  shape.map((size) => (typeof size === "number" ? { dimValue: size } : { dimParam: size }));
const info = (name: string, elemType: number, ...shape: (number | string)[]): onnx.ValueInfoProto.$Properties => ({
  name,
  type: { tensorType: { elemType, shape: { dim: dims(shape) } } },
});
const stored = (name: string, element: NumericName, shape: number[], data: number[]): onnx.TensorProto.$Properties => ({
  name,
  dataType: ELEMENT_TYPES[element].onnx,
  dims: shape,
  rawData: encodeNumbers(element, data),
});
const modelOf = (graph: onnx.GraphProto.$Properties): Uint8Array =>
  encodeModel({ irVersion: 10, opsetImport: [{ domain: "", version: 21 }], graph: { name: "g", ...graph } });
const cast = (from: string, to: number, output: string): NodeProto => ({
  opType: "Cast",
  input: [from],
  output: [output],
  attribute: [{ name: "to", i: to, type: AttributeType.INT }],
});
const weightsOf = ({ initializers }: OnnxModel) =>
  Object.fromEntries(
    Object.entries(initializers).map(([name, { shape, data }]) => [name, { shape, data: Array.from(data, Number) }]),
  );

describe("a linear layer in half precision", () => {
  const bytes = modelOf({
    node: [
      { opType: "MatMul", input: ["x", "w"], output: ["h"] },
      { opType: "Add", input: ["h", "b"], output: ["y"] },
    ],
    input: [info("x", DataType.FLOAT16, "n", 2)],
    output: [info("y", DataType.FLOAT16, "n", 1)],
    initializer: [stored("w", "float16", [2, 1], [0.1, 3]), stored("b", "float16", [1], [0.5])],
  });
  const model = readOnnx(bytes, "m");
  const feeds = { x: { shape: [1, 2], data: [1, 2] }, ...weightsOf(model) };

  test("has float32 weights with the numbers of the file, and says what the file has", () => {
    expect(model.inputs.w!.dtype).toBe("float32");
    expect(model.initializers.w).toEqual({
      dtype: "float32",
      shape: [2, 1],
      data: Float32Array.of(0.0999755859375, 3),
    });
    expect(model.elements).toEqual({ x: "float16", w: "float16", b: "float16", y: "float16" });
    expect(evaluate([model.outputs.y!], feeds)[0]!.data[0]).toBeCloseTo(6.5999755859375, 12);
  });

  test("is written with the types of the file, its weights as narrow as they were", () => {
    const written = writeOnnx(model.outputs, { initializers: model.initializers, elements: model.elements });
    const { graph } = decodeModel(written, "m");
    const types = (list: readonly onnx.ValueInfoProto.$Properties[]) =>
      Object.fromEntries(list.map(({ name, type }) => [name, type!.tensorType!.elemType]));
    expect(types(graph!.input!)).toEqual({ x: DataType.FLOAT16, w: DataType.FLOAT16, b: DataType.FLOAT16 });
    expect(types(graph!.output!)).toEqual({ y: DataType.FLOAT16 });
    expect(graph!.initializer!.map(({ dataType, rawData }) => [dataType, rawData!.length])).toEqual([
      [DataType.FLOAT16, 4],
      [DataType.FLOAT16, 2],
    ]);
    const again = readOnnx(written, "m");
    expect(again.elements).toEqual(model.elements);
    // The output is float16 there.
    expect(evaluate([again.outputs.y!], { ...feeds, ...weightsOf(again) })[0]!.data[0]).toBeCloseTo(6.6015625, 12);
  });

  test("is written in float32 where nothing else is asked for", () => {
    const { graph } = decodeModel(writeOnnx(model.outputs, { initializers: model.initializers }), "m");
    expect([...graph!.input!, ...graph!.output!].map(({ type }) => type!.tensorType!.elemType)).toEqual([1, 1, 1, 1]);
  });

  test("is refused in a type that does not hold its numbers", () => {
    for (const element of ["int4", "float64", "nonsense"] as NumericName[])
      expect(codeOf(() => writeOnnx(model.outputs, { elements: { x: element } }))).toBe("bad-option");
  });
});

test("weights of four bits are read exactly and written as narrow as they were", () => {
  const list = Array.from({ length: 5000 }, (_, i) => (i % 16) - 8);
  const bytes = modelOf({
    node: [cast("w", DataType.FLOAT, "f"), { opType: "MatMul", input: ["x", "f"], output: ["y"] }],
    input: [info("x", DataType.FLOAT, 1, 5000)],
    output: [info("y", DataType.FLOAT, 1, 1)],
    initializer: [stored("w", "int4", [5000, 1], list)],
  });
  const model = readOnnx(bytes, "m");
  expect([model.inputs.w!.dtype, model.elements.w]).toEqual(["int8", "int4"]);
  expect(Array.from(model.initializers.w!.data, Number)).toEqual(list);
  const written = writeOnnx(model.outputs, { initializers: model.initializers, elements: model.elements });
  expect(written.length).toBeLessThan(bytes.length + 400);
});

describe("what a Cast says is done", () => {
  test("to float16 and back, and like another value", () => {
    const bytes = modelOf({
      node: [
        cast("x", DataType.FLOAT16, "half"),
        { opType: "CastLike", input: ["x", "e"], output: ["eighth"] },
        cast("eighth", DataType.FLOAT, "y"),
        { opType: "Identity", input: ["half"], output: ["z"] },
      ],
      input: [info("x", DataType.FLOAT, 2), info("e", DataType.FLOAT8E4M3FN, 1)],
      output: [info("y", DataType.FLOAT, 2), info("z", DataType.FLOAT16, 2)],
    });
    const { outputs, elements } = readOnnx(bytes, "m");
    const [y, z] = evaluate([outputs.y!, outputs.z!], {
      x: { shape: [2], data: [0.1, 1000] },
      e: { shape: [1], data: [0] },
    });
    expect([...y!.data]).toEqual([0.1015625, 448]);
    expect([...z!.data]).toEqual([0.0999755859375, 1000]);
    expect(elements).toEqual({ e: "float8e4m3fn", z: "float16" });
  });

  test("an output that is said to be of another type than it is is refused", () => {
    const bytes = modelOf({
      node: [{ opType: "Neg", input: ["x"], output: ["y"] }],
      input: [info("x", DataType.FLOAT, 2)],
      output: [info("y", DataType.INT64, 2)],
    });
    expect(codeOf(() => readOnnx(bytes, "m"))).toBe("bad-model");
  });
});
