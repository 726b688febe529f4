// What scikit-learn's classifiers end with: a table from classes to probabilities for each row, which is an array here.
import { evaluate, readOnnx } from "@innerloop/graph";
import { encodeModel, onnx } from "@innerloop/schemas/onnx";
import { expect, test } from "vitest";

const { AttributeType } = onnx.AttributeProto;
const shape = { dim: [{ dimParam: "rows" }, { dimValue: 3 }] };
const bytes = encodeModel({
  irVersion: 8,
  opsetImport: [
    { domain: "", version: 17 },
    { domain: "ai.onnx.ml", version: 3 },
  ],
  graph: {
    name: "g",
    node: [
      { opType: "Softmax", input: ["x"], output: ["p"] },
      {
        opType: "ZipMap",
        domain: "ai.onnx.ml",
        input: ["p"],
        output: ["tables"],
        attribute: [{ name: "classlabels_int64s", type: AttributeType.INTS, ints: [4, 7, 9] }],
      },
    ],
    input: [{ name: "x", type: { tensorType: { elemType: 1, shape } } }],
    output: [{ name: "tables", type: { sequenceType: {} } }],
  },
});

test("are the array of their numbers, and that is said", () => {
  const { outputs, notes } = readOnnx(bytes, "m");
  const [array] = evaluate([outputs.tables!], { x: { shape: [1, 3], data: [0, Math.log(2), Math.log(5)] } });
  expect(array!.shape).toEqual([1, 3]);
  expect(Array.from(array!.data, (p) => Math.round(p * 1e9) / 1e9)).toEqual([0.125, 0.25, 0.625]);
  expect(notes).toEqual([expect.stringMatching(/"tables" as a list of tables/)]);
});
