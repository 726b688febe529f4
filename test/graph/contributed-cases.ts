// A node of each operator of ONNX Runtime's own domain that is read: its inputs, of which the first is given when it runs and the
// others are stored, and its attributes.
import { onnx } from "@innerloop/schemas/onnx";
import { randomNumbers } from "../support/numbers.ts";

type Stored = readonly [
  type: "float" | "int8" | "uint8" | "int32" | "int64",
  shape: readonly number[],
  range?: number | readonly number[],
];
type AttributeProto = onnx.AttributeProto.$Properties;
const { AttributeType } = onnx.AttributeProto;

export interface ContributedCase {
  readonly operator: string;
  /** Of `ai.onnx` where it is empty. */
  readonly domain?: string;
  readonly inputs: readonly (Stored | undefined)[];
  readonly attributes?: readonly AttributeProto[];
  readonly outputs?: number;
  /** What is compared of its outputs, where that is not all. */
  readonly compared?: readonly number[];
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
const places = (count: number, ...shape: number[]): Stored => [
  "float",
  [count, ...shape],
  Array.from({ length: count * shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i)),
];
/** Two sequences of three, of four numbers in two heads, with one matrix for queries, keys and values. */
const projected = [
  ["float", [2, 3, 4]],
  ["float", [4, 12]],
  ["float", [12]],
] as const;
const rows = (length: number, size: number): Stored => ["float", [2, length, size]];
const twoHeads = int("num_heads", 2);
const lengths: Stored = ["int32", [2], [3, 2]];
/** Queries and keys of three, of four heads of which two share their keys. */
const grouped = [rows(3, 64), rows(3, 32), rows(3, 32)] as const;
const groupedHeads = [int("num_heads", 4), int("kv_num_heads", 2)] as const;
const turnedBy = [places(8, 4), places(8, 4)] as const;
const widerTurned = [places(8, 8), places(8, 8)] as const;

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
  // Numbers so small that it tells which epsilon holds where none is given.
  ...["SkipLayerNormalization", "SkipSimplifiedLayerNormalization"].map((operator) => ({
    operator,
    inputs: [
      ["float", [2, 8], 1e-3],
      ["float", [2, 8], 1e-3],
      ["float", [8]],
    ] as const,
  })),
  {
    operator: "SimplifiedLayerNormalization",
    domain: "",
    inputs: [
      ["float", [2, 3, 8]],
      ["float", [8]],
    ],
    attributes: [float("epsilon", 1e-6), int("axis", -1), int("stash_type", 1)],
  },
  {
    operator: "SkipSimplifiedLayerNormalization",
    inputs: [
      ["float", [2, 3, 8]],
      ["float", [2, 3, 8]],
      ["float", [8]],
      ["float", [8]],
    ],
    attributes: [float("epsilon", 1e-6)],
    outputs: 4,
    // Of the others ONNX Runtime gives nothing.
    compared: [0, 3],
  },
  { operator: "Attention", inputs: projected, attributes: [twoHeads] },
  {
    operator: "Attention",
    inputs: [...projected, lengths, undefined, ["float", [1, 2, 3, 3]]],
    attributes: [twoHeads, float("mask_filter_value", -3)],
  },
  {
    operator: "Attention",
    inputs: [...projected, ["int32", [2, 3], [1, 1, 0, 1, 0, 1]]],
    attributes: [twoHeads, int("unidirectional", 1), float("scale", 0.3)],
  },
  {
    operator: "Attention",
    inputs: [
      ["float", [2, 3, 5]],
      ["float", [5, 14]],
      ["float", [14]],
      ["int32", [2, 3, 3], [1, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0]],
    ],
    attributes: [
      twoHeads,
      float("mask_filter_value", -3),
      { name: "qkv_hidden_sizes", type: AttributeType.INTS, ints: [4, 4, 6] },
    ],
  },
  {
    operator: "Attention",
    inputs: [...projected, ["int32", [2, 5], [1, 1, 0, 1, 1, 0, 1, 1, 1, 1]], ["float", [2, 2, 2, 2, 2]]],
    attributes: [twoHeads, int("unidirectional", 1)],
    outputs: 2,
  },
  {
    operator: "MultiHeadAttention",
    inputs: [
      rows(3, 4),
      rows(5, 4),
      rows(5, 6),
      ["float", [14]],
      ["int32", [2, 5], [1, 1, 0, 1, 1, 0, 1, 1, 1, 0]],
      ["float", [2, 1, 3, 5]],
    ],
    attributes: [twoHeads, float("scale", 0.7)],
  },
  { operator: "MultiHeadAttention", inputs: [rows(3, 4), rows(3, 4), rows(3, 4)], attributes: [twoHeads] },
  {
    operator: "MultiHeadAttention",
    inputs: [rows(3, 4), rows(3, 4), rows(3, 4), undefined, lengths],
    attributes: [twoHeads, int("unidirectional", 1)],
    outputs: 3,
  },
  {
    operator: "MultiHeadAttention",
    inputs: [rows(3, 4), ["float", [2, 2, 5, 2]], ["float", [2, 2, 5, 2]], ["float", [12]]],
    attributes: [twoHeads],
  },
  {
    operator: "MultiHeadAttention",
    inputs: [
      ...[rows(1, 4), rows(1, 4), rows(1, 4), undefined, undefined, undefined],
      ...([
        ["float", [2, 2, 3, 2]],
        ["float", [2, 2, 3, 2]],
      ] as const),
    ],
    attributes: [twoHeads, int("unidirectional", 1)],
    outputs: 3,
  },
  {
    operator: "EmbedLayerNormalization",
    inputs: [
      ["int32", [2, 3], [4, 1, 0, 2, 2, 5]],
      ["int32", [2, 3], [0, 0, 1, 1, 0, 1]],
      ["float", [6, 8]],
      ["float", [4, 8]],
      ["float", [2, 8]],
      ["float", [8]],
      ["float", [8]],
      ["int32", [2, 3], [1, 1, 0, 1, 1, 1]],
    ],
    outputs: 3,
  },
  {
    operator: "EmbedLayerNormalization",
    inputs: [
      ...([["int32", [2, 3], [4, 1, 0, 2, 2, 5]], undefined, ["float", [6, 8]], ["float", [4, 8]], undefined] as const),
      ...([["float", [8]], ["float", [8]], undefined, ["int32", [1, 3], [3, 0, 1]]] as const),
    ],
    attributes: [float("epsilon", 1e-5)],
    outputs: 2,
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
  { operator: "RotaryEmbedding", inputs: [rows(3, 16), ["int64", [1], [2]], ...turnedBy] },
  {
    operator: "RotaryEmbedding",
    inputs: [["float", [2, 2, 3, 8]], ["int64", [2, 3], [0, 1, 2, 3, 5, 7]], ...turnedBy],
    attributes: [int("interleaved", 1)],
  },
  {
    operator: "RotaryEmbedding",
    inputs: [rows(3, 20), ["int64", [2, 3], [0, 1, 2, 3, 5, 7]], ...turnedBy],
    attributes: [twoHeads, int("rotary_embedding_dim", 8)],
  },
  {
    operator: "GroupQueryAttention",
    inputs: [...grouped, undefined, undefined, ["int32", [2], [2, 2]], ["int32", [], [3]]],
    attributes: [...groupedHeads, float("scale", 0.4)],
    outputs: 3,
  },
  {
    operator: "GroupQueryAttention",
    inputs: [
      ...[rows(3, 128), undefined, undefined, undefined, undefined],
      ...([
        ["int32", [2], [2, 2]],
        ["int32", [], [3]],
      ] as const),
      ...widerTurned,
    ],
    attributes: [...groupedHeads, int("do_rotary", 1), int("local_window_size", 2), float("softcap", 2)],
    outputs: 3,
  },
  {
    operator: "GroupQueryAttention",
    inputs: [
      ...[rows(1, 64), rows(1, 32), rows(1, 32)],
      ...([
        ["float", [2, 2, 3, 16]],
        ["float", [2, 2, 3, 16]],
        ["int32", [2], [3, 2]],
        ["int32", [], [4]],
      ] as const),
      ...widerTurned,
    ],
    attributes: [...groupedHeads, int("do_rotary", 1), int("rotary_interleaved", 1)],
    // Of the shorter sequence what is behind it is anything.
    compared: [0],
    outputs: 3,
  },
  {
    operator: "GroupQueryAttention",
    inputs: [
      ...([
        ["float", [1, 2, 64]],
        ["float", [1, 2, 32]],
        ["float", [1, 2, 32]],
      ] as const),
      ...([
        ["float", [1, 2, 3, 16]],
        ["float", [1, 2, 3, 16]],
        ["int32", [1], [4]],
        ["int32", [], [5]],
      ] as const),
      ...widerTurned,
      ...([undefined, ["float", [1, 4, 2, 5]]] as const),
    ],
    attributes: [...groupedHeads, int("do_rotary", 1)],
    outputs: 3,
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
