// Numbers that lie in files beside a model: read in parts when they are asked for, beyond 2 GB too, from the model's folder alone, and
// written there once for all models that share them.
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { evaluate, input, type ModelFiles, op, readInitializers, readOnnx, Sidecar, writeOnnx } from "@innerloop/graph";
import { filesBeside } from "@innerloop/runtime/files";
import type { Tensor } from "@innerloop/schemas";
import { decodeModel, encodeModel, onnx } from "@innerloop/schemas/onnx";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { codeOf, refusalOf } from "../support/refusal.ts";

const { DataType, DataLocation } = onnx.TensorProto;

/** A model y = x · w, the numbers of w being where these entries say. */
const modelOf = (entries: Record<string, string>, dims = [2, 1], dataType: number = DataType.FLOAT): Uint8Array =>
  encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: "", version: 17 }],
    graph: {
      name: "g",
      node: [{ opType: "MatMul", input: ["x", "w"], output: ["y"] }],
      input: [{ name: "x", type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 1 }, { dimValue: 2 }] } } } }],
      output: [{ name: "y" }],
      initializer: [
        {
          name: "w",
          dims,
          dataType,
          dataLocation: DataLocation.EXTERNAL,
          externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
        },
      ],
    },
  });
const twoNumbers = new Uint8Array(Float32Array.of(3, 4).buffer);

/** Files in memory, which remember what was read. */
const memory = (files: Record<string, Uint8Array>) => {
  const reads: string[] = [];
  const beside: ModelFiles = {
    size: (path) => files[path]?.length,
    read(path, start, length) {
      reads.push(`${path} ${start}+${length}`);
      return files[path]!.subarray(start, start + length);
    },
  };
  return { beside, reads };
};

describe("a model with its numbers beside it", () => {
  const padded = new Uint8Array(64);
  padded.set(twoNumbers, 16);

  test("is read without them, and they are read where they lie when somebody asks", () => {
    const { beside, reads } = memory({ "sub/w.bin": padded });
    const bytes = modelOf({ location: "sub/w.bin", offset: "16", length: "8" });
    const model = readOnnx(bytes, "m", { files: beside });
    expect(reads).toEqual([]);
    expect([...model.initializers.w!.data]).toEqual([3, 4]);
    expect(reads).toEqual(["sub/w.bin 16+8"]);
    expect([...readInitializers(bytes, "m", beside).w!.data]).toEqual([3, 4]);
  });

  test("is read from a folder of files", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "w.bin"), padded);
    const files = filesBeside(join(folder, "m.onnx"));
    writeFileSync(join(folder, "m.onnx"), modelOf({ location: "w.bin", offset: "16" }));
    const { initializers, outputs } = readOnnx(modelOf({ location: "w.bin", offset: "16" }), "m", { files });
    const w = { shape: [2, 1], data: Array.from(initializers.w!.data, Number) };
    expect([...evaluate([outputs.y!], { x: { shape: [1, 2], data: [10, 1] }, w })[0]!.data]).toEqual([34]);
  });

  test("has them beyond 2 GB", () => {
    const folder = temporaryFolder();
    const [path, far] = [join(folder, "w.bin"), 5 * 2 ** 29];
    // A file with a hole takes no room.
    const file = openSync(path, "w");
    ftruncateSync(file, far + 8);
    writeSync(file, twoNumbers, 0, 8, far);
    closeSync(file);
    writeFileSync(join(folder, "m.onnx"), "");
    const files = filesBeside(join(folder, "m.onnx"));
    const model = readOnnx(modelOf({ location: "w.bin", offset: String(far), length: "8" }), "m", { files });
    expect([...model.initializers.w!.data]).toEqual([3, 4]);
  });

  const whole = { location: "w.bin" };
  test.each<[string, Record<string, string>, Uint8Array, RegExp]>([
    ["of no path", {}, twoNumbers, /in ""; a file in the model's folder was expected/],
    ["above the folder", { location: "../w.bin" }, twoNumbers, /nothing outside that folder/],
    ["above the folder, inside", { location: "a/../../w.bin" }, twoNumbers, /nothing outside that folder/],
    ["anywhere", { location: "/etc/passwd" }, twoNumbers, /nothing outside that folder/],
    ["of another drive", { location: "C:\\w.bin" }, twoNumbers, /nothing outside that folder/],
    ["on a share", { location: "\\\\host\\w.bin" }, twoNumbers, /nothing outside that folder/],
    ["that is not there", { location: "v.bin" }, twoNumbers, /not there; put that file beside the model/],
    ["that ends before", { ...whole, offset: "4" }, twoNumbers, /up to byte 12, but that has 8/],
    ["of another length", { ...whole, length: "16" }, new Uint8Array(16), /8 were expected/],
    ["from before its start", { ...whole, offset: "-4" }, twoNumbers, /8 were expected/],
    ["from beyond what a number holds", { ...whole, offset: "99999999999999999999" }, twoNumbers, /8 were expected/],
    ["of a length in words", { ...whole, length: "all" }, twoNumbers, /8 were expected/],
  ])("is refused with a file %s", (_, entries, bytes, message) => {
    const { beside, reads } = memory({ "w.bin": bytes, "../w.bin": bytes });
    const error = refusalOf(() => readOnnx(modelOf(entries), "m", { files: beside }));
    expect([error.code, error.message]).toEqual(["external-data", expect.stringMatching(message)]);
    expect(reads).toEqual([]);
  });

  test("is refused where its shape promises what no file has", () => {
    const { beside } = memory({ "w.bin": twoNumbers });
    for (const dims of [
      [2 ** 40, 2 ** 40],
      [-2, -1],
      [2 ** 30, 2 ** 20],
    ])
      expect(["bad-tensor", "external-data"]).toContain(
        codeOf(() => readOnnx(modelOf(whole, dims), "m", { files: beside })),
      );
  });

  test("is refused where the file was cut short since", () => {
    let bytes = twoNumbers;
    const files = {
      size: () => bytes.length,
      read: (_: string, start: number, length: number) => bytes.slice(start, start + length),
    };
    const { initializers } = readOnnx(modelOf(whole), "m", { files });
    bytes = twoNumbers.slice(0, 4);
    expect(codeOf(() => initializers.w!.data)).toBe("external-data");
  });
});

