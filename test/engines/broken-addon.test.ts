// Native code that crashes, hangs or lies costs a line of explanation, never the process that asks for it: a TensorFlow is
// set up whose addon does all that.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runInChild, tensorFlowStacks } from "@innerloop/train";
import { afterEach, describe, expect, it, vi } from "vitest";
import { temporaryFolder } from "../support/folders.ts";

const folder = temporaryFolder("addon");

const doors = JSON.stringify(import.meta.resolve("@innerloop/train"));

/** What a module that ends, or does not, in some way does to the process that asks it. */
const asks = (name: string, code: string, seconds = 20): Promise<unknown> => {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, `import { answerParent } from ${doors};\n${code}\n`);
  return runInChild(pathToFileURL(file), ["7"], { seconds }).catch((cause: { code: string; message: string }) => cause);
};

describe("a module in a process of its own", () => {
  it("gives its result", async () => {
    expect(await asks("result", "await answerParent(async () => ({ twice: 2 * Number(process.argv[2]) }));")).toEqual({
      twice: 14,
    });
  });

  it.each([
    ["throws", "await answerParent(async () => { throw new Error('no device'); });", "child-failed", /^no device$/],
    ["aborts", "process.abort();", "child-failed", /SIGABRT|status/],
    [
      "segfaults",
      "process.kill(process.pid, 'SIGSEGV'); await new Promise(() => setInterval(() => {}, 1000));",
      "child-failed",
      /SIGSEGV/,
    ],
    [
      "exits",
      "console.error('symbol not found: TF_NewTensor'); process.exit(127);",
      "child-failed",
      /status 127 \(symbol not found: TF_NewTensor\)/,
    ],
    ["ends without a word", "", "child-failed", /status 0/],
    ["does not load", "import './no-such-file.node';", "child-failed", /no-such-file/],
  ])("%s", async (name, code, expected, words) => {
    expect(await asks(name.replaceAll(" ", "-"), code)).toMatchObject({
      code: expected,
      message: expect.stringMatching(words),
    });
  });

  it("is ended where it hangs", async () => {
    const outcome = await asks("hangs", "while (true);", 1);
    expect(outcome).toMatchObject({ code: "child-late", message: expect.stringContaining("within 1 s") });
  });

  it("has done its work even if it crashes afterwards", async () => {
    const code = "process.on('exit', () => process.abort());\nawait answerParent(async () => 1);";
    expect(await asks("late-crash", code)).toBe(1);
  });
});

/** Sets up a TensorFlow whose `register` is this code. */
function setUp(name: string, register: string): void {
  vi.stubEnv("INNERLOOP_HOME", join(folder, name));
  const stack = join(tensorFlowStacks(), "1");
  mkdirSync(stack, { recursive: true });
  writeFileSync(join(tensorFlowStacks(), "current.json"), JSON.stringify({ stacks: ["1"] }));
  const facts = { version: "9.9.9", gpu: false, what: "a broken one", needs: [], remedy: "innerloop setup tfjs-gpu" };
  writeFileSync(join(stack, "stack.json"), JSON.stringify(facts));
  writeFileSync(join(stack, "index.cjs"), `exports.register = (tf) => { ${register} };\n`);
}

describe("a TensorFlow whose addon is broken", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.resetModules();
  });

  it.each([
    ["aborts", "process.abort()", /SIGABRT|status/],
    ["segfaults", "process.kill(process.pid, 'SIGSEGV'); while (true);", /SIGSEGV/],
    ["throws", "throw new Error('libtensorflow.so.2: cannot open shared object file')", /libtensorflow\.so\.2/],
    ["registers nothing", "return { version: '9.9.9', gpu: false }", /tensorflow|start/i],
  ])("%s: the engine is absent, with the reason and what to do", async (name, code, words) => {
    setUp(name, code);
    // A process remembers what it has tried, so each case asks afresh.
    const { listEngines, openEngine } = await import("@innerloop/train");
    const [report] = await listEngines(["tfjs:tfjs-node"]);
    expect(report).toMatchObject({ available: false, version: "9.9.9", remedy: "innerloop setup tfjs-gpu" });
    expect(report!.reason).toMatch(words);
    const refused = await openEngine("tfjs:tfjs-node").catch((cause: unknown) => cause);
    expect(refused).toMatchObject({ code: "engine-unavailable", message: expect.stringMatching(words) });
    expect((await openEngine("tfjs")).engine.name).not.toBe("tfjs:tfjs-node");
  });
});
