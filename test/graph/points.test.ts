// Which convolutions are products at points: those that save as many multiplications as a target wants, whatever else it goes by.
import { type Costs, grad, input, kinds, lower, onnxTarget, op, topological, type Value } from "@innerloop/graph";
import { describe, expect, test } from "vitest";
import { sumOf } from "./passing.ts";

const [pads, w, v] = [[1, 1, 1, 1], input("w", [3, 3, 32, 32]), input("v", [3, 3, 32, 32])];

/** Seven rows to four and then four to four, with all gradients: of a window's multiplications 9/4 and 4 times as many as at points. */
function outputs(): Value[] {
  const x = input("x", [48, 7, 7, 32]);
  const y = op.Convolution(op.Convolution(x, w, { strides: [2, 2], pads }), v, { pads });
  return [y, ...grad(sumOf(op.Mul(y, y)), [x, w, v])];
}

/** Rates by which the usual form is taken. */
const usual = (): Costs => {
  const rates = (each: number) =>
    Object.fromEntries(kinds.map((kind) => [kind, each])) as unknown as Costs["convolution"]["native"];
  const forms = { columns: rates(1), native: rates(10) };
  return { convolution: forms, "convolution-input-gradient": forms };
};

/** How many products there are at as many points. */
function productsAt(points: number, target: Parameters<typeof onnxTarget>[0], without: readonly string[] = []): number {
  const nodes = topological(lower(outputs(), onnxTarget(target), { without }));
  return nodes.filter(
    ({ operator, outputs: [{ shape }] }) => operator.name === "MatMul" && shape.length === 3 && shape[0] === points,
  ).length;
}

describe.each([
  ["by what is usual", {}],
  ["by costs", { costs: usual() }],
])("products at points %s", (_, target) => {
  test("save as much as the target wants", () => {
    const counted = (gain: object) => [64, 36].map((points) => productsAt(points, { ...target, ...gain }));
    expect(counted({})).toEqual([3, 3]);
    expect(counted({ pointsGain: 3 })).toEqual([0, 3]);
    expect(counted({ pointsGain: 5 })).toEqual([0, 0]);
  });

  test("are left out by their name, backward and forward", () => {
    expect([64, 36].map((points) => productsAt(points, target, ["points"]))).toEqual([0, 0]);
  });
});
