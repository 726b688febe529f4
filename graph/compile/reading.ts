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

/**
 * From so many numbers on, what an array costs is the walks over memory. Smaller ones stay in a processor's cache, and there what
 * counts is how many nodes there are (measured: at 60,000 numbers fewer walks and more nodes are as slow).
 */
export const large = 1 << 17;

/** How often each value is used, as an output too. */
export function usesIn(outputs: readonly Value[]): ReadonlyMap<Value, number> {
  const uses = new Map<Value, number>();
  const use = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const node of topological(outputs)) dependencies(node).forEach(use);
  outputs.forEach(use);
  return uses;
}
