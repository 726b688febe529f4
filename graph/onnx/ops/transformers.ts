// Operators of transformers that ONNX Runtime's optimizer, and those who build its models, put in place of ONNX's: attention,
// embeddings, norms. Each is made of operators of `ai.onnx`, and written as it was read.
import { InnerloopError } from "@innerloop/schemas";
import { constantOf } from "../../core/build.ts";
import { addDims, type Dim } from "../../core/dims.ts";
import { at } from "../../core/lists.ts";
import { fixed } from "../../core/shapes.ts";
import type { Value } from "../../core/value.ts";
import * as op from "../../ops/index.ts";
import { headsApart, headsJoined } from "../../ops/internal/heads.ts";
import { sizeNumber } from "../../ops/internal/sizes.ts";
import { cut } from "../../ops/internal/slicing.ts";
import { defined, flag, float, int, ints, text } from "../attributes.ts";
import type { ReadOperator } from "../operator.ts";
import type { Call } from "../reader/call.ts";
import { added, operator, without } from "./contributed-operator.ts";

const unfused = "take the file as it was before it was optimized, or leave this fusion out";
const oneStep = "export the model without the buffers that its steps share";

/** 1 over the root of the mean square of the axes from one on, which stay with size 1. */
function inverseRoot(x: Value, axis: number, epsilon: number): Value {
  const axes = [...x.shape.keys()].slice(axis);
  return op.Reciprocal(op.Sqrt(op.Add(op.ReduceMean(op.Mul(x, x), { axes }), epsilon)));
}

/** One of several that are packed in an axis. */
function part(x: Value, axis: number, i: number): Value {
  return op.Squeeze(cut(x, axis, i, i + 1), [axis]);
}

/** Keys and values, behind those of before where there are some. */
const behind = (past: Value | undefined, x: Value): Value => (past ? op.Concat([past, x], 2) : x);

/** What a mask adds to the scores `[batch, heads, queries, keys]`: a number that is low where a 0 is, or beyond the length given. */
function maskBias(c: Call, i: number, keys: Dim, batch: Dim, value: number): Value | undefined {
  const mask = c.optional(i);
  if (!mask) return undefined;
  const bias = (seen: Value) => op.Where(seen, 0, value);
  switch (mask.rank) {
    case 1: {
      const [size] = mask.shape;
      without(
        typeof size === "number" && typeof batch === "number" && size !== batch,
        `a mask of ${size} numbers for ${batch} sequences`,
        "give a length for each, or a mask of 0 and 1",
      );
      const lengths = op.Reshape(op.Cast(mask, "int64"), [-1, 1, 1, 1]);
      return bias(op.Less(op.Range(keys), lengths));
    }
    case 2:
      return bias(op.Greater(op.Unsqueeze(mask, [1, 2]), 0));
    case 3:
      return bias(op.Greater(op.Unsqueeze(mask, [1]), 0));
    default:
      throw new InnerloopError(
        "unsupported-attribute",
        "has a mask of four axes, which is not read: give one of [batch, keys] or [batch, queries, keys].",
      );
  }
}

/** Attention of heads that are apart, where what is added to the scores hides nothing altogether. */
function attended(
  q: Value,
  k: Value,
  v: Value,
  bias: readonly (Value | undefined)[],
  options: { scale: number; isCausal: boolean; past?: { key: Value; value: Value } | undefined },
) {
  const { scale, isCausal, past } = options;
  const { y, presentKey, presentValue } = op.Attention(q, k, v, {
    isCausal,
    changeScores: (scores) => bias.reduce(added, scores) ?? scores,
    ...defined({ past, scale: scale || undefined }),
  });
  return { y: headsJoined(y), presentKey, presentValue };
}

const heads = { num_heads: int(), scale: float(0), mask_filter_value: float(-10000), unidirectional: flag(false) };

