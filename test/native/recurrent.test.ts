// Recurrent networks give what ONNX Runtime gives, or are refused.

import { NativeModel } from "@innerloop/native";
import { fused, planFor, readGraph, type Step } from "@innerloop/native/plan";
import type { Tensor } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { expectNear, integers, modelOf, type NodeOf, numbers, usual } from "./models.ts";
import { plainKernels } from "./words.ts";

type Attributes = NonNullable<NodeOf[3]>;

const kinds = { LSTM: 4, GRU: 3, RNN: 1 } as const;
type Kind = keyof typeof kinds;

interface Network {
  readonly kind: Kind;
  readonly steps?: number;
  readonly batch?: number;
  readonly attributes?: Attributes;
  /** Which of B, sequence_lens, initial_h, initial_c and P there are. */
  readonly has?: readonly string[];
  readonly lengths?: readonly number[];
  readonly size?: number;
  /** Whether W and R are inputs. */
  readonly learns?: boolean;
}

const inputs = 5;

function networkOf({ kind, steps = 4, batch = 3, attributes = {}, has = [], lengths, size = 7, learns }: Network) {
  const both = attributes.direction === "bidirectional" ? 2 : 1;
  const gates = kinds[kind] * size;
  const all: Record<string, Tensor> = {
    W: numbers([both, gates, inputs], 2),
    R: numbers([both, gates, size], 3),
    B: numbers([both, 2 * gates], 4),
    sequence_lens: { dtype: "int32", shape: [batch], data: Int32Array.from(lengths ?? Array(batch).fill(steps)) },
    initial_h: numbers([both, batch, size], 5),
    initial_c: numbers([both, batch, size], 6),
    P: numbers([both, 3 * size], 7),
  };
  const slots = ["W", "R", "B", "sequence_lens", "initial_h", ...(kind === "LSTM" ? ["initial_c", "P"] : [])];
  const given = slots.map((name) => (["W", "R", ...has].includes(name) ? name : ""));
  const outputs = ["Y", "Y_h", ...(kind === "LSTM" ? ["Y_c"] : [])];
  const fed = learns ? ["W", "R"] : [];
  return modelOf({
    inputs: {
      X: ["float32", steps, batch, inputs],
      ...Object.fromEntries(fed.map((name) => [name, ["float32", ...all[name]!.shape]])),
    },
    outputs,
    initializers: Object.fromEntries(given.filter((name) => name !== "").map((name) => [name, all[name]!])),
    nodes: [[kind, ["X", ...given], outputs, { hidden_size: size, ...attributes }]],
  });
}

async function compares(network: Network): Promise<void> {
  const model = networkOf(network);
  const { steps = 4, batch = 3 } = network;
  const feeds = { X: numbers([steps, batch, inputs]) };
  const expected = await usual(model, feeds);
  const ours = new NativeModel(model, plainKernels).run(feeds);
  expect(ours).toBeDefined();
  for (const [name, tensor] of Object.entries(expected)) expectNear(ours![name], tensor, 6);
}

const refuses = (network: Network): void => {
  const { steps = 4, batch = 3 } = network;
  expect(new NativeModel(networkOf(network), plainKernels).run({ X: numbers([steps, batch, inputs]) })).toBeUndefined();
};

describe.each(Object.keys(kinds) as Kind[])("%s", (kind) => {
  const states = kind === "LSTM" ? ["initial_h", "initial_c"] : ["initial_h"];

  it.each(["forward", "reverse", "bidirectional"])("goes %s", (direction) =>
    compares({ kind, attributes: { direction }, has: ["B", ...states] }),
  );

  it("begins with nothing, and adds nothing, where nothing is said", () => compares({ kind }));

  it("takes one step, of one example", () => compares({ kind, steps: 1, batch: 1, has: ["B"] }));

  it("takes so many examples that weights lie in panels, whether they are learned or not", async () => {
    for (const learns of [false, true])
      await compares({
        kind,
        batch: 5,
        size: kind === "RNN" ? 7 : 17,
        learns,
        attributes: { direction: "bidirectional" },
        has: ["B"],
      });
  });

  it("takes lengths that are those of the whole", () => compares({ kind, has: ["B", "sequence_lens"] }));

  it("takes the usual functions by name", () =>
    compares({
      kind,
      attributes: { activations: { LSTM: ["Sigmoid", "Tanh", "Tanh"], GRU: ["Sigmoid", "Tanh"], RNN: ["Tanh"] }[kind] },
    }));

  it.each(["forward", "reverse", "bidirectional"])(
    "ends each sequence at its length, and goes %s",
    async (direction) => {
      for (const lengths of [
        [4, 2, 1],
        [3, 4, 3],
      ])
        await compares({ kind, attributes: { direction }, has: ["B", "sequence_lens", ...states], lengths });
    },
  );

  it("refuses other functions", () => {
    refuses({
      kind,
      attributes: {
        activations: { LSTM: ["HardSigmoid", "Tanh", "Tanh"], GRU: ["Sigmoid", "Softsign"], RNN: ["Elu"] }[kind],
      },
    });
    refuses({ kind, attributes: { layout: 1 } });
  });
});

it("GRU resets what it remembers behind the product too", async () => {
  for (const direction of ["forward", "bidirectional"])
    await compares({ kind: "GRU", attributes: { linear_before_reset: 1, direction }, has: ["B", "initial_h"] });
  await compares({ kind: "GRU", attributes: { linear_before_reset: 1 } });
});

