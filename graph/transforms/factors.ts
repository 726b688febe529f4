// Factors of a repeated body that do not depend on what a turn hands on: those of one product are multiplied with each other
// first, which can be done for all turns at once.
import { apply } from "../core/build.ts";
import { zip } from "../core/lists.ts";
import { sameShape } from "../core/shapes.ts";
import { is, madeBy, type Node, type Value } from "../core/value.ts";
import { Mul } from "../ops/arithmetic.ts";
import { cut } from "../ops/internal/slicing.ts";
import { Concat } from "../ops/parts.ts";
import { rewrite } from "./rewrite.ts";

/** The same values, the factors in them that do not depend on `carried` multiplied with each other. */
export function withJoinedFactors(values: readonly Value[], carried: readonly Value[]): Value[] {
  const live = new Set<Node>(carried.map(({ node }) => node));
  const isLive = (value: Value): boolean => live.has(value.node);
  const marked = (value: Value): Value => {
    live.add(value.node);
    return value;
  };
  const product = (a: Value, b: Value): Value => {
    const [x, k] = isLive(a) ? [a, b] : [b, a];
    if (isLive(k)) return marked(Mul(a, b));
    const [c, d] = madeBy(x, Mul)?.inputs ?? [];
    if (c && d && isLive(c) !== isLive(d)) return isLive(c) ? product(c, Mul(d, k)) : product(d, Mul(c, k));
    const row = madeBy(x, Concat);
    const sizes = row?.inputs.map((part) => part.shape[row.attributes.axis]);
    if (!row || !sizes?.every((size) => typeof size === "number") || !sameShape(x.shape, k.shape))
      return marked(Mul(x, k));
    let start = 0;
    const parts = zip(row.inputs, sizes, (part, size) => {
      const factor = cut(k, row.attributes.axis, start, start + size);
      start += size;
      return isLive(part) ? product(part, factor) : Mul(part, factor);
    });
    return marked(Concat(parts, row.attributes.axis));
  };
  return rewrite(values, (node, inputs, attributes) => {
    if (!inputs.some((value) => value && isLive(value))) return undefined;
    const [a, b] = inputs;
    const made = is(node, Mul) && a && b ? [product(a, b)] : apply(node.operator, inputs, attributes);
    for (const value of made) marked(value);
    return made;
  });
}
