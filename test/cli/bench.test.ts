// `innerloop bench`: what it measures is there and makes sense; how much it is, no test says.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildBundle } from "@innerloop/export";
import type { Learner } from "@innerloop/graph";
import { conv4, maml, mlp, prototypeLearner } from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { randomWeights } from "../export/learners.ts";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop } from "../support/innerloop.ts";

function folderWith(learner: Learner): string {
  const cwd = temporaryFolder();
  const { manifest, files } = buildBundle(learner, randomWeights(learner), { shots: 1 });
  mkdirSync(join(cwd, "bundle"));
  for (const [file, bytes] of Object.entries(files)) writeFileSync(join(cwd, "bundle", file), bytes);
  writeFileSync(join(cwd, "bundle", "manifest.json"), JSON.stringify(manifest));
  return cwd;
}

const learners = {
  "a head of fixed ways": () => maml(conv4([12, 12, 1], 3, { filters: 4 }), { innerRate: 0.01 }),
  prototypes: () => prototypeLearner(conv4([12, 12, 1], 5, { filters: 4 })),
  "a regression": () => maml(mlp([2], 1, { hidden: [4] }), { task: "regression", innerRate: 0.01 }),
};
const quick = ["--provider", "cpu", "--starts", "2", "--runs", "5"];

describe("innerloop bench", () => {
  it.each(Object.entries(learners))("measures %s", async (_, make) => {
    const { status, stdout } = await innerloop(["bench", "bundle", ...quick, "--json"], { cwd: folderWith(make()) });
    expect(status).toBe(0);
    const times = JSON.parse(stdout);
    expect(Object.keys(times)).toEqual(["provider", "coldStart", "adapt", "predict"]);
    expect(times.provider).toBe("cpu");
    for (const { median, p99 } of [times.coldStart, times.adapt, times.predict]) {
      expect(median).toBeGreaterThan(0);
      expect(p99).toBeGreaterThanOrEqual(median);
    }
    // A process that starts, loads, adapts and predicts takes longer than adapting and predicting once more.
    expect(times.coldStart.median).toBeGreaterThan(times.adapt.median + times.predict.median);
  });

  it("shows a table, and a list for all providers", async () => {
    const cwd = folderWith(learners.prototypes());
    const table = await innerloop(["bench", "bundle", ...quick], { cwd });
    expect(table.stdout).toMatch(/cpu +median +99 of 100 within\n.*first answer +\d+ ms/);
    const all = await innerloop(["bench", "bundle", "--provider", "all", "--starts", "1", "--runs", "1", "--json"], {
      cwd,
    });
    expect(JSON.parse(all.stdout).map(({ provider }: { provider: string }) => provider)).toContain("cpu");
  });

  it("says what is wrong with a bundle, a provider and a number", async () => {
    const cwd = temporaryFolder();
    const missing = await innerloop(["bench", "nowhere"], { cwd });
    expect([missing.status, missing.stdout]).toEqual([2, ""]);
    expect(missing.stderr).toContain(
      "nowhere does not exist; a bundle, the folder that innerloop export writes, was expected",
    );
    const provider = await innerloop(["bench", "nowhere", "--provider", "gpu"], { cwd });
    expect([provider.status, provider.stderr]).toEqual([2, expect.stringContaining('--provider is "gpu"')]);
    const runs = await innerloop(["bench", "nowhere", "--runs", "0"], { cwd });
    expect([runs.status, runs.stderr]).toEqual([2, expect.stringContaining("a whole number from 1 was expected")]);
  });
});
