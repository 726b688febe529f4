// Attention as exporters write it out: a row of which everything is masked has a softmax that is not defined, which is replaced; no
// derivative may meet it.
import { evaluate, grad, op, readOnnx, type Value } from "@innerloop/graph";
import { encodeModel, onnx } from "@innerloop/schemas/onnx";
import { expect, test } from "vitest";

type NodeProto = onnx.NodeProto.$Properties;
const float = 1;
const info = (name: string, dims: readonly number[], elemType = float): onnx.ValueInfoProto.$Properties => ({
  name,
  type: { tensorType: { elemType, shape: { dim: dims.map((dimValue) => ({ dimValue })) } } },
});

/** The model of nodes over scores `[2, 3]`, and a mask that is added to them. */
const modelOf = (node: NodeProto[]): Uint8Array =>
  encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: "", version: 18 }],
    graph: {
      name: "g",
      node: [{ opType: "Add", input: ["scores", "mask"], output: ["masked"] }, ...node],
      initializer: [{ name: "zero", dataType: float, dims: [], floatData: [0] }],
      input: [info("scores", [2, 3]), info("mask", [2, 3]), info("blind", [2, 1], 9)],
      output: [{ name: "y" }],
    },
  });

const softmax: NodeProto = { opType: "Softmax", input: ["masked"], output: ["shares"] };
const replaced: Record<string, NodeProto[]> = {
  "by a mask of rows": [softmax, { opType: "Where", input: ["blind", "zero", "shares"], output: ["y"] }],
  "where it is not a number": [
    softmax,
    { opType: "IsNaN", input: ["shares"], output: ["undefined"] },
    { opType: "Where", input: ["undefined", "zero", "shares"], output: ["y"] },
  ],
  "in another precision": [
    softmax,
    {
      opType: "Cast",
      input: ["shares"],
      output: ["exact"],
      attribute: [{ name: "to", type: onnx.AttributeProto.AttributeType.INT, i: 11 }],
    },
    {
      opType: "Cast",
      input: ["exact"],
      output: ["back"],
      attribute: [{ name: "to", type: onnx.AttributeProto.AttributeType.INT, i: 1 }],
    },
    { opType: "Where", input: ["blind", "zero", "back"], output: ["y"] },
  ],
};

test.each(Object.entries(replaced))("%s", (_, nodes) => {
  const model = readOnnx(modelOf(nodes), "attention.onnx");
  const [scores, y] = [model.inputs.scores as Value, model.outputs.y as Value];
  const [slope] = grad(op.ReduceSum(op.Mul(y, y), { keepdims: false }), [scores]);
  const [second] = grad(op.ReduceSum(op.Mul(slope!, slope!), { keepdims: false }), [scores]);
  const off = Number.NEGATIVE_INFINITY;
  const feeds = {
    scores: { shape: [2, 3], data: [0.5, -1, 2, 1, 2, 3] },
    mask: { shape: [2, 3], data: [0, off, 0, off, off, off] },
    blind: { shape: [2, 1], data: [0, 1] },
  };
  const [values, first, curved] = evaluate([y, slope!, second!], feeds);
  const share = 1 / (1 + Math.exp(-1.5));
  // Of two shares p and 1 − p, Σ p² has the slope 2 p (1 − p) (2 p − 1) in the larger score.
  const bend = 2 * share * (1 - share) * (2 * share - 1);
  const near = (list: ArrayLike<number>, expected: readonly number[]) =>
    expected.forEach((x, i) => {
      expect(list[i]).toBeCloseTo(x, 6);
    });
  near(values!.data, [1 - share, 0, share, 0, 0, 0]);
  near(first!.data, [-bend, 0, bend, 0, 0, 0]);
  expect(curved!.data.every(Number.isFinite)).toBe(true);
});
