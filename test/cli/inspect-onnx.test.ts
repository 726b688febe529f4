// `innerloop inspect` of an .onnx file: every node that cannot be read, what gradients reach and what stops them, and what a step takes.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { input, op, writeOnnx } from "@innerloop/graph";
import { encodeModel } from "@innerloop/schemas/onnx";
import { innerloop } from "innerloop";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { heardOutput } from "../support/output.ts";

const folder = temporaryFolder();
const at = (file: string) => join(folder, file);

const output = heardOutput();

const weight = (...shape: number[]) => ({
  dtype: "float32" as const,
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});

/** A product of known size, and a class of it that goes on into a second one. */
const x = input("x", ["batch", 8]);
const [w, v] = [input("w", [8, 16]), input("v", [8, 4])];
const logits = op.MatMul(x, w);
const gate = op.Cast(op.ArgMax(op.MatMul(x, v), 1), "float32");
writeFileSync(
  at("model.onnx"),
  writeOnnx({ logits: op.Mul(logits, gate) }, { inputs: [x], initializers: { w: weight(8, 16), v: weight(8, 4) } }),
);

const type = (...sizes: (string | number)[]) => ({
  tensorType: {
    elemType: 1,
    shape: { dim: sizes.map((size) => (typeof size === "number" ? { dimValue: size } : { dimParam: size })) },
  },
});
writeFileSync(
  at("unknown.onnx"),
  encodeModel({
    irVersion: 8,
    opsetImport: [
      { domain: "", version: 18 },
      { domain: "com.microsoft", version: 1 },
    ],
    graph: {
      name: "unknown",
      input: [{ name: "x", type: type("batch", 4) }],
      output: [{ name: "y", type: type("batch", 4) }],
      node: [
        { opType: "Relu", name: "fine", input: ["x"], output: ["a"] },
        { opType: "LongformerAttention", domain: "com.microsoft", name: "fused", input: ["a"], output: ["b"] },
        { opType: "Relu", name: "later", input: ["b"], output: ["c"] },
        { opType: "StringNormalizer", name: "words", input: ["c"], output: ["d"] },
        { opType: "MatMul", name: "unfit", input: ["x", "a"], output: ["e"] },
        { opType: "Frobnicate", name: "", input: ["d"], output: ["y"] },
      ],
    },
  }),
);

/** As PaddlePaddle's exporter stores weights. */
writeFileSync(
  at("constants.onnx"),
  encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: "", version: 18 }],
    graph: {
      name: "constants",
      input: [{ name: "x", type: type("batch", 4) }],
      output: [{ name: "y", type: type("batch", 3) }],
      node: [
        {
          opType: "Constant",
          output: ["w"],
          attribute: [{ name: "value", type: 4, t: { dims: [4, 3], dataType: 1, floatData: new Array(12).fill(1) } }],
        },
        { opType: "MatMul", input: ["x", "w"], output: ["y"] },
      ],
    },
  }),
);

const inspected = async (...args: string[]) => {
  expect(await innerloop(["inspect", ...args])).toBe(0);
  return output.said;
};

