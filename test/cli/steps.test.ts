// What `innerloop adapt` says of its steps, in the words that a person gets: what they brought, what was taken back, what
// was chosen, and that one example a label tells nothing.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildBundle } from "@innerloop/export";
import type { LoopKind } from "@innerloop/graph";
import { maml, mlp } from "@innerloop/train";
import { innerloop as command } from "innerloop";
import { afterEach, describe, expect, it, vi } from "vitest";
import { randomWeights } from "../export/learners.ts";
import { temporaryFolder } from "../support/folders.ts";

const cwd = temporaryFolder();
afterEach(() => vi.restoreAllMocks());

function bundleWith(loop: LoopKind): string {
  const folder = join(cwd, loop);
  const learner = maml(mlp([4], 2, { hidden: [8] }), { innerRate: 0.1, steps: 5, loop });
  const { manifest, files } = buildBundle(learner, randomWeights(learner));
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
  return folder;
}

async function adapt(loop: LoopKind, table: string, ...options: string[]) {
  const [file, out] = [join(cwd, "table.csv"), join(cwd, "mine.safetensors")];
  writeFileSync(file, table);
  let [stdout, stderr] = ["", ""];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    stdout += text;
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    stderr += text;
    return true;
  });
  const call = ["adapt", bundleWith(loop), "--support", file, "--out", out, "--provider", "cpu", ...options];
  return { status: await command(call), said: stdout.replaceAll(/\s+/g, " "), stdout, stderr };
}

const two = "a,b,c,d,label\n3,0,1,0,one\n0,3,0,1,two\n";
const many = `a,b,c,d,label\n${[0, 1, 2, 3].map((i) => `3,${i / 4},1,0,one\n${i / 4},3,0,1,two\n`).join("")}`;

describe("innerloop adapt says", () => {
  it("what the steps brought", async () => {
    const { status, said } = await adapt("guarded", two);
    expect(status).toBe(0);
    expect(said).toMatch(/loss on the examples: [\d.]+ before, [\d.]+ after 5 steps/);
    expect(said).not.toMatch(/taken back/);
  });

  it("that steps were taken back", async () => {
    const { said } = await adapt("guarded", two, "--rate", "1000", "--steps", "12");
    expect(said).toMatch(/\d+ of 12 steps made it higher and were taken back; what is kept is of step \d+/);
    const { said: none } = await adapt("guarded", two, "--rate", "1000", "--steps", "1");
    expect(none).toMatch(/every step made it higher and was taken back: it answers as it did before the steps/);
  });

  it("that a plain loop made it worse", async () => {
    const { status, said } = await adapt("plain", two, "--rate", "300", "--steps", "1");
    expect(status).toBe(0);
    expect(said).toMatch(/the steps made it worse, which this bundle's plain loop does not prevent: take fewer steps/);
  });

  it("which steps were chosen, and whether they help with new examples", async () => {
    const { said } = await adapt("guarded", many, "--steps", "auto", "--check");
    expect(said).toMatch(/steps chosen: of 5 ways, tried on 8 examples that were held out in turn/);
    expect(said).toMatch(/check: on 8 examples that were held out in turn, the loss is/);
    const { said: one } = await adapt("guarded", two, "--steps", "auto", "--check");
    expect(one).toMatch(/steps chosen: too few examples to choose by/);
    expect(one).toMatch(/check: cannot tell whether adapting helps/);
  });

  it("all of it as JSON", async () => {
    const { stdout } = await adapt("guarded", two, "--rate", "1000", "--steps", "6", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      steps: 6,
      kept: expect.any(Number),
      refused: expect.any(Number),
      supportLoss: expect.any(Array),
    });
  });

  it.each([["1001"], ["-1"], ["many"], ["1.5"]])("that --steps %s is none", async (steps) => {
    const { status, stderr } = await adapt("guarded", two, `--steps=${steps}`);
    expect(status).toBe(2);
    expect(stderr.replaceAll(/\s+/g, " ")).toMatch(/--steps is ".*"; a whole number from 0 to 1000 was expected/);
  });
});
