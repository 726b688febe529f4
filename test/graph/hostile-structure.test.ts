// Models whose parts do not go together: circles, names that stand for nothing, bodies in bodies without end, types and shapes that
// contradict. Each is refused by a code before anything is computed, in little time and memory.
import { readOnnx, surveyOnnx } from "@innerloop/graph";
import { encodeModel, onnx } from "@innerloop/schemas/onnx";
import { describe, expect, test } from "vitest";
import { codeOf, refusalOf } from "../support/refusal.ts";

const { DataType } = onnx.TensorProto;
type Node = onnx.NodeProto.$Properties;
type Info = onnx.ValueInfoProto.$Properties;

const info = (name: string, elemType: number, ...dims: number[]): Info => ({
  name,
  type: { tensorType: { elemType, shape: { dim: dims.map((dimValue) => ({ dimValue })) } } },
});
const floats = (name: string, dims: number[], floatData: number[]): onnx.TensorProto.$Properties => ({
  name,
  dataType: DataType.FLOAT,
  dims,
  floatData,
});

/** A model of x of [2, 3], whose output is y. */
const modelOf = (node: Node[], graph: onnx.GraphProto.$Properties = {}, model: onnx.ModelProto.$Properties = {}) =>
  encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: "", version: 17 }],
    graph: { name: "g", node, input: [info("x", DataType.FLOAT, 2, 3)], output: [{ name: "y" }], ...graph },
    ...model,
  });
const unary = (opType: string, from: string, to: string): Node => ({ opType, input: [from], output: [to] });
const add = (a: string, b: string, y: string): Node => ({ opType: "Add", input: [a, b], output: [y] });

/** Runs a call, and says how long it took and how much more memory it holds on to. */
function measured(call: () => unknown): { readonly code: string; readonly milliseconds: number } {
  const begun = performance.now();
  const code = codeOf(call);
  return { code, milliseconds: performance.now() - begun };
}

describe("a model is refused", () => {
  test.each<[string, string, RegExp, Uint8Array]>([
    [
      "with a circle of two nodes",
      "bad-model",
      /reads "b", which nothing before it makes; a node after it does: nodes have to be in order, and without a circle/,
      modelOf([add("x", "b", "a"), unary("Relu", "a", "b"), unary("Neg", "b", "y")]),
    ],
    ["with a node that reads itself", "bad-model", /without a circle/, modelOf([add("x", "y", "y")])],
    [
      "with a name that nothing makes",
      "bad-model",
      /reads "z", which nothing before it makes\./,
      modelOf([unary("Relu", "z", "y")]),
    ],
    ["without nodes for its output", "bad-model", /nothing makes the output "y"/, modelOf([])],
    [
      "with an operator that lacks its second input",
      "bad-model",
      /Add \(node "y"\)/,
      modelOf([unary("Add", "x", "y")]),
    ],
    [
      "with a name that two nodes make",
      "bad-model",
      /"h" is there twice/,
      modelOf([unary("Relu", "x", "h"), unary("Neg", "x", "h"), unary("Neg", "h", "y")]),
    ],
    [
      "with two types in one sum",
      "shape-mismatch",
      /Add\(float32\[2, 3\], int64\[3\]\)/,
      modelOf([add("x", "w", "y")], {
        initializer: [{ name: "w", dataType: DataType.INT64, dims: [3], int64Data: [1, 2, 3] }],
      }),
    ],
    [
      "with shapes that do not go together",
      "shape-mismatch",
      /Add\(float32\[2, 3\], float32\[4\]\)/,
      modelOf([add("x", "w", "y")], { initializer: [floats("w", [4], [1, 2, 3, 4])] }),
    ],
    [
      "with an output of another type than it says",
      "bad-model",
      /the output "y" is said to be int64, but the model makes float32 of it/,
      modelOf([unary("Relu", "x", "y")], { output: [info("y", DataType.INT64, 2, 3)] }),
    ],
    [
      "with numbers of another shape than their input says",
      "bad-model",
      /the input "w" is said to be of another type or shape than what is stored for it, float32\[3\]/,
      modelOf([add("x", "w", "y")], {
        input: [info("x", DataType.FLOAT, 2, 3), info("w", DataType.FLOAT, 2)],
        initializer: [floats("w", [3], [1, 2, 3])],
      }),
    ],
    [
      "with numbers of another type than their input says",
      "bad-model",
      /of another type or shape/,
      modelOf([add("x", "w", "y")], {
        input: [info("x", DataType.FLOAT, 2, 3), info("w", DataType.DOUBLE, 3)],
        initializer: [floats("w", [3], [1, 2, 3])],
      }),
    ],
    [
      "with more numbers than its size",
      "bad-tensor",
      /has 3 numbers, which do not fill its shape \[2\]/,
      modelOf([add("x", "w", "y")], { initializer: [floats("w", [2], [1, 2, 3])] }),
    ],
  ])("%s", (_, code, message, bytes) => {
    const error = refusalOf(() => readOnnx(bytes, "model.onnx"));
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });

  test("with an output of another shape than it says, it is read, and told", () => {
    const model = readOnnx(
      modelOf([unary("Relu", "x", "y")], { output: [info("y", DataType.FLOAT, 3, 2)] }),
      "model.onnx",
    );
    expect(model.notes).toEqual(['model.onnx says that its output "y" is of the shape [3, 2]; it is [2, 3]']);
  });
});