export const transformers: Readonly<Record<string, ReadOperator>> = {
  ...operator(
    "SimplifiedLayerNormalization",
    ["normalization", "ReduceMean, Sqrt, Mul", "RMSNormalization as ONNX Runtime has it"],
    { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) },
    (c, { axis, epsilon }) => {
      const x = c.value(0);
      return [op.RMSNormalization(x, c.value(1), { axis, epsilon }), inverseRoot(x, axis, epsilon)];
    },
    "",
  ),
  ...operator(
    "SkipSimplifiedLayerNormalization",
    ["normalization", "Add, ReduceMean, Sqrt, Mul", "RMSNormalization of a sum, and the sum"],
    { epsilon: float(1e-12) },
    (c, { epsilon }) => {
      const sum = added(op.Add(c.value(0), c.value(1)), c.optional(3));
      const y = op.RMSNormalization(sum, c.value(2), { epsilon });
      return [y, op.ReduceMean(sum, { axes: [-1] }), inverseRoot(sum, -1, epsilon), sum];
    },
  ),
  ...operator(
    "Attention",
    [
      "attention",
      "MatMul, Split, Softmax, Where, Concat",
      "attention with its projection, of one matrix for all three",
    ],
    {
      ...heads,
      qkv_hidden_sizes: ints(),
      do_rotary: flag(false),
      rotary_embedding_dim: int(0),
      past_present_share_buffer: flag(false),
    },
    (c, a) => {
      const { num_heads: count = 1 } = a;
      without(a.do_rotary, "do_rotary", unfused);
      without(a.past_present_share_buffer || c.has(6), "past_present_share_buffer", oneStep);
      const x = c.value(0);
      const packed = added(op.MatMul(x, c.value(1)), c.optional(2));
      const [q, k, v] = op.Split(packed, a.qkv_hidden_sizes ?? 3, 2).map((each) => headsApart(each, count));
      if (!q || !k || !v) throw new InnerloopError("bad-model", "has other than three qkv_hidden_sizes.");
      const before = c.optional(4);
      const past = before && { key: part(before, 0, 0), value: part(before, 0, 1) };
      const length = at(x.shape, 1);
      const keys = past ? addDims(at(past.key.shape, 2), length) : length;
      const bias = [maskBias(c, 3, keys, at(x.shape, 0), a.mask_filter_value), c.optional(5)];
      const given = attended(q, k, v, bias, { scale: a.scale, isCausal: a.unidirectional, past });
      if (c.usedOutputs < 2) return given.y;
      return [
        given.y,
        op.Concat(
          [given.presentKey, given.presentValue].map((each) => op.Unsqueeze(each, [0])),
          0,
        ),
      ];
    },
  ),
  ...operator(
    "MultiHeadAttention",
    ["attention", "Add, MatMul, Softmax, Where, Concat", "attention of what is projected, apart or packed"],
    heads,
    (c, a) => {
      without(c.has(8), "past_sequence_length", oneStep);
      without(c.has(9), "cache_indirection", oneStep);
      without(c.usedOutputs > 3, "the output qk", unfused);
      const { num_heads: count = 1 } = a;
      const query = c.value(0);
      const bias = c.optional(3);
      const flat = (x: Value) => op.Reshape(x, [0, 0, -1]);
      const biased = (x: Value, start: number) => {
        if (!bias) return { x: headsApart(x, count), end: start };
        const end = start + fixed(at(x.shape, -1), "MultiHeadAttention");
        return { x: headsApart(op.Add(x, cut(bias, 0, start, end)), count), end };
      };
      const [q, k, v] =
        query.rank === 5
          ? [0, 1, 2].map((i) => flat(part(query, 3, i)))
          : c.value(1).rank === 5
            ? [query, flat(part(c.value(1), 3, 0)), flat(part(c.value(1), 3, 1))]
            : [query, c.value(1), c.value(2)];
      if (!q || !k || !v) throw new InnerloopError("bad-model", "lacks keys or values.");
      const queries = biased(q, 0);
      // Keys and values of four axes are those of before: what they lack is not added again.
      const keys = k.rank === 4 ? { x: k, end: 0 } : biased(k, queries.end);
      const values = v.rank === 4 ? v : biased(v, keys.end).x;
      const [pastKey, pastValue] = [c.optional(6), c.optional(7)];
      const past = pastKey && pastValue && { key: pastKey, value: pastValue };
      const length = at(keys.x.shape, 2);
      const total = past ? addDims(at(past.key.shape, 2), length) : length;
      const scores = [maskBias(c, 4, total, at(q.shape, 0), a.mask_filter_value), c.optional(5)];
      const given = attended(queries.x, keys.x, values, scores, { scale: a.scale, isCausal: a.unidirectional, past });
      return [given.y, given.presentKey, given.presentValue];
    },
  ),
  ...operator(
    "EmbedLayerNormalization",
    ["normalization", "Gather, Add, LayerNormalization", "words, places and segments looked up, added and normalized"],
    { epsilon: float(1e-12), mask_index_type: int(0) },
    (c, { epsilon }) => {
      const [ids, segments, table, mask, places] = [
        c.value(0),
        c.optional(1),
        c.optional(4),
        c.optional(7),
        c.optional(8),
      ];
      const words = op.Gather(c.value(2), ids, 0);
      const positions = op.Gather(c.value(3), places ?? op.Unsqueeze(op.Range(at(ids.shape, 1)), [0]), 0);
      const sum = added(op.Add(words, positions), segments && table && op.Gather(table, segments, 0));
      const y = op.LayerNormalization(sum, c.value(5), c.value(6), { epsilon });
      const ones = mask ? op.Equal(mask, 1) : op.Less(ids, ids);
      const lengths = op.ReduceSum(op.Cast(ones, "int32"), { axes: [1], keepdims: false });
      return [y, lengths, sum];
    },
  ),
  ...operator(
    "RotaryEmbedding",
    ["attention", "Gather, Mul, Sub, Add, Concat", "as that of ai.onnx, with the places before the angles"],
    {
      interleaved: flag(false),
      is_packed_batching: flag(false),
      num_heads: int(0),
      rotary_embedding_dim: int(0),
      scale: float(1),
    },
    (c, a) => {
      without(a.is_packed_batching, "is_packed_batching", "give sequences of one length, or export without packing");
      without(a.scale !== 1, "a scale", "multiply by it before or after");
      const [x, ids, cos, sin] = [c.value(0), c.value(1), c.value(2), c.value(3)];
      const size = a.rotary_embedding_dim || 2 * fixed(at(cos.shape, 1), "RotaryEmbedding");
      const inLast = x.rank === 3;
      const heads = a.num_heads || (inLast ? fixed(at(x.shape, 2), "RotaryEmbedding") / size : 0);
      const length = at(x.shape, inLast ? 1 : 2);
      const positions = ids.rank === 1 ? op.Unsqueeze(op.Add(ids, op.Range(length)), [0]) : ids;
      return op.RotaryEmbedding(x, cos, sin, { interleaved: a.interleaved, heads, size, positions });
    },
  ),
  ...operator(
    "GroupQueryAttention",
    [
      "attention",
      "RotaryEmbedding, GatherND, MatMul, Softmax, Where, Concat",
      "causal attention whose heads share keys, with what was before; sequences may have other lengths",
    ],
    {
      num_heads: int(),
      kv_num_heads: int(),
      scale: float(0),
      softcap: float(0),
      do_rotary: flag(false),
      rotary_interleaved: flag(false),
      local_window_size: int(-1),
      causal: flag(true),
      smooth_softmax: int(0),
      qk_output: int(0),
      sliding_window_cache: flag(false),
      kv_cache_bit_width: int(0),
      k_quant_type: text("NONE"),
      v_quant_type: text("NONE"),
    },
    groupQueryAttention,
  ),
};

