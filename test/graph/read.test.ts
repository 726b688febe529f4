// Reading ONNX: models exported by PyTorch give PyTorch's numbers, their weights can be trained, and what cannot be read
// is named.
import {
  evaluate,
  gradients,
  innerLoop,
  input,
  type OnnxModel,
  op,
  operators,
  readableOperators,
  readableOpsets,
  readOnnx,
  type ShapedNumbers,
  spellings,
  topological,
  type Value,
  writeOnnx,
} from "@innerloop/graph";
import { encodeModel, onnx } from "@innerloop/schemas/onnx";
import { describe, expect, test } from "vitest";
import { readRecorded } from "../support/recorded.ts";
import { refusalOf } from "../support/refusal.ts";
import { distance, numbers, randomNumbers } from "./numbers.ts";

interface Recorded {
  readonly name: string;
  readonly opset: number;
  readonly model: string;
  readonly x: ShapedNumbers;
  readonly y: ShapedNumbers;
}
const recorded = readRecorded<readonly Recorded[]>("graph/recorded/models.json").map((r) => ({
  ...r,
  bytes: new Uint8Array(Buffer.from(r.model, "base64")),
}));
const [convNet] = recorded as [(typeof recorded)[0]];

const weightsOf = (model: OnnxModel): Record<string, ShapedNumbers> =>
  model.initializers as unknown as Record<string, ShapedNumbers>;

describe.each(recorded)("$name, opset $opset", ({ bytes, opset, x, y }) => {
  const model = readOnnx(bytes, "model.onnx");

  test("gives the numbers of PyTorch, the batch being open", () => {
    expect(model.opset).toBe(opset);
    expect(model.inputs.x!.shape[0]).toBe("batch");
    expect(model.outputs.y!.shape).toEqual(["batch", y.shape[1]]);
    const [got] = evaluate([model.outputs.y!], { x, ...weightsOf(model) });
    expect(got!.shape).toEqual(y.shape);
    expect(distance(got!.data, y.data)).toBeLessThan(1e-5);
  });

  test("gives every weight a derivative that is not zero", () => {
    const names = Object.keys(model.initializers);
    expect(names.length).toBeGreaterThan(5);
    const pull = op.ReduceSum(op.Mul(model.outputs.y!, op.Sin(model.outputs.y!)), { keepdims: false });
    const slopes = gradients(
      pull,
      names.map((name) => model.inputs[name]!),
    );
    evaluate(slopes as Value[], { x, ...weightsOf(model) }).forEach(({ data }, i) => {
      expect(
        data.some((slope) => Math.abs(slope) > 1e-9),
        names[i],
      ).toBe(true);
    });
  });

  test("is the same after writing and reading it again", () => {
    const again = readOnnx(writeOnnx(model.outputs, { initializers: model.initializers }), "again.onnx");
    expect(Object.keys(again.initializers).sort()).toEqual(Object.keys(model.initializers).sort());
    const [got] = evaluate([again.outputs.y!], { x, ...weightsOf(again) });
    expect(distance(got!.data, y.data)).toBeLessThan(1e-5);
  });
});

