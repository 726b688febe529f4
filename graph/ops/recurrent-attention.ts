// Attention whose keys and values are summed up in a state, and convolution that only looks back: what ONNX has for models that
// run along a sequence in linear time.

import { spend } from "../core/budget.ts";
import { at, upTo } from "../core/lists.ts";
import { spelling, unfit } from "../core/operator.ts";
import { fixed } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { Silu } from "./activation.ts";
import { Add, Mul, Sub } from "./arithmetic.ts";
import { Conv } from "./convolution.ts";
import { Exp } from "./functions.ts";
import { ConstantOfShape } from "./graph.ts";
import { headsApart } from "./internal/heads.ts";
import { cut } from "./internal/slicing.ts";
import { transposeLast } from "./internal/transpose.ts";
import { MatMul } from "./linear-algebra.ts";
import { Reshape } from "./movement.ts";
import { Concat } from "./parts.ts";

/** Options of linear attention, as ONNX names them. */
export interface LinearAttentionOptions {
  readonly heads: { readonly query: number; readonly key: number };
  /** The state of before, `[batch, heads of keys, size of keys, size of values]`. */
  readonly past?: Value;
  /** The logarithm of what is left of the state, for each head or each entry of its keys; nothing is forgotten without. */
  readonly decay?: Value;
  /** How much of a new value is written, less what its key finds already; all of it, and nothing less, without. */
  readonly beta?: Value;
  /** 1 / √size unless given. */
  readonly scale?: number;
}

spelling(
  "LinearAttention",
  "attention",
  27,
  "MatMul, Mul, Add, Exp",
  "attention over a state that keys and values are summed up in",
);
/**
 * ONNX LinearAttention, step by step (arXiv 2006.16236, 2412.06464): all of rank 3, `[batch, length, heads·size]`.
 * @returns the result, and the state after it
 */
export function LinearAttention(
  query: Value,
  key: Value,
  value: Value,
  options: LinearAttentionOptions,
): readonly [Value, Value] {
  const { heads, past, decay, beta } = options;
  const [batch = 1, open = 1] = query.shape;
  const length = fixed(open, "LinearAttention");
  spend("nodes", 8 * length);
  const [q, k, v] = [headsApart(query, heads.query), headsApart(key, heads.key), headsApart(value, heads.key)];
  const [size, out] = [fixed(at(k.shape, 3), "LinearAttention"), at(v.shape, 3)];
  const each = heads.query / heads.key;
  if (!Number.isInteger(each))
    throw unfit("LinearAttention", [query, key, value], "the heads of queries have to share those of keys evenly.");
  const kept = decay && Exp(headsApart(decay, heads.key));
  const written = beta && headsApart(beta, Number(beta.shape[2]) === heads.key ? heads.key : 1);
  const step = (x: Value, i: number) => cut(x, 2, i, i + 1);
  let state = past ?? ConstantOfShape([batch, heads.key, size, out], 0, query.dtype);
  const rows = upTo(length).map((i) => {
    const [ki, vi] = [step(k, i), step(v, i)];
    if (kept) state = Mul(state, transposeLast(step(kept, i)));
    const added = written ? Mul(step(written, i), Sub(vi, MatMul(ki, state))) : vi;
    state = Add(state, MatMul(transposeLast(ki), added));
    // The heads that share a state are rows of one matrix.
    return MatMul(Reshape(step(q, i), [batch, heads.key, each, size]), state);
  });
  const scale = options.scale || 1 / Math.sqrt(size);
  const joined = Concat(
    rows.map((y) => Reshape(y, [batch, 1, heads.query, out])),
    1,
  );
  return [Reshape(Mul(joined, scale), [batch, length, -1]), state];
}

spelling(
  "CausalConvWithState",
  "convolution",
  27,
  "Concat, Conv, Swish",
  "a convolution of each channel that only looks back",
);
/**
 * ONNX CausalConvWithState.
 * @param x `[batch, channels, length]`
 * @param w `[channels, 1, kernel]`
 * @returns the result, and the last places, which the next call looks back at
 */
export function CausalConvWithState(
  x: Value,
  w: Value,
  {
    bias,
    past,
    activation = "none",
  }: { readonly bias?: Value; readonly past?: Value; readonly activation?: "none" | "silu" } = {},
): readonly [Value, Value] {
  const [batch = 1, channels = 1] = x.shape;
  if (x.rank !== 3 || w.rank !== 3)
    throw unfit("CausalConvWithState", [x, w], "needs [batch, channels, length] and [channels, 1, kernel].");
  const back = fixed(at(w.shape, 2), "CausalConvWithState") - 1;
  const before = past ?? ConstantOfShape([batch, channels, back], 0, x.dtype);
  const padded = back === 0 ? x : Concat([before, x], 2);
  const y = Conv(padded, w, bias, { group: fixed(channels, "CausalConvWithState") });
  return [activation === "silu" ? Silu(y) : y, cut(padded, 2, at(x.shape, 2), at(padded.shape, 2))];
}
