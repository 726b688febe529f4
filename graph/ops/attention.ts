// Attention and rotary embeddings, in every form that ONNX has: heads in an axis of their own or in the last one, keys that
// several queries share, caches, masks, windows.
import type { DType } from "@innerloop/schemas";
import { constant } from "../core/build.ts";
import { type Dim, divideDims, multiplyDims } from "../core/dims.ts";
import { at } from "../core/lists.ts";
import { isFloat, lift, spelling, unfit } from "../core/operator.ts";
import { fixed } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { Softmax } from "./activation.ts";
import { Add, Div, Mul, Sub } from "./arithmetic.ts";
import { And, Greater, Less, LessOrEqual, Where } from "./comparison.ts";
import { Cast } from "./dtypes.ts";
import { Tanh } from "./functions.ts";
import { ConstantOfShape } from "./graph.ts";
import { Gather, Range } from "./indexing.ts";
import { headsApart, headsJoined } from "./internal/heads.ts";
import { sizeNumber } from "./internal/sizes.ts";
import { cut } from "./internal/slicing.ts";
import { transposeLast } from "./internal/transpose.ts";
import { MatMul } from "./linear-algebra.ts";
import { Reshape, Unsqueeze } from "./movement.ts";
import { Concat } from "./parts.ts";
import { ReduceMax } from "./reduction.ts";

/** Options of attention, as ONNX names them. */
export interface AttentionOptions {
  /** Bool (may attend) or float (added to the scores); broadcasts to `[batch, heads, queries, keys]`. */
  readonly mask?: Value;
  /** Keys and values of before, `[batch, heads, past, size]`. */
  readonly past?: { readonly key: Value; readonly value: Value };
  /** How many of the keys hold something, `[batch]`: the others are padding. */
  readonly filled?: Value;
  /** What the scores are multiplied by; 1 / √size unless given. */
  readonly scale?: number;
  readonly isCausal?: boolean;
  /** The heads of queries and of keys where they are in the last axis. */
  readonly heads?: { readonly query: number; readonly key: number };
  /** Scores are held below this, smoothly; 0 for not at all. */
  readonly softcap?: number;
  /** The dtype that the softmax is computed in. */
  readonly softmaxPrecision?: DType;
  /** How many places before and after its own a query attends to; −1 for all. */
  readonly leftWindow?: number;
  readonly rightWindow?: number;
  /** What becomes of the scores before the softmax, and of the shares after it, `[batch, heads, queries, keys]`. */
  readonly changeScores?: (scores: Value) => Value;
  readonly changeShares?: (shares: Value) => Value;
  /** Which scores are given beside the result: the products, these capped, those masked as well, or the softmax. */
  readonly scores?: "products" | "capped" | "masked" | "softmax";
}

/** What attention gives. */
export interface Attended {
  readonly y: Value;
  readonly presentKey: Value;
  readonly presentValue: Value;
  readonly scores: Value;
}

spelling(
  "Attention",
  "attention",
  23,
  "MatMul, Softmax, Where, Concat",
  "softmax(query · keyᵀ) · value, with shared keys, caches, masks and windows",
);
/**
 * ONNX Attention: `query [batch, heads, queries, size]` or `[batch, queries, heads·size]`, keys and values alike.
 * A query that may attend to nothing gives zeros.
 */
