// What an LSTM's cells hold is not gone through once more where a gradient asks for it, and is where something else is asked.

import { NativeModel } from "@innerloop/native";
import { planFor, readGraph, type Step } from "@innerloop/native/plan";
import type { Tensor } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { expectNear, integers, modelOf, type NodeOf, numbers, usual } from "./models.ts";
import { plainKernels } from "./words.ts";

const [steps, batch, size, inputs] = [4, 3, 6, 5];
const columns = 4 * size;

interface Again {
  /** What the first step begins with. */
  readonly begun?: string;
  /** Gates: what cells are multiplied with, and what is added. */
  readonly kept?: string;
  readonly added?: readonly [string, string];
  /** How the two are joined. */
  readonly join?: string;
  /** What the body hands out, and from which end it goes. */
  readonly given?: string;
  readonly back?: number;
  /** The product of what is added after that of cells, and its inputs the other way around. */
  readonly around?: boolean;
}

function modelOfCells(again: Again): Uint8Array {
  const { begun = "c", kept = "f", added = ["i", "n"], join = "Mul", given = "state", back = 0, around } = again;
  const gates: NodeOf[] = ["i", "o", "f"].map((name, place) => [
    "Slice",
    ["sigmoids", `at${place}`, `at${place + 1}`, "two"],
    [name],
  ]);
  const body = {
    inputs: { state: undefined, ...(around ? { b: undefined, a: undefined } : { a: undefined, b: undefined }) },
    outputs: ["next", "out"],
    nodes: [
      ["Mul", around ? ["state", "a"] : ["a", "state"], ["product"]],
      ["Add", around ? ["b", "product"] : ["product", "b"], ["next"]],
      ["Identity", [given], ["out"]],
    ] as const,
  };
  const fed = around ? ["in", kept] : [kept, "in"];
  const initializers: Record<string, Tensor> = {
    W: numbers([1, columns, inputs], 2),
    R: numbers([1, columns, size], 3),
    B: numbers([1, 2 * columns], 4),
    H: numbers([1, batch, size], 5),
    C: numbers([1, batch, size], 6),
    ...{ c: numbers([batch, size], 6), other: numbers([batch, size], 7) },
    ...{ rows: integers(steps, batch, size), wide: integers(columns, inputs), narrow: integers(columns, size) },
    ...{ long: integers(2 * columns), zero: integers(0), two: integers(2), last: integers(steps - 1) },
    ...{ columns: integers(columns), both: integers(2 * columns) },
    ...Object.fromEntries([0, 1, 2, 3].map((place) => [`at${place}`, integers(place * size)])),
  };
  return modelOf({
    inputs: { X: ["float32", steps, batch, inputs] },
    outputs: ["y", "end", "before"],
    initializers,
    nodes: [
      ["LSTM", ["X", "W", "R", "B", "", "H", "C"], ["Y"], { hidden_size: size }],
      ["Reshape", ["Y", "rows"], ["y"]],
      ["Reshape", ["W", "wide"], ["w"]],
      ["Reshape", ["R", "narrow"], ["r"]],
      ["Reshape", ["B", "long"], ["b"]],
      ["Slice", ["b", "zero", "columns", "zero"], ["b0"]],
      ["Slice", ["b", "columns", "both", "zero"], ["b1"]],
      ["Add", ["b0", "b1"], ["bias"]],
      ["Transpose", ["w"], ["wT"], { perm: [1, 0] }],
      ["MatMul", ["X", "wT"], ["xw"]],
      ["Add", ["xw", "bias"], ["fed"]],
      ["Slice", ["y", "zero", "last", "zero"], ["earlier"]],
      ["Concat", ["H", "earlier"], ["h"], { axis: 0 }],
      ["Transpose", ["r"], ["rT"], { perm: [1, 0] }],
      ["MatMul", ["h", "rT"], ["hr"]],
      ["Add", ["fed", "hr"], ["z"]],
      ["Slice", ["z", "zero", "at3", "two"], ["z0"]],
      ["Slice", ["z", "at3", "columns", "two"], ["z1"]],
      ["Sigmoid", ["z0"], ["sigmoids"]],
      ["Tanh", ["z1"], ["n"]],
      ...gates,
      [join, added, ["in"]],
      ["Scan", [begun, ...fed], ["end", "before"], { num_scan_inputs: 2, scan_input_directions: [back, back], body }],
    ],
  });
}

describe("cells of an LSTM gone through once more", () => {
  it.each<[string, Again, boolean]>([
    ["are those of the steps", {}, true],
    ["are those of the steps with factors and terms the other way around", { around: true, added: ["n", "i"] }, true],
    ["are others where they begin otherwise", { begun: "other" }, false],
    ["are others with another gate", { kept: "o" }, false],
    ["are others where another product is added", { added: ["o", "n"] }, false],
    ["are others where a sum is added", { join: "Add" }, false],
    ["are others where a step hands out what it leaves", { given: "next" }, false],
    ["are others from the last step to the first", { back: 1 }, false],
  ])("%s", async (_, again, known) => {
    const model = modelOfCells(again);
    const feeds = { X: numbers([steps, batch, inputs]) };
    const expected = await usual(model, feeds);
    const ours = new NativeModel(model, plainKernels).run(feeds)!;
    for (const [name, tensor] of Object.entries(expected)) expectNear(ours[name], tensor);
    const plan = planFor({ ...readGraph(model), inputs: ["X"] }, feeds, plainKernels);
    const turns = plan.steps.filter((step: Step) => step.kind === "turns").length;
    expect(turns).toBe(known ? 1 : 2);
  });
});
