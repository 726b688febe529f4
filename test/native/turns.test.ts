// Loops and scans give what ONNX Runtime gives.

import { NativeModel } from "@innerloop/native";
import { planFor, readGraph } from "@innerloop/native/plan";
import type { Tensor } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { expectNear, type GraphOf, integer, integers, modelOf, type NodeOf, numbers, truth, usual } from "./models.ts";
import { plainKernels } from "./words.ts";

async function compares(graph: GraphOf, feeds: Readonly<Record<string, Tensor>>): Promise<void> {
  const model = modelOf(graph);
  const expected = await usual(model, feeds);
  const ours = new NativeModel(model, plainKernels).run(feeds);
  expect(ours).toBeDefined();
  for (const [name, tensor] of Object.entries(expected)) expectNear(ours![name], tensor);
}

const initializers = { count: integer(4), truth };

/** A loop over bodies that get a turn and whether it goes on. */
const loopOf = (
  body: GraphOf,
  given: readonly string[],
  made: readonly string[],
  on = "on",
): GraphOf["nodes"][number] => [
  "Loop",
  ["count", "truth", ...given],
  made,
  {
    body: {
      ...body,
      inputs: { turn: ["int64"], [on]: ["bool"], ...body.inputs },
      outputs: [`${on} still`, ...body.outputs],
      nodes: [["Identity", [on], [`${on} still`]], ...body.nodes],
    },
  },
];

describe("Loop", () => {
  it("hands values on, gathers what turns give and sees what is around it", () => {
    const body: GraphOf = {
      inputs: { a: ["float32", 2, 3] },
      outputs: ["next", "row"],
      nodes: [
        ["Mul", ["a", "x"], ["ax"]],
        ["Add", ["ax", "twice"], ["next"]],
        ["Cast", ["turn"], ["t"], { to: 1 }],
        ["Mul", ["a", "t"], ["row"]],
      ],
    };
    const nodes: GraphOf["nodes"] = [["Add", ["x", "x"], ["twice"]], loopOf(body, ["x"], ["last", "rows"])];
    const graph = {
      inputs: { x: ["float32", 2, 3] as const },
      outputs: ["last", "rows", "twice"],
      initializers,
      nodes,
    };
    return compares(graph, { x: numbers([2, 3]) });
  });

  it("hands values on to each other's places", () => {
    const body: GraphOf = {
      inputs: { a: ["float32", 2, 2], b: ["float32", 2, 2], c: ["float32", 2, 2] },
      outputs: ["b2", "a2", "c2", "a2"],
      nodes: [
        ["Identity", ["b"], ["b2"]],
        ["Transpose", ["a"], ["a2"]],
        ["Add", ["b", "c"], ["c2"]],
      ],
    };
    const nodes: GraphOf["nodes"] = [loopOf(body, ["x", "y", "y"], ["p", "q", "r", "s"])];
    const graph = {
      inputs: { x: ["float32", 2, 2] as const, y: ["float32", 2, 2] as const },
      outputs: ["p", "q", "r", "s"],
      initializers,
      nodes,
    };
    return compares(graph, { x: numbers([2, 2]), y: numbers([2, 2], 5) });
  });

  it("takes no turn, with what it began with, and none of what turns give", () => {
    const body: GraphOf = {
      inputs: { a: ["float32", 3] },
      outputs: ["next", "row"],
      nodes: [
        ["Neg", ["a"], ["next"]],
        ["Add", ["a", "a"], ["row"]],
      ],
    };
    const graph = {
      inputs: { x: ["float32", 3] as const },
      outputs: ["last", "rows"],
      initializers: { count: integer(0), truth },
      nodes: [loopOf(body, ["x"], ["last", "rows"])],
    };
    return compares(graph, { x: numbers([3]) });
  });

  it("stands in a loop, with what does not change in it computed once", async () => {
    const inner: GraphOf = {
      inputs: { b: ["float32", 4] },
      outputs: ["b3", "b2"],
      nodes: [
        ["Mul", ["b", "a"], ["b2"]],
        ["Exp", ["x"], ["e"]],
        ["Add", ["b2", "e"], ["b3"]],
      ],
    };
    const body: GraphOf = {
      inputs: { a: ["float32", 4], still: ["float32", 4] },
      outputs: ["a2", "still", "gathered"],
      nodes: [
        loopOf(inner, ["a"], ["b9", "gathered"], "inner"),
        ["Tanh", ["b9"], ["th"]],
        ["Mul", ["th", "still"], ["a2"]],
      ],
    };
    const nodes: GraphOf["nodes"] = [loopOf(body, ["x", "x"], ["last", "same", "all"])];
    await compares(
      { inputs: { x: ["float32", 4] as const }, outputs: ["last", "same", "all"], initializers, nodes },
      { x: numbers([4]) },
    );
  });

  it("is not computed here where a condition ends it", () => {
    const body: GraphOf = {
      inputs: { turn: ["int64"], on: ["bool"], a: ["float32"] },
      outputs: ["less", "next"],
      nodes: [
        ["Add", ["a", "a"], ["next"]],
        ["Less", ["next", "x"], ["less"]],
      ],
    };
    const graph: GraphOf = {
      inputs: { x: ["float32"] },
      outputs: ["last"],
      initializers,
      nodes: [["Loop", ["count", "truth", "x"], ["last"], { body }]],
    };
    expect(new NativeModel(modelOf(graph), plainKernels).run({ x: numbers([]) })).toBeUndefined();
  });
});

