// A node of each operator of ONNX Runtime's own domain that is read: its inputs, of which the first is given when it runs and the
// others are stored, and its attributes.
import { randomNumbers } from "../support/numbers.ts";
import {
  type ContributedCase,
  float,
  floats,
  int,
  ints,
  type Stored,
  scale,
  text,
  zero,
} from "./contributed-inputs.ts";
import { transformerCases } from "./transformer-cases.ts";

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
      floats("activation_params", [0.25]),
      ints("pads", [1, 1, 1, 1]),
      ints("kernel_shape", [3, 3]),
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
    operator: "FusedGemm",
    inputs: [
      ["float", [3, 4]],
      ["float", [5, 4]],
      ["float", [5]],
    ],
    attributes: [
      text("activation", "LeakyRelu"),
      float("activation_alpha", 0.25),
      int("transB", 1),
      float("alpha", 0.5),
      float("beta", 2),
    ],
  },
  {
    operator: "FusedGemm",
    inputs: [
      ["float", [3, 4]],
      ["float", [4, 5]],
      ["float", [5]],
    ],
    attributes: [text("activation", "Relu")],
  },
  {
    operator: "MatMulNBits",
    inputs: [
      ["float", [2, 3, 40]],
      ["uint8", [5, 3, 8], 255],
      ["float", [15], 0.05],
    ],
    attributes: [int("K", 40), int("N", 5), int("bits", 4), int("block_size", 16)],
  },
  {
    operator: "MatMulNBits",
    inputs: [
      ["float", [3, 40]],
      ["uint8", [5, 3, 8], 255],
      ["float", [5, 3], 0.05],
      ["uint8", [10], 255],
      undefined,
      ["float", [5]],
    ],
    attributes: [int("K", 40), int("N", 5), int("bits", 4), int("block_size", 16)],
  },
  {
    operator: "MatMulNBits",
    inputs: [
      ["float", [3, 32]],
      ["uint8", [5, 1, 32], 255],
      ["float", [5, 1], 0.01],
    ],
    attributes: [int("K", 32), int("N", 5), int("bits", 8), int("block_size", 32)],
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
  ...transformerCases,
];

/** The names of the operators that are tried. */
export const contributedNames = contributedCases.map(({ operator, domain = "com.microsoft." }) => domain + operator);

/** The same numbers for the same place of a case. */
export function numbersOf([type, shape, range = 1]: Stored, seed: number): Float32Array {
  if (typeof range !== "number") return Float32Array.from(range);
  const next = randomNumbers(seed);
  const count = shape.reduce((size, dim) => size * dim, 1);
  // Scales are above zero, whole numbers are whole, and those without a sign have none.
  const positive = type === "uint8" || (type === "float" && shape.length < 2 && range < 1);
  return Float32Array.from({ length: count }, () => {
    const x = positive ? range * (0.5 + 0.5 * next()) : range * next();
    return type === "float" ? x : Math.round(x);
  });
}
