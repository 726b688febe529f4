// Open sizes that a file leaves apart where a node needs them to be one, numbers that a file has in fewer digits than were meant,
// and the largest whole number, which a double does not have.
import { evaluate, gradients, op, readOnnx, writeOnnx } from "@innerloop/graph";
import { decodeModel, encodeModel, onnx } from "@innerloop/schemas/onnx";
import { describe, expect, test } from "vitest";
import { refusalOf } from "../support/refusal.ts";

type NodeProto = onnx.NodeProto.$Properties;
type Dims = readonly (number | string)[];
const { AttributeType } = onnx.AttributeProto;

/** A model of float inputs by their shapes, in which "" is a size without a name; its output is y. */
const modelOf = (
  inputs: Readonly<Record<string, Dims>>,
  node: NodeProto[],
  { elemType = 1, initializer = [] }: { elemType?: number; initializer?: onnx.TensorProto.$Properties[] } = {},
): Uint8Array =>
  encodeModel({
    irVersion: 10,
    opsetImport: [{ domain: "", version: 18 }],
    graph: {
      name: "g",
      node,
      initializer,
      input: Object.entries(inputs).map(([name, dims]) => ({
        name,
        type: {
          tensorType: {
            elemType,
            shape: { dim: dims.map((dim) => (typeof dim === "number" ? { dimValue: dim } : { dimParam: dim })) },
          },
        },
      })),
      output: [{ name: "y" }],
    },
  });

describe("open sizes that a node needs to be the same", () => {
  const add = [{ opType: "Add", input: ["a", "b"], output: ["y"] }];
  test("are one, by the name that the file has, and it is said", () => {
    const model = readOnnx(modelOf({ a: ["", 2], b: ["batch", 2] }, add), "m");
    expect([model.inputs.a!.shape, model.outputs.y!.shape]).toEqual([
      ["batch", 2],
      ["batch", 2],
    ]);
    expect(model.notes).toEqual([expect.stringMatching(/"a_axis0" and "batch" apart/)]);
    const a = { shape: [2, 2], data: [1, 2, 3, 4] };
    const b = { shape: [2, 2], data: [10, 20, 30, 40] };
    expect([...evaluate([model.outputs.y!], { a, b })[0]!.data]).toEqual([11, 22, 33, 44]);
    const slope = gradients(op.ReduceSum(op.Mul(model.outputs.y!, model.outputs.y!), { keepdims: false }), [
      model.inputs.b!,
    ])[0]!;
    expect([...evaluate([slope], { a, b })[0]!.data]).toEqual([22, 44, 66, 88]);
  });
  test("are those that a matrix product sums over, and no others", () => {
    const product = [{ opType: "MatMul", input: ["a", "b"], output: ["y"] }];
    const { inputs, outputs } = readOnnx(modelOf({ a: ["rows", "inner"], b: ["", "columns"] }, product), "m");
    expect([inputs.b!.shape, outputs.y!.shape]).toEqual([
      ["inner", "columns"],
      ["rows", "columns"],
    ]);
  });
  test.each([
    [0, ["steps", "batch", "features"]],
    [1, ["batch", "steps", "features"]],
  ])("are those of a recurrent network's state and weights, of layout %d", (layout, x) => {
    const hidden = 2;
    const floats = (name: string, dims: number[]) => ({
      name,
      dataType: 1,
      dims,
      floatData: Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => 0.1 * (i + 1)),
    });
    const initializer = [
      floats("w", [1, 3 * hidden, 1]),
      floats("r", [1, 3 * hidden, hidden]),
      floats("h", [1, 1, hidden]),
    ];
    const attribute = [
      { name: "hidden_size", type: AttributeType.INT, i: hidden },
      { name: "layout", type: AttributeType.INT, i: layout },
    ];
    const gru = [{ opType: "GRU", input: ["x", "w", "r", "", "", "h"], output: ["y"], attribute }];
    const { inputs, outputs, notes } = readOnnx(modelOf({ x }, gru, { initializer }), "m");
    expect(inputs.x!.shape).toEqual(layout === 1 ? [1, "steps", 1] : ["steps", 1, 1]);
    expect(outputs.y!.shape.includes("batch")).toBe(false);
    expect(notes).toHaveLength(2);
  });
  test("may be several, and numbers", () => {
    const model = readOnnx(modelOf({ a: ["", "", 3], b: ["", "", "c"] }, add), "m");
    expect(model.inputs.b!.shape).toEqual(["a_axis0", "a_axis1", 3]);
    expect(model.notes).toHaveLength(3);
  });
  test("are found inside the branches of a choice", () => {
    const inner = (input: string[], opType: string) => ({
      name: "then_branch",
      node: [{ opType, input, output: ["r"] }],
      output: [{ name: "r" }],
    });
    const node: NodeProto[] = [
      {
        opType: "ReduceMax",
        input: ["a"],
        output: ["most"],
        attribute: [{ name: "keepdims", type: AttributeType.INT, i: 0 }],
      },
      {
        opType: "Cast",
        input: ["most"],
        output: ["holds"],
        attribute: [{ name: "to", type: AttributeType.INT, i: 9 }],
      },
      {
        opType: "If",
        input: ["holds"],
        output: ["y"],
        attribute: [
          { name: "then_branch", type: AttributeType.GRAPH, g: inner(["a", "b"], "Add") },
          { name: "else_branch", type: AttributeType.GRAPH, g: inner(["a", "b"], "Mul") },
        ],
      },
    ];
    const { outputs } = readOnnx(modelOf({ a: ["", 2], b: ["", 2] }, node), "m");
    const b = { shape: [1, 2], data: [3, 4] };
    const at = (data: number[]) => [...evaluate([outputs.y!], { a: { shape: [1, 2], data }, b })[0]!.data];
    expect([at([1, 2]), at([0, 0])]).toEqual([
      [4, 6],
      [0, 0],
    ]);
  });
  test("where it does not help, what is wrong is said of the file as it is", () => {
    const file = modelOf({ a: ["", 2], b: ["", 3] }, add);
    expect(refusalOf(() => readOnnx(file, "m")).message).toMatch(/a_axis0, 2.*b_axis0, 3/s);
  });
});

