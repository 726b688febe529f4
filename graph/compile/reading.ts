// What passes ask of a graph: how often its values are used.
import type { Value } from "../core/value.ts";
import { dependencies, topological } from "../core/walk.ts";

/** How often each value is used, as an output too. */
export function usesIn(outputs: readonly Value[]): ReadonlyMap<Value, number> {
  const uses = new Map<Value, number>();
  const use = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const node of topological(outputs)) dependencies(node).forEach(use);
  outputs.forEach(use);
  return uses;
}