describe("a model as a function", () => {
  const model = readOnnx(convNet.bytes, "model.onnx");

  test("the names of PyTorch's parameters are kept, and statistics are no weights", () => {
    expect(Object.keys(model.initializers)).toEqual(
      "features.0.weight features.0.bias features.1.weight features.1.bias features.4.weight features.5.weight features.5.bias head.weight head.bias".split(
        " ",
      ),
    );
    expect(Object.keys(model.inputs)).toEqual(["x", ...Object.keys(model.initializers)]);
    expect(model.initializers["head.weight"]).toMatchObject({ dtype: "float32", shape: [5, 24] });
  });

  test("takes values of other sizes", () => {
    const x = input("support_x", ["support", 1, 8, 8]);
    const { y } = model.apply({ x });
    expect(y!.shape).toEqual(["support", 5]);
    const one = { shape: [1, 1, 8, 8], data: Array.from(convNet.x.data).slice(64, 128) };
    const [got] = evaluate([y!], { support_x: one, ...weightsOf(model) });
    expect(distance(got!.data, Array.from(convNet.y.data).slice(5, 10))).toBeLessThan(1e-5);
  });

  test("adapts: the inner loop lowers its loss", () => {
    const x = input("support_x", [5, 1, 8, 8]);
    const y = input("support_y", [5], "int64");
    const parameters = Object.fromEntries(Object.keys(model.initializers).map((name) => [name, model.inputs[name]!]));
    const rates = Object.fromEntries(Object.keys(parameters).map((name) => [name, 0.1]));
    const { losses } = innerLoop(
      (weights) => op.SoftmaxCrossEntropyLoss(model.apply({ x, ...weights }).y!, y),
      parameters,
      { steps: 3, rates },
    );
    const feeds = {
      support_x: numbers([5, 1, 8, 8], randomNumbers(4)),
      support_y: { shape: [5], data: [0, 1, 2, 3, 4] },
      ...weightsOf(model),
    };
    const { data } = evaluate([losses], feeds)[0]!;
    expect(data[3]!).toBeLessThan(data[0]! - 0.02);
  });

  test("refuses a name that it does not have", () => {
    expect(() => model.apply({ z: model.inputs.x! })).toThrow(
      'model.onnx has no input "z"; it has x, features.0.weight',
    );
  });
});

test("every operator of ONNX that graphs have can be read", () => {
  const known = [
    ...operators().filter((o) => o.since !== undefined && o.since <= readableOpsets.newest),
    ...spellings(),
  ];
  expect(known.map(({ name }) => name).filter((name) => !readableOperators.includes(name))).toEqual([]);
  expect(readableOperators.filter((name) => !known.some((o) => o.name === name))).toEqual([]);
});

const { DataType } = onnx.TensorProto;
type NodeProto = onnx.NodeProto.$Properties;

/** A model with an input `x [batch, 2, 3]` and what is given. */
function modelOf(
  node: readonly NodeProto[],
  {
    opset = 17,
    initializer = [],
    output = "y",
    elemType = DataType.FLOAT,
  }: { opset?: number; initializer?: onnx.TensorProto.$Properties[]; output?: string; elemType?: number } = {},
): Uint8Array {
  const dim = [{ dimParam: "batch size" }, { dimValue: 2 }, { dimValue: 3 }];
  return encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: "", version: opset }],
    graph: {
      name: "test",
      node: [...node],
      initializer,
      input: [{ name: "x", type: { tensorType: { elemType, shape: { dim } } } }],
      output: [{ name: output }],
    },
  });
}
const int64 = (name: string, ...list: number[]): onnx.TensorProto.$Properties => ({
  name,
  dataType: DataType.INT64,
  dims: [list.length],
  int64Data: list,
});
const int = (name: string, i: number): onnx.AttributeProto.$Properties => ({
  name,
  i,
  type: onnx.AttributeProto.AttributeType.INT,
});

