// Nodes of the operators of ONNX Runtime's own domain that its optimizer makes of transformers.
import { type ContributedCase, float, int, ints, places, type Stored } from "./contributed-inputs.ts";

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

export const transformerCases: readonly ContributedCase[] = [
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
    attributes: [twoHeads, float("mask_filter_value", -3), ints("qkv_hidden_sizes", [4, 4, 6])],
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
];