describe("links beside a model", () => {
  const folder = temporaryFolder();
  const [blobs, snapshot, outside] = ["blobs", "snapshot", "outside"].map((name) => join(folder, name));
  for (const each of [blobs!, snapshot!, outside!]) mkdirSync(each);
  writeFileSync(join(blobs!, "1"), "");
  writeFileSync(join(blobs!, "2"), twoNumbers);
  writeFileSync(join(outside!, "3"), twoNumbers);
  symlinkSync(join(blobs!, "1"), join(snapshot!, "m.onnx"));
  symlinkSync(join(blobs!, "2"), join(snapshot!, "w.bin"));
  symlinkSync(join(outside!, "3"), join(snapshot!, "v.bin"));

  test("are followed where the model is itself such a link, as a cache of downloads has it", () => {
    const files = filesBeside(join(snapshot!, "m.onnx"));
    expect([files.size("w.bin"), files.read("w.bin", 0, 8)]).toEqual([8, twoNumbers]);
  });

  test("are not followed out of the folder, and a folder is no file", () => {
    const files = filesBeside(join(snapshot!, "m.onnx"));
    expect([files.size("v.bin"), files.size("../outside/3"), files.size("."), files.size("none/at/all")]).toEqual(
      new Array(4).fill(undefined),
    );
    expect(files.read("v.bin", 0, 8)).toEqual(new Uint8Array());
    renameSync(join(snapshot!, "m.onnx"), join(outside!, "m.onnx"));
    expect(filesBeside(join(outside!, "m.onnx")).size("3")).toBe(8);
  });
});

describe("written with a file beside it", () => {
  const data = Float32Array.from({ length: 600 }, (_, i) => i / 100);
  const w: Tensor = { dtype: "float32", shape: [2, 300], data };
  const b: Tensor = { dtype: "float32", shape: [300], data: data.slice(0, 300) };
  const [x, weight, bias] = [input("x", ["n", 2]), input("w", [2, 300]), input("b", [300])];

  test("two models share what they have in common, and ONNX Runtime runs them", async () => {
    const folder = temporaryFolder();
    const sidecar = new Sidecar("weights.bin");
    const options = { initializers: { w, b }, external: sidecar.external, fixed: new Set(["w", "b"]) };
    const product = op.MatMul(x, weight);
    const [first, second] = [writeOnnx({ y: product }, options), writeOnnx({ y: op.Add(product, bias) }, options)];
    expect(first.length + second.length).toBeLessThan(1000);
    expect(sidecar.size).toBe(2432 + 1200);
    const parts = [...sidecar.parts()];
    expect(parts.reduce((total, part) => total + part.length, 0)).toBe(sidecar.size);
    writeFileSync(join(folder, "weights.bin"), Buffer.concat(parts));
    for (const [name, bytes] of Object.entries({ "a.onnx": first, "b.onnx": second })) {
      writeFileSync(join(folder, name), bytes);
      const session = await InferenceSession.create(join(folder, name));
      const { y } = await session.run({ x: new OrtTensor("float32", Float32Array.of(1, 2), [1, 2]) });
      const files = filesBeside(join(folder, name));
      const read = readOnnx(bytes, name, { files });
      const weights = Object.fromEntries(
        Object.entries(read.initializers).map(([key, { shape, data }]) => [
          key,
          { shape, data: Array.from(data, Number) },
        ]),
      );
      const [got] = evaluate([read.outputs.y!], { x: { shape: [1, 2], data: [1, 2] }, ...weights });
      (y!.data as Float32Array).forEach((number, i) => {
        expect(number).toBeCloseTo(got!.data[i]!, 4);
      });
    }
  });

  test("narrow weights lie there as narrow as the model has them, small arrays stay in the model", () => {
    const sidecar = new Sidecar("w.bin");
    const small: Tensor = { dtype: "float32", shape: [300], data: data.slice(0, 300) };
    const bytes = writeOnnx(
      { y: op.Add(op.MatMul(x, weight), bias) },
      { initializers: { w, b: small }, elements: { w: "float16", b: "float16" }, external: sidecar.external },
    );
    const stored = decodeModel(bytes, "m").graph!.initializer!;
    expect(stored.map(({ dataLocation, rawData }) => [dataLocation, rawData!.length])).toEqual([
      [DataLocation.EXTERNAL, 0],
      [DataLocation.DEFAULT, 600],
    ]);
    expect(sidecar.size).toBe(1200);
  });

  test("only in the folder of the models", () => {
    for (const path of ["", "../w.bin", "/w.bin", "a//b", "c:w"])
      expect(codeOf(() => new Sidecar(path))).toBe("bad-argument");
  });
});
