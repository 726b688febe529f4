// Texts from files to answers: an encoder with its tokenizer becomes a bundle, which takes folders of .txt and tables of texts.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { input, op, writeOnnx } from "@innerloop/graph";
import { innerloop } from "innerloop";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { randomNumbers, uniformNumbers } from "../support/numbers.ts";
import { heardOutput } from "../support/output.ts";
import { readRecorded } from "../support/recorded.ts";

const folder = temporaryFolder();
const at = (...parts: string[]) => join(folder, ...parts);
const write = (file: string, text: string | Uint8Array) => {
  mkdirSync(dirname(at(file)), { recursive: true });
  writeFileSync(at(file), text);
};

const output = heardOutput();

const [{ tokenizer }] = readRecorded<{ tokenizer: string }[]>("runtime/recorded/texts.json") as [{ tokenizer: string }];

const examples: Record<string, string[]> = {
  printing: ["The printer does not print.", "Printing on the second floor does not work", "print the print again"],
  passwords: ["My password has expired", "I cannot log in, my password was reset", "passwords expired again"],
};

beforeAll(() => {
  // An encoder as sentences have: a vector for each token, and their mean.
  const vocabulary = Object.keys(JSON.parse(tokenizer).model.vocab).length;
  const ids = input("input_ids", ["batch", "sequence"], "int64");
  const table = input("embeddings", [vocabulary, 24]);
  const numbers = randomNumbers(3);
  const data = Float32Array.from({ length: vocabulary * 24 }, () => numbers());
  const embedding = op.ReduceMean(op.Gather(table, ids, 0), { axes: [1], keepdims: false });
  write(
    "encoder.onnx",
    writeOnnx(
      { embedding },
      { inputs: [ids], initializers: { embeddings: { dtype: "float32", shape: [vocabulary, 24], data } } },
    ),
  );
  write("tokenizer.json", tokenizer);
  write("not-a-tokenizer.json", "{}");
  for (const [label, texts] of Object.entries(examples))
    for (const [i, text] of texts.entries()) write(`support/${label}/${i}.txt`, text);
  const rows = Object.entries(examples).flatMap(([label, texts]) => texts.map((text) => `"${text}",${label}`));
  write("support.csv", ["text,label", ...rows].join("\n"));
  write("new.txt", "the printer does not print, print it again");
  write("new.csv", "sentence\nthe printer does not print\nmy password has expired and I cannot log in\n");
});

const adaptable = (...more: string[]) =>
  innerloop(["adaptable", at("encoder.onnx"), "--size", "sequence=16", "--out", at("bundle"), ...more]);

describe("texts", () => {
  it("are adapted to from a folder or a table, and told apart", { timeout: 60_000 }, async () => {
    expect(await adaptable("--tokenizer", at("tokenizer.json")), output.said).toBe(0);
    expect(output.said).toMatch(/an example is a text of 16 tokens at most/);
    for (const support of ["support", "support.csv"]) {
      expect(
        await innerloop(["adapt", at("bundle"), "--support", at(support), "--out", at("mine.safetensors")]),
        output.said,
      ).toBe(0);
      output.said = "";
      const call = ["predict", at("bundle"), "--params", at("mine.safetensors"), at("new.csv"), at("new.txt")];
      expect(await innerloop(call), output.said).toBe(0);
      expect([...output.said.matchAll(/printing|passwords/g)].map(([word]) => word)).toEqual([
        "printing",
        "passwords",
        "printing",
      ]);
    }
    output.said = "";
    expect(await innerloop(["inspect", at("bundle")])).toBe(0);
    expect(output.said).toMatch(/from texts: texts of 16 tokens at most/);
  });

  it("are trained on through a frozen encoder, and the bundle takes texts", { timeout: 120_000 }, async () => {
    // Classes are words of the vocabulary, and a text one of them among others.
    const words = "printer print password expired log reset floor second work again".split(" ");
    const next = uniformNumbers(5);
    const rows = words.flatMap((word, of) =>
      Array.from({ length: 12 }, () => {
        const others = Array.from({ length: 3 }, () => words[Math.floor(next() * words.length)]!);
        return `"${[word, ...others, word].join(" ")}",class ${of}`;
      }),
    );
    write("many.csv", ["text,label", ...rows].join("\n"));
    const spec = `texts:${at("many.csv")}`;
    const more = [
      "--tokenizer",
      at("tokenizer.json"),
      "--data",
      spec,
      "--minutes",
      "0.05",
      "--ways",
      "2",
      "--shots",
      "2",
    ];
    expect(await adaptable(...more), output.said).toBe(0);
    expect(output.said).toMatch(/iterations on 24 features of each example; accuracy \d+\.\d % on held-back classes/);
    output.said = "";
    expect(await innerloop(["eval", at("bundle"), "--episodes", "20", "--json"]), output.said).toBe(0);
    const { accuracy, data } = JSON.parse(output.said.slice(output.said.indexOf("{"))) as {
      accuracy: { mean: number };
      data: string;
    };
    expect(data).toBe(spec);
    expect(accuracy.mean).toBeGreaterThan(0.6);
    output.said = "";
    const support = ["adapt", at("bundle"), "--support", at("support"), "--out", at("mine.safetensors")];
    expect(await innerloop(support), output.said).toBe(0);
    const call = ["predict", at("bundle"), "--params", at("mine.safetensors"), at("new.csv")];
    expect(await innerloop(call), output.said).toBe(0);
    expect(await innerloop(["data", spec, "--from", at("bundle")]), output.said).toBe(0);
    expect(output.said).toMatch(/10 classes, 120 texts[\s\S]*texts of 16 tokens at most/);
    output.said = "";
    expect(await innerloop(["data", spec])).toBe(2);
    expect(output.said).toMatch(/--tokenizer tokenizer\.json --data texts:FILE/);
    expect(await adaptable(...more, "--head", "means")).toBe(2);
    expect(output.said).toMatch(/--head has no effect here: with --data the encoder stays as it is/);
    expect(await adaptable("--ways", "3")).toBe(2);
  });

  it("need a tokenizer that is one, of a model that takes tokens", async () => {
    expect(await adaptable("--tokenizer", at("not-a-tokenizer.json"))).toBe(2);
    expect(await adaptable("--tokenizer", at("none.json"))).toBe(2);
    expect(output.said).toMatch(
      /is no tokenizer\.json[\s\S]*none\.json does not exist; a tokenizer\.json was expected/,
    );
  });
});
