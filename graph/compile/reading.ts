// What passes ask of a graph: how large its values are, and how often they are used.
import { termsOf } from "../core/dims.ts";
import { sizeOf } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { dependencies, topological } from "../core/walk.ts";

/** How many numbers a value holds, an open number of examples taken for a handful. */
export function likelySize({ shape }: Value): number {
  const terms = termsOf(sizeOf(shape));
  return terms.reduce((total, [coefficient, symbols]) => total + coefficient * 8 ** symbols.length, 0);
}

/** How often each value is used, as an output too. */
export function usesIn(outputs: readonly Value[]): ReadonlyMap<Value, number> {
  const uses = new Map<Value, number>();
  const use = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const node of topological(outputs)) dependencies(node).forEach(use);
  outputs.forEach(use);
  return uses;
}
