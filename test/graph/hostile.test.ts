// Models that no exporter writes: names that objects have anyway, sizes that no machine holds, lists that are missing. All
// are refused by a code, and a small file makes little before it is.
import { evaluate, input, op, readOnnx } from "@innerloop/graph";
import { encodeModel, onnx } from "@innerloop/schemas/onnx";
import { describe, expect, test } from "vitest";
import { codeOf } from "../support/refusal.ts";

const { DataType } = onnx.TensorProto;
const { AttributeType } = onnx.AttributeProto;
type Node = onnx.NodeProto.$Properties;
type Initializer = onnx.TensorProto.$Properties;

const list = (name: string, ...int64Data: number[]): Initializer => ({
  name,
  dataType: DataType.INT64,
  dims: [int64Data.length],
  int64Data,
});
const scalar = (name: string, value: number): Initializer => ({ ...list(name, value), dims: [] });
const floats = (name: string, dims: number[], floatData: number[]): Initializer => ({
  name,
  dataType: DataType.FLOAT,
  dims,
  floatData,
});
const int = (name: string, i: number) => ({ name, i, type: AttributeType.INT });
const ints = (name: string, ...values: number[]) => ({ name, ints: values, type: AttributeType.INTS });

/** A model with an input `x` of a shape, whose output is `y`. */
function modelOf(
  node: Node[],
  initializer: Initializer[] = [],
  shape: (number | string)[] = ["n", 6],
  graph: onnx.GraphProto.$Properties = {},
): Uint8Array {
  const dim = shape.map((size) => (typeof size === "number" ? { dimValue: size } : { dimParam: size }));
  return encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: "", version: 17 }],
    graph: {
      name: "g",
      node,
      initializer,
      input: [{ name: "x", type: { tensorType: { elemType: DataType.FLOAT, shape: { dim } } } }],
      output: [{ name: "y" }],
      ...graph,
    },
  });
}

const relu: Node = { opType: "Relu", input: ["x"], output: ["y"] };
const squared = (times: number): Node[] =>
  Array.from({ length: times }, (_, i) => ({ opType: "Mul", input: [`m${i}`, `m${i}`], output: [`m${i + 1}`] }));