export function Attention(query: Value, key: Value, value: Value, options: AttentionOptions = {}): Attended {
  const inLast = query.rank === 3;
  if (query.rank !== key.rank || key.rank !== value.rank || (query.rank !== 4 && !(inLast && options.heads)))
    throw unfit("Attention", [query, key, value], "needs four axes each, or three and how many heads are in the last.");
  const heads = options.heads ?? { query: 1, key: 1 };
  const apart = (x: Value, count: number) => (inLast ? headsApart(x, count) : x);
  const [q, newKey, newValue] = [apart(query, heads.query), apart(key, heads.key), apart(value, heads.key)];
  const { past } = options;
  const presentKey = past ? Concat([past.key, newKey], 2) : newKey;
  const presentValue = past ? Concat([past.value, newValue], 2) : newValue;

  const scale = options.scale ?? 1 / Math.sqrt(fixed(at(q.shape, 3), "Attention"));
  const products = sharing(Mul(q, scale), presentKey, (rows, keys) => MatMul(rows, transposeLast(keys)));
  const { softcap = 0 } = options;
  const capped = softcap > 0 ? Mul(Tanh(Div(products, softcap)), softcap) : products;
  const seen = masks(q, presentKey, options);
  const biased = seen.bias ? Add(capped, seen.bias) : capped;
  const masked = seen.allowed ? Where(seen.allowed, biased, Number.NEGATIVE_INFINITY) : biased;
  const blind = seen.mayBeBlind ? blindRows(seen, q.dtype) : undefined;
  // A row of which nothing may be seen has no softmax; it is kept out of it, so that no derivative meets what is undefined.
  const safe = blind ? Where(blind, 0, masked) : masked;
  const { softmaxPrecision } = options;
  const exact = softmaxPrecision && isFloat(softmaxPrecision) ? Cast(safe, softmaxPrecision) : safe;
  const shares = Softmax(options.changeScores?.(exact) ?? exact);
  const changed = Cast(options.changeShares?.(shares) ?? shares, q.dtype);
  const weights = blind ? Where(blind, 0, changed) : changed;
  const attended = sharing(weights, presentValue, MatMul);
  return {
    y: inLast ? headsJoined(attended) : attended,
    presentKey,
    presentValue,
    scores: { products, capped, masked, softmax: weights }[options.scores ?? "products"],
  };
}

/** A product of rows with keys or values of which some heads share one: these heads' rows are one matrix. */
function sharing(rows: Value, shared: Value, product: (rows: Value, shared: Value) => Value): Value {
  const [batch = 1, heads = 1, length = 1, size = 1] = rows.shape;
  const groups = at(shared.shape, 1);
  if (heads === groups) return product(rows, shared);
  const each = divideDims(heads, groups);
  if (each === undefined)
    throw unfit("Attention", [rows, shared], `the ${heads} heads of queries have to share ${groups} of keys evenly.`);
  const joined = product(Reshape(rows, [batch, groups, multiplyDims(each, length), size]), shared);
  return Reshape(joined, [batch, heads, length, at(joined.shape, -1)]);
}

interface Masks {
  readonly allowed: Value | undefined;
  readonly bias: Value | undefined;
  /** Whether there may be queries that may attend to nothing. */
  readonly mayBeBlind: boolean;
}

/** What of the keys each query may attend to, and what is added to its scores. */
function masks(q: Value, key: Value, options: AttentionOptions): Masks {
  const { filled, past, isCausal = false, leftWindow = -1, rightWindow = -1 } = options;
  const [queries, keys] = [at(q.shape, 2), at(key.shape, 2)];
  const mask = options.mask && widened(options.mask, keys);
  const places = Range(keys);
  const allowed: Value[] = mask?.dtype === "bool" ? [mask] : [];
  if (isCausal || leftWindow >= 0 || rightWindow >= 0) {
    const rows = Reshape(Range(queries), [queries, 1]);
    const own = past
      ? Add(rows, sizeNumber(at(past.key.shape, 2)))
      : filled
        ? Add(rows, Sub(Reshape(Cast(filled, "int64"), [-1, 1, 1, 1]), sizeNumber(queries)))
        : rows;
    if (isCausal) allowed.push(LessOrEqual(places, own));
    if (leftWindow >= 0) allowed.push(LessOrEqual(Sub(own, places), leftWindow));
    if (rightWindow >= 0) allowed.push(LessOrEqual(Sub(places, own), rightWindow));
  }
  if (filled) allowed.push(Less(places, Reshape(Cast(filled, "int64"), [-1, 1, 1, 1])));
  const [first, ...others] = allowed;
  return {
    allowed: first && others.reduce<Value>(And, first),
    bias: mask && mask.dtype !== "bool" ? Cast(mask, q.dtype) : undefined,
    mayBeBlind: mask !== undefined || filled !== undefined || leftWindow >= 0 || rightWindow >= 0,
  };
}

