// `innerloop transform`: files in, files out, one after another; what it says is wrong, and that nothing is written then.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { evaluate, input, op, readOnnx, writeOnnx } from "@innerloop/graph";
import { innerloop } from "innerloop";
import { describe, expect, it } from "vitest";
import { filesIn, temporaryFolder } from "../support/folders.ts";
import { heardOutput } from "../support/output.ts";

const folder = temporaryFolder();
const at = (file: string) => join(folder, file);

const output = heardOutput();

const x = input("x", ["batch", 2]);
const [w, v] = [input("w", [2, 2]), input("v", [2])];
const logits = op.Add(op.MatMul(op.Mul(x, x), w), v);
const loss = op.ReduceSum(logits, { keepdims: false });
const best = op.ArgMax(logits, 1);
const initializers = {
  w: { dtype: "float32" as const, shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
  v: { dtype: "float32" as const, shape: [2], data: Float32Array.of(0, 1) },
};
writeFileSync(at("model.onnx"), writeOnnx({ logits, loss, best }, { inputs: [x], initializers }));
writeFileSync(at("not.onnx"), "hello");

const transform = (model: string, name: string, out: string, ...more: string[]) =>
  innerloop(["transform", at(model), name, "--out", at(out), ...more]);
const read = (file: string) => readOnnx(readFileSync(at(file)), file);
const numbers = (file: string, name: string, feeds: Parameters<typeof evaluate>[1]) => {
  const { inputs, outputs } = read(file);
  return [...evaluate([outputs[name]!, inputs.x!], feeds)[0]!.data];
};

const feeds = {
  x: { shape: [1, 2], data: [3, -1] },
  w: { shape: [2, 2], data: [1, 2, 3, 4] },
  v: { shape: [2], data: [0, 1] },
};

describe("innerloop transform", () => {
  it("writes a model that is transformed again, of any order", async () => {
    expect(await transform("model.onnx", "value-and-grad", "g.onnx", "--of", "loss", "--wrt", "x,w")).toBe(0);
    expect(output.said).toMatch(
      /g\.onnx: .*opset 18[\s\S]*takes {3}x +float32\[batch, 2\]\n[\s\S]*gives {3}grad\/w +float32\[2, 2\]/,
    );
    expect(output.said).not.toMatch(/takes {3}w/);
    expect(numbers("g.onnx", "grad/x", feeds)).toEqual([18, -14]);
    expect(numbers("g.onnx", "grad/w", feeds)).toEqual([9, 9, 1, 1]);
    expect(await transform("g.onnx", "jacobian", "h.onnx", "--of", "grad/x", "--wrt", "x")).toBe(0);
    expect(numbers("h.onnx", "jacobian/x", feeds)).toEqual([6, 0, 0, 14]);
    expect(await transform("g.onnx", "vmap", "many.onnx", "--axis", "x=1", "--size", "2")).toBe(0);
    expect(read("many.onnx").inputs.x!.shape).toEqual(["batch", 2, 2]);
    expect(await transform("many.onnx", "specialize", "one.onnx", "--dim", "batch=1", "--opset", "21")).toBe(0);
    expect([read("one.onnx").opset, read("one.onnx").outputs["grad/x"]!.shape]).toEqual([21, [2, 1, 2]]);
  });

  it("takes patterns of what derivatives reach, and tells what it wrote as JSON", async () => {
    expect(await transform("model.onnx", "hvp", "p.onnx", "--of", "loss", "--wrt", "/^[wvx]$/", "--json")).toBe(0);
    const { inputs, outputs } = JSON.parse(output.said);
    expect(inputs.map(({ name }: { name: string }) => name)).toEqual(["x", "vector/x", "vector/w", "vector/v"]);
    expect(outputs[0]).toEqual({ name: "hvp/x", dtype: "float32", shape: ["batch", 2] });
  });

  it("keeps weights inside, unless they are to be overridable", async () => {
    const bytes = async (...more: string[]) => {
      expect(await transform("model.onnx", "value-and-grad", "w.onnx", "--of", "loss", "--wrt", "w", ...more)).toBe(0);
      return readFileSync(at("w.onnx"));
    };
    const closed = await bytes();
    expect((await bytes("--overridable")).length).toBeGreaterThan(closed.length);
  });

  const wrong: [string, string[], number, RegExp][] = [
    [
      "an unknown transform",
      ["model.onnx", "gard"],
      2,
      /no transform "gard"; did you mean grad\?.* value-and-grad, vjp/,
    ],
    ["no file", ["none.onnx", "grad", "--wrt", "x"], 2, /does not exist; an \.onnx file was expected/],
    ["a file that is none", ["not.onnx", "grad", "--wrt", "x"], 1, /not\.onnx/],
    [
      "no output named",
      ["model.onnx", "grad", "--wrt", "x"],
      2,
      /the model gives logits, float32\[batch, 2\]; loss, float32\[\]; best/,
    ],
    [
      "an unknown output",
      ["model.onnx", "grad", "--of", "lss", "--wrt", "x"],
      2,
      /no output "lss" \(did you mean loss\?\)/,
    ],
    ["no scalar", ["model.onnx", "grad", "--of", "logits", "--wrt", "x"], 2, /one number is needed.*sum or its mean/],
    [
      "nothing to differentiate by",
      ["model.onnx", "grad", "--of", "loss"],
      2,
      /needs names to differentiate by; there is x/,
    ],
    [
      "a pattern that fits nothing",
      ["model.onnx", "grad", "--of", "loss", "--wrt", "/z/"],
      2,
      /fits none of what derivatives of "loss" reach: x, w, v/,
    ],
    ["a pattern that is none", ["model.onnx", "grad", "--of", "loss", "--wrt", "/(/"], 2, /no regular expression/],
    ["a derivative of whole numbers", ["model.onnx", "grad", "--of", "best", "--wrt", "x"], 2, /"best": it is int64/],
    [
      "an option of another transform",
      ["model.onnx", "vmap", "--axis", "x=0", "--of", "loss"],
      2,
      /--of has no effect here: vmap takes --axis, --size/,
    ],
    ["no axis", ["model.onnx", "vmap"], 2, /needs --axis/],
    ["an axis that is none", ["model.onnx", "vmap", "--axis", "x=first"], 2, /"first" is no axis/],
    ["no size", ["model.onnx", "specialize"], 2, /as batch=1 \(the model has batch\)/],
    ["an unknown size", ["model.onnx", "specialize", "--dim", "time=3"], 2, /no open size "time"; there is batch/],
    [
      "an opset that is not written",
      ["model.onnx", "grad", "--of", "loss", "--wrt", "x", "--opset", "99"],
      2,
      /opsets up to/,
    ],
  ];
  it.each(wrong)("refuses %s, and writes nothing", async (_, [model = "", ...words], status, message) => {
    const before = filesIn(folder);
    expect(await innerloop(["transform", at(model), ...words, "--out", at("refused.onnx")])).toBe(status);
    expect(output.said).toMatch(message);
    expect(filesIn(folder)).toEqual(before);
    expect(existsSync(at("refused.onnx"))).toBe(false);
  });

  it("refuses to write over the model, into a folder, or nowhere", async () => {
    const call = ["transform", at("model.onnx"), "grad", "--of", "loss", "--wrt", "x"];
    for (const out of [["--out", at("model.onnx")], ["--out", folder], []])
      expect(await innerloop([...call, ...out])).toBe(2);
    expect(output.said).toMatch(/the model itself[\s\S]*is a folder[\s\S]*needs --out/);
  });
});
