// Recurrent networks give what ONNX Runtime gives, or are refused.

import { NativeModel } from "@innerloop/native";
import type { Tensor } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { modelOf, type NodeOf, numbers, usual } from "./models.ts";
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
  for (const [name, { shape, data }] of Object.entries(expected)) {
    expect({ name, shape: ours![name]!.shape }).toEqual({ name, shape });
    data.forEach((number, i) => {
      expect(Number(ours![name]!.data[i])).toBeCloseTo(Number(number), 6);
    });
  }
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

  it("refuses other functions, and sequences of several lengths", () => {
    refuses({
      kind,
      attributes: {
        activations: { LSTM: ["HardSigmoid", "Tanh", "Tanh"], GRU: ["Sigmoid", "Softsign"], RNN: ["Elu"] }[kind],
      },
    });
    refuses({ kind, has: ["sequence_lens"], lengths: [4, 2, 1] });
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
