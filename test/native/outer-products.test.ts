// Products of columns and rows are written row by row: the same numbers as sums of one term.
import { layoutOf, Program, planFor, readGraph } from "@innerloop/native/plan";
import { expect, it } from "vitest";
import { testKernels } from "./kernels.ts";
import { type GraphOf, modelOf } from "./models.ts";
import { dice } from "./random-steps.ts";

const kernels = testKernels();
const [m, n] = [7, 64];
const random = dice(3);
const tensor = (...shape: number[]) => {
  const data = Float32Array.from({ length: shape.reduce((p, size) => p * size, 1) }, () => random() - 0.5);
  return { dtype: "float32" as const, shape, data };
};

function ran(graph: GraphOf, fed: Readonly<Record<string, ReturnType<typeof tensor>>>) {
  const plan = planFor(readGraph(modelOf(graph)), fed, kernels);
  const result = new Program(layoutOf(plan), kernels).run(kernels, fed)!;
  return { y: result.y!.data, kinds: plan.steps.map(({ kind }) => kind) };
}

it("of one matrix, scaled and added to something", () => {
  const fed = { a: tensor(1, m), b: tensor(n, 1), c: tensor(n) };
  const { y, kinds } = ran(
    {
      inputs: { a: ["float32", 1, m], b: ["float32", n, 1], c: ["float32", n] },
      outputs: ["y"],
      nodes: [["Gemm", ["a", "b", "c"], ["y"], { transA: 1, transB: 1, alpha: { float: 0.5 }, beta: { float: -2 } }]],
    },
    fed,
  );
  expect(kinds).not.toContain("product");
  for (let i = 0; i < m * n; i++)
    expect(y[i]).toBeCloseTo(0.5 * fed.a.data[Math.floor(i / n)]! * fed.b.data[i % n]! - 2 * fed.c.data[i % n]!, 6);
});

it("of many matrices, where one of the factors is the same for all", () => {
  const fed = { a: tensor(3, m, 1), b: tensor(1, n) };
  const { y, kinds } = ran(
    {
      inputs: { a: ["float32", 3, m, 1], b: ["float32", 1, n] },
      outputs: ["y"],
      nodes: [["MatMul", ["a", "b"], ["y"]]],
    },
    fed,
  );
  expect(kinds).not.toContain("product");
  for (let i = 0; i < 3 * m * n; i++) expect(y[i]).toBeCloseTo(fed.a.data[Math.floor(i / n)]! * fed.b.data[i % n]!, 6);
});

it("of few columns as products, a tile of all of them at a time", () => {
  const fed = { a: tensor(3, m, 1), b: tensor(3, 1, 40) };
  const { y, kinds } = ran(
    {
      inputs: { a: ["float32", 3, m, 1], b: ["float32", 3, 1, 40] },
      outputs: ["y"],
      nodes: [["MatMul", ["a", "b"], ["y"]]],
    },
    fed,
  );
  expect(kinds).toEqual(["product"]);
  for (let i = 0; i < 3 * m * 40; i++) {
    const row = Math.floor(i / 40);
    expect(y[i]).toBeCloseTo(fed.a.data[row]! * fed.b.data[Math.floor(row / m) * 40 + (i % 40)]!, 6);
  }
});