interface GroupQuery {
  readonly num_heads: number | undefined;
  readonly kv_num_heads: number | undefined;
  readonly scale: number;
  readonly softcap: number;
  readonly do_rotary: boolean;
  readonly rotary_interleaved: boolean;
  readonly local_window_size: number;
  readonly causal: boolean;
  readonly smooth_softmax: number;
  readonly qk_output: number;
  readonly sliding_window_cache: boolean;
  readonly k_quant_type: string;
  readonly v_quant_type: string;
}

/** Refuses what is not read of grouped attention. */
function checkGroupQuery(c: Call, a: GroupQuery): void {
  without(!a.causal, "causal = 0", "use MultiHeadAttention");
  without(a.smooth_softmax > 0 || c.has(11), "smooth_softmax or head_sink", unfused);
  without(a.qk_output > 0 || c.usedOutputs > 3, "qk_output", "export the model without it");
  without(a.sliding_window_cache, "sliding_window_cache", oneStep);
  without(
    a.k_quant_type !== "NONE" || a.v_quant_type !== "NONE" || c.has(12) || c.has(13),
    "a cache in few bits",
    "export the model with a cache of floats",
  );
  without(c.has(14) || c.has(15), "q_norm_weight", "leave the norms of queries and keys as nodes before it");
  without(c.has(16), "query_seqlens", "give all of a sequence, or what follows it");
}

