// The pass `norms`: a norm over the rows of an array, its gain and bias and its derivative, in the fewest walks over that array.
import { apply, constant } from "../../core/build.ts";
import { at } from "../../core/lists.ts";
import { likelySize, sizeOf } from "../../core/shapes.ts";
import { is, madeBy, type Node, type Value } from "../../core/value.ts";
import { dependents, topological } from "../../core/walk.ts";
import { rowAffine, rowNormalization } from "../../lowering/normalization.ts";
import { Add, Mul, Neg, Sub } from "../../ops/arithmetic.ts";
import { Expand, Reshape } from "../../ops/movement.ts";
import { rewrite } from "../../transforms/rewrite.ts";
import type { Pass } from "../pass.ts";
import { usesIn } from "../reading.ts";

export const norms: Pass = {
  name: "norms",
  why: "What LayerNormalization gives is multiplied by a gain and a bias is added, each a walk over the array; the kernel does both in its own. Backwards, d · ((g − m) − y · k) with a d, an m and a k for each example is four walks; g times the factors it has anyway, less y · kd + md, which one BatchNormalization with the examples as its channels computes, is three.",
  everywhere: false,
  run: (outputs) => slopesJoined(gainsJoined(outputs)),
};

/**
 * From so many numbers on, what an array costs is the walks over memory. Smaller ones stay in a processor's cache, and there what
 * counts is how many nodes there are (measured: at 60,000 numbers fewer walks and more nodes take as long).
 */
const large = 1 << 16;

/**
 * Of a norm that has no derivative, the kernel takes gain and bias at no cost but that of repeating them to the size of an example: from
 * so many numbers an example on, that is as cheap for one example as the two walks that it saves, and much cheaper for many.
 */
const wide = 1 << 9;

const RowNormalization = { operator: rowNormalization };

/** A norm's node, and the gain and the bias that what it gives meets. */
interface Scaled {
  readonly gain: Value;
  readonly bias: Value;
  /** The node that adds the bias. */
  readonly sum: Node;
}

/** Whether a value is one number an example of an array: `[n, 1, 1, 1]` beside `[n, 14, 14, 64]`. */
const isPerExample = (value: Value, like: Value): boolean =>
  value.rank === like.rank && value.shape[0] === like.shape[0] && value.shape.slice(1).every((dim) => dim === 1);

/** Whether a value is the same for all examples of an array. */
const isForAll = (value: Value, like: Value): boolean => value.rank < like.rank;

/** The norm behind a value of the shape `[n, …]` whose rows are the examples. */
function normOf(value: Value, uses: ReadonlyMap<Value, number>): Node | undefined {
  const rows = madeBy(value, Reshape)?.inputs[0];
  if (!rows || rows.node.operator !== rowNormalization || rows.index !== 0 || rows.node.inputs.length > 2)
    return undefined;
  if (rows.shape[0] !== value.shape[0]) return undefined;
  const [, ...statistics] = rows.node.outputs;
  const alone = [rows, value].every((one) => uses.get(one) === 1) && !statistics.some((one) => uses.has(one));
  return likelySize(rows.shape) >= large || (alone && likelySize([at(rows.shape, 1)]) >= wide) ? rows.node : undefined;
}

/** The norms whose gain and bias can be the kernel's own. */
function scaledNorms(outputs: readonly Value[]): Map<Node, Scaled> {
  const found = new Map<Node, Scaled[]>();
  const uses = usesIn(outputs);
  for (const sum of topological(outputs)) {
    if (!is(sum, Add)) continue;
    for (const [product, bias] of [sum.inputs, sum.inputs.toReversed()] as [Value, Value][]) {
      const factors = madeBy(product, Mul)?.inputs ?? [];
      for (const [value, gain] of [factors, factors.toReversed()] as [Value, Value][]) {
        const norm = value && normOf(value, uses);
        if (norm && isForAll(gain, value) && isForAll(bias, value))
          found.set(norm, [...(found.get(norm) ?? []), { gain, bias, sum }]);
      }
    }
  }
  // One that meets several gains is read as it is; a gain that depends on the norm itself comes too late for it.
  const entries = [...found].flatMap(([norm, [first, ...others]]): [Node, Scaled][] => {
    if (!first || others.length > 0) return [];
    const after = dependents([first.gain, first.bias], norm.outputs);
    return after.has(first.gain.node) || after.has(first.bias.node) ? [] : [[norm, first]];
  });
  return new Map(entries);
}