describe("shapes that a model computes", () => {
  const feed = { x: numbers([4, 2, 3], randomNumbers(1)) };
  const read = (nodes: readonly NodeProto[], initializer: onnx.TensorProto.$Properties[] = []) => {
    const { outputs } = readOnnx(modelOf(nodes, { initializer }), "m");
    return { value: outputs.y!, got: evaluate([outputs.y!], feed)[0]! };
  };

  test("sizes are added, multiplied and divided while they are open", () => {
    const { value, got } = read(
      [
        { opType: "Shape", input: ["x"], output: ["s"] },
        { opType: "Gather", input: ["s", "zero"], output: ["n"] },
        { opType: "Mul", input: ["n", "six"], output: ["n6"] },
        { opType: "Add", input: ["n6", "n6"], output: ["n12"] },
        { opType: "Div", input: ["n12", "four"], output: ["n3"] },
        { opType: "Concat", input: ["n3", "two"], output: ["shape"], attribute: [int("axis", 0)] },
        { opType: "Reshape", input: ["x", "shape"], output: ["y"] },
      ],
      [int64("zero", 0), int64("six", 6), int64("four", 4), int64("two", 2)],
    );
    expect(value.shape).toEqual(["3*batch_size", 2]);
    expect([...got.data]).toEqual([...Array.from(feed.x.data)]);
  });

  test("an expand that keeps sizes where −1 stands", () => {
    const { value, got } = read(
      [
        { opType: "Shape", input: ["x"], output: ["s"], attribute: [int("end", 1)] },
        { opType: "Concat", input: ["s", "rest"], output: ["wanted"], attribute: [int("axis", 0)] },
        { opType: "Equal", input: ["wanted", "minus"], output: ["open"] },
        { opType: "Where", input: ["open", "ones", "wanted"], output: ["shape"] },
        { opType: "ReduceMean", input: ["x"], output: ["m"] },
        { opType: "Expand", input: ["m", "shape"], output: ["y"] },
      ],
      [int64("rest", 2, -1), int64("minus", -1), int64("ones", 1, 1, 3)],
    );
    expect(value.shape).toEqual(["batch_size", 2, 3]);
    const data = Array.from(feed.x.data);
    expect(got.data[7]).toBeCloseTo(data.reduce((a, b) => a + b) / data.length, 12);
  });

  test("a size as a number", () => {
    const { got } = read([
      { opType: "Size", input: ["x"], output: ["n"] },
      { opType: "Cast", input: ["n"], output: ["f"], attribute: [int("to", DataType.FLOAT)] },
      { opType: "ReduceSum", input: ["x"], output: ["sum"] },
      { opType: "Div", input: ["sum", "f"], output: ["y"] },
    ]);
    const data = Array.from(feed.x.data);
    expect(got.data[0]).toBeCloseTo(data.reduce((a, b) => a + b) / data.length, 12);
  });

  test("all but the last of an open axis", () => {
    const { value, got } = read(
      [{ opType: "Slice", input: ["x", "first", "last", "axis"], output: ["y"] }],
      [int64("first", 0), int64("last", -1), int64("axis", 0)],
    );
    expect(value.shape).toEqual(["batch_size+-1", 2, 3]);
    expect([...got.data]).toEqual(Array.from(feed.x.data).slice(0, 18));
  });

  test("what depends on no input is a constant", () => {
    const { value } = read(
      [
        { opType: "Mul", input: ["a", "a"], output: ["aa"] },
        { opType: "Cast", input: ["aa"], output: ["f"], attribute: [int("to", DataType.FLOAT)] },
        { opType: "Sqrt", input: ["f"], output: ["r"] },
        { opType: "Add", input: ["x", "r"], output: ["y"] },
      ],
      [int64("a", 1, 2, 3)],
    );
    expect(topological([value]).map((node) => node.operator.name)).toEqual(["Input", "Constant", "Add"]);
  });

  test("what depends on no input is as 32 bits give it: a 49th of 49 is 1 there, and less where 64 bits hold it", () => {
    const { got } = read(
      [
        { opType: "Cast", input: ["a"], output: ["f"], attribute: [int("to", DataType.FLOAT)] },
        { opType: "Reciprocal", input: ["f"], output: ["r"] },
        { opType: "Mul", input: ["r", "f"], output: ["p"] },
        { opType: "Floor", input: ["p"], output: ["one"] },
        { opType: "Sub", input: ["x", "one"], output: ["y"] },
      ],
      [int64("a", 49)],
    );
    expect(Array.from(got.data)).toEqual(Array.from(feed.x.data, (number) => number - 1));
  });
});

