// Versions: of the file format, where a newer one is told of, and of the operator sets that are read and written.
import {
  constant,
  defaultOpset,
  evaluate,
  input,
  irVersion,
  op,
  readableOpsets,
  readOnnx,
  writableOpsets,
  writeOnnx,
} from "@innerloop/graph";
import { decodeModel, encodeModel, ONNX_IR_VERSION, onnx } from "@innerloop/schemas/onnx";
import { describe, expect, test } from "vitest";
import { codeOf } from "../support/refusal.ts";

const { AttributeType } = onnx.AttributeProto;
type NodeProto = onnx.NodeProto.$Properties;

/** A model of x of [2, 3], whose output is y. */
const modelOf = (node: NodeProto[], opset: number, version = 8): Uint8Array =>
  encodeModel({
    irVersion: version,
    opsetImport: [{ domain: "", version: opset }],
    graph: {
      name: "g",
      node,
      input: [{ name: "x", type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 2 }, { dimValue: 3 }] } } } }],
      output: [{ name: "y" }],
    },
  });
const relu: NodeProto = { opType: "Relu", input: ["x"], output: ["y"] };

describe("a file of a version of the format", () => {
  test("that is known is read without a word", () => {
    for (const version of [3, 8, 10, ONNX_IR_VERSION])
      expect(readOnnx(modelOf([relu], 17, version), "model.onnx").notes).toEqual([]);
  });

  test("that is newer is read, and told of", () => {
    const { notes, outputs } = readOnnx(modelOf([relu], 17, ONNX_IR_VERSION + 1), "model.onnx");
    expect(notes).toEqual([expect.stringMatching(/^model\.onnx has ONNX IR version 15, which is newer than 14/)]);
    expect(outputs.y!.node.operator.name).toBe("Relu");
  });
});

describe("opsets", () => {
  const { oldest, newest } = readableOpsets;

  test("from 7 to 28 are read", () => {
    expect([oldest, newest]).toEqual([7, 28]);
    for (let opset = oldest; opset <= newest; opset++)
      expect(readOnnx(modelOf([relu], opset), "model.onnx").opset).toBe(opset);
    for (const opset of [oldest - 1, newest + 1])
      expect(codeOf(() => readOnnx(modelOf([relu], opset), "model.onnx"))).toBe("unsupported-opset");
  });

  test("an operator that came with one of the newest is read as what it is", () => {
    const attribute = [{ name: "alpha", type: AttributeType.FLOAT, f: 2 }];
    const { outputs } = readOnnx(modelOf([{ opType: "Swish", input: ["x"], output: ["y"], attribute }], 24), "m");
    const [y] = evaluate([outputs.y!], { x: { shape: [2, 3], data: [-2, -1, 0, 1, 2, 3] } });
    [-2, -1, 0, 1, 2, 3].forEach((x, i) => {
      expect(y!.data[i]).toBeCloseTo(x / (1 + Math.exp(-2 * x)), 12);
    });
  });

  test("an operator that a later one gave another name is asked for by that", () => {
    const node = { opType: "Scatter", input: ["x", "x", "x"], output: ["y"] };
    expect(codeOf(() => readOnnx(modelOf([node], 11), "m"))).toBe("unsupported-operator");
  });

  test("from 17 to 28 are written, with the version of the format that came with each", () => {
    const y = op.Add(op.Relu(input("x", [2, 3])), constant(1));
    for (let opset: number = writableOpsets.oldest; opset <= writableOpsets.newest; opset++) {
      const bytes = writeOnnx({ y }, { opset });
      const model = decodeModel(bytes, "m");
      expect([Number(model.opsetImport[0]!.version), Number(model.irVersion)]).toEqual([opset, irVersion(opset)]);
      expect(readOnnx(bytes, "m").opset).toBe(opset);
    }
    expect([defaultOpset, 21, 24, 28].map(irVersion)).toEqual([8, 10, 12, 14]);
    for (const opset of [16, 29, 18.5]) expect(codeOf(() => writeOnnx({ y }, { opset }))).toBe("bad-option");
  });
});

describe("a batch normalization of opset 9 to 13", () => {
  const scale = (name: string): onnx.TensorProto.$Properties => ({
    name,
    dataType: 1,
    dims: [3],
    floatData: [1, 1, 1],
  });
  const normalization = (...output: string[]): Uint8Array => {
    const model = decodeModel(
      modelOf([{ opType: "BatchNormalization", input: ["x", "a", "b", "m", "v"], output }], 9),
      "m",
    );
    model.graph!.initializer = ["a", "b", "m", "v"].map(scale) as onnx.TensorProto[];
    return encodeModel(model);
  };

  test("is that of a trained model where it gives nothing else, whatever names it leaves empty", () => {
    expect(codeOf(() => readOnnx(normalization("y", "", "", "", ""), "m"))).toBe("accepted");
  });

  test("is refused where what it saved is used", () => {
    expect(codeOf(() => readOnnx(normalization("y", "m2", "v2", "sm", "sv"), "m"))).toBe("unsupported-output");
  });
});
