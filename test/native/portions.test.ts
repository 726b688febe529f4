// Runs that take less memory: rows that are computed some at a time, and numbers that are given where they lie.

import { type Kernels, NativeModel } from "@innerloop/native";
import type { Tensor } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { testKernels } from "./kernels.ts";
import { type GraphOf, modelOf, numbers, usual } from "./models.ts";
import { plainKernels } from "./words.ts";

/** What rows share is taken for the last time long before the end, where others could lie in its place. */
const layers: GraphOf = {
  inputs: { x: ["float32", "rows", 8], w: ["float32", 8, 32], v: ["float32", 32, 3] },
  outputs: ["y", "positive"],
  initializers: { zero: { dtype: "float32", shape: [], data: Float32Array.of(0) } },
  nodes: [
    ["Tanh", ["w"], ["t"]],
    ["MatMul", ["x", "t"], ["h"]],
    ["Relu", ["h"], ["r"]],
    ["Tanh", ["v"], ["u"]],
    ["MatMul", ["r", "u"], ["s"]],
    ["Tanh", ["s"], ["y"]],
    ["Greater", ["y", "zero"], ["positive"]],
  ],
};

/** Kernels that count runs. */
function counting(kernels: Kernels) {
  const counted = { runs: 0 };
  const run: Kernels["run"] = (code, memory, offset, threads) => {
    if (code.length > 0) counted.runs++;
    return kernels.run(code, memory, offset, threads);
  };
  return { kernels: { ...kernels, run }, counted };
}

const feedsOf = (rows: number, seed = 1): Record<string, Tensor> => ({
  x: numbers([rows, 8], seed),
  w: numbers([8, 32], seed + 1),
  v: numbers([32, 3], seed + 2),
});

describe.each(["plain", "C"])("rows that are apart, on %s kernels", (which) => {
  const { kernels, counted } = counting(which === "C" ? testKernels() : plainKernels);

  it("give what they give together and on ONNX Runtime, in portions of any number", async () => {
    const bytes = modelOf(layers);
    const model = new NativeModel(bytes, kernels, { apart: "x" });
    // 2,048 rows of 8 numbers are taken at a time.
    for (const [rows, portions] of [
      [2048, 1],
      [2050, 2],
      // Three times 683, where two would compute one row twice; no number of portions is as good for the last.
      [2049, 3],
      [6151, 4],
    ] as const)
      for (const seed of rows === 2049 ? [1, 7] : [1]) {
        const feeds = feedsOf(rows, seed);
        const before = counted.runs;
        const given = model.run(feeds)!;
        expect(counted.runs - before).toBe(portions);
        const expected = await usual(bytes, feeds);
        for (const name of ["y", "positive"]) {
          expect(given[name]).toMatchObject({ dtype: expected[name]!.dtype, shape: expected[name]!.shape });
          const [mine, theirs] = [given[name]!, expected[name]!].map(({ data }) => data as Float32Array);
          let apart = 0;
          for (const [i, number] of mine!.entries()) apart = Math.max(apart, Math.abs(number - theirs![i]!));
          expect(apart).toBeLessThan(1e-5);
        }
      }
  });

  it("are taken together where they give no rows, or share more than is held near by", () => {
    const sums: GraphOf = {
      inputs: { x: ["float32", "rows", 8] },
      outputs: ["sums"],
      initializers: { first: { dtype: "int64", shape: [1], data: BigInt64Array.of(0n) } },
      nodes: [["ReduceSum", ["x", "first"], ["sums"], { keepdims: 1 }]],
    };
    const x = numbers([4096, 8]);
    const model = new NativeModel(modelOf(sums), kernels, { apart: "x" });
    expect(model.run({ x })).toEqual(new NativeModel(modelOf(sums), kernels).run({ x }));
    const wide: GraphOf = {
      inputs: { x: ["float32", "rows", 8], w: ["float32", 8, 2 ** 15 + 1] },
      outputs: ["y"],
      nodes: [["MatMul", ["x", "w"], ["y"]]],
    };
    const idle = counting({ ...kernels, run: () => 0 });
    const fed = { x: numbers([2050, 8]), w: numbers([8, 2 ** 15 + 1]) };
    new NativeModel(modelOf(wide), idle.kernels, { apart: "x" }).run(fed);
    expect(idle.counted.runs).toBe(1);
  });

  it("are as many as threads take at once", () => {
    const model = new NativeModel(modelOf(layers), kernels, { apart: "x", threads: 2 });
    const before = counted.runs;
    const y = model.run(feedsOf(4096));
    expect(counted.runs - before).toBe(1);
    expect(y).toEqual(new NativeModel(modelOf(layers), kernels, { apart: "x" }).run(feedsOf(4096)));
  });
});

describe.each(["plain", "C"])("numbers that are lent, on %s kernels", (which) => {
  const kernels = which === "C" ? testKernels() : plainKernels;

  it("are those of a run, until the next one", () => {
    const model = new NativeModel(modelOf(layers), kernels);
    const [feeds, others] = [feedsOf(40), feedsOf(40, 5)];
    const [mine, next] = [model.run(feeds)!, model.run(others)!];
    const lent = model.run(feeds, ["y", "positive"], true)!;
    expect(lent).toEqual(mine);
    model.run(others, ["y", "positive"], true);
    expect(lent.y).toEqual(next.y);
    expect(mine).not.toEqual(next);
    expect(lent.positive).toEqual(mine.positive);
  });
});
