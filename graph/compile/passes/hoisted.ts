// The pass `hoisted`: what is the same in every turn of a repeated body is computed once, before the turns.
import { apply } from "../../core/build.ts";
import { operandsOf, type Value } from "../../core/value.ts";
import { topological } from "../../core/walk.ts";
import { repeatingParts } from "../../ops/internal/repeating.ts";
import { rewrite } from "../../transforms/rewrite.ts";
import { closed, nameOfParameter } from "../../transforms/subgraph.ts";
import type { Pass } from "../pass.ts";

export const hoisted: Pass = {
  name: "hoisted",
  why: "What operators become on a target may have parts that depend on nothing that goes from turn to turn: the columns of the pictures that a first layer sees are the same in every inner step, and in its derivative. They are computed once, before the turns.",
  everywhere: true,
  run: withoutInvariants,
};

function withoutInvariants(outputs: readonly Value[]): Value[] {
  return rewrite(outputs, (node, inputs, attributes) => {
    const parts = repeatingParts(node.operator, attributes);
    if (!parts) return undefined;
    const { takes, own, gives } = parts;
    const first = inputs.length - (takes.length - own);
    const outer = new Map<Value, Value>();
    takes.slice(own).forEach((value, i) => {
      const given = inputs[first + i];
      if (given) outer.set(value, given);
    });
    // What is drawn by chance is drawn anew in every turn.
    if (topological(gives).some(({ operator }) => operator.traits?.random)) return undefined;
    const parameters = takes.slice(0, own);
    const { graph, captured } = closed(
      parameters,
      parameters.map(nameOfParameter),
      rewrite(gives, () => undefined, outer),
    );
    const known = new Set(operandsOf({ inputs }));
    if (captured.every((value) => known.has(value))) return undefined;
    return apply(node.operator, [...inputs.slice(0, first), ...captured], { ...attributes, body: graph });
  });
}