/** A mask of fewer keys than there are leaves the last ones out. */
function widened(mask: Value, keys: Dim): Value {
  const size = mask.shape.at(-1);
  if (typeof size !== "number" || typeof keys !== "number" || size >= keys) return mask;
  const rest = [...mask.shape.slice(0, -1), keys - size];
  const nothing = mask.dtype === "bool" ? 0 : Number.NEGATIVE_INFINITY;
  return Concat([mask, ConstantOfShape(rest, nothing, mask.dtype)], -1);
}

/** Whether a query may attend to nothing at all. */
function blindRows({ allowed, bias }: Masks, dtype: DType): Value {
  const finite = bias && Greater(bias, lift(Number.NEGATIVE_INFINITY, dtype));
  const open = allowed && finite ? And(allowed, finite) : (allowed ?? finite ?? constant(1, [1], "bool"));
  return Less(ReduceMax(Cast(open, dtype), { axes: [-1] }), 0.5);
}

/** Options of a rotary embedding, as ONNX names them. */
export interface RotaryOptions {
  /** The rows of the caches that belong to each place, `[batch, length]`. */
  readonly positions?: Value;
  /** Whether the two of a pair are neighbours; else they are in the two halves. */
  readonly interleaved?: boolean;
  /** How much of each head is turned; all unless given. */
  readonly size?: number;
  /** The heads, where they are in the last axis. */
  readonly heads?: number;
}

spelling(
  "RotaryEmbedding",
  "attention",
  23,
  "Gather, Mul, Sub, Add, Concat",
  "pairs of numbers turned by an angle of their place",
);
/**
 * ONNX RotaryEmbedding of `x [batch, heads, length, size]` or `[batch, length, heads·size]`.
 * @param cos of the angles, `[places, size / 2]` to be looked up by `positions`, or `[batch, length, size / 2]`
 * @param sin alike
 */
export function RotaryEmbedding(x: Value, cos: Value, sin: Value, options: RotaryOptions = {}): Value {
  const { positions, interleaved = false, heads = 0 } = options;
  const inLast = x.rank === 3;
  if (x.rank !== 4 && !(inLast && heads > 0))
    throw unfit("RotaryEmbedding", [x, cos, sin], "needs four axes, or three and how many heads are in the last.");
  const apart = inLast ? Reshape(x, [0, 0, heads, -1]) : x;
  const whole = fixed(at(apart.shape, 3), "RotaryEmbedding");
  const size = options.size || whole;
  const half = size / 2;
  const angles = (cache: Value) => Unsqueeze(positions ? Gather(cache, positions, 0) : cache, [inLast ? 2 : 1]);
  const [c, s] = [angles(cos), angles(sin)];
  const turned = cut(apart, 3, 0, size);
  const pairs = interleaved ? Reshape(turned, [...turned.shape.slice(0, 3), half, 2]) : turned;
  const part = (i: number) =>
    interleaved
      ? Reshape(cut(pairs, 4, i, i + 1), [...turned.shape.slice(0, 3), half])
      : cut(pairs, 3, i * half, (i + 1) * half);
  const [a, b] = [part(0), part(1)];
  const real = Sub(Mul(c, a), Mul(s, b));
  const imaginary = Add(Mul(s, a), Mul(c, b));
  const back = interleaved
    ? Reshape(
        Concat(
          [real, imaginary].map((v) => Unsqueeze(v, [4])),
          4,
        ),
        turned.shape,
      )
    : Concat([real, imaginary], 3);
  const all = size === whole ? back : Concat([back, cut(apart, 3, size, whole)], 3);
  return inLast ? Reshape(all, x.shape) : all;
}
