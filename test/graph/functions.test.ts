// Functions that a model defines itself: a call is what the nodes of the function are, with the call's attributes in them.
import { evaluate, readOnnx, writeOnnx } from "@innerloop/graph";
import { decodeModel, encodeModel, onnx } from "@innerloop/schemas/onnx";
import { describe, expect, test } from "vitest";
import { refusalOf } from "../support/refusal.ts";

const { AttributeType } = onnx.AttributeProto;
type NodeProto = onnx.NodeProto.$Properties;
type FunctionProto = onnx.FunctionProto.$Properties;

const x = { shape: [2, 3], data: [-3, -2, -1, 0, 1, 2] };
const domain = "com.example";

/** A model of x of [2, 3] and its own functions, whose output is y. */
const modelOf = (node: NodeProto[], functions: FunctionProto[]): Uint8Array =>
  encodeModel({
    irVersion: 10,
    opsetImport: [
      { domain: "", version: 18 },
      { domain, version: 1 },
    ],
    functions,
    graph: {
      name: "g",
      node,
      input: [{ name: "x", type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 2 }, { dimValue: 3 }] } } } }],
      output: [{ name: "y" }],
    },
  });
const call = (opType: string, input: string[], output: string[], more: NodeProto = {}): NodeProto => ({
  opType,
  domain,
  input,
  output,
  ...more,
});
const alpha = (f: number) => ({ name: "alpha", type: AttributeType.FLOAT, f });
const run = (bytes: Uint8Array): number[] => [...evaluate([readOnnx(bytes, "m").outputs.y!], { x })[0]!.data];

/** leaky(x) + bias, where there is one: its slope is an attribute, 0.5 where a call has none. */
const leaky: FunctionProto = {
  name: "Leaky",
  domain,
  input: ["a", "low"],
  output: ["b", "twice"],
  attributeProto: [alpha(0.5)],
  opsetImport: [{ domain: "", version: 18 }],
  node: [
    {
      opType: "LeakyRelu",
      input: ["a"],
      output: ["r"],
      attribute: [{ name: "alpha", refAttrName: "alpha", type: AttributeType.FLOAT }],
    },
    { opType: "Clip", input: ["r", "low"], output: ["b"] },
    { opType: "Add", input: ["b", "b"], output: ["twice"] },
  ],
};

describe("a function of a model", () => {
  test("has the attributes of its call, or what holds where that has none", () => {
    expect(run(modelOf([call("Leaky", ["x"], ["y"])], [leaky]))).toEqual([-1.5, -1, -0.5, 0, 1, 2]);
    expect(run(modelOf([call("Leaky", ["x"], ["y"], { attribute: [alpha(2)] })], [leaky]))).toEqual([
      -6, -4, -2, 0, 1, 2,
    ]);
  });

  test("has inputs that a call may leave out, several outputs, and calls inside it", () => {
    const low = { name: "value_float", type: AttributeType.FLOAT, f: -1 };
    const outer: FunctionProto = {
      name: "Outer",
      domain,
      input: ["x"],
      output: ["y"],
      opsetImport: [
        { domain: "", version: 18 },
        { domain, version: 1 },
      ],
      node: [
        { opType: "Constant", output: ["low"], attribute: [low] },
        call("Leaky", ["x", "low"], ["b", "t"]),
        { opType: "Sub", input: ["t", "b"], output: ["y"] },
      ],
    };
    const bytes = modelOf([call("Outer", ["x"], ["y"])], [outer, leaky]);
    expect(run(bytes)).toEqual([-1, -1, -0.5, 0, 1, 2]);
    // What is written knows no functions.
    const written = decodeModel(writeOnnx(readOnnx(bytes, "m").outputs), "written");
    expect([written.functions, written.opsetImport.map((each) => each.domain)]).toEqual([[], [""]]);
  });

  test("is read in the opset that it was written in", () => {
    const softmax: FunctionProto = {
      name: "Rows",
      domain,
      input: ["a"],
      output: ["b"],
      opsetImport: [{ domain: "", version: 11 }],
      node: [
        {
          opType: "Softmax",
          input: ["a"],
          output: ["b"],
          attribute: [{ name: "axis", i: 0, type: AttributeType.INT }],
        },
      ],
    };
    // Before opset 13, from axis 0 on means over all.
    const total = x.data.reduce((sum, v) => sum + Math.exp(v), 0);
    run(modelOf([call("Rows", ["x"], ["y"])], [softmax])).forEach((got, i) => {
      expect(got).toBeCloseTo(Math.exp(x.data[i]!) / total, 12);
    });
  });
});

describe("functions that are refused", () => {
  const chained = (name: string, next: string): FunctionProto => ({
    name,
    domain,
    input: ["a"],
    output: ["b"],
    node: [call(next, ["a"], ["m"]), call(next, ["m"], ["b"])],
  });

  test.each<[string, string, FunctionProto[], RegExp]>([
    ["calling themselves", "bad-model", [chained("F0", "F1"), chained("F1", "F0")], /"F\d" calls itself/],
    ["there twice", "bad-model", [leaky, leaky, chained("F0", "Leaky")], /"Leaky" is there twice/],
    [
      "with an operator that is not supported",
      "unsupported-operator",
      [chained("F0", "F1"), { ...leaky, name: "F1", node: [{ opType: "Fancy", name: "f", output: ["b"] }] }],
      /Fancy \(node "f"\)/,
    ],
    [
      "that make less than they say",
      "bad-model",
      [{ ...leaky, name: "F0", node: [] }],
      /F0 \(node "y"\): nothing makes the output "b"/,
    ],
    [
      "that call the next twice, forty deep",
      "too-large",
      [...Array.from({ length: 40 }, (_, i) => chained(`F${i}`, `F${i + 1}`)), { ...leaky, name: "F40" }],
      /takes more than \d+ operators/,
    ],
    [
      "of an opset that is not read",
      "unsupported-opset",
      [{ ...leaky, name: "F0", opsetImport: [{ domain: "", version: 99 }] }],
      /opset 99/,
    ],
  ])("%s", (_, code, functions, message) => {
    const error = refusalOf(() => readOnnx(modelOf([call("F0", ["x"], ["y"])], functions), "m"));
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });
});