describe("a model is refused by a code", () => {
  test.each<[string, string, Uint8Array]>([
    ["an operator named as what every object has", "unsupported-operator", modelOf([{ ...relu, opType: "toString" }])],
    ["an operator named __proto__", "unsupported-operator", modelOf([{ ...relu, opType: "__proto__" }])],
    ["an operator without its inputs", "bad-model", modelOf([{ opType: "Add", output: ["y"] }])],
    ["a size of 2^40 with nothing in it", "bad-tensor", modelOf([relu], [floats("w", [2 ** 40], [])])],
    ["a negative size", "bad-tensor", modelOf([relu], [floats("w", [-1], [1])])],
    ["two negative sizes whose product fits", "bad-tensor", modelOf([relu], [floats("w", [-1, -1], [1])])],
    ["an input with a negative size", "bad-shape", modelOf([relu], [], [-3, 6])],
    ["an input that no machine holds", "bad-shape", modelOf([relu], [], [2 ** 40, 2 ** 40])],
    ["a name of a size that is a book", "bad-model", modelOf([relu], [], ["n".repeat(10_000)])],
    ["an initializer twice", "bad-model", modelOf([relu], [list("w", 1), list("w", 2)])],
    ["an initializer without a name", "bad-model", modelOf([relu], [list("", 1)])],
    ["an output twice", "bad-model", modelOf([relu], [], ["n"], { output: [{ name: "y" }, { name: "y" }] })],
    ["a name that two nodes make", "bad-model", modelOf([relu, { ...relu, opType: "Neg" }])],
    ["a name that is an input and made", "bad-model", modelOf([{ ...relu, output: ["x"] }])],
    [
      "an attribute twice",
      "bad-model",
      modelOf([{ opType: "Softmax", input: ["x"], output: ["y"], attribute: [int("axis", 0), int("axis", 1)] }]),
    ],
    [
      "an attribute twice in one of two nodes of the same name",
      "bad-model",
      modelOf([
        {
          opType: "LeakyRelu",
          name: "n",
          input: ["x"],
          output: ["y"],
          attribute: [
            { name: "alpha", type: 1, f: 0.1 },
            { name: "alpha", type: 1, f: 0.2 },
          ],
        },
        {
          opType: "LeakyRelu",
          name: "n",
          input: ["x"],
          output: ["z"],
          attribute: [{ name: "alpha", type: 1, f: 0.1 }],
        },
      ]),
    ],
    [
      "an attribute of another type",
      "bad-model",
      modelOf([{ opType: "Softmax", input: ["x"], output: ["y"], attribute: [ints("axis", 0)] }]),
    ],
    ["an output that nothing makes", "bad-model", modelOf([relu], [], ["n"], { output: [{ name: "constructor" }] })],
    [
      "a range of 5e7",
      "too-large",
      modelOf(
        [{ opType: "Range", input: ["a", "b", "c"], output: ["y"] }],
        [scalar("a", 0), scalar("b", 5e7), scalar("c", 1)],
      ),
    ],
    [
      "a range that never ends",
      "bad-model",
      modelOf(
        [{ opType: "Range", input: ["a", "b", "c"], output: ["y"] }],
        [scalar("a", 0), scalar("b", 5), scalar("c", 0)],
      ),
    ],
    [
      "3e7 classes",
      "too-large",
      modelOf(
        [
          { opType: "Cast", input: ["x"], output: ["i"], attribute: [int("to", DataType.INT64)] },
          { opType: "OneHot", input: ["i", "depth", "values"], output: ["y"] },
        ],
        [scalar("depth", 3e7), list("values", 0, 1)],
      ),
    ],
    [
      "a pool of 1e8 taps",
      "too-large",
      modelOf(
        [
          {
            opType: "AveragePool",
            input: ["x"],
            output: ["y"],
            attribute: [ints("kernel_shape", 10_000, 10_000)],
          },
        ],
        [],
        [1, 1, 10_000, 10_000],
      ),
    ],
    [
      "a pool that goes backwards",
      "bad-window",
      modelOf(
        [
          {
            opType: "MaxPool",
            input: ["x"],
            output: ["y"],
            attribute: [ints("kernel_shape", 2, 2), ints("strides", -1, 0)],
          },
        ],
        [],
        [1, 1, 8, 8],
      ),
    ],
    [
      "open sizes squared five times",
      "too-large",
      modelOf(
        [
          { opType: "Shape", input: ["x"], output: ["s"] },
          { opType: "ReduceSum", input: ["s"], output: ["m0"], attribute: [int("keepdims", 1)] },
          ...squared(5),
          { opType: "Reshape", input: ["x", "m5"], output: ["y"] },
        ],
        [],
        ["a", "b", "c", "d"],
      ),
    ],
    [
      "sizes doubled forty times",
      "too-large",
      modelOf([
        { opType: "Shape", input: ["x"], output: ["m0"] },
        ...Array.from({ length: 40 }, (_, i) => ({
          opType: "Concat",
          input: [`m${i}`, `m${i}`],
          output: [`m${i + 1}`],
          attribute: [int("axis", 0)],
        })),
        { opType: "ReduceSum", input: ["m40"], output: ["s"] },
        { opType: "Reshape", input: ["x", "s"], output: ["y"] },
      ]),
    ],
    [
      "an array doubled fifty times",
      "bad-shape",
      modelOf([
        { opType: "Relu", input: ["x"], output: ["m0"] },
        ...Array.from({ length: 50 }, (_, i) => ({
          opType: "Concat",
          input: [`m${i}`, `m${i}`],
          output: [i === 49 ? "y" : `m${i + 1}`],
          attribute: [int("axis", 1)],
        })),
      ]),
    ],
    [
      "edges of 1e9 around",
      "too-large",
      modelOf(
        [
          {
            opType: "Pad",
            input: ["x", "pads"],
            output: ["y"],
            attribute: [{ name: "mode", s: new TextEncoder().encode("edge"), type: AttributeType.STRING }],
          },
        ],
        [list("pads", 0, 1e9, 0, 0)],
        [1, 6],
      ),
    ],
    [
      "half as many pads as it has axes",
      "bad-model",
      modelOf([{ opType: "Pad", input: ["x", "pads"], output: ["y"] }], [list("pads", 0, 1)], [1, 6]),
    ],
    [
      "1e5 axes",
      "bad-shape",
      modelOf(
        [{ opType: "Reshape", input: ["x", "shape"], output: ["y"] }],
        [list("shape", ...new Array<number>(1e5).fill(1))],
        [1, 1],
      ),
    ],
  ])("with %s", (_, code, bytes) => {
    expect(codeOf(() => readOnnx(bytes, "model.onnx"))).toBe(code);
  });

  test("where it has more messages than a file of its size is worth", () => {
    const node = new Uint8Array(2 * 1_000_000);
    for (let i = 0; i < node.length; i += 2) node[i] = 0x0a;
    const length = [
      0x80 | (node.length & 127),
      0x80 | ((node.length >> 7) & 127),
      0x80 | ((node.length >> 14) & 127),
      node.length >> 21,
    ];
    const bytes = new Uint8Array([0x08, 8, 0x3a, ...length]);
    const whole = new Uint8Array(bytes.length + node.length);
    whole.set(bytes);
    whole.set(node, bytes.length);
    expect(codeOf(() => readOnnx(whole, "model.onnx"))).toBe("onnx-unreadable");
  });
});

