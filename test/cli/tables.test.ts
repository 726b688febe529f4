// Tables of examples in the dialects and encodings that people have them in; what is not understood is refused with its line.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { decodeSafetensors } from "@innerloop/schemas";
import { encode } from "fast-png";
import { innerloop as command } from "innerloop";
import { afterEach, describe, expect, it, vi } from "vitest";
import { writeBundle } from "../runtime/fixture.ts";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop } from "../support/innerloop.ts";

const cwd = temporaryFolder();
// Takes 4 numbers and tells labels apart.
const bundle = writeBundle("linear");
let made = 0;

afterEach(() => vi.restoreAllMocks());

/** The labels of the examples in a saved adaptation to a table, or how `adapt` refuses it; in this process, which is quicker. */
async function adapted(content: string | Uint8Array, ending = "csv") {
  const table = join(cwd, `table-${made++}.${ending}`);
  writeFileSync(table, content);
  const out = `${table}.safetensors`;
  let stderr = "";
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    stderr += text;
    return true;
  });
  const status = await command(["adapt", bundle, "--support", table, "--out", out, "--provider", "cpu"]);
  if (status !== 0) return { status, stderr };
  const { metadata } = decodeSafetensors(readFileSync(out), out);
  return { status, examples: (JSON.parse(metadata.examples!) as [string, string][]).map(([, label]) => label) };
}

const plain = "a,b,c,d,label\n1,2,3,4,one\n-1,1,0,2,two\n";
const bytes = (text: string, encoding: "utf16le" | "latin1", mark: readonly number[] = []): Uint8Array =>
  Buffer.concat([Uint8Array.from(mark), Buffer.from(text, encoding)]);

describe("CSV is read", () => {
  it.each([
    ["with commas", plain],
    ["with semicolons", plain.replaceAll(",", ";")],
    ["with tabs", plain.replaceAll(",", "\t")],
    ["with bars", plain.replaceAll(",", "|")],
    ["with a delimiter that its first line names", `sep=|\n${plain.replaceAll(",", "|")}`],
    ["with the line ends of Windows", plain.replaceAll("\n", "\r\n")],
    ["with empty lines and spaces", plain.replaceAll("\n", "\n\n").replaceAll(",", " , ")],
    ["with a byte order mark", `\ufeff${plain}`],
    ["as UTF-16", bytes(plain, "utf16le", [0xff, 0xfe])],
    ["as UTF-16 of the other order", Buffer.from(bytes(plain, "utf16le", [0xff, 0xfe])).swap16()],
  ])("%s", async (_, content) => {
    expect(await adapted(content)).toEqual({ status: 0, examples: ["one", "two"] });
  });

  it("with quotes, and delimiters, quotes and line ends within them", async () => {
    const quoted = '"a","b",c,d,"label"\n1,"2",3,4,"one, or ""1"""\n-1,1,0,2,"two\nlines"\n';
    expect(await adapted(quoted)).toEqual({ status: 0, examples: ['one, or "1"', "two\nlines"] });
    expect(await adapted('a;b;c;d;label\n1;2;3;4;"x;y"\n-1;1;0;2;z, too\n')).toEqual({
      status: 0,
      examples: ["x;y", "z, too"],
    });
  });

  it("with labels that Unicode spells in two ways as one", async () => {
    const twice = `${plain}1,2,3,3,caf\u00e9\n1,2,2,3,cafe\u0301\n`;
    expect(await adapted(twice)).toEqual({ status: 0, examples: ["one", "two", "caf\u00e9", "caf\u00e9"] });
  });
});

