// `innerloop adaptable` from a file to answers: an .onnx file, a folder of pictures, and no line of code.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop, writeImages } from "../support/innerloop.ts";
import { readRecorded } from "../support/recorded.ts";

const folder = temporaryFolder();
const { models } = readRecorded<{ models: Record<string, string> }>("export/recorded/adaptable.json");
const run = (...args: string[]) => innerloop(args, { cwd: folder });

beforeAll(async () => {
  for (const [name, file] of [
    ["pictures", "pictures.onnx"],
    ["texts", "texts.onnx"],
  ] as const)
    writeFileSync(join(folder, file), Buffer.from(models[name]!, "base64"));
  await writeImages(join(folder, "drawings"), 2, 3);
});

describe("innerloop adaptable", () => {
  it.each([
    ["any number of classes", []],
    ["a fresh classifier and biases", ["--head", "ways:2", "--train", "bias,/norm/"]],
    ["what a budget keeps", ["--train", "all", "--recompute", "1"]],
    ["what a machine keeps", ["--train", "all", "--recompute", "auto"]],
    [
      "factors",
      [
        "--recompute",
        "--train",
        "lora:2",
        "--lora-on",
        "/conv2/",
        "--optimizer",
        "adamw",
        "--clip",
        "1",
        "--batch",
        "4",
      ],
    ],
    [
      "a loss of the embedding",
      ["--loss", "triplet", "--loss-settings", "margin=2", "--train", "all", "--rate", "/norm/=0,/./=0.001"],
    ],
  ])("leads from a model to answers about pictures: %s", async (_, options) => {
    const made = await run(
      "adaptable",
      "pictures.onnx",
      ...options,
      "--mean",
      "0.5",
      "--std",
      "0.25",
      "--out",
      "bundle",
    );
    expect(made.stderr).toContain("a picture of 12×12 pixels and 3 channels");
    expect(made.stdout).toContain("weights.bin");
    const adapted = await run("adapt", "bundle", "--support", "drawings", "--out", "mine.safetensors", "--json");
    expect(JSON.parse(adapted.stdout)).toMatchObject({ labels: ["symbol-0", "symbol-1"], examples: 6 });
    const said = await run("predict", "bundle", "--params", "mine.safetensors", "drawings/symbol-0/0.png", "--json");
    expect([made.status, adapted.status, said.status]).toEqual([0, 0, 0]);
    const shown = await run("inspect", "bundle");
    expect(shown.stdout).toContain("weights.bin");
    const merged = await run("merge", "bundle", "--params", "mine.safetensors", "--out", "mine.onnx", "--json");
    expect(JSON.parse(merged.stdout)).toMatchObject({ out: "mine.onnx", labels: ["symbol-0", "symbol-1"] });
    expect((await run("inspect", "mine.onnx")).stdout).toContain("query_x");
  });

  it.each([
    [["adaptable", "pictures.onnx"], "--out"],
    [["adaptable", "nothing.onnx", "--out", "refused"], "does not exist"],
    [["adaptable", "texts.onnx", "--out", "refused"], "--size sequence=64"],
    [["adaptable", "pictures.onnx", "--size", "n", "--out", "refused"], "height=224"],
    [["adaptable", "pictures.onnx", "--mean", "half", "--out", "refused"], "numbers with commas"],
    [["merge", "refused", "--params", "nothing.safetensors", "--out", "refused.onnx"], "a bundle"],
    [["adaptable", "pictures.onnx", "--alpha", "8", "--out", "refused"], "--train lora:8"],
    [["adaptable", "pictures.onnx", "--recompute", "lots", "--out", "refused"], "a number of MiB above 0"],
    [["adaptable", "pictures.onnx", "--recompute=-1", "--out", "refused"], "a number of MiB above 0"],
    [
      ["adaptable", "pictures.onnx", "--train", "all", "--recompute", "0.001", "--out", "refused"],
      "MiB in any case, with 8 of whatever has an open size",
    ],
    [["adaptable", "pictures.onnx", "--momentum", "0.5", "--out", "refused"], "--optimizer momentum"],
    [["adaptable", "pictures.onnx", "--rate", "conv=1,/x/=1", "--out", "refused"], "a pattern was expected"],
    [["adaptable", "pictures.onnx", "--loss", "missing.onnx", "--out", "refused"], "does not exist"],
    [["adaptable", "pictures.onnx", "--labels", "a,b", "--out", "refused"], "--head keep"],
    [["adaptable", "pictures.onnx", "--head", "keep", "--labels", "a,b", "--out", "refused"], "10 outputs"],
  ])("%s is a wrong call", async (call, says) => {
    const { status, stderr } = await run(...call);
    expect(stderr).toContain(says);
    expect(status).toBe(2);
    expect(existsSync(join(folder, "refused"))).toBe(false);
  });

  it("tells of a file that is cut short", async () => {
    const whole = readFileSync(join(folder, "pictures.onnx"));
    writeFileSync(join(folder, "cut.onnx"), whole.subarray(0, whole.length / 2));
    const { status, stderr } = await run("adaptable", "cut.onnx", "--out", "refused");
    expect(stderr).toContain("cut short");
    expect(status).toBe(1);
    expect(existsSync(join(folder, "refused"))).toBe(false);
  });
});
