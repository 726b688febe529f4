// Weights that a file keeps in Constant nodes.
import { addLora, readOnnx, writeOnnx } from "@innerloop/graph";
import { encodeModel, onnx } from "@innerloop/schemas/onnx";
import { expect, test } from "vitest";

const { AttributeType } = onnx.AttributeProto;
const { DataType } = onnx.TensorProto;

const array = (name: string, ...dims: number[]): onnx.TensorProto.$Properties => ({
  name,
  dataType: DataType.FLOAT,
  dims,
  floatData: Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i - 1.5),
});

const constant = (name: string, ...dims: number[]): onnx.NodeProto.$Properties => ({
  opType: "Constant",
  output: [name],
  attribute: [{ name: "value", type: AttributeType.TENSOR, t: array("", ...dims) }],
});

/** x · w + b, halved: all of it in Constant nodes but what is stored. */
const modelOf = (...initializer: onnx.TensorProto.$Properties[]): Uint8Array =>
  encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: "", version: 13 }],
    graph: {
      name: "g",
      initializer,
      node: [
        ...[constant("w", 3, 2), constant("b", 2), constant("half", 1)],
        { opType: "MatMul", input: ["x", "w"], output: ["xw"] },
        { opType: "Add", input: ["xw", "b"], output: ["xwb"] },
        { opType: "Mul", input: ["xwb", "half"], output: ["z"] },
        { opType: "Add", input: ["z", initializer.length > 0 ? "own" : "half"], output: ["y"] },
      ],
      input: [
        {
          name: "x",
          type: { tensorType: { elemType: 1, shape: { dim: [{ dimParam: "n" }, { dimValue: 3 }] } } },
        },
      ],
      output: [{ name: "y" }],
    },
  });

test("are weights where the file stores none: all of them but single numbers", () => {
  const { initializers, inputs } = readOnnx(modelOf(), "m");
  expect(Object.keys(initializers).sort()).toEqual(["b", "w"]);
  expect([initializers.w!.shape, Array.from(initializers.b!.data, Number)]).toEqual([
    [3, 2],
    [-1.5, -0.5],
  ]);
  expect(Object.keys(inputs)).toContain("w");
});

test("are weights where something is multiplied by them, whatever else the file stores", () => {
  const { initializers, outputs } = readOnnx(modelOf(array("own", 2)), "m");
  expect(Object.keys(initializers).sort()).toEqual(["own", "w"]);
  const again = readOnnx(writeOnnx(outputs, { initializers }), "again");
  expect(Object.keys(again.initializers).sort()).toEqual(["own", "w"]);
});

test("get factors beside them", () => {
  const { adapters } = addLora(modelOf(), "m", { rank: 1, random: () => 0.5 });
  expect(adapters.map(({ weight }) => weight)).toEqual(["w"]);
});