describe("sizes that a file leaves open without a name", () => {
  const shapeOf = (...dim: onnx.TensorShapeProto.Dimension.$Properties[]) => {
    const bytes = encodeModel({
      irVersion: 8,
      opsetImport: [{ domain: "", version: 17 }],
      graph: {
        name: "g",
        node: [{ opType: "Relu", input: ["x"], output: ["y"] }],
        input: [{ name: "x", type: { tensorType: { elemType: DataType.FLOAT, shape: { dim } } } }],
        output: [{ name: "y" }],
      },
    });
    return readOnnx(bytes, "m").inputs.x!.shape;
  };

  test("are sizes of their own, whatever stands in their place", () => {
    expect(shapeOf({ dimValue: -1 }, { dimValue: 3 }, { dimParam: "?" }, { dimParam: "?" })).toEqual([
      "x_axis0",
      3,
      "x_axis2",
      "x_axis3",
    ]);
    expect(shapeOf({}, { dimParam: "" }, { dimParam: "None" }, { dimParam: "_" })).toEqual([
      "x_axis0",
      "x_axis1",
      "x_axis2",
      "x_axis3",
    ]);
    expect(shapeOf({ dimParam: "n" }, { dimParam: "n" })).toEqual(["n", "n"]);
  });
});

describe("what cannot be read", () => {
  const relu: NodeProto = { opType: "Relu", name: "act", input: ["x"], output: ["y"] };
  const messageOf = (bytes: Uint8Array): string => {
    const { code, message } = refusalOf(() => readOnnx(bytes, "model.onnx"));
    return `${code}: ${message}`;
  };

  test.each([
    [
      "unknown operators",
      modelOf([
        { ...relu, output: ["r"] },
        { opType: "StringSplit", name: "pick", input: ["r"], output: ["i"] },
        { opType: "Fancy", domain: "com.example", name: "own", input: ["i"], output: ["y"] },
      ]),
      'unsupported-operator: model.onnx has operators that are not supported: StringSplit (node "pick"), com.example.Fancy (node "own"); ',
    ],
    ["a file that is cut short", convNet.bytes.slice(0, 3000), "onnx-unreadable: model.onnx"],
    [
      "an opset that is too old",
      modelOf([relu], { opset: 6 }),
      "unsupported-opset: model.onnx is written in opset 6 of ai.onnx; opsets 7 to 28 are read",
    ],
    [
      "an opset that is too new",
      modelOf([relu], { opset: 29 }),
      "unsupported-opset: model.onnx is written in opset 29",
    ],
    [
      "numbers in another file",
      modelOf([relu], { initializer: [{ name: "w", dataType: DataType.FLOAT, dims: [2], dataLocation: 1 }] }),
      'external-data: model.onnx: the initializer "w" has its numbers in another file',
    ],
    [
      "too few numbers",
      modelOf([relu], { initializer: [{ name: "w", dataType: DataType.FLOAT, dims: [2], floatData: [1] }] }),
      'bad-tensor: model.onnx: the initializer "w" has 1 numbers, which do not fill its shape [2]',
    ],
    [
      "texts",
      modelOf([relu], { elemType: DataType.STRING }),
      'unsupported-dtype: model.onnx: the input "x" has the element type STRING; supported are float32',
    ],
    [
      "a name that nothing makes",
      modelOf([{ ...relu, input: ["z"] }]),
      'bad-model: model.onnx: Relu (node "act"): reads "z", which nothing before it makes.',
    ],
    [
      "an output that is not supported",
      modelOf([
        {
          opType: "Softmax",
          name: "pool",
          input: ["x"],
          output: ["y", "places"],
        },
      ]),
      'unsupported-output: model.onnx: Softmax (node "pool"): its output "places" is used',
    ],
    [
      "shapes that do not fit",
      modelOf([{ opType: "MatMul", name: "fc", input: ["x", "w"], output: ["y"] }], {
        initializer: [{ name: "w", dataType: DataType.FLOAT, dims: [2, 1], floatData: [1, 2] }],
      }),
      'shape-mismatch: model.onnx: MatMul (node "fc"): MatMul(float32[batch_size, 2, 3], float32[2, 1])',
    ],
    [
      "a shape of as many sizes as there are examples",
      modelOf([
        { opType: "Cast", input: ["x"], output: ["i"], attribute: [int("to", DataType.INT64)] },
        { opType: "Reshape", name: "view", input: ["x", "i"], output: ["y"] },
      ]),
      'open-dim: model.onnx: Reshape (node "view"): the shape of a Reshape needs a size that is known when the graph is built',
    ],
  ])("%s", (_, bytes, message) => {
    expect(messageOf(bytes)).toContain(message);
  });
});