describe("Scan", () => {
  const body: GraphOf = {
    inputs: { s: ["float32", 2, 3], r: ["float32", 3], a: ["float32", 2, 3], b: ["float32", 3, 2] },
    outputs: ["s2", "r2", "o", "p"],
    nodes: [
      ["Transpose", ["b"], ["bt"]],
      ["Mul", ["a", "bt"], ["ab"]],
      ["Add", ["s", "ab"], ["s2"]],
      ["Sub", ["r", "w"], ["r2"]],
      ["Sub", ["s2", "r"], ["o"]],
      ["Transpose", ["o"], ["p"]],
    ],
  };
  const kinds = {
    s: ["float32", 2, 3],
    r: ["float32", 3],
    w: ["float32", 3],
    a: ["float32", 4, 2, 3],
    b: ["float32", 3, 2, 4],
  } as const;
  const feeds = Object.fromEntries(
    Object.entries(kinds).map(([name, [, ...shape]], i) => [name, numbers(shape, i + 1)]),
  );
  const scanOf = (attributes: Readonly<Record<string, readonly number[]>>): GraphOf => ({
    inputs: kinds,
    outputs: ["s9", "r9", "os", "ps"],
    nodes: [["Scan", ["s", "r", "a", "b"], ["s9", "r9", "os", "ps"], { num_scan_inputs: 2, body, ...attributes }]],
  });

  it("goes along other axes than the first", () =>
    compares(scanOf({ scan_input_axes: [0, 2], scan_output_axes: [0, 1] }), feeds));

  it("goes back, and gives what turns gave in either order", () =>
    compares(
      scanOf({
        scan_input_axes: [0, -1],
        scan_input_directions: [1, 0],
        scan_output_axes: [2, -1],
        scan_output_directions: [0, 1],
      }),
      feeds,
    ));

  describe("of arrays that are computed of one number by number", () => {
    const turned: GraphOf = {
      inputs: { s: ["float32", 2, 3], ...Object.fromEntries([..."uvpm"].map((name) => [name, ["float32", 2, 3]])) },
      outputs: ["s2", "o"],
      nodes: [
        ["Mul", ["s", "u"], ["su"]],
        ["Add", ["su", "v"], ["s1"]],
        ["Sub", ["s1", "p"], ["s2"]],
        ["Mul", ["s1", "m"], ["o"]],
      ],
    };
    const initial = {
      ...{
        zero: integers(0),
        one: integers(1),
        two: integers(2),
        three: integers(3),
        five: integers(5),
        six: integers(6),
      },
      ...{ half: numbers([], 3), w: numbers([3], 4) },
    };
    /** @param axis that of the turns among those of x @param from, to which of its places they take */
    const graphOf = (axis: 0 | 1, [from, to]: readonly [string, string]): GraphOf => ({
      inputs: { x: axis === 0 ? ["float32", 5, 2, 6] : ["float32", 2, 5, 6], s: ["float32", 2, 3] },
      outputs: ["s9", "os", "m"],
      initializers: { ...initial, at: axis === 0 ? integers(0) : integers(1) },
      nodes: [
        ["Slice", ["x", from, to, "at"], ["some"]],
        ["Sigmoid", ["some"], ["all"]],
        ["Slice", ["all", "zero", "three", "two"], ["u"]],
        ["Slice", ["some", "three", "six", "two"], ["right"]],
        ["Tanh", ["right"], ["v"]],
        ["Mul", ["u", "v"], ["uv"]],
        ["Sub", ["half", "uv"], ["p"]],
        ["Add", ["w", "p"], ["m"]],
        [
          "Scan",
          ["s", "u", "v", "p", "m"],
          ["s9", "os"],
          { num_scan_inputs: 4, body: turned, scan_input_axes: [axis, axis, axis, axis] },
        ],
      ],
    });
    const feedsOf = (axis: number) => ({
      x: numbers(axis === 0 ? [5, 2, 6] : [2, 5, 6], 1),
      s: numbers([2, 3], 2),
    });
    /** How many slices turns take of arrays. */
    const taken = (graph: GraphOf, feeds: Readonly<Record<string, Tensor>>): number => {
      const read = readGraph(modelOf(graph));
      const { steps } = planFor({ ...read, inputs: Object.keys(feeds) }, feeds, plainKernels);
      const bodies = steps.flatMap((step) => (step.kind === "turns" ? step.body : []));
      return bodies.filter((step) => step.kind === "move" && step.fromStep !== 0).length;
    };

    it("computes slices of a slice of that one", async () => {
      for (const places of [
        ["zero", "five"],
        ["one", "five"],
        ["two", "three"],
      ] as const)
        await compares(graphOf(0, places), feedsOf(0));
      expect(taken(graphOf(0, ["one", "five"]), feedsOf(0))).toBe(1);
    });

    it("goes back", () => {
      const { nodes, ...graph } = graphOf(0, ["one", "five"]);
      const scan = nodes.at(-1)!;
      const back = { ...scan[3], scan_input_directions: [1, 1, 1, 1] };
      return compares({ ...graph, nodes: [...nodes.slice(0, -1), [scan[0], scan[1], scan[2], back]] }, feedsOf(0));
    });

    it("takes slices as they are that do not lie together", () => compares(graphOf(1, ["zero", "five"]), feedsOf(1)));

    it("takes slices of the arrays where there are as many of which these are computed", async () => {
      const many = graphOf(0, ["zero", "five"]);
      const graph: GraphOf = {
        ...many,
        inputs: { ...many.inputs, ...Object.fromEntries([..."abc"].map((name) => [name, ["float32", 5, 2, 3]])) },
        nodes: [
          ...many.nodes.slice(0, -1),
          ...[..."abc"].map((name): NodeOf => ["Add", [name, "half"], [`${name}2`]]),
          ["Scan", ["s", "a2", "b2", "c2", "m"], ["s9", "os"], many.nodes.at(-1)![3]!],
        ],
      };
      const feeds = {
        ...feedsOf(0),
        ...Object.fromEntries([..."abc"].map((name, i) => [name, numbers([5, 2, 3], i + 5)])),
      };
      await compares(graph, feeds);
      expect(taken(graph, feeds)).toBe(4);
    });
  });
});
