// Recurrent networks against PyTorch's modules: outputs, first and second derivatives, in float64; and how they are written.
import { constant, evaluate, grad, input, op, type ShapedNumbers, type Value, writeOnnx } from "@innerloop/graph";
import { decodeModel } from "@innerloop/schemas/onnx";
import { describe, expect, test } from "vitest";
import { readRecorded } from "../support/recorded.ts";
import { distance } from "./numbers.ts";

interface Recorded {
  readonly kind: "RNN" | "GRU" | "LSTM";
  readonly layers: number;
  readonly both: boolean;
  readonly inputs: Record<string, ShapedNumbers>;
  readonly output: ShapedNumbers;
  readonly first: Record<string, ShapedNumbers>;
  readonly second: Record<string, ShapedNumbers>;
}

/** The place in PyTorch of each gate of ONNX. */
const gates = { RNN: [0], GRU: [1, 0, 2], LSTM: [0, 3, 1, 2] };

const ordered = (value: Value, order: readonly number[]): Value => {
  const parts = op.Split(value, order.length, 0);
  return op.Concat(
    order.map((place) => parts[place]!),
    0,
  );
};

/** The module as PyTorch has it, out of ONNX's operators. */
function moduleOf({ kind, layers, both }: Recorded, values: Readonly<Record<string, Value>>): Value {
  let x = values.x!;
  for (let layer = 0; layer < layers; layer++) {
    const of = (name: string): Value =>
      op.Concat(
        (both ? ["", "_reverse"] : [""]).map((way) =>
          op.Unsqueeze(ordered(values[`${name}_l${layer}${way}`]!, gates[kind]), [0]),
        ),
        0,
      );
    const options = {
      b: op.Concat([of("bias_ih"), of("bias_hh")], 1),
      direction: both ? ("bidirectional" as const) : ("forward" as const),
    };
    const [w, r] = [of("weight_ih"), of("weight_hh")];
    const [y] = kind === "GRU" ? op.GRU(x, w, r, { ...options, linearBeforeReset: true }) : op[kind](x, w, r, options);
    const [steps, , batch] = y!.shape;
    x = op.Reshape(op.Transpose(y!, [0, 2, 1, 3]), [steps!, batch!, -1]);
  }
  return x;
}

const sinusoid = (y: Value): Value => op.ReduceSum(op.Mul(y, op.Sin(y)), { keepdims: false });

describe("PyTorch's modules", () => {
  test.each(
    readRecorded<Recorded[]>("graph/recorded/modules.json").map((r) => [`${r.kind} ${r.layers} ${r.both}`, r] as const),
  )("%s: the output and its derivatives of first and second order", (_, r) => {
    const values = Object.fromEntries(
      Object.entries(r.inputs).map(([name, { shape }]) => [name, input(name, shape, "float64")]),
    );
    const names = Object.keys(values);
    const y = moduleOf(r, values);
    const first = grad(sinusoid(y), Object.values(values));
    const second = grad(
      first.map(sinusoid).reduce((a, b) => op.Add(a, b)),
      Object.values(values),
    );
    const [output, ...slopes] = evaluate([y, ...first, ...second], r.inputs);
    expect(distance(output!.data, r.output.data)).toBeLessThan(1e-10);
    names.forEach((name, i) => {
      expect(distance(slopes[i]!.data, r.first[name]!.data), name).toBeLessThan(1e-9);
      expect(distance(slopes[names.length + i]!.data, r.second[name]!.data), name).toBeLessThan(1e-9);
    });
  });
});

describe("in a file", () => {
  const [x, w, r] = [input("x", ["steps", "batch", 3]), input("w", [1, 8, 3]), input("r", [1, 8, 2])];
  const operatorsOf = (outputs: Record<string, Value>): string[] =>
    (decodeModel(writeOnnx(outputs), "file").graph?.node ?? []).map(({ opType }) => opType ?? "");

  test("a network stays whole, with lengths that are open", () => {
    const [y] = op.LSTM(x, w, r, { activations: ["HardSigmoid", "Tanh", "Relu"], activationAlpha: [0.25] });
    expect(operatorsOf({ y: y! })).toEqual(["LSTM"]);
  });

  test("another precision is steps", () => {
    const [a, b, c] = [x, w, r].map((v, i) => input(`v${i}`, v.shape, "float64")) as [Value, Value, Value];
    expect(operatorsOf({ y: op.LSTM(a, b, c)[0]! })).not.toContain("LSTM");
  });

  test("the value and the derivative go through the steps once each way", () => {
    const [y] = op.GRU(x, input("w", [1, 6, 3]), input("r", [1, 6, 2]), { linearBeforeReset: true });
    const loss = op.ReduceSum(op.Mul(y!, y!), { keepdims: false });
    const names = operatorsOf({ loss, slope: grad(loss, [x])[0]! });
    expect(names.filter((name) => ["GRU", "Scan"].includes(name)).sort()).toEqual(["GRU", "Scan"]);
  });
});

test.each([
  [() => op.LSTM(input("x", [2, 3]), input("w", [1, 8, 3]), input("r", [1, 8, 2])), /steps, batch, size/],
  [() => op.LSTM(input("x", [2, 1, 3]), input("w", [1, 8, 4]), input("r", [1, 8, 2])), /W has to be/],
  [
    () => op.RNN(input("x", [2, 1, 3]), input("w", [1, 2, 3]), input("r", [1, 2, 2]), { b: constant([0, 0], [1, 2]) }),
    /B has to be/,
  ],
])("what does not fit is refused", (make, message) => {
  expect(make).toThrow(message);
});
