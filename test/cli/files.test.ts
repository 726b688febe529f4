// Files of any kind from a folder to answers: a model that reads bytes becomes a bundle, which looks at both ends of a file.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { input, op, writeOnnx } from "@innerloop/graph";
import { innerloop } from "innerloop";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { randomNumbers } from "../support/numbers.ts";
import { heardOutput } from "../support/output.ts";

const folder = temporaryFolder();
const at = (...parts: string[]) => join(folder, ...parts);
const write = (file: string, content: string | Uint8Array) => {
  mkdirSync(dirname(at(file)), { recursive: true });
  writeFileSync(at(file), content);
};
const output = heardOutput();

/** What tells the kinds apart stands at the end of a file alone, before blanks. */
const kinds: Record<string, string> = { tables: ";1;2;3;4", markup: "</p></a>" };
const content = (kind: string, i: number) => `${"\n".repeat(i)}report number ${i} of many words${kinds[kind]} \n\n`;

beforeAll(() => {
  const bytes = input("bytes", ["batch", 24], "int32");
  const table = input("table", [257, 16]);
  const numbers = randomNumbers(3);
  const data = Float32Array.from({ length: 257 * 16 }, () => numbers());
  const embedding = op.ReduceMean(op.Gather(table, bytes, 0), { axes: [1], keepdims: false });
  write(
    "encoder.onnx",
    writeOnnx(
      { embedding },
      { inputs: [bytes], initializers: { table: { dtype: "float32", shape: [257, 16], data } } },
    ),
  );
  // Endings say nothing, and a table is a file as any other.
  const endings = ["json", "bin", "csv"];
  for (const kind of Object.keys(kinds))
    for (const [i, ending] of endings.entries()) write(`support/${kind}/${i}.${ending}`, content(kind, i));
  write("new.csv", content("tables", 7));
  write("new", content("markup", 9));
});

const adaptable = (...more: string[]) =>
  innerloop(["adaptable", at("encoder.onnx"), "--padding", "256", "--out", at("bundle"), ...more]);

describe("files of any kind", () => {
  it("are adapted to by their bytes, and told apart", { timeout: 60_000 }, async () => {
    expect(await adaptable("--kind", "bytes", "--last", "8", "--trim", "64"), output.said).toBe(0);
    expect(output.said).toMatch(/an example is the first 16 and the last 8 bytes of a file, without blanks around/);
    const { input: takes } = JSON.parse(readFileSync(at("bundle", "manifest.json"), "utf8"));
    expect(takes.preprocessing).toEqual({ kind: "bytes", first: 16, last: 8, padding: 256, trim: 64 });
    const support = ["adapt", at("bundle"), "--support", at("support"), "--out", at("mine.safetensors")];
    expect(await innerloop(support), output.said).toBe(0);
    output.said = "";
    const asked = ["predict", at("bundle"), "--params", at("mine.safetensors"), at("new.csv"), at("new")];
    expect(await innerloop(asked), output.said).toBe(0);
    expect([...output.said.matchAll(/tables|markup/g)].map(([word]) => word)).toEqual(["tables", "markup"]);
  });

  it("are refused sizes that do not fit, and options without effect", async () => {
    expect(await adaptable("--kind", "bytes", "--last", "25")).toBe(2);
    expect(await adaptable("--last", "8")).toBe(2);
    expect(output.said).toMatch(/0 to 24 bytes[\s\S]*--last and --trim are of files as bytes; give --kind bytes/);
  });
});
