// Losses for models that are made adaptable: PyTorch's values and derivatives, in float64; and a file that computes one.
import { lossNamed, lossOfFile } from "@innerloop/export";
import { evaluate, grad, input, op, writeOnnx } from "@innerloop/graph";
import { describe, expect, it } from "vitest";
import { distance } from "../support/numbers.ts";
import { readRecorded } from "../support/recorded.ts";
import { refusalOf } from "../support/refusal.ts";

interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

const { losses } = readRecorded<{
  losses: {
    labels: readonly number[];
    targets: Numbers;
    cases: Readonly<Record<string, { x: Numbers; value: number; gradient: Numbers }>>;
  };
}>("export/recorded/adaptable.json");

const float64 = ({ shape, data }: Numbers) => ({ dtype: "float64" as const, shape, data: Float64Array.from(data) });
const labels = { dtype: "int32" as const, shape: [6], data: Int32Array.from(losses.labels) };

/** `huber, delta 0.7` as a loss. */
function lossOf(name: string) {
  const [kind = "", setting = ""] = name.split(", ");
  const [key = "", numbers = ""] = setting.split(" ");
  const values = numbers.split(",").map(Number);
  return lossNamed(kind, key === "" ? {} : { [key]: key === "classWeights" ? values : values[0] });
}

describe("losses", () => {
  it.each(Object.entries(losses.cases))("%s", (name, { x: numbers, value, gradient }) => {
    const loss = lossOf(name);
    const x = input("x", numbers.shape);
    const y = loss.task === "regression" ? input("y", losses.targets.shape) : input("y", [6], "int64");
    const result = loss.of(x, y, {});
    const found = evaluate([result, ...grad(result, [x])], {
      x: float64(numbers),
      y: loss.task === "regression" ? float64(losses.targets) : labels,
    });
    expect(Number(found[0]!.data[0])).toBeCloseTo(value, 6);
    expect(distance(found[1]!.data, gradient.data)).toBeLessThan(1e-6);
  });

  it("may be a file", () => {
    const [outputs, targets] = [input("outputs", ["n", 3]), input("targets", ["n"], "int64")];
    const bytes = writeOnnx({ loss: op.SoftmaxCrossEntropyLoss(outputs, targets) }, { inputs: [outputs, targets] });
    const loss = lossOfFile(bytes, "loss.onnx");
    expect([loss.task, loss.on]).toEqual(["classification", "outputs"]);
    const { x: numbers, value, gradient } = losses.cases["cross-entropy"]!;
    const x = input("x", numbers.shape);
    const result = loss.of(x, input("y", [6], "int64"), {});
    const found = evaluate([result, ...grad(result, [x])], { x: float64(numbers), y: labels });
    expect(Number(found[0]!.data[0])).toBeCloseTo(value, 6);
    expect(distance(found[1]!.data, gradient.data)).toBeLessThan(1e-6);
  });

  it("are refused by what they lack", () => {
    expect(refusalOf(() => lossNamed("hinge")).message).toContain("cross-entropy");
    expect(refusalOf(() => lossNamed("squared", { margin: 1 })).message).toContain("it has none");
    expect(refusalOf(() => lossNamed("triplet", { margin: -1 })).code).toBe("bad-option");
    const x = input("x", [3]);
    expect(refusalOf(() => lossOfFile(writeOnnx({ y: x }), "y.onnx")).code).toBe("bad-loss");
  });
});