describe("what has no end", () => {
  const varint = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...varint(Math.floor(n / 128))]);
  const field = (number: number, bytes: Uint8Array): Buffer =>
    Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes]);
  const text = (number: number, word: string): Buffer => field(number, Buffer.from(word));

  /** Nodes with bodies in each other, so deep: what begins each, from the inmost on, around nothing, and what ends it. */
  function nested(opType: string, attribute: string, depth: number): Uint8Array {
    const [begins, end]: [Buffer[], Buffer] = [[], Buffer.from([...varint(20 * 8), 5])];
    let length = 0;
    const opening = (number: number) => Buffer.from([...varint(number * 8 + 2), ...varint(length)]);
    for (let i = 0; i < depth; i++) {
      const body = Buffer.concat([text(1, attribute), opening(6)]);
      length += body.length + end.length;
      const node = Buffer.concat([text(1, "c"), text(2, `y${i}`), text(4, opType), opening(5)]);
      length += node.length;
      const graph = opening(1);
      length += graph.length;
      begins.push(Buffer.concat([graph, node, body]));
    }
    const graph = Buffer.concat([...begins.reverse(), ...new Array<Buffer>(depth).fill(end)]);
    return Buffer.concat([Buffer.from([8, 8]), field(7, graph), field(8, Buffer.from([16, 17]))]);
  }

  test.each(["If", "Loop"])("10,000 bodies in each other, of %s", (opType) => {
    const bytes = nested(opType, opType === "If" ? "then_branch" : "body", 10_000);
    const { code, milliseconds } = measured(() => readOnnx(new Uint8Array(bytes), "model.onnx"));
    expect(code).toBe("onnx-unreadable");
    expect(milliseconds).toBeLessThan(20_000);
    expect(codeOf(() => surveyOnnx(new Uint8Array(bytes), "model.onnx"))).toBe("onnx-unreadable");
  });

  test("10,000 functions, each calling the next", () => {
    const functions = Array.from({ length: 10_000 }, (_, i) => ({
      name: `F${i}`,
      domain: "own",
      input: ["a"],
      output: ["b"],
      node: [i === 9999 ? unary("Relu", "a", "b") : { ...unary(`F${i + 1}`, "a", "b"), domain: "own" }],
    }));
    const bytes = modelOf([{ ...unary("F0", "x", "y"), domain: "own" }], {}, { functions });
    const { code, milliseconds } = measured(() => readOnnx(bytes, "model.onnx"));
    expect(code).toBe("too-large");
    expect(milliseconds).toBeLessThan(20_000);
  });

  test("5,000 nodes, and as many readers of one weight", () => {
    const nodes = Array.from({ length: 5_000 }, (_, i) =>
      add(i === 0 ? "x" : `h${i - 1}`, "w", i === 4_999 ? "y" : `h${i}`),
    );
    const bytes = modelOf(nodes, { initializer: [floats("w", [3], [0, 0, 0])] });
    const { code, milliseconds } = measured(() => readOnnx(bytes, "model.onnx"));
    // Each reads a weight of its own, which is more than a model has.
    expect(["accepted", "too-large"]).toContain(code);
    expect(milliseconds).toBeLessThan(20_000);
  });

  test("20,000 inputs, outputs and initializers that nothing reads", () => {
    const many = (length: number) => Array.from({ length }, (_, i) => i);
    const bytes = modelOf([unary("Relu", "x", "y")], {
      input: [info("x", DataType.FLOAT, 2, 3), ...many(5_000).map((i) => info(`i${i}`, DataType.FLOAT, 1))],
      output: [{ name: "y" }, ...many(5_000).map((i) => ({ name: `i${i}` }))],
      initializer: many(10_000).map((i) => floats(`w${i}`, [1], [i])),
    });
    const { code, milliseconds } = measured(() => readOnnx(bytes, "model.onnx"));
    expect(code).toBe("accepted");
    expect(milliseconds).toBeLessThan(20_000);
  });
});
