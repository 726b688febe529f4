// The same mistake has the same exit status in every command: 2 where what the call names is not there or is something else,
// 1 where it is there and damaged or cannot be read.
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defaultBundle } from "@innerloop/demo";
import { innerloop } from "innerloop";
import { beforeAll, describe, expect, it } from "vitest";
import { filesIn, temporaryFolder } from "../support/folders.ts";
import { heardOutput } from "../support/output.ts";

const folder = temporaryFolder();
const at = (...parts: string[]) => join(folder, ...parts);

const output = heardOutput();

/** The places that a call may name by mistake. */
const places = ["nothing", "a-folder", "a-file", "a-bundle", "a-run", "bad-json", "newer", "bad-run", "loop"] as const;
type Place = (typeof places)[number];

beforeAll(() => {
  mkdirSync(at("a-folder"));
  writeFileSync(at("a-folder", "notes.txt"), "hello");
  writeFileSync(at("a-file"), "hello");
  for (const name of ["a-bundle", "bad-json", "newer"]) cpSync(defaultBundle, at(name), { recursive: true });
  const manifest = JSON.parse(readFileSync(at("newer", "manifest.json"), "utf8"));
  writeFileSync(at("newer", "manifest.json"), JSON.stringify({ ...manifest, version: 99 }));
  writeFileSync(at("bad-json", "manifest.json"), "{");
  for (const name of ["a-run", "bad-run"]) mkdirSync(at(name));
  writeFileSync(at("a-run", "checkpoint.safetensors"), "not looked at");
  writeFileSync(at("bad-run", "checkpoint.safetensors"), "cut");
  // Root reads what no one else may; nobody follows a link to itself.
  symlinkSync("loop", at("loop"));
});

const calls: Record<string, (path: string) => readonly string[]> = {
  eval: (path) => ["eval", path],
  bench: (path) => ["bench", path],
  adapt: (path) => ["adapt", path, "--support", at("a-folder"), "--out", at("mine.safetensors")],
  predict: (path) => ["predict", path, at("a-folder", "notes.txt")],
  demo: (path) => ["demo", path, "--build", at("site")],
};

const wrong: readonly Place[] = ["nothing", "a-folder", "a-file"];
const damaged: readonly Place[] = ["bad-json", "newer", "loop"];
const cases = Object.entries(calls).flatMap(([command, call]) => [
  ...[...wrong, "a-run" as const].map((place) => ({ command, place, status: 2, args: call(at(place)) })),
  ...damaged.map((place) => ({ command, place, status: 1, args: call(at(place)) })),
]);
const others = [
  ...[...wrong, "a-bundle" as const].map((place) => ({ command: "export", place, status: 2 })),
  ...(["bad-run", "loop"] as const).map((place) => ({ command: "export", place, status: 1 })),
  ...wrong.map((place) => ({ command: "inspect", place, status: 2 })),
  ...(["bad-json", "newer", "bad-run", "loop"] as const).map((place) => ({ command: "inspect", place, status: 1 })),
].map((it) => ({ ...it, args: [it.command, at(it.place)] }));

describe("what a call names", () => {
  it.each([...cases, ...others])("$command of $place: status $status", async ({ args, status, place }) => {
    const before = filesIn(folder);
    expect(await innerloop(args)).toBe(status);
    expect(output.said.match(/error:/g)).toHaveLength(1);
    expect(output.said).toContain(at(place));
    expect(output.said).not.toContain("unexpected");
    expect(filesIn(folder)).toEqual(before);
  });

  it("tells the way from a run to its bundle", async () => {
    await innerloop(["eval", at("a-run")]);
    expect(output.said).toMatch(/is a run; a bundle, .* was expected; make one of it: (npx )?innerloop export/);
    cpSync(at("a-bundle"), at("a-run", "bundle"), { recursive: true });
    await innerloop(["eval", at("a-run")]);
    expect(output.said).toContain(`its bundle is ${at("a-run", "bundle")}`);
  });

  it("may be the address of a file, too", async () => {
    expect(await innerloop(["inspect", `file://${at("a-bundle")}`])).toBe(0);
    expect(await innerloop(["predict", `file://${at("a-bundle")}`, at("a-file"), "--params", at("nothing")])).toBe(2);
    expect(output.said).toMatch(/nothing does not exist; a file that (npx )?innerloop adapt wrote/);
  });
});

describe("the words of a call", () => {
  const commands = [
    "quickstart",
    "train",
    "export",
    "eval",
    "adapt",
    "predict",
    "demo",
    "inspect",
    "bench",
    "setup",
    "tune-machine",
    "doctor",
  ];
  const needsArgument = commands.filter(
    (name) => !["quickstart", "train", "demo", "tune-machine", "doctor"].includes(name),
  );
  const many = "predict";

  it.each(commands)("%s: wrong words have status 2", async (command) => {
    const wrongWords: [readonly string[], RegExp][] = [
      [["--nonsense"], /has no option --nonsense/],
      [["-z"], /has no option -z/],
      [["--no-nonsense"], /has no option --no-nonsense/],
      [["--json=perhaps"], /--json|has no option/],
      [["--help=x", "--nonsense"], /has no option/],
      ...(needsArgument.includes(command)
        ? [
            [[], /needs /] as [string[], RegExp],
            [command === many ? ["", "x"] : [""], /is empty/] as [string[], RegExp],
          ]
        : []),
      ...(command === many ? [] : [[["one", "two", "three"], /one argument too many/] as [string[], RegExp]]),
    ];
    for (const [words, message] of wrongWords) {
      output.said = "";
      expect({ words, status: await innerloop([command, ...words]), said: output.said }).toMatchObject({
        status: 2,
        said: expect.stringMatching(message),
      });
      expect(output.said.match(/error:/g)).toHaveLength(1);
    }
  });

  it("says of an option that it has no value, or more than one", async () => {
    expect(await innerloop(["eval", at("a-bundle"), "--ways"])).toBe(2);
    expect(output.said).toMatch(/--ways has no value/);
    output.said = "";
    expect(await innerloop(["eval", at("a-bundle"), "--ways", "--shots", "1"])).toBe(2);
    expect(output.said).toMatch(/--ways has no value/);
    output.said = "";
    expect(await innerloop(["eval", at("a-bundle"), "--json", "--no-json"])).toBe(2);
    expect(output.said).toMatch(/--json is given more than once/);
    output.said = "";
    expect(await innerloop(["eval", at("a-bundle"), "--ways", "3", "--ways", "4"])).toBe(2);
    expect(output.said).toMatch(/--ways is given more than once; give it once/);
  });

  it("takes what follows -- as it is", async () => {
    expect(await innerloop(["inspect", "--", "--json"])).toBe(2);
    expect(output.said).toMatch(/--json does not exist; check the path/);
    output.said = "";
    expect(await innerloop(["inspect", "--", "-h", "--help"])).toBe(2);
    expect(output.said).toMatch(/"--help" is one argument too many/);
  });

  it("cuts what is too long, and suggests nothing for it", async () => {
    const long = "quickstart".repeat(100_000);
    for (const args of [
      [long],
      ["train", long],
      ["train", `--${long}`],
      ["eval", "x", "--split", long],
      ["eval", "x", "--ways", long],
      ["inspect", long],
    ]) {
      output.said = "";
      expect(await innerloop(args)).toBe(2);
      expect(output.said.length).toBeLessThan(2000);
    }
  });
});