describe("names that every object has are names like any other", () => {
  const name = "__proto__";
  const model = readOnnx(
    modelOf(
      [{ opType: "MatMul", input: ["constructor", name], output: ["toString"] }],
      [floats(name, [6, 1], [1, 2, 3, 4, 5, 6])],
      [],
      {
        input: [
          {
            name: "constructor",
            type: { tensorType: { elemType: DataType.FLOAT, shape: { dim: [{ dimParam: "n" }, { dimValue: 6 }] } } },
          },
        ],
        output: [{ name: "toString" }],
      },
    ),
    "model.onnx",
  );

  test("of inputs, weights and outputs", () => {
    expect(Object.keys(model.inputs)).toEqual(["constructor", name]);
    expect(Object.keys(model.initializers)).toEqual([name]);
    const feeds = Object.fromEntries([
      ["constructor", { shape: [1, 6], data: [1, 1, 1, 1, 1, 1] }],
      [name, { shape: [6, 1], data: [1, 2, 3, 4, 5, 6] }],
    ]);
    expect([...evaluate([model.outputs["toString" as string]!], feeds)[0]!.data]).toEqual([21]);
  });

  test("and are not there where the model does not have them", () => {
    expect(model.outputs.valueOf).toBeUndefined();
    expect(codeOf(() => model.apply(Object.fromEntries([["valueOf", input("v", [1])]])))).toBe("unknown-input");
    const x = input("toString", [1]);
    expect(codeOf(() => evaluate([op.Neg(x)]))).toBe("missing-input");
  });
});

describe("sizes", () => {
  test.each([[-1], [1.5], [Number.NaN], [2 ** 60]])("%d is the size of no axis", (size) => {
    expect(codeOf(() => input("x", [size]))).toBe("bad-shape");
  });

  test.each([[7], [2 ** 28], [2 ** 31 - 1]])("an axis of 6 is not cut into %d parts", (parts) => {
    expect(() => op.Split(input("x", ["n", 6]), parts, 1)).toThrow(`cannot be cut into ${parts} parts`);
  });

  test("are worked with while they are expressions that somebody can read", () => {
    expect(codeOf(() => op.Flatten(input("x", ["a+b+c+d", "e+f+g+h", "i+j+k+l", 2]), 3))).toBe("accepted");
    const long = Array.from({ length: 9 }, (_, i) => `s${i}`).join("+");
    expect(codeOf(() => op.Flatten(input("x", [long, long.replaceAll("s", "t")]), 2))).toBe("too-large");
  });
});