function gainsJoined(outputs: readonly Value[]): readonly Value[] {
  const scaled = scaledNorms(outputs);
  if (scaled.size === 0) return outputs;
  const results = new Map<Node, Value>();
  return rewrite(
    outputs,
    (node, inputs, _, now) => {
      const entry = scaled.get(node);
      const [x] = inputs;
      if (entry && is(node, RowNormalization) && x) {
        const { shape } = entry.sum.outputs[0];
        const whole = (value: Value) => Reshape(Expand(now(value), shape.slice(1)), [at(x.shape, 1)]);
        const [rows, means, deviations] = apply(
          rowNormalization,
          [x, whole(entry.gain), whole(entry.bias)],
          node.attributes,
        );
        results.set(entry.sum, Reshape(rows, shape));
        return [affine(x, deviations, Neg(Mul(means, deviations))), means, deviations];
      }
      const result = results.get(node);
      return result && [result];
    },
    undefined,
    undefined,
    (node) => {
      const entry = scaled.get(node);
      return entry ? [entry.gain, entry.bias] : [];
    },
  );
}

/** x · a + b with an a and a b for each row of x, in one walk. */
function affine(x: Value, a: Value, b: Value): Value {
  const examples = at(x.shape, 0);
  const size = sizeOf(x.shape.slice(1));
  const each = (value: Value): Value => Reshape(value, [examples]);
  const filled = (n: number): Value => Expand(constant(n, [1]), [examples]);
  const rows = Reshape(x, [1, examples, size]);
  const [y] = apply(rowAffine, [rows, each(a), each(b), filled(0), filled(1)], { epsilon: 0 });
  return Reshape(y, x.shape);
}

function slopesJoined(outputs: readonly Value[]): readonly Value[] {
  const uses = usesIn(outputs);
  const once = (value: Value | undefined): boolean => value !== undefined && uses.get(value) === 1;
  const matches = new Map<Node, Slope>();
  for (const node of topological(outputs)) {
    const slope = is(node, Mul) ? slopeOf(node.inputs, once) : undefined;
    if (slope) matches.set(node, slope);
  }
  if (matches.size === 0) return outputs;
  return rewrite(outputs, (node, _inputs, _attributes, now) => {
    const found = matches.get(node);
    if (!found) return undefined;
    const [d, m] = [now(found.d), now(found.m)];
    const factor = found.gain ? Mul(d, now(found.gain)) : d;
    return [Sub(Mul(now(found.g), factor), affine(now(found.y), Mul(now(found.k), d), Mul(m, d)))];
  });
}

/** d · ((g · gain − m) − y · k). */
interface Slope {
  readonly g: Value;
  readonly gain: Value | undefined;
  readonly y: Value;
  readonly d: Value;
  readonly m: Value;
  readonly k: Value;
}

function slopeOf(factors: readonly [Value, Value], once: (value: Value | undefined) => boolean): Slope | undefined {
  for (const [d, difference] of [factors, factors.toReversed()] as [Value, Value][]) {
    if (likelySize(difference.shape) < large || !isPerExample(d, difference) || !once(difference)) continue;
    const [away, along] = madeBy(difference, Sub)?.inputs ?? [];
    if (!away || !along || !once(away) || !once(along)) continue;
    const [whole, m] = madeBy(away, Sub)?.inputs ?? [];
    const sides = madeBy(along, Mul)?.inputs;
    if (!whole || !m || !sides || !isPerExample(m, difference)) continue;
    const [k, y] = isPerExample(sides[0], difference) ? sides : sides.toReversed();
    if (!k || !y || !isPerExample(k, difference) || isPerExample(y, difference)) continue;
    const parts = once(whole) ? (madeBy(whole, Mul)?.inputs ?? []) : [];
    const gain = parts.find((part) => isForAll(part, difference));
    const g = parts.find((part) => part !== gain);
    return { g: gain && g ? g : whole, gain: g && gain, y, d, m, k };
  }
  return undefined;
}
