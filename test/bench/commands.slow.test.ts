// The benchmark's commands as a caller sees them: what they say and their exit status, never how long anything took.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repository } from "../support/root.ts";
import { bench } from "./program.ts";

const quick = ["--workloads", "adapt-mlp", "--threads", "1", "--runs", "2"];

test("a peer that is not installed is a gap, with what to do, and no failure", async () => {
  const { status, stdout } = await bench("peers", ...quick, "--peers", "eager,jax", "--no-memory");
  expect(stdout).toMatch(/adapt-mlp .* eager .* missing: .*pip install torch/);
  expect(stdout).toMatch(/adapt-mlp .* jax .* missing: .*pip install jax/);
  expect(status).toBe(0);
});

test("peers in JavaScript compute the same as ours; memory and goals are in the JSON", async () => {
  const workloads = ["--workloads", "adapt-mlp,meta-mlp"];
  const { status, stdout } = await bench("peers", ...quick, ...workloads, "--peers", "eager,tfjs,jax-js", "--json");
  const { rows } = JSON.parse(stdout);
  expect(rows).toHaveLength(2);
  for (const row of rows) {
    const [eager, ...others] = row.peers;
    expect(eager).toMatchObject({ peer: "eager", state: "missing", reason: expect.stringContaining("no-such-python") });
    for (const peer of others) {
      expect(peer).toMatchObject({ state: "timed", summary: { pairs: 2 } });
      expect(peer.difference).toBeLessThan(1e-4);
    }
    expect(row.comparisons).toMatchObject([{ against: "eager" }, { against: "compiled" }]);
    expect(row.memory.ours).toBeGreaterThan(20);
  }
  expect(status).toBe(0);
});

test("every kind of workload runs", async () => {
  const all = "adapt-conv4,meta-conv4,train-preset,evaluate-conv4,first-conv4";
  const args = ["--workloads", all, "--threads", "1", "--runs", "1", "--small", "--no-memory", "--json"];
  const { status, stdout } = await bench("peers", ...args, "--peers", "none");
  const { rows } = JSON.parse(stdout);
  expect(rows.map(({ workload }: { workload: string }) => workload).join()).toBe(all);
  for (const { ours } of rows) expect(ours.milliseconds).toBeGreaterThan(0);
  expect(status).toBe(0);
});

test.skipIf(!existsSync(join(repository, ".git")))(
  "check builds an earlier commit, finds its results equal, and fails on what is slower than allowed",
  async () => {
    const { status, stdout } = await bench(
      "check",
      ...quick,
      "--against",
      "HEAD",
      "--starts",
      "1",
      "--noise",
      "-0.99",
      "--json",
    );
    const { against, rows } = JSON.parse(stdout);
    expect(against).toMatch(/^[0-9a-f]{40}$/);
    expect(rows).toMatchObject([{ workload: "adapt-mlp", verdict: "slower", summary: { pairs: 2 } }]);
    expect(rows[0].difference).toBeLessThan(1e-4);
    expect(status).toBe(1);
  },
);

test.each([
  [["engines", "--engines", "abacus"], 2, "tfjs:wasm"],
  [["check"], 2, "against"],
  [["check", "--against", "no-such-commit"], 2, "no commit"],
  [["peers", "--peers", "abacus"], 2, "learn2learn"],
  [["peers", "--workloads", "adapt-vit"], 2, "adapt-conv4"],
  [["peers", "--threads", "0"], 2, "whole numbers from 1"],
  [["peers", "--runs", "0"], 2, "whole number from 1"],
  [["peers", "--thread", "1"], 2, "thread"],
  [[], 2, "peers, check, engines"],
] as const)("%j ends in one message", async (args, wanted, words) => {
  const { status, stdout, stderr } = await bench(...args);
  expect(stdout).toBe("");
  expect(stderr).toContain(words);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(status).toBe(wanted);
});
