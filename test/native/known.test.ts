// Arrays of a model that are many numbers stay as they are, whether runs read them or a plan computes something of them beforehand.

import { NativeModel } from "@innerloop/native";
import { expect, it } from "vitest";
import { modelOf, numbers, usual } from "./models.ts";
import { plainKernels } from "./words.ts";

it("large arrays of a model are read as they are, turned, and computed with beforehand, for one set of sizes after another", async () => {
  const model = modelOf({
    inputs: { x: ["float32", "rows", 72] },
    outputs: ["y", "z"],
    initializers: { weights: numbers([72, 72], 3), others: numbers([72, 72], 5) },
    nodes: [
      ["Transpose", ["weights"], ["turned"], { perm: [1, 0] }],
      ["MatMul", ["x", "weights"], ["a"]],
      ["MatMul", ["a", "turned"], ["b"]],
      ["Mul", ["turned", "others"], ["mixed"]],
      ["Add", ["mixed", "weights"], ["sum"]],
      ["MatMul", ["x", "sum"], ["z"]],
      ["Add", ["b", "z"], ["y"]],
    ],
  });
  const ours = new NativeModel(model, plainKernels);
  for (const rows of [3, 5]) {
    const feeds = { x: numbers([rows, 72], rows) };
    const expected = await usual(model, feeds);
    const given = ours.run(feeds)!;
    for (const name of ["y", "z"])
      expected[name]!.data.forEach((number, i) => {
        expect(Number(given[name]!.data[i])).toBeCloseTo(Number(number), 3);
      });
  }
});
