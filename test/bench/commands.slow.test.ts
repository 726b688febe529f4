// The benchmark's commands as a caller sees them: what they say and their exit status, never how long anything took.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { input, op, writeOnnx } from "@innerloop/graph";
import { kernelsHere } from "@innerloop/native";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { repository } from "../support/root.ts";
import { bench } from "./program.ts";

const folder = temporaryFolder("bench");

/** What ours computes on here, a row each. */
const engines = kernelsHere() ? ["onnxruntime", "native"] : ["onnxruntime"];

const quick = ["--workloads", "adapt-mlp", "--threads", "1", "--runs", "2"];

test("a peer that is not installed is a gap, with what to do, and no failure", async () => {
  const { status, stdout } = await bench("peers", ...quick, "--peers", "eager,jax", "--no-memory");
  expect(stdout).toMatch(/adapt-mlp .* eager .* missing: .*pip install torch/);
  expect(stdout).toMatch(/adapt-mlp .* jax .* missing: .*pip install jax/);
  expect(status).toBe(0);
});

test("peers in JavaScript compute the same as ours; memory and goals are in the JSON", async () => {
  const args = ["--workloads", "adapt-mlp,meta-mlp", "--threads", "1", "--runs", "2"];
  const { status, stdout } = await bench("peers", ...args, "--peers", "eager,tfjs,jax-js", "--json");
  const { rows } = JSON.parse(stdout);
  const told = rows.map(({ workload, ours }: { workload: string; ours: { engine: string } }) => [
    workload,
    ours.engine,
  ]);
  expect(told).toEqual(["adapt-mlp", "meta-mlp"].flatMap((name) => engines.map((engine) => [name, engine])));
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
  const all = ["adapt-conv4", "meta-conv4", "train-preset", "evaluate-conv4", "first-conv4"];
  const args = ["--workloads", all.join(), "--threads", "1", "--runs", "1", "--small", "--no-memory", "--json"];
  const { status, stdout } = await bench("peers", ...args, "--peers", "none");
  const { rows } = JSON.parse(stdout);
  expect(rows.map(({ workload }: { workload: string }) => workload)).toEqual(
    all.flatMap((name) => engines.map(() => name)),
  );
  for (const { ours } of rows) expect(ours.milliseconds).toBeGreaterThan(0);
  expect(status).toBe(0);
});

test("learning trains and measures ours where the peer is missing", async () => {
  const args = ["--data", "glyphs", "--minutes", "0.05", "--episodes", "5", "--preset", "glyphs-5way-1shot", "--json"];
  const { status, stdout } = await bench("learning", ...args);
  const { rows, missing } = JSON.parse(stdout);
  expect(missing).toContain("no-such-python");
  expect(rows).toMatchObject([{ minutes: 0.05 }]);
  expect(rows[0].ours.mean).toBeGreaterThan(0.2);
  expect(rows[0].theirs).toBeUndefined();
  expect(status).toBe(0);
});

test.skipIf(!existsSync(join(repository, ".git")))(
  "check builds an earlier commit, for the engine that is asked for, finds its results equal, and fails on what is slower than allowed",
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
      "--engine",
      engines.at(-1)!,
      "--json",
    );
    const { against, engine, rows } = JSON.parse(stdout);
    expect(against).toMatch(/^[0-9a-f]{40}$/);
    expect(engine).toBe(engines.at(-1));
    expect(rows).toMatchObject([{ workload: "adapt-mlp", verdict: "slower", summary: { pairs: 2 } }]);
    expect(rows[0].difference).toBeLessThan(1e-4);
    expect(status).toBe(1);
  },
  600_000,
);

test("profile says where the time of a workload goes, in a table, stacks and a picture", async () => {
  const out = join(folder, "profile");
  const { status, stdout } = await bench("profile", "meta-conv4", "--small", "--runs", "3", "--out", out, "--json");
  const { operators, lines, milliseconds, gflops, products, matMul } = JSON.parse(stdout);
  const sum = (rows: { milliseconds: number }[]) => rows.reduce((total, row) => total + row.milliseconds, 0);
  expect(sum(operators)).toBeCloseTo(milliseconds, 6);
  expect(sum(lines)).toBeCloseTo(milliseconds, 6);
  expect(lines.map(({ name }: { name: string }) => name)).toContain("conv2");
  expect(lines.some(({ derivatives }: { derivatives: number }) => derivatives > 0)).toBe(true);
  // What ran is the graph's arithmetic, but for what a form adds or saves.
  expect(products / gflops).toBeGreaterThan(0.5);
  expect(products / gflops).toBeLessThan(2);
  expect(matMul.large).toBeGreaterThan(0);
  expect(readFileSync(join(out, "profile.svg"), "utf8")).toContain("<title>conv2");
  expect(readFileSync(join(out, "profile.folded"), "utf8")).toMatch(/^meta-conv4;step1;conv1;\w+ \d+$/m);
  expect(status).toBe(0);
});