function groupQueryAttention(c: Call, a: GroupQuery): readonly Value[] {
  checkGroupQuery(c, a);
  const { num_heads: count = 1, kv_num_heads: shared = 1 } = a;
  const [first, others, pastKey, pastValue] = [c.value(0), c.optional(1), c.optional(3), c.optional(4)];
  const size = fixed(at(first.shape, 2), "GroupQueryAttention") / (others ? count : count + 2 * shared);
  const packed = others ? [] : op.Split(first, [count * size, shared * size, shared * size], 2);
  const [q = first, k = c.value(1), v = c.value(2)] = packed;
  const length = at(q.shape, 1);
  const before = pastKey ? at(pastKey.shape, 2) : 0;
  const known = constantOf(c.value(6))?.data[0];
  const total = addDims(before, length);
  without(
    known !== undefined && typeof total === "number" && known !== total,
    `a total_sequence_length of ${known} for ${total} keys`,
    oneStep,
  );
  // How many of what was before each sequence has, `[batch, 1]`: what is longer is padding.
  const rows = op.Range(length);
  const ends = op.Sub(op.Add(op.Reshape(op.Cast(c.value(5), "int64"), [-1, 1]), 1), sizeNumber(length));
  const filled = pastKey ? op.Where(op.Less(ends, 0), 0, ends) : undefined;
  const own = filled ? op.Add(filled, rows) : op.Unsqueeze(rows, [0]);
  const turned = (x: Value): Value =>
    a.do_rotary
      ? op.RotaryEmbedding(x, c.value(7), c.value(8), {
          interleaved: a.rotary_interleaved,
          size: 2 * fixed(at(c.value(7).shape, 1), "GroupQueryAttention"),
          positions: c.optional(9) ?? own,
        })
      : x;
  /** What is new goes where what was before ends. */
  const joined = (past: Value | undefined, x: Value): Value => {
    const all = behind(past, x);
    if (!filled) return all;
    const places = op.Range(total);
    const moved = op.Min(op.Add(op.Sub(places, filled), sizeNumber(before)), op.Sub(sizeNumber(total), 1));
    const from = op.Unsqueeze(op.Where(op.Less(places, filled), places, moved), [1, 3]);
    return op.GatherElements(all, op.Expand(from, all.shape), 2);
  };
  const [key, value] = [joined(pastKey, turned(headsApart(k, shared))), joined(pastValue, headsApart(v, shared))];
  const [places, mine] = [op.Range(total), op.Unsqueeze(own, [1, 3])];
  const seen = op.LessOrEqual(places, mine);
  const near = a.local_window_size < 0 ? seen : op.And(seen, op.Less(op.Sub(mine, places), a.local_window_size));
  const bias = c.optional(10);
  const { y } = op.Attention(turned(headsApart(q, count)), key, value, {
    softcap: a.softcap,
    changeScores: (scores) => op.Where(near, added(scores, bias), Number.NEGATIVE_INFINITY),
    ...defined({ scale: a.scale || undefined }),
  });
  return [headsJoined(y), key, value];
}
