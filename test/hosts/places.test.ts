// What the pages say of hosts beside Node and browsers: Bun, Deno, React Native, worker threads, the test runners Jest and Vitest
// in realms of their own; and what an older Node is told.
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { writeBundle } from "../runtime/fixture.ts";
import { describeUnless, itUnless } from "../support/absent.ts";
import { temporaryFolder } from "../support/folders.ts";
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
});

/** Runs one of the programs with a place's program, from a folder that has nothing installed. */
function run(program: string, file: string, ...flags: string[]): string {
  const elsewhere = temporaryFolder("elsewhere");
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

for (const [name, flags] of [
  ["bun", []],
  ["deno", ["run", "-A"]],
  ["node-22", []],
  ["node-24", []],
] as [PlaceName, string[]][])
  describeUnless(absent(name), name, () => {
    it.each(Object.keys(heads))("%s answers as Node", (file) => {
      same(run(programOf(name)!, file, ...flags));
    });
  });

it("React Native answers as Node, from a URL and from bytes, with decoded pictures and without files", async () => {
  // Its package of ONNX Runtime needs a telephone; what stands in for it has the same interface.
  const place = join(application, "node_modules", "onnxruntime-react-native");
  mkdirSync(place);
  writeFileSync(join(place, "package.json"), '{ "type": "module", "main": "index.js" }');
  writeFileSync(
    join(place, "index.js"),
    'import ort from "onnxruntime-node";\nexport const { InferenceSession, Tensor, env, listSupportedBackends } = ort;\n',
  );
  const server = createServer(({ url }, response) => {
    response.end(readFileSync(join(bundle, url!.split("/").at(-1)!)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/bundle/`;
  writeFileSync(
    join(application, "native.mjs"),
    `import { readFileSync } from "node:fs";
import { Learner } from "@innerloop/runtime";
const [bundle, url] = process.argv.slice(2);
const words = ({ code, message }) => code + " " + message;
const names = ["manifest.json", "adapt.onnx", "predict.onnx"];
const answers = [];
for (const source of [url, { files: Object.fromEntries(names.map((name) => [name, readFileSync(bundle + "/" + name)])) }]) {
  const learner = await Learner.load(source);
  const mine = await learner.adapt([{ label: "a", data: [1, 2, 3, 4] }, { label: "b", data: [-1, 1, 0, 2] }]);
  const again = await learner.restore(await mine.toBytes());
  answers.push({
    provider: learner.provider.name,
    logits: (await again.predict([-1, 1, 0, 2])).logits,
    picture: Array.from(await learner.example({ data: new Uint8Array(4).fill(255), width: 2, height: 2 })),
    encoded: await learner.example(Uint8Array.of(1, 2, 3)).catch(words),
    saved: await mine.save("mine.safetensors").catch(words),
  });
  await learner.dispose();
}
console.log(JSON.stringify(answers));
`,
  );
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--conditions=react-native",
    join(application, "native.mjs"),
    bundle,
    url,
  ]);
  server.close();
  const answers = JSON.parse(stdout);
  expect(answers.length).toBe(2);
  for (const answer of answers) {
    expect(answer).toEqual({
      provider: "cpu",
      logits: expected.logits.map((logit) => expect.closeTo(logit, 5)),
      picture: [1, 1, 1, 1],
      encoded: expect.stringMatching(/^bad-input .*a decoded picture, { data, width, height }/),
      saved: expect.stringMatching(/^write-failed .*there are no files here; keep the bytes that toBytes\(\) gives$/),
    });
  }
});

it("a worker thread that disposed of its learner can be terminated, and another takes its place", {
  timeout: 60_000,
}, () => {
  writeFileSync(
    join(application, "threads.mjs"),
    `import { readFileSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { Learner } from "@innerloop/runtime";
if (isMainThread) {
  const [bundle] = process.argv.slice(2);
  for (let i = 0; i < 5; i++) {
    const worker = new Worker(new URL(import.meta.url), { workerData: bundle });
    const said = await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    console.log(said);
    await worker.terminate();
  }
} else {
  const learner = await Learner.load(workerData);
  const mine = await learner.adapt([{ label: "a", data: [1, 2, 3, 4] }, { label: "b", data: [-1, 1, 0, 2] }]);
  const answers = Array.from({ length: 20 }, () => mine.predict([1, 2, 3, 4]));
  await learner.dispose();
  parentPort.postMessage((await Promise.all(answers)).map(({ label }) => label).join(""));
  setInterval(() => {}, 1000);
}
`,
  );
  const said = execFileSync(process.execPath, [join(application, "threads.mjs"), bundle], { encoding: "utf8" });
  expect(said).toBe(`${"a".repeat(20)}\n`.repeat(5));
});

describe("an older Node is told in one sentence", () => {
  const told = (program: string, file: string, ...flags: string[]) => {
    const { status, stderr } = spawnSync(program, [...flags, file, bundle, "none"], { encoding: "utf8" });
    expect(status).toBe(1);
    return stderr;
  };
  const doors = ["app.mjs", "app.cjs"];

  for (const name of ["node-14", "node-18"] as PlaceName[])
    describeUnless(absent(name), name, () => {
      it.each(doors)("by the runtime, %s", (file) => {
        const said = told(programOf(name)!, join(application, file));
        expect(said).toMatch(/Error: this is Node 1\d\.\S+; @innerloop\/runtime needs Node 20\.19, 22\.12 or newer\n/);
        expect(said).not.toContain("SyntaxError");
      });

      it("by the command", () => {
        expect(told(programOf(name)!, cli)).toMatch(
          /^innerloop needs Node 20\.19, 22\.12 or newer; this is Node 1\d\.\S+\.\n$/,
        );
      });
    });

  it("whatever is there to run it", () => {
    const old = join(application, "old.cjs");
    writeFileSync(old, 'Object.defineProperty(process.versions, "node", { value: "20.18.3" });\n');
    const sentence = "this is Node 20.18.3; @innerloop/runtime needs Node 20.19, 22.12 or newer";
    for (const door of doors) expect(told(process.execPath, join(application, door), "-r", old)).toContain(sentence);
    expect(told(process.execPath, cli, "-r", old)).toBe(
      "innerloop needs Node 20.19, 22.12 or newer; this is Node 20.18.3.\n",
    );
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
    const folder = temporaryFolder("runner");
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

  itUnless(absent("jest"), "Jest answers as Node", { timeout: 120_000 }, () => {
    const folder = project("with-jest");
    writeFileSync(join(folder, "a.test.js"), test(heads["app.cjs"]));
    runTests(programOf("jest")!, folder, "--rootDir", folder);
    expect(existsSync(join(folder, "mine.safetensors"))).toBe(true);
  });
});