test.skipIf(!kernelsHere())(
  "profile times the instructions of native kernels, each for its line of the model",
  async () => {
    const out = join(folder, "profile-native");
    const args = ["--engine", "native", "--small", "--runs", "3", "--out", out, "--json"];
    const { status, stdout } = await bench("profile", "adapt-conv4", ...args);
    const { engine, operators, lines, milliseconds, gflops, products, matMul, share } = JSON.parse(stdout);
    expect(engine).toBe("native");
    const sum = (rows: { milliseconds: number }[]) => rows.reduce((total, row) => total + row.milliseconds, 0);
    expect(sum(operators)).toBeCloseTo(milliseconds, 6);
    expect(sum(lines)).toBeCloseTo(milliseconds, 6);
    const names = lines.map(({ name }: { name: string }) => name);
    for (const layer of ["conv1", "conv2", "conv3", "conv4", "head"]) expect(names).toContain(layer);
    // Products are those of the graph, whatever they have become: five steps of them.
    expect(operators.find(({ name }: { name: string }) => name.startsWith("product")).gflops).toBeGreaterThan(0);
    expect(products / gflops).toBeGreaterThan(0.4);
    expect(products / gflops).toBeLessThan(2);
    expect(share).toBeCloseTo((gflops / JSON.parse(stdout).whole / matMul.shapes) * 1000, 9);
    expect(readFileSync(join(out, "profile.svg"), "utf8")).toContain("<title>conv2");
    expect(readFileSync(join(out, "profile.folded"), "utf8")).toMatch(/^adapt-conv4;.*conv2;.*product.* \d+$/m);
    expect(status).toBe(0);
  },
);

test.skipIf(!kernelsHere())("passes of native plans are timed, with the instructions that they save", async () => {
  const { status, stdout } = await bench(
    "passes",
    "--engine",
    "native",
    "--graphs",
    "adapt-mlp",
    "--runs",
    "1",
    "--json",
  );
  const { engine, effects } = JSON.parse(stdout);
  expect(engine).toBe("native");
  const all = effects.find(({ pass }: { pass: string }) => pass === "all");
  expect(all.nodes[1]).toBeLessThan(all.nodes[0]);
  expect(effects.length).toBeGreaterThan(2);
  for (const { ratio } of effects) expect(ratio).toBeGreaterThan(0);
  expect(status).toBe(0);
});

test("a file is profiled as it is, with sizes that are given", async () => {
  const file = join(folder, "dense.onnx");
  const x = input("x", ["rows", 7]);
  writeFileSync(file, writeOnnx({ y: op.MatMul(x, input("w", [7, 3])) }));
  const { stdout } = await bench("profile", file, "--size", "rows=50", "--runs", "2", "--json");
  const { gflops, products } = JSON.parse(stdout);
  expect(gflops).toBeCloseTo((2 * 50 * 7 * 3) / 1e9, 12);
  expect(products).toBeCloseTo(gflops, 12);
});

test.each(engines)("scale gives an exponent for each size, on %s", async (on) => {
  const { status, stdout } = await bench(
    ...["scale", "--engine", on, "--axes", "steps,filters", "--small", "--runs", "1", "--json"],
  );
  const { engine, rows } = JSON.parse(stdout);
  expect(engine).toBe(on);
  expect(rows.map(({ axis }: { axis: string }) => axis)).toEqual(["steps", "filters"]);
  for (const { exponent, points } of rows) {
    expect(Number.isFinite(exponent)).toBe(true);
    expect(points).toHaveLength(2);
  }
  expect(status).toBe(0);
});

test.each([
  [["engines", "--engines", "abacus"], 2, "tfjs:wasm"],
  [["check"], 2, "against"],
  [["check", "--against", "no-such-commit"], 2, "no commit"],
  [["peers", "--peers", "abacus"], 2, "learn2learn"],
  [["peers", "--workloads", "adapt-vit"], 2, "adapt-conv4"],
  [["profile", "adapt-mlp", "--engine", "abacus"], 2, "native"],
  [["peers", "--threads", "0"], 2, "whole numbers from 1"],
  [["peers", "--runs", "0"], 2, "whole number from 1"],
  [["peers", "--thread", "1"], 2, "thread"],
  [[], 2, "peers, profile, scale, learning, check"],
] as const)("%j ends in one message", async (args, wanted, words) => {
  const { status, stdout, stderr } = await bench(...args);
  expect(stdout).toBe("");
  expect(stderr).toContain(words);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(status).toBe(wanted);
});
