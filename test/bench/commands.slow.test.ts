// The benchmark's commands as a caller sees them: what they say and their exit status, never how long anything took.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { bench } from "./program.ts";

const folder = temporaryFolder("bench");

const pin = (name: string, ratio: number): string => {
  const path = join(folder, name);
  const machine = { processor: "another", cores: 1, node: "v20" };
  writeFileSync(path, JSON.stringify({ machine, pinned: [{ workload: "adapt-mlp", threads: 1, ratio, noise: 0.1 }] }));
  return path;
};

const quick = ["--workloads", "adapt-mlp", "--threads", "1", "--runs", "2"];

test("a peer that is not installed is a gap, with what to do, and no failure", async () => {
  const { status, stdout } = await bench("peers", ...quick, "--no-memory");
  expect(stdout).toContain("PyTorch is missing");
  expect(stdout).toContain("pip install torch");
  expect(status).toBe(0);
});

test("the gap as JSON", async () => {
  const { stdout } = await bench("peers", ...quick, "--no-memory", "--json");
  const { peer, missing, rows } = JSON.parse(stdout);
  expect(peer).toEqual({ name: "PyTorch", version: null });
  expect(missing).toContain("no-such-python");
  expect(rows).toMatchObject([{ workload: "adapt-mlp", threads: 1, state: "missing" }]);
});

test("check fails on a ratio that got worse, and names the workload", async () => {
  const { status, stdout } = await bench("check", ...quick, "--reference", pin("fast.json", 1e-6));
  expect(stdout).toMatch(/adapt-mlp.*worse/);
  expect(stdout).toContain("Pinned on another processor (another)");
  expect(status).toBe(1);
});

test("check passes on a ratio that got better", async () => {
  const { status, stdout } = await bench("check", ...quick, "--reference", pin("slow.json", 1e6));
  expect(stdout).toMatch(/adapt-mlp.*better/);
  expect(status).toBe(0);
});

test("check --update pins what it measured, with the machine", async () => {
  const path = join(folder, "new.json");
  const { status } = await bench("check", ...quick, "--reference", path, "--update");
  expect(status).toBe(0);
  const { machine, pinned } = JSON.parse(readFileSync(path, "utf8"));
  expect(machine).toMatchObject({ node: process.version });
  expect(pinned).toMatchObject([{ workload: "adapt-mlp", threads: 1 }]);
});

test.each([
  [["engines", "--engines", "abacus"], 2, "tfjs:wasm"],
  [["check", "--reference", join(folder, "none.json")], 1, "check --update"],
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
