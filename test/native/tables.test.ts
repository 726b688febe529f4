// Tables of products: equal ones are one from when they are made, and what such products give.
import { NativeModel } from "@innerloop/native";
import { planFor, readGraph } from "@innerloop/native/plan";
import { expect, it } from "vitest";
import { expectNear, integers, modelOf, numbers, usual } from "./models.ts";
import { plainKernels } from "./words.ts";

it("products of windows that lie alike in two arrays look up by one table, and those of others by their own", async () => {
  const [near, far] = [
    [0, 1, 2, 1, 2, 3, 4, 5, 6, 6, 7, 8],
    [0, 2, 4, 2, 4, 6, 1, 3, 5, 4, 6, 8],
  ].map((places) => ({ ...integers(...places), shape: [4, 3] }));
  const model = modelOf({
    inputs: { x: ["float32", 2, 9, 16], y: ["float32", 2, 9, 16] },
    outputs: ["a", "b", "c"],
    initializers: { near: near!, far: far!, rows: integers(8, 48), weights: numbers([48, 5], 3) },
    nodes: [
      ["Gather", ["x", "near"], ["ofX"], { axis: 1 }],
      ["Gather", ["y", "near"], ["ofY"], { axis: 1 }],
      ["Gather", ["y", "far"], ["others"], { axis: 1 }],
      ["Reshape", ["ofX", "rows"], ["left"]],
      ["Reshape", ["ofY", "rows"], ["right"]],
      ["Reshape", ["others", "rows"], ["further"]],
      ["MatMul", ["left", "weights"], ["a"]],
      ["MatMul", ["right", "weights"], ["b"]],
      ["MatMul", ["further", "weights"], ["c"]],
    ],
  });
  const feeds = { x: numbers([2, 9, 16], 5), y: numbers([2, 9, 16], 7) };
  const { steps } = planFor(readGraph(model), feeds, plainKernels);
  const [a, b, c, ...more] = steps.flatMap((step) => (step.kind === "product" ? step.lookup?.table : []));
  expect(more).toEqual([]);
  expect(a).toBeDefined();
  expect(b).toBe(a);
  expect(c).not.toEqual(a);
  const [ours, expected] = [new NativeModel(model, plainKernels).run(feeds)!, await usual(model, feeds)];
  for (const name of ["a", "b", "c"]) expectNear(ours[name], expected[name]!, 4);
});
