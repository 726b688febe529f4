// A node of each operator of ONNX Runtime's own domain that is read: its inputs, of which the first is given when it runs and the
// others are stored, and its attributes.
import { onnx } from "@innerloop/schemas/onnx";
import { randomNumbers } from "../support/numbers.ts";

type Stored = readonly [type: "float" | "int8" | "uint8" | "int32", shape: readonly number[], range?: number];
type AttributeProto = onnx.AttributeProto.$Properties;
const { AttributeType } = onnx.AttributeProto;

export interface ContributedCase {
  readonly operator: string;
  readonly inputs: readonly (Stored | undefined)[];
  readonly attributes?: readonly AttributeProto[];
  readonly outputs?: number;
  /** How far its parts may be off, of the largest entry: rounding of what goes from step to step, or of a step of the scale. */
  readonly parts?: number;
}

const int = (name: string, i: number): AttributeProto => ({ name, type: AttributeType.INT, i });
const float = (name: string, f: number): AttributeProto => ({ name, type: AttributeType.FLOAT, f });
const text = (name: string, s: string): AttributeProto => ({
  name,
  type: AttributeType.STRING,
  s: new TextEncoder().encode(s),
});
const scale: Stored = ["float", [], 0.05];
const zero = (type: "uint8" | "int8"): Stored => [type, [], 9];
const whole = (...shape: number[]): readonly Stored[] => [["uint8", shape, 255], scale, zero("uint8")];

export const contributedCases: readonly ContributedCase[] = [
  {
    operator: "BiasGelu",
    inputs: [
      ["float", [2, 3, 4]],
      ["float", [4]],
    ],
  },
  {
    operator: "FastGelu",
    inputs: [
      ["float", [2, 4]],
      ["float", [4]],
    ],
  },
  { operator: "FastGelu", inputs: [["float", [2, 4]]] },
  { operator: "Gelu", inputs: [["float", [2, 4]]] },
  { operator: "QuickGelu", inputs: [["float", [2, 4]]], attributes: [float("alpha", 1.5)] },
  {
    operator: "FusedConv",
    inputs: [
      ["float", [2, 3, 5, 5]],
      ["float", [4, 3, 3, 3]],
      ["float", [4]],
    ],
    attributes: [
      text("activation", "LeakyRelu"),
      { name: "activation_params", type: AttributeType.FLOATS, floats: [0.25] },
      { name: "pads", type: AttributeType.INTS, ints: [1, 1, 1, 1] },
      { name: "kernel_shape", type: AttributeType.INTS, ints: [3, 3] },
    ],
  },
  {
    operator: "FusedMatMul",
    inputs: [
      ["float", [2, 4, 3]],
      ["float", [5, 4]],
    ],
    attributes: [float("alpha", 0.5), int("transA", 1), int("transB", 1)],
  },
  {
    operator: "SkipLayerNormalization",
    inputs: [
      ["float", [2, 3, 8]],
      ["float", [2, 3, 8]],
      ["float", [8]],
      ["float", [8]],
      ["float", [8]],
    ],
    attributes: [float("epsilon", 1e-5)],
  },
  {
    operator: "DynamicQuantizeLSTM",
    inputs: [
      ...([
        ["float", [6, 2, 3]],
        ["int8", [2, 3, 16], 100],
        ["int8", [2, 4, 16], 100],
        ["float", [2, 32]],
      ] as const),
      ...[undefined, undefined, undefined, undefined],
      ...([
        ["float", [2], 0.01],
        ["int8", [2], 5],
        ["float", [2], 0.01],
        ["int8", [2], 5],
      ] as const),
    ],
    attributes: [int("hidden_size", 4), text("direction", "bidirectional")],
    outputs: 3,
    parts: 0.05,
  },
  {
    operator: "DynamicQuantizeMatMul",
    inputs: [["float", [3, 4]], ["uint8", [4, 5], 255], ["float", [], 0.05], zero("uint8"), ["float", [5]]],
  },
  {
    operator: "MatMulIntegerToFloat",
    inputs: [
      ["uint8", [3, 4], 255],
      ["int8", [4, 5], 100],
      scale,
      ["float", [5], 0.05],
      zero("uint8"),
      ["int8", [5], 9],
    ],
  },
  { operator: "QLinearAdd", inputs: [...whole(2, 5), ...whole(2, 5), ["float", [], 0.3], zero("uint8")] },
  { operator: "QLinearMul", inputs: [...whole(2, 5), ...whole(2, 5), ["float", [], 0.9], zero("uint8")] },
  { operator: "QLinearSigmoid", inputs: [...whole(2, 5), ["float", [], 0.01], zero("uint8")] },
  {
    operator: "QLinearLeakyRelu",
    inputs: [...whole(2, 5), ["float", [], 0.1], zero("uint8")],
    attributes: [float("alpha", 0.25)],
  },
  {
    operator: "QLinearGlobalAveragePool",
    inputs: [...whole(2, 3, 4, 4), ["float", [], 0.1], zero("uint8")],
    attributes: [int("channels_last", 0)],
  },
  {
    operator: "QLinearConcat",
    inputs: [["float", [], 0.1], zero("uint8"), ...whole(2, 3), ...whole(2, 4)],
    attributes: [int("axis", 1)],
  },
  {
    operator: "QGemm",
    inputs: [
      ...whole(2, 4),
      ["uint8", [4, 3], 255],
      scale,
      zero("uint8"),
      ["int32", [3], 900],
      ["float", [], 0.9],
      zero("uint8"),
    ],
  },
];

/** The same numbers for the same place of a case. */
export function numbersOf([type, shape, range = 1]: Stored, seed: number): Float32Array {
  const next = randomNumbers(seed);
  const count = shape.reduce((size, dim) => size * dim, 1);
  // Scales are above zero, whole numbers are whole, and those without a sign have none.
  const positive = type === "uint8" || (type === "float" && shape.length < 2 && range < 1);
  return Float32Array.from({ length: count }, () => {
    const x = positive ? range * (0.5 + 0.5 * next()) : range * next();
    return type === "float" ? x : Math.round(x);
  });
}