describe("a table is refused", () => {
  it.each([
    ["in Latin-1", bytes(plain.replace("one", "größe"), "latin1"), /is not UTF-8: line 2 reads ".*größe" as Latin-1/],
    ["as UTF-16 without its mark", bytes(plain, "utf16le"), /zero bytes, as .* UTF-16 without a byte order mark/],
    [
      "with decimal commas",
      plain.replaceAll(",", ";").replace("-1;1", "-1;1,5"),
      /line 3: "b" is "1,5", a decimal comma/,
    ],
    ["with decimal commas between commas", `${plain}1,5,2,3,4,one\n`, /:3 has 6 fields and the first line 5 \(line 4,/],
    ["with a ragged row", `a,b,c,d,label\n\n"1",2,3,4,"o\nne"\n1,2,3\n`, /:2 has 3 fields .*\(line 5,/],
    [
      "with an empty field",
      `${plain}1,,3,4,one\n`,
      /:3 has no finite number in its column 2 \(line 4: "b" is "", empty\)/,
    ],
    ["with a number in another base", plain.replace("2,3", "0x2,3"), /line 2: "b" is "0x2"/],
    ["with a number too large", plain.replace("2,3", "1e39,3"), /line 2: "b" is "1e39"/],
    ["with a quote that does not end", `${plain}1,2,3,4,"one\n`, /line \d+: Quote Not Closed/],
    ["with a quote within a field", `${plain}1,2,3,4,5" pipe\n`, /line 4: Invalid Opening Quote/],
    [
      "with labels under another name",
      plain.replace("label", "Label"),
      /"Label" is "one"; the column .* is called "label"/,
    ],
    ["with two labels", `label,${plain}`, /two columns "label"/],
    ["that is a pointer of Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", /git lfs pull/],
    ["that is a web page", "<!doctype html><html></html>", /it is a web page/],
  ])("%s", async (_, content, words) => {
    expect(await adapted(content as string)).toEqual({ status: 2, stderr: expect.stringMatching(words) });
  });

  const json = (...numbers: unknown[]): string =>
    JSON.stringify([
      { x: numbers, label: "one" },
      { x: [1, 2, 3, 5], label: "two" },
    ]);
  it.each([
    ["null", json(1, 2, null, 4), /:1 has no finite number in its column 3 \(number 3 of "x" is null\)/],
    ["a text", json(1, 2, 3, ""), /number 4 of "x" is ""/],
    ["a truth value", json(1, true, 3, 4), /number 2 of "x" is true/],
    ["an object", json(1, 2, {}, 4), /number 3 of "x" is \{\}/],
    ["a date", json(1, 2, new Date(0), 4), /number 3 of "x" is "1970/],
    ["NaN that JSON made null", json(1, Number.NaN, 3, 4), /number 2 of "x" is null/],
    ["NaN", '[{"x": [1, NaN, 2, 3], "label": "a"}]', /JSON has neither NaN nor Infinity/],
    ["a number too large", '[{"x": [1, 1e39, 2, 3], "label": "a"}]', /number 2 of "x" is 1e\+39/],
    ["a label that is none", '[{"x": [1, 2, 2, 3], "label": null}]', /:1 has the label null; a text was expected/],
    ["lists without end", `[{"x": ${"[".repeat(1e5)}${"]".repeat(1e5)}}]`, /is no JSON \(more than 64 lists/],
  ])("in JSON, with %s", async (_, content, words) => {
    expect(await adapted(content, "json")).toEqual({ status: 2, stderr: expect.stringMatching(words) });
  });

  it("JSON with a byte order mark, or as UTF-16, is read", async () => {
    const text = json(1, 2, 3, 4);
    for (const content of [`\ufeff${text}`, bytes(text, "utf16le", [0xff, 0xfe])])
      expect(await adapted(content, "json")).toEqual({ status: 0, examples: ["one", "two"] });
  });
});

it("a folder of pictures is told of what was left out", async () => {
  const preprocessing = { kind: "image", width: 2, height: 2, channels: 1, invert: false, mean: 0, std: 1 } as const;
  const pictures = writeBundle("linear", (manifest) => Object.assign(manifest.input, { preprocessing }));
  const place = join(cwd, "pictures");
  for (const [i, name] of ["a/1.png", "b/1.png", "c/1.heic", "cover.png"].entries()) {
    mkdirSync(dirname(join(place, name)), { recursive: true });
    const pixels = Uint8Array.of(0, 40 * i, 160, 255);
    writeFileSync(join(place, name), encode({ width: 2, height: 2, data: pixels, channels: 1, depth: 8 }));
  }
  const out = join(cwd, "pictures.safetensors");
  const { status, stderr } = await innerloop(["adapt", pictures, "--support", place, "--out", out], { cwd });
  expect(status, stderr).toBe(0);
  expect(stderr).toMatch(/note No class, since they hold no image that is read: c \(1 \.heic\)\./);
  expect(stderr).toMatch(/note Images beside the folders of classes are left out: .*cover\.png\./);
  const answered = await innerloop(["predict", pictures, "--params", out, "--json", place], { cwd });
  const answers = JSON.parse(answered.stdout) as { input: string }[];
  expect(answers.map(({ input }) => input)).toEqual(["cover.png", "a/1.png", "b/1.png"].map((it) => join(place, it)));
});

describe("arguments", () => {
  it("after -- are no options, and the text of a file: URL is a path, of each of them", async () => {
    const place = join(cwd, "names");
    mkdirSync(place);
    writeFileSync(join(place, "--help.csv"), plain.replaceAll(/,(label|one|two)/g, ""));
    writeFileSync(join(place, "--json"), "");
    const support = join(place, "support.csv");
    writeFileSync(support, plain);
    const url = (path: string): string => pathToFileURL(path).href;
    const params = join(place, "mine.safetensors");
    const adapt = ["adapt", url(bundle), "--support", url(support), "--out", url(params)];
    expect(await innerloop(adapt, { cwd: place })).toMatchObject({ status: 0 });
    const call = ["predict", "--params", url(params), "--json", "--", url(bundle), "--help.csv"];
    const { status, stdout } = await innerloop(call, { cwd: place });
    expect(status).toBe(0);
    const answers = JSON.parse(stdout) as { input: string; label: string }[];
    expect(answers.map(({ input, label }) => [input, label])).toEqual([
      ["--help.csv:1", "one"],
      ["--help.csv:2", "two"],
    ]);
    const { stderr } = await innerloop(["inspect", "--", "--json"], { cwd: place });
    expect(stderr).toMatch(/--json is neither a bundle/);
    const one = await innerloop(["inspect", url(bundle), "--json"], { cwd: place });
    expect(one.status).toBe(0);
    const none = await innerloop(["inspect", "file://elsewhere/bundle"], { cwd: place });
    expect(none).toMatchObject({ status: 2, stderr: expect.stringMatching(/names no file of this machine/) });
  });
});
