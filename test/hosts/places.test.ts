// What the pages say of hosts beside Node and browsers: Bun, Deno, the test runners Jest and Vitest in realms of their own; and
// what an older Node is told.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { writeBundle } from "../runtime/fixture.ts";
import { life, makeApplication } from "./application.ts";
import { absent, type PlaceName, programOf } from "./places.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const cli = join(root, "cli", "bin", "innerloop.js");
let application: string;
let bundle: string;
let expected: Answer;

interface Answer {
  readonly labels: string[];
  readonly logits: number[];
  readonly own: boolean[];
}

const heads = {
  "app.mjs": 'import { readFileSync } from "node:fs";\nimport { Learner } from "@innerloop/runtime";\n',
  "app.cjs": 'const { readFileSync } = require("node:fs");\nconst { Learner } = require("@innerloop/runtime");\n',
};

beforeAll(() => {
  application = makeApplication();
  const preprocessing = { kind: "image", width: 2, height: 2, channels: 1, invert: false, mean: 0, std: 1 } as const;
  bundle = writeBundle("linear", (manifest) => Object.assign(manifest.input, { preprocessing }));
  for (const [file, head] of Object.entries(heads)) {
    const body = `async function main([bundle, file], say) {${life}}\nmain(process.argv.slice(2), console.log);\n`;
    writeFileSync(join(application, file), head + body);
  }
  expected = JSON.parse(run(process.execPath, "app.mjs"));
}, 120_000);

/** Runs one of the programs with a place's program, from a folder that has nothing installed. */
function run(program: string, file: string, ...flags: string[]): string {
  const elsewhere = mkdtempSync(join(tmpdir(), "innerloop-elsewhere-"));
  const call = [...flags, join(application, file), bundle, join(elsewhere, "mine.safetensors")];
  return execFileSync(program, call, { cwd: elsewhere, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } });
}

function same(said: string): void {
  const answer = JSON.parse(said) as Answer;
  expect({ ...answer, logits: [] }).toEqual({ ...expected, logits: [] });
  for (const [i, logit] of answer.logits.entries()) expect(logit).toBeCloseTo(expected.logits[i]!, 5);
}

it("Node answers what the others are compared with, by import and by require, from any folder", () => {
  expect(expected).toMatchObject({
    labels: ["a", "a", "b"],
    added: ["#3"],
    accuracy: 1,
    refused: "bad-input",
    picture: [1, 1, 1, 1],
    own: [true, true],
  });
  same(run(process.execPath, "app.cjs"));
});

describe.each([
  ["bun", []],
  ["deno", ["run", "-A"]],
  ["node-22", []],
  ["node-24", []],
] as [PlaceName, string[]][])("%s", (name, flags) => {
  it.skipIf(!programOf(name)).each(Object.keys(heads))(`%s answers as Node${absent(name)}`, (file) => {
    same(run(programOf(name)!, file, ...flags));
  });
});

describe("an older Node is told in one sentence", () => {
  const told = (program: string, file: string, ...flags: string[]) => {
    const { status, stderr } = spawnSync(program, [...flags, file, bundle, "none"], { encoding: "utf8" });
    expect(status).toBe(1);
    return stderr;
  };
  const doors = ["app.mjs", "app.cjs"];

  describe.each(["node-14", "node-18"] as PlaceName[])("%s", (name) => {
    it.skipIf(!programOf(name)).each(doors)(`by the runtime, %s${absent(name)}`, (file) => {
      const said = told(programOf(name)!, join(application, file));
      expect(said).toMatch(/Error: this is Node 1\d\.\S+; @innerloop\/runtime needs Node 20\.19 or newer\n/);
      expect(said).not.toContain("SyntaxError");
    });

    it.skipIf(!programOf(name))(`by the command${absent(name)}`, () => {
      expect(told(programOf(name)!, cli)).toMatch(/^innerloop needs Node 20\.19 or newer; this is Node 1\d\.\S+\.\n$/);
    });
  });

  it("whatever is there to run it", () => {
    const old = join(application, "old.cjs");
    writeFileSync(old, 'Object.defineProperty(process.versions, "node", { value: "20.18.3" });\n');
    const sentence = "this is Node 20.18.3; @innerloop/runtime needs Node 20.19 or newer";
    for (const door of doors) expect(told(process.execPath, join(application, door), "-r", old)).toContain(sentence);
    expect(told(process.execPath, cli, "-r", old)).toBe("innerloop needs Node 20.19 or newer; this is Node 20.18.3.\n");
  });
});

describe("a test runner with a realm of its own", () => {
  const test = (head: string) => `${head}
const { runInThisContext } = process.getBuiltinModule("node:vm");
test("a learner", async () => {
  expect(runInThisContext("Float32Array") === Float32Array).toBe(false);
  let said = "";
  const [bundle, file] = [process.env.BUNDLE, process.env.FILE];
  const say = (text) => (said = text);
  ${life}
  process.getBuiltinModule("node:fs").writeFileSync(process.env.SAID, said);
});
`;
  const runTests = (program: string, folder: string, ...flags: string[]) => {
    const env = {
      ...process.env,
      NODE_ENV: "test",
      BUNDLE: bundle,
      FILE: join(folder, "mine.safetensors"),
      SAID: join(folder, "said.json"),
    };
    const { status, stdout, stderr } = spawnSync(program, flags, { cwd: folder, encoding: "utf8", env });
    expect([status, status === 0 ? "" : stdout + stderr]).toEqual([0, ""]);
    same(readFileSync(env.SAID, "utf8"));
  };
  const project = (name: string) => {
    const folder = mkdtempSync(join(tmpdir(), "innerloop-runner-"));
    symlinkSync(join(application, "node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, "package.json"), `{ "name": "${name}", "private": true }`);
    return folder;
  };

  it.each(["vmThreads", "vmForks"])("Vitest's pool %s answers as Node", { timeout: 60_000 }, (pool) => {
    const folder = project("with-vitest");
    const head =
      'import { expect, test } from "vitest";\nimport { Learner } from "@innerloop/runtime";\nimport { readFileSync } from "node:fs";';
    writeFileSync(join(folder, "a.test.js"), test(head));
    const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
    runTests(process.execPath, folder, vitest, "run", "--root", folder, "--pool", pool);
  });

  it.skipIf(!programOf("jest"))(`Jest answers as Node${absent("jest")}`, { timeout: 120_000 }, () => {
    const folder = project("with-jest");
    writeFileSync(join(folder, "a.test.js"), test(heads["app.cjs"]));
    runTests(programOf("jest")!, folder, "--rootDir", folder);
    expect(existsSync(join(folder, "mine.safetensors"))).toBe(true);
  });
});
