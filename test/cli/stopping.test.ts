// Runs that stop: by Ctrl-C, by a full disk, by divergence. What was saved stays, and a run goes on as if never stopped.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readCheckpoint } from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { filesIn, temporaryFolder } from "../support/folders.ts";
import { innerloop } from "../support/innerloop.ts";

const cwd = temporaryFolder();
const path = (...parts: string[]) => join(cwd, ...parts);
const words = (text: string, more = {}) => innerloop(text.split(" "), { cwd, ...more });

const wave = "train sinusoid-10shot --meta-batch 4 --validate-every 200 --validate-episodes 4 --workers 0";

describe("Ctrl-C", () => {
  it("stops an evaluation", async () => {
    await words(`${wave} --iterations 5 --out small`);
    await words("export small --out bundle");
    const outcome = await words("eval bundle --episodes 100000000", {
      onStderr(process: { kill(signal: string): void }, stderr: string) {
        if (/evaluating/.test(stderr) && !stderr.includes("Stopping")) process.kill("SIGINT");
      },
    });
    expect(outcome).toMatchObject({ status: 130, stdout: "" });
    expect(outcome.stderr).toMatch(/Stopped after \d+ of 100000000 episodes; nothing is reported/);
  });
});

describe("a full disk", () => {
  it("leaves the earlier checkpoint, and says so", async () => {
    await words(`${wave} --iterations 5 --out full`);
    const file = path("full", "checkpoint.safetensors");
    const before = readFileSync(file);
    const outcome = await words("train --resume --out full --iterations 8", { blocks: 4 });
    expect(outcome.status).toBe(1);
    expect(outcome.stderr).toMatch(
      /checkpoint.safetensors could not be written: .*What was there before is unchanged/s,
    );
    expect(filesIn(path("full"))).toEqual([file]);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it("leaves nothing of a new run, and no bundle", async () => {
    mkdirSync(path("source"));
    copyFileSync(path("full", "checkpoint.safetensors"), path("source", "checkpoint.safetensors"));
    const before = filesIn(cwd);
    const run = await words(`${wave} --iterations 5 --out new`, { blocks: 4 });
    const bundle = await words("export source", { blocks: 4 });
    expect([run.status, bundle.status]).toEqual([1, 1]);
    expect(bundle.stderr).toMatch(/the bundle was not written/);
    expect(filesIn(cwd)).toEqual(before);
  });
});

it("a place that cannot be written to is found out before the training", async () => {
  writeFileSync(path("a-file"), "");
  const before = filesIn(cwd);
  const started = performance.now();
  const { status, stderr } = await words("train sinusoid-10shot --minutes 10 --out a-file/run");
  expect(status).toBe(1);
  expect(stderr).toMatch(/could not be written/);
  expect(performance.now() - started).toBeLessThan(10_000);
  expect(filesIn(cwd)).toEqual(before);
});

it("a run that diverges stops, keeps its last good weights, and advises", async () => {
  const { status, stderr } = await words(`${wave} --iterations 50 --rate 1e15 --no-clip --warmup 0 --out wild`);
  expect(status).toBe(1);
  expect(stderr).toMatch(/diverged at step \d+: the loss is .*Lower the outer rate.*last good weights are in wild/s);
  expect(existsSync(path("wild", "checkpoint.safetensors"))).toBe(true);
  const { tensors } = await readCheckpoint(path("wild"));
  for (const { data } of Object.values(tensors))
    for (const value of data) expect(Number.isFinite(Number(value))).toBe(true);
});