it("RNN takes Relu", () => compares({ kind: "RNN", attributes: { activations: ["Relu"] }, has: ["B"] }));

it("LSTM refuses joined gates and peepholes", () => {
  refuses({ kind: "LSTM", attributes: { input_forget: 1 } });
  refuses({ kind: "LSTM", has: ["B", "P"] });
});

/** An LSTM, and its gates computed once more from what it gives, for all steps at once, as a gradient does. */
describe("gates of an LSTM computed once more", () => {
  const [steps, batch, size] = [4, 3, 6];
  const columns = 4 * size;
  const all: Record<string, Tensor> = {
    W: numbers([1, columns, inputs], 2),
    R: numbers([1, columns, size], 3),
    B: numbers([1, 2 * columns], 4),
    H: numbers([1, batch, size], 5),
    other: numbers([1, 2 * columns], 8),
    wide: integers(columns, inputs),
    narrow: integers(columns, size),
    long: integers(2 * columns),
    rows: integers(steps, batch, size),
    flat: integers(steps * batch, inputs),
    sums: integers(steps, batch, columns),
    zero: integers(0),
    two: integers(2),
    last: integers(steps - 1),
    third: integers(3 * size),
    half: integers(size),
    columns: integers(columns),
    both: integers(2 * columns),
  };

  interface Again {
    /** Which bias, what the steps before begin with, and where the functions change. */
    readonly bias?: "B" | "other";
    readonly begun?: "H" | "other_h";
    readonly second?: "third" | "half";
    /** The product of what is fed as a Gemm of all steps' rows. */
    readonly gemm?: boolean;
    readonly fed?: readonly string[];
  }

  const modelOfGates = ({ bias = "B", begun = "H", second = "third", gemm, fed = [] }: Again) => {
    const initializers = { ...all, other_h: numbers([1, batch, size], 9) };
    const product: NodeOf[] = gemm
      ? [
          ["Reshape", ["X", "flat"], ["flatX"]],
          ["Gemm", ["flatX", "w"], ["flatZ"], { transB: 1 }],
          ["Reshape", ["flatZ", "sums"], ["xw"]],
        ]
      : [
          ["Transpose", ["w"], ["wT"], { perm: [1, 0] }],
          ["MatMul", ["X", "wT"], ["xw"]],
        ];
    return modelOf({
      inputs: {
        X: ["float32", steps, batch, inputs],
        ...Object.fromEntries(fed.map((name) => [name, ["float32", ...all[name]!.shape]])),
      },
      outputs: ["y", "gates", "tangents"],
      initializers,
      nodes: [
        ["LSTM", ["X", "W", "R", "B", "", "H"], ["Y"], { hidden_size: size }],
        ["Reshape", ["Y", "rows"], ["y"]],
        ["Reshape", ["W", "wide"], ["w"]],
        ["Reshape", ["R", "narrow"], ["r"]],
        ["Reshape", [bias, "long"], ["b"]],
        ["Slice", ["b", "zero", "columns", "zero"], ["b0"]],
        ["Slice", ["b", "columns", "both", "zero"], ["b1"]],
        ["Add", ["b0", "b1"], ["bias"]],
        ...product,
        ["Add", ["xw", "bias"], ["fed"]],
        ["Slice", ["y", "zero", "last", "zero"], ["before"]],
        ["Concat", [begun, "before"], ["h"], { axis: 0 }],
        ["Transpose", ["r"], ["rT"], { perm: [1, 0] }],
        ["MatMul", ["h", "rT"], ["hr"]],
        ["Add", ["fed", "hr"], ["z"]],
        ["Slice", ["z", "zero", second, "two"], ["z0"]],
        ["Slice", ["z", second, "columns", "two"], ["z1"]],
        ["Sigmoid", ["z0"], ["gates"]],
        ["Tanh", ["z1"], ["tangents"]],
      ],
    });
  };

  /** How many sigmoids and tangents the steps of a plan have, those of turns once. */
  function curvesOf(model: Uint8Array, feeds: Record<string, Tensor>): number {
    const graph = readGraph(model);
    const plan = planFor({ ...graph, inputs: Object.keys(feeds) }, feeds, plainKernels);
    const count = (steps: readonly Step[]): number =>
      steps.reduce((sum, step) => {
        if (step.kind === "turns") return sum + count(step.body);
        return (
          sum + (step.kind === "chain" ? step.code.filter(({ name }) => ["sigmoid", "tanh"].includes(name)).length : 0)
        );
      }, 0);
    return count(
      fused(
        plan.steps,
        [...plan.outputs.values()].map(({ store }) => store),
      ),
    );
  }

  it.each<[string, Again, boolean]>([
    ["are those of the steps", {}, true],
    ["are those of the steps where the product is one of rows", { gemm: true }, true],
    ["are those of the steps where weights are learned", { fed: ["W", "R", "B"] }, true],
    ["are others with another bias", { bias: "other" }, false],
    ["are others where the first step begins otherwise", { begun: "other_h" }, false],
    ["are others where another function is taken", { second: "half" }, false],
  ])("%s", async (_, again, known) => {
    const model = modelOfGates(again);
    const feeds = {
      X: numbers([steps, batch, inputs]),
      ...Object.fromEntries((again.fed ?? []).map((name) => [name, all[name]!])),
    };
    const expected = await usual(model, feeds);
    const ours = new NativeModel(model, plainKernels).run(feeds)!;
    for (const [name, tensor] of Object.entries(expected)) expectNear(ours[name], tensor);
    expect(curvesOf(model, feeds) === 5).toBe(known);
  });
});
