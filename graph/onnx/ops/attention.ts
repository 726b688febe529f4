// Attention as ONNX has it.
import { InnerloopError } from "@innerloop/schemas";
import { isFloat, spelling } from "../../core/operator.ts";
import type { Value } from "../../core/value.ts";
import * as op from "../../ops/index.ts";
import { choice, defined, flag, float, int } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import type { Call } from "../reader/call.ts";
import { elementDTypes } from "../tensors.ts";

const flexible = "ai.onnx.preview.FlexAttention";
spelling(flexible, "attention", 1, "Attention", "attention whose scores and shares graphs of its own change");

/** What a graph of the node makes of one value. */
function changedBy(c: Call, name: string): ((x: Value) => Value) | undefined {
  if (!c.hasSubgraph(name)) return undefined;
  return (x) => {
    const [y] = c.subgraph(name).values([x]);
    if (y) return y;
    throw new InnerloopError("bad-model", `has a graph ${name} without an output.`);
  };
}

const modes = ["products", "capped", "masked", "softmax"] as const;

export const attention = {
  Attention: onnxOperator({
    attributes: {
      is_causal: flag(false),
      kv_num_heads: int(),
      left_window_size: int(-1),
      q_num_heads: int(),
      qk_matmul_output_mode: int(0),
      right_window_size: int(-1),
      scale: float(),
      softcap: float(0),
      softmax_precision: int(),
    },
    read: (c, a) => {
      const [key, value] = [c.optional(4), c.optional(5)];
      const precision = elementDTypes.get(a.softmax_precision ?? 0);
      const { y, presentKey, presentValue, scores } = op.Attention(c.value(0), c.value(1), c.value(2), {
        isCausal: a.is_causal,
        leftWindow: a.left_window_size,
        rightWindow: a.right_window_size,
        softcap: a.softcap,
        ...defined({
          filled: c.optional(6),
          heads: a.q_num_heads && a.kv_num_heads ? { query: a.q_num_heads, key: a.kv_num_heads } : undefined,
          mask: c.optional(3),
          past: key && value && { key, value },
          scale: a.scale,
          scores: modes[a.qk_matmul_output_mode],
          softmaxPrecision: precision && isFloat(precision) ? precision : undefined,
        }),
      });
      return [y, presentKey, presentValue, scores];
    },
  }),
  // Of opsets that no runtime has yet: they are written as what they are made of.
  CausalConvWithState: onnxOperator({
    attributes: { activation: choice("none", "silu", "swish") },
    authored: false,
    read: (c, { activation }) =>
      op.CausalConvWithState(c.value(0), c.value(1), {
        activation: activation === "none" ? "none" : "silu",
        ...defined({ bias: c.optional(2), past: c.optional(3) }),
      }),
  }),
  [flexible]: onnxOperator({
    attributes: { scale: float(), softmax_precision: int() },
    authored: false,
    read: (c, { scale, softmax_precision: type }) => {
      const query = c.value(0);
      const exact = query.dtype === "float64" ? query.dtype : "float32";
      const attended = op.Attention(query, c.value(1), c.value(2), {
        softmaxPrecision: elementDTypes.get(type ?? 0) ?? exact,
        ...defined({
          scale,
          changeScores: changedBy(c, "score_mod"),
          changeShares: changedBy(c, "prob_mod"),
        }),
      });
      return attended.y;
    },
  }),
  LinearAttention: onnxOperator({
    attributes: {
      chunk_size: int(0),
      kv_num_heads: int(1),
      q_num_heads: int(1),
      scale: float(0),
      update_rule: choice("gated_delta", "linear", "gated", "delta"),
    },
    authored: false,
    read: (c, { kv_num_heads: key, q_num_heads: query, scale, update_rule: rule }) =>
      op.LinearAttention(c.value(0), c.value(1), c.value(2), {
        heads: { query, key },
        scale,
        ...defined({
          past: c.optional(3),
          decay: rule.startsWith("gated") ? c.value(4) : undefined,
          beta: rule.endsWith("delta") ? c.value(5) : undefined,
        }),
      }),
  }),
  RotaryEmbedding: onnxOperator({
    attributes: { interleaved: flag(false), num_heads: int(0), rotary_embedding_dim: int(0) },
    read: (c, { interleaved, num_heads: heads, rotary_embedding_dim: size }) =>
      op.RotaryEmbedding(c.value(0), c.value(1), c.value(2), {
        interleaved,
        heads,
        size,
        ...defined({ positions: c.optional(3) }),
      }),
  }),
};
