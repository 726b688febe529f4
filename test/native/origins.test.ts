// Instructions by themselves, and the nodes of the model that they are of, as a profile has them.
import {
  type Instruction,
  instructionsOf,
  layoutOf,
  type Origins,
  originOf,
  Program,
  planFor,
  readGraph,
  type Step,
} from "@innerloop/native/plan";
import type { Tensor } from "@innerloop/schemas";
import { expect, it } from "vitest";
import { type GraphOf, integer, modelOf, numbers, truth } from "./models.ts";
import { plainKernels } from "./words.ts";

type GraphRead = ReturnType<typeof readGraph>;

/** Nodes by the first thing that they give, with the operator behind it. */
const named = <Graph extends Pick<GraphRead, "nodes">>(graph: Graph): Graph => ({
  ...graph,
  nodes: graph.nodes.map((node) => {
    const { body } = node.attributes;
    const attributes = body?.graph
      ? { ...node.attributes, body: { ...body, graph: named(body.graph) } }
      : node.attributes;
    return { ...node, attributes, name: `${node.outputs[0]}/${node.operator}` };
  }),
});

function made(model: GraphOf, feeds: Readonly<Record<string, Tensor>>) {
  const graph = named(readGraph(modelOf(model)));
  const origins: Origins = new Map();
  const plan = planFor({ ...graph, inputs: Object.keys(feeds) }, feeds, plainKernels, origins);
  const steps: Step[] = [];
  const layout = layoutOf(plan, { instructions: steps });
  return { layout, steps, bare: layoutOf(planFor({ ...graph, inputs: Object.keys(feeds) }, feeds, plainKernels)) };
}

const chained: GraphOf = {
  inputs: { x: ["float32", 3, 4], w: ["float32", 4, 5], v: ["float32", 5, 2] },
  outputs: ["y"],
  nodes: [
    ["MatMul", ["x", "w"], ["first"]],
    ["Relu", ["first"], ["bent"]],
    ["Exp", ["bent"], ["grown"]],
    ["MatMul", ["grown", "v"], ["y"]],
  ],
};
const feedsOfChained = { x: numbers([3, 4]), w: numbers([4, 5], 2), v: numbers([5, 2], 3) };

it("an instruction is of the node whose result it writes, joined with others or not", () => {
  const { layout, steps } = made(chained, feedsOfChained);
  const found = instructionsOf(layout.words, steps).map(
    (each) => "words" in each && [each.step.kind, originOf(each.step)],
  );
  expect(found).toEqual([
    ["product", "bent/Relu"],
    ["chain", "grown/Exp"],
    ["product", "y/MatMul"],
  ]);
});

it("what is told changes no program", () => {
  const { layout, bare } = made(chained, feedsOfChained);
  expect(layout).toEqual(bare);
});

const looped: GraphOf = {
  inputs: { x: ["float32", 4], m: ["float32", 6, 4] },
  initializers: { count: integer(3), truth },
  outputs: ["last", "all"],
  nodes: [
    [
      "Loop",
      ["count", "truth", "x"],
      ["last", "all"],
      {
        body: {
          inputs: { turn: ["int64"], on: ["bool"], state: ["float32", 4] },
          outputs: ["still", "next", "row"],
          nodes: [
            ["Identity", ["on"], ["still"]],
            ["Gather", ["m", "turn"], ["row"], { axis: 0 }],
            ["Exp", ["state"], ["grown"]],
            ["Sub", ["grown", "row"], ["next"]],
          ],
        },
      },
    ],
  ],
};

/** Runs instructions one by one, as a profile does. */
function runEach(list: readonly Instruction[], program: Program): void {
  const numbersOf = new Float32Array(program.memory, program.begin, (program.memory.byteLength - program.begin) >> 2);
  for (const each of list)
    if ("words" in each) expect(plainKernels.run(each.words, program.memory, program.begin)).toBe(0);
    else
      for (let turn = 0; turn < each.count; turn++) {
        numbersOf[each.turn] = turn;
        runEach(each.body, program);
      }
}

it.each([
  ["a chain of nodes", chained, feedsOfChained],
  ["turns", looped, { x: numbers([4]), m: numbers([6, 4], 2) }],
] as const)("instructions one by one give what a run gives: %s", (_, model, feeds) => {
  const { layout, steps } = made(model, feeds);
  const list = instructionsOf(layout.words, steps);
  const expected = new Program(layout, plainKernels).run(plainKernels, feeds)!;
  const program = new Program(layout, plainKernels);
  const all = new Float32Array(program.memory, program.begin, (program.memory.byteLength - program.begin) >> 2);
  for (const { name, at } of layout.inputs) all.set((feeds as Record<string, Tensor>)[name]!.data as Float32Array, at);
  runEach(list, program);
  for (const { name, at } of layout.outputs) {
    const { data } = expected[name]!;
    expect(all.slice(at, at + data.length)).toEqual(data);
  }
});
