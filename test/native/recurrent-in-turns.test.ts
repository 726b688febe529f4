// Recurrent networks in bodies of loops: what their steps have computed there is nothing that steps after the loop could take.
import { NativeModel } from "@innerloop/native";
import { it } from "vitest";
import { expectNear, type GraphOf, integer, integers, modelOf, type NodeOf, numbers, truth, usual } from "./models.ts";
import { plainKernels } from "./words.ts";

const [steps, batch, inputs, size] = [3, 2, 5, 4];

/** Runs over what a loop hands on, in another order of steps; and products by the weights that these are fed through. */
const body: GraphOf = {
  inputs: { turn: ["int64"], going: ["bool"], x: ["float32", steps, batch, inputs] },
  outputs: ["going1", "x1", "last"],
  nodes: [
    ["Identity", ["going"], ["going1"]],
    ["Gather", ["x", "order"], ["ordered"], { axis: 0 }],
    ["RNN", ["ordered", "W", "R"], ["Y", "last"], { hidden_size: size }],
    ["ReduceSum", ["Y", "all"], ["sum"], { keepdims: 1 }],
    ["Add", ["x", "moved"], ["x0"]],
    ["MatMul", ["ordered", "wT"], ["again"]],
    ["ReduceMean", ["again"], ["mean"], { axes: [0, 1, 2], keepdims: 1 }],
    ["Add", ["x0", "mean"], ["x1"]],
  ],
};

const after: Readonly<Record<string, readonly NodeOf[]>> = {
  "a product of what the loop was fed": [["MatMul", ["X", "wT"], ["y"]]],
  "a product of what it hands out": [["MatMul", ["x9", "wT"], ["y"]]],
  "the same of an order of that": [
    ["Gather", ["x9", "order"], ["o9"], { axis: 0 }],
    ["MatMul", ["o9", "wT"], ["y"]],
  ],
  "another loop of the same body": [
    ["Loop", ["trips", "truth", "x9"], ["x99", "more"], { body }],
    ["MatMul", ["x99", "wT"], ["y"]],
  ],
};

it.each(Object.entries(after))("%s is computed after a loop of runs", async (_, nodes) => {
  const model = modelOf({
    inputs: { X: ["float32", steps, batch, inputs] },
    outputs: ["y", "given"],
    initializers: {
      ...{ W: numbers([1, size, inputs], 3), R: numbers([1, size, size], 4), moved: numbers([batch, inputs], 5) },
      ...{ order: integers(2, 0, 1), all: integers(0, 1, 2), trips: integer(3), truth, flat: integers(size, inputs) },
    },
    nodes: [
      ["Reshape", ["W", "flat"], ["w"]],
      ["Transpose", ["w"], ["wT"], { perm: [1, 0] }],
      ["Loop", ["trips", "truth", "X"], ["x9", "given"], { body }],
      ...nodes,
    ],
  });
  const feeds = { X: numbers([steps, batch, inputs], 7) };
  const expected = await usual(model, feeds);
  const ours = new NativeModel(model, plainKernels).run(feeds)!;
  for (const name of ["y", "given"]) expectNear(ours[name], expected[name]!);
});