describe("numbers of attributes", () => {
  const leaky = (alpha: number): NodeProto[] => [
    {
      opType: "LeakyRelu",
      input: ["a"],
      output: ["y"],
      attribute: [{ name: "alpha", type: AttributeType.FLOAT, f: alpha }],
    },
  ];
  test.each([[0.1], [1e-5], [1 / 6], [0.25]])("%d in float32 is it in float64", (alpha) => {
    const bytes = modelOf({ a: [1] }, leaky(Math.fround(alpha)), { elemType: 11 });
    const { outputs } = readOnnx(bytes, "m");
    expect(evaluate([outputs.y!], { a: { shape: [1], data: [-1] } })[0]!.data[0]).toBe(-alpha);
  });
  test("others are what float32 has", () => {
    const alpha = Math.fround(Math.SQRT1_2);
    const { outputs } = readOnnx(modelOf({ a: [1] }, leaky(alpha), { elemType: 11 }), "m");
    expect(evaluate([outputs.y!], { a: { shape: [1], data: [-1] } })[0]!.data[0]).toBe(-alpha);
  });
});

describe("a slice of an open axis", () => {
  const list = (name: string, value: bigint) => ({
    name,
    dataType: 7,
    dims: [1],
    rawData: new Uint8Array(new BigInt64Array([value]).buffer),
  });
  const slice = [{ opType: "Slice", input: ["a", "from", "end", "axis", "step"], output: ["y"] }];
  const read = (from: bigint, end: bigint, step: bigint) => {
    const initializer = [list("from", from), list("end", end), list("axis", 0n), list("step", step)];
    return readOnnx(modelOf({ a: ["n"] }, slice, { initializer }), "m");
  };
  const a = { shape: [5], data: [1, 2, 3, 4, 5] };
  test.each([
    ["every second", 1n, 2n ** 63n - 1n, 2n, [2, 4], [0, 4, 0, 8, 0]],
    ["backwards", -1n, -(2n ** 63n), -1n, [5, 4, 3, 2, 1], [2, 4, 6, 8, 10]],
    ["every second, backwards", -1n, -(2n ** 63n), -2n, [5, 3, 1], [2, 0, 6, 0, 10]],
  ])("%s", (_, from, end, step, wanted, slope) => {
    const { inputs, outputs } = read(from, end, step);
    expect([...evaluate([outputs.y!], { a })[0]!.data]).toEqual(wanted);
    const found = gradients(op.ReduceSum(op.Mul(outputs.y!, outputs.y!), { keepdims: false }), [inputs.a!])[0]!;
    expect([...evaluate([found], { a })[0]!.data]).toEqual(slope);
  });
  test("backwards has as many entries", () => expect(read(-1n, -(2n ** 63n), -1n).outputs.y!.shape).toEqual(["n"]));
});

test("the largest int64, which stands for the end, is written as that", () => {
  const list = (name: string, value: bigint) => ({
    name,
    dataType: 7,
    dims: [1],
    rawData: new Uint8Array(new BigInt64Array([value]).buffer),
  });
  const initializer = [list("from", 1n), list("end", 2n ** 63n - 1n), list("axis", 0n), list("step", 2n)];
  const slice = [{ opType: "Slice", input: ["a", "from", "end", "axis", "step"], output: ["y"] }];
  const model = readOnnx(modelOf({ a: [6] }, slice, { initializer }), "m");
  const { graph } = decodeModel(writeOnnx(model.outputs), "written");
  const end = graph?.node?.find(({ opType }) => opType === "Slice")?.input?.[2];
  const { rawData } = graph?.initializer?.find(({ name }) => name === end) ?? {};
  expect(new DataView(rawData!.slice().buffer).getBigInt64(0, true)).toBe(2n ** 63n - 1n);
});
