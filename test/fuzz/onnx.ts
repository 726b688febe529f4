// ONNX files: every operator that can be read, a network of PyTorch, and chains that compute shapes, as trees of messages
// that are changed and written again, and as bytes.
import { readOnnx } from "@innerloop/graph";
import { decodeModel, encodeModel, type onnx } from "@innerloop/schemas/onnx";
import fc from "fast-check";
import { readFamilies, readRecorded } from "../support/recorded.ts";
import { mutatedBytes, mutatedTree } from "./mutate.ts";
import type { Target } from "./run.ts";

interface Recorded {
  readonly model: string;
}

const recordedModels = (): Uint8Array[] =>
  [
    ...Object.values(readFamilies<readonly Recorded[]>("graph/recorded/operators")).flat(),
    ...readRecorded<readonly Recorded[]>("graph/recorded/older.json"),
    ...readRecorded<readonly Recorded[]>("graph/recorded/models.json"),
  ].map(({ model }) => new Uint8Array(Buffer.from(model, "base64")));

const DataType = { INT64: 7, FLOAT: 1 };
const list = (name: string, ...int64Data: number[]) => ({
  name,
  dataType: DataType.INT64,
  dims: [int64Data.length],
  int64Data,
});
const one = (name: string, i: number) => ({ name, dataType: DataType.INT64, dims: [], int64Data: [i] });
const int = (name: string, i: number) => ({ name, i, type: 2 });
const ints = (name: string, ...values: number[]) => ({ name, ints: values, type: 7 });

/** What computes with sizes and indices, whose numbers decide how much is made. */
const chains: onnx.ModelProto.$Properties[] = [
  {
    node: [
      { opType: "Shape", input: ["x"], output: ["s"] },
      { opType: "Gather", input: ["s", "zero"], output: ["n"] },
      { opType: "Mul", input: ["n", "n"], output: ["n2"] },
      { opType: "Add", input: ["n2", "six"], output: ["m"] },
      { opType: "Mul", input: ["m", "m"], output: ["m2"] },
      { opType: "Concat", input: ["n", "six"], output: ["shape"], attribute: [int("axis", 0)] },
      { opType: "Reshape", input: ["x", "shape"], output: ["y"] },
    ],
    initializer: [list("zero", 0), list("six", 6)],
  },
  {
    node: [
      { opType: "Range", input: ["a", "b", "c"], output: ["r"] },
      { opType: "Cast", input: ["r"], output: ["f"], attribute: [int("to", 1)] },
      { opType: "OneHot", input: ["r", "b", "values"], output: ["h"] },
      { opType: "Tile", input: ["f", "six"], output: ["t"] },
      { opType: "Concat", input: ["t", "t"], output: ["tt"], attribute: [int("axis", 0)] },
      { opType: "ReduceSum", input: ["tt"], output: ["sum"] },
      { opType: "ReduceSum", input: ["h"], output: ["hs"] },
      { opType: "Slice", input: ["x", "zero", "six", "one", "one"], output: ["xs"] },
      { opType: "Add", input: ["x", "sum"], output: ["y"] },
    ],
    initializer: [
      one("a", 0),
      one("b", 5),
      one("c", 1),
      list("six", 6),
      list("zero", 0),
      list("one", 1),
      list("values", 0, 1),
    ],
  },
  {
    node: [
      { opType: "Expand", input: ["x", "shape"], output: ["e"] },
      {
        opType: "Pad",
        input: ["e", "pads"],
        output: ["p"],
        attribute: [{ name: "mode", s: new TextEncoder().encode("edge"), type: 3 }],
      },
      {
        opType: "AveragePool",
        input: ["p"],
        output: ["q"],
        attribute: [ints("kernel_shape", 2, 2), ints("strides", 2, 2), ints("pads", 0, 0, 1, 1), int("ceil_mode", 1)],
      },
      {
        opType: "MaxPool",
        input: ["q"],
        output: ["y"],
        attribute: [ints("kernel_shape", 2, 2), ints("dilations", 1, 1)],
      },
    ],
    initializer: [list("shape", 1, 3, 8, 6), list("pads", 0, 0, 1, 1, 0, 0, 1, 1)],
  },
].map((graph) => ({
  irVersion: 8,
  opsetImport: [{ domain: "", version: 17 }],
  graph: {
    name: "g",
    input: [{ name: "x", type: { tensorType: { elemType: 1, shape: { dim: [{ dimParam: "n" }, { dimValue: 6 }] } } } }],
    output: [{ name: "y" }],
    ...graph,
  },
}));
(chains[2]!.graph!.input![0]!.type!.tensorType!.shape as { dim: object[] }).dim = [1, 3, 8, 6].map((dimValue) => ({
  dimValue,
}));

export const onnxTarget: Target = {
  name: "onnx",
  memory: 128e6,
  open() {
    const files = [...recordedModels(), ...chains.map(encodeModel)];
    const trees = files.map((bytes) => decodeModel(bytes, "recorded"));
    const encoded = (tree: unknown): Uint8Array => {
      try {
        return encodeModel(tree as onnx.ModelProto.$Properties);
      } catch {
        // No bytes mean this: a number that its field does not hold.
        return new Uint8Array();
      }
    };
    const one = <T>(values: readonly T[]) => fc.nat(values.length - 1).map((i) => values[i]!);
    const mutated = one(trees).chain((tree) => mutatedTree(tree, { typed: true }).map(encoded));
    return {
      inputs: fc.oneof(
        { weight: 6, arbitrary: mutated },
        { weight: 1, arbitrary: one(files).chain((f) => mutatedBytes(f)) },
      ),
      run: (bytes: Uint8Array) => readOnnx(bytes, "model.onnx"),
      show: (bytes: Uint8Array) => Buffer.from(bytes).toString("base64"),
    };
  },
};
