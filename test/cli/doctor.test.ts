// `innerloop doctor` as its users and their programs see it: what is found, what to do about the rest, and how fast it is.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { engineNames } from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop } from "../support/innerloop.ts";
import type { Findings } from "./doctor-findings.ts";

const cwd = temporaryFolder();

describe("doctor", () => {
  it("tells which engines and providers work, why others do not, and which auto takes", async () => {
    const { status, stdout } = await innerloop(["doctor", "--no-measure", "--json"], { cwd });
    expect(status).toBe(0);
    const { auto, autoProvider, engines, providers } = JSON.parse(stdout) as Findings;
    expect(engines.map((it) => it.name)).toEqual(engineNames);
    expect(providers.map((it) => it.name)).toEqual(["cuda", "webgpu", "cpu", "dml", "coreml"]);
    expect(engines.filter((it) => it.auto)).toEqual([expect.objectContaining({ name: auto, available: true })]);
    expect(providers.filter((it) => it.auto)).toEqual([
      expect.objectContaining({ name: autoProvider, available: true }),
    ]);
    for (const it of [...engines, ...providers]) {
      expect(it.available ? it.version : it.reason).toMatch(/\w/);
      expect(it).not.toHaveProperty("iterationsPerSecond");
    }
    const text = await innerloop(["doctor", "--no-measure"], { cwd });
    expect(text.stdout).toContain(`auto takes ${auto}`);
    for (const name of engineNames) expect(text.stdout).toContain(name);
    // One screen: no line is cut off, and few are needed.
    const lines = text.stdout.trimEnd().split("\n");
    expect(lines.length).toBeLessThan(40);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(110);
  });

  it("survives an addon that takes its process down", async () => {
    const stack = join(cwd, "home", "stacks", "tensorflow", "1");
    mkdirSync(stack, { recursive: true });
    writeFileSync(join(stack, "..", "current.json"), JSON.stringify({ stacks: ["1"] }));
    const facts = { version: "9.9.9", gpu: false, what: "a broken one", needs: [], remedy: "innerloop setup tfjs-gpu" };
    writeFileSync(join(stack, "stack.json"), JSON.stringify(facts));
    writeFileSync(join(stack, "index.cjs"), "exports.register = () => process.abort();\n");
    const env = { INNERLOOP_HOME: join(cwd, "home") };
    const { status, stdout } = await innerloop(["doctor", "--no-measure"], { cwd, env });
    expect(status).toBe(0);
    expect(stdout).toMatch(/– tfjs:tfjs-node +9\.9\.9 +its process ended/);
    expect(stdout).toContain("→ innerloop setup tfjs-gpu");
  });
});
