// Repeated bodies that a derivative needs a tape of stand in a graph twice, with the tape and without: the same turns over the
// same stacks, of which more or less is kept. They become one, which keeps what somebody reads.
import { apply } from "../../core/build.ts";
import { at } from "../../core/lists.ts";
import { type Node, operandsOf, type Value } from "../../core/value.ts";
import { bodiesOf, topological } from "../../core/walk.ts";
import { repeatingParts } from "../../ops/internal/repeating.ts";
import { rewrite } from "../../transforms/rewrite.ts";
import type { Pass } from "../pass.ts";

export const repeats: Pass = {
  name: "repeats",
  why: "The backward turns of a recurrence need a tape of the forward ones, so the same turns stand in a graph with the tape and without. They become one node that keeps what somebody reads.",
  everywhere: true,
  run: withoutRepeats,
};

/** The same values, of which none are computed by turns that others go through anyway. */
function withoutRepeats(outputs: readonly Value[]): Value[] {
  const nodes = topological(outputs);
  const groups = new Map<string, Node[]>();
  for (const node of nodes) {
    const key = keyOf(node);
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  if (groups.size === 0) return [...outputs];
  const read = new Set<Value>(outputs);
  for (const node of nodes) {
    for (const value of operandsOf(node)) read.add(value);
    for (const body of bodiesOf(node)) for (const value of body.results) read.add(value);
  }
  return rewrite(outputs, (node, inputs, attributes) => {
    const key = keyOf(node);
    const parts = repeatingParts(node.operator, attributes);
    if (key === undefined || !parts) return undefined;
    const before = new Set<Value>();
    for (const other of groups.get(key) ?? []) {
      const collected = repeatingParts(other.operator, other.attributes)?.collected ?? [];
      const first = other.outputs.length - collected.length;
      collected.forEach((value, i) => {
        if (read.has(at(other.outputs, first + i))) before.add(value);
      });
    }
    const kept = [...before];
    if (kept.length === parts.collected.length && parts.states.length + kept.length === node.outputs.length)
      if (kept.every((value, i) => value === parts.collected[i])) return undefined;
    if (parts.states.length + kept.length === 0) return undefined;
    const results = apply(node.operator, inputs, parts.collecting(kept));
    const states = node.outputs.length - parts.collected.length;
    return node.outputs.map((_, i) => {
      const place = i < states ? i : states + kept.indexOf(at(parts.collected, i - states));
      return at(results, Math.max(0, place));
    });
  });
}

/** What equal turns over equal stacks have in common. */
function keyOf(node: Node): string | undefined {
  const parts = repeatingParts(node.operator, node.attributes);
  if (!parts) return undefined;
  const name = (value: Value | undefined): string => (value ? `${value.node.id}.${value.index}` : "");
  const lists = [node.inputs, parts.takes, parts.states];
  return [node.operator.name, parts.key, ...lists.map((list) => list.map(name).join())].join(";");
}