describe("innerloop inspect model.onnx", () => {
  it("tells what a gradient reaches, which node stops it, and what a step takes", async () => {
    const text = await inspected(at("model.onnx"));
    expect(text).toMatch(/inputs\n {2}x +float \[batch, 8\]/);
    expect(text).toMatch(/the gradient of "logits" reaches 1 of 2 weights, 128 of 160 numbers/);
    expect(text).toMatch(
      /v +\[8, 4\] +weight +not reached: "logits" reaches it through ArgMax, which makes "[^"]+" alone/,
    );
    expect(text).toMatch(/what it takes, with batch=1\n {2}weights +640 bytes\n {2}a run .* about 1 ms on a core/);
  });

  it("counts the arrays that are in nodes beside those that the file has by name", async () => {
    const text = await inspected(at("constants.onnx"));
    expect(text).toMatch(/initializers\n {2}0 arrays, 0 numbers\n {2}1 array, 12 numbers in Constant nodes/);
    expect(text).toMatch(/reaches 1 of 1 weights/);
  });

  it("tells it to programs, and of other sizes", async () => {
    const { gradient, cost, notRead } = JSON.parse(await inspected(at("model.onnx"), "--json", "--dim", "batch=1000"));
    expect(notRead).toEqual([]);
    expect(gradient.by).toContainEqual({ name: "w", reached: true, shape: [8, 16], weight: true });
    expect(gradient.by).toContainEqual({
      name: "v",
      reached: false,
      shape: [8, 4],
      weight: true,
      why: expect.stringMatching(/ArgMax/),
    });
    // Two products: 2 · 1000 · 8 · 16 and 2 · 1000 · 8 · 4 operations, and what is done number by number besides.
    expect(cost.sizes).toEqual({ batch: 1000 });
    expect(cost.weights).toBe(4 * (8 * 16 + 8 * 4));
    expect(cost.forward.flops).toBeGreaterThanOrEqual(2000 * 8 * (16 + 4));
    expect(cost.forward.flops).toBeLessThan(1.2 * 2000 * 8 * (16 + 4));
    // The gradient by w is one more product of the first one's size.
    expect(cost.step.flops - cost.forward.flops).toBeGreaterThan(2000 * 8 * 16);
    expect(cost.forward.bytes).toBeGreaterThanOrEqual(4 * 1000 * 16);
    expect(cost.forward.bytes).toBeLessThan(3 * 4 * 1000 * 16);
  });

  it("goes on where a node cannot be read, and tells the nearest way out for each", async () => {
    const text = await inspected(at("unknown.onnx"));
    expect(text).toMatch(/6 operators\n/);
    expect(text).toMatch(/4 nodes that cannot be read/);
    expect(text).toMatch(
      /com\.microsoft\.LongformerAttention, opset 1 +fused +.*optimizer or quantizer put it in: take the file as it was before/,
    );
    expect(text).toMatch(/StringNormalizer, opset 18 +words +.*cut the model behind it/);
    expect(text).toMatch(/Frobnicate, opset 18 +y +.*docs\/operators\.md/);
    expect(text).toMatch(/MatMul, opset 18 +unfit +.*MatMul\(/);
    expect(text).not.toMatch(/later/);
    output.said = "";
    const { notRead } = JSON.parse(await inspected(at("unknown.onnx"), "--json"));
    expect(notRead.map(({ operator }: { operator: string }) => operator)).toContain("Frobnicate");
  });

  it("refuses names and sizes that the model does not have", async () => {
    expect(await innerloop(["inspect", at("model.onnx"), "--of", "lgits"])).toBe(2);
    expect(await innerloop(["inspect", at("model.onnx"), "--dim", "time=3"])).toBe(2);
    expect(await innerloop(["inspect", at("model.onnx"), "--dim", "batch=many"])).toBe(2);
    expect(output.said).toMatch(/no output "lgits"[\s\S]*no open size "time"; there is batch[\s\S]*"many" is no size/);
  });
});

describe("the compiler's passes", () => {
  it("are told with what each makes of the graph, and one is printed before and after", async () => {
    expect(await innerloop(["inspect", at("model.onnx"), "--passes", "--pass", "forms", "--json"])).toBe(0);
    const { passes, printed } = JSON.parse(output.said) as {
      passes: { pass: string; before: number; after: number; changed: boolean }[];
      printed: string[];
    };
    expect(passes.map(({ pass }) => pass)).toContain("products");
    expect(passes.every(({ before, after }) => before > 0 && after > 0)).toBe(true);
    expect(printed).toHaveLength(2);
    expect(printed[0]).toMatch(/^before forms\n[\s\S]*MatMul\(/);
  });

  it("are named where one is asked for that is none", async () => {
    expect(await innerloop(["inspect", at("model.onnx"), "--pass", "sum"])).toBe(2);
    expect(output.said).toContain("products");
  });
});
