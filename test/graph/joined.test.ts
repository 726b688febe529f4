// Weights that an exporter stored once because they were equal are weights of their own again, and what the model shares stays one
// weight: by the derivatives that PyTorch finds for its parameters.
import { evaluate, gradients, type OnnxModel, op, readOnnx, type ShapedNumbers, writeOnnx } from "@innerloop/graph";
import { decodeModel, encodeModel, type onnx } from "@innerloop/schemas/onnx";
import { describe, expect, test } from "vitest";
import { readRecorded } from "../support/recorded.ts";
import { distance } from "./numbers.ts";

interface Recorded {
  readonly exporter: string;
  readonly model: string;
  readonly tokens: ShapedNumbers;
  readonly slopes: Readonly<Record<string, ShapedNumbers>>;
}
const recorded = readRecorded<readonly Recorded[]>("graph/recorded/joined.json");

const weightsOf = ({ initializers }: OnnxModel): Record<string, ShapedNumbers> =>
  Object.fromEntries(
    Object.entries(initializers).map(([name, { shape, data }]) => [name, { shape, data: Array.from(data, Number) }]),
  );
const transposed = ({ shape: [rows = 0, columns = 0], data }: ShapedNumbers): ShapedNumbers => ({
  shape: [columns, rows],
  data: Array.from({ length: rows * columns }, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)] ?? 0),
});

describe.each(recorded)("a model through PyTorch's $exporter exporter", ({ exporter, model: file, tokens, slopes }) => {
  const model = readOnnx(new Uint8Array(Buffer.from(file, "base64")), "model.onnx");
  const embedding = exporter === "older" ? "embedding.weight" : "output.weight";
  const names = Object.keys(model.initializers);
  // What is multiplied with is stored transposed, under a number.
  const products = Object.fromEntries(
    ["copies.0.weight", "copies.1.weight", "shared.weight"].map((parameter, i) => [
      parameter,
      (exporter === "older"
        ? ["onnx::MatMul_31", "onnx::MatMul_32", "onnx::MatMul_33"]
        : ["val_2", "copies.1/val_2", "val_6"])[i]!,
    ]),
  );
  const input = Object.keys(model.inputs).find((name) => !names.includes(name))!;

  test("has a weight for each parameter, one where two modules share it", () => {
    expect(names.sort()).toEqual(
      Object.keys(slopes)
        .map((name) => (name === "embedding.weight" ? embedding : (products[name] ?? name)))
        .sort(),
    );
    expect(model.sharing.tied.map(({ name, readers }) => [name, readers.length])).toEqual([
      [products["shared.weight"], 2],
      [embedding, 2],
    ]);
    expect(model.sharing.apart.map(({ stored }) => stored)).toEqual(
      expect.arrayContaining(["norms.0.weight", "norms.0.bias", "copies.0.bias"]),
    );
    expect(model.notes).toEqual([expect.stringMatching(/stores 9 weights as 4 arrays/)]);
  });

  test("has PyTorch's derivative for each", () => {
    const [output] = Object.values(model.outputs);
    const loss = op.ReduceSum(op.Sin(output!), { keepdims: false });
    const parameters = Object.keys(slopes);
    const wanted = parameters.map(
      (name) => model.inputs[name === "embedding.weight" ? embedding : (products[name] ?? name)]!,
    );
    const found = gradients(loss, wanted);
    const feeds = { [input]: tokens, ...weightsOf(model) };
    evaluate(
      found.map((slope) => slope!),
      feeds,
    ).forEach(({ data }, i) => {
      const name = parameters[i]!;
      const expected = products[name] ? transposed(slopes[name]!) : slopes[name]!;
      expect(distance(data, expected.data), name).toBeLessThan(1e-5);
    });
  });

  test("is written and read again with the same weights", () => {
    const again = readOnnx(writeOnnx(model.outputs, { initializers: model.initializers }), "again.onnx");
    expect(Object.keys(again.initializers).sort()).toEqual([...names].sort());
  });
});

describe("where nothing says which module a node is of", () => {
  const modelOf = (
    data: number[],
    nodes: onnx.NodeProto.$Properties[],
    more: onnx.GraphProto.$Properties = {},
  ): OnnxModel =>
    readOnnx(
      encodeModel({
        irVersion: 8,
        opsetImport: [{ domain: "", version: 17 }],
        graph: {
          name: "g",
          node: nodes,
          input: [{ name: "x", type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 2 }] } } } }],
          output: [{ name: "y" }],
          initializer: [{ name: "b", dims: [2], dataType: 1, floatData: data }],
          ...more,
        },
      }),
      "m",
    );
  const twice: onnx.NodeProto.$Properties[] = [
    { opType: "Add", input: ["x", "b"], output: ["h"] },
    { opType: "Add", input: ["h", "b"], output: ["y"] },
  ];

  test("the same number everywhere is a weight for each reader, other numbers are one weight", () => {
    const [fresh, learned] = [modelOf([0, 0], twice), modelOf([0, 1], twice)];
    expect(Object.keys(fresh.initializers)).toEqual(["b", "y/1/b"]);
    expect(fresh.sharing).toEqual({ tied: [], apart: [{ stored: "b", names: ["b", "y/1/b"] }] });
    expect(Object.keys(learned.initializers)).toEqual(["b"]);
    expect(learned.sharing).toEqual({ tied: [{ name: "b", readers: ["Add h", "Add y"] }], apart: [] });
    expect([
      ...evaluate([fresh.outputs.y!], { x: { shape: [2], data: [1, 2] }, ...weightsOf(fresh) })[0]!.data,
    ]).toEqual([1, 2]);
  });

  test("an array that a caller may give is one input", () => {
    const b = { name: "b", type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 2 }] } } } };
    const x = { name: "x", type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 2 }] } } } };
    const model = modelOf([0, 0], twice, { input: [x, b] });
    expect(Object.keys(model.inputs)).toEqual(["x", "b"]);
  });

  test("statistics that are as equal as weights stay statistics", () => {
    const node: onnx.NodeProto.$Properties = {
      opType: "BatchNormalization",
      input: ["x2", "b", "b", "b", "b"],
      output: ["z"],
    };
    const shape = { name: "s", dims: [2], dataType: 7, int64Data: [1, 2] };
    const ones = { name: "b", dims: [2], dataType: 1, floatData: [1, 1] };
    const model = modelOf(
      [1, 1],
      [
        { opType: "Reshape", input: ["x", "s"], output: ["x2"] },
        node,
        { opType: "Identity", input: ["z"], output: ["y"] },
      ],
      {
        initializer: [ones, shape],
      },
    );
    // A scale and a shift; mean and variance are constants.
    expect(Object.keys(model.initializers).length).toBe(2);
    const { graph } = decodeModel(writeOnnx(model.outputs, { initializers: model.initializers }), "m");
    expect(graph!.input!.length).toBe(3);
  });
});
