// What a graph becomes on a target: operators that it has stay, others are lowered by the target's own ways or taken
// apart.
import { InnerloopError } from "@innerloop/schemas";
import type { Operator } from "../core/operator.ts";
import type { Attributes, Value } from "../core/value.ts";
import { rewrite } from "../transforms/rewrite.ts";
import { simplify } from "../transforms/simplify.ts";

/** How one operator is computed on a target; undefined where this way does not fit the case. */
export type Lowering = (
  inputs: readonly Value[],
  attributes: Attributes,
  outputs: readonly Value[],
) => readonly Value[] | undefined;

/** Something that runs graphs, as far as lowering cares. */
export interface Target {
  readonly name: string;
  /** Ways of its own, by operator, which go before everything else. */
  readonly lowerings: Readonly<Record<string, Lowering>>;
  /** A last pass over a graph of its own operators. */
  finish?(outputs: readonly Value[]): Value[];
  /** Whether it runs an operator as it is. */
  keeps(operator: Operator, inputs: readonly Value[], attributes: Attributes): boolean;
}

/**
 * The same values out of operators that the target has, simplified before and after.
 * @throws InnerloopError naming an operator that neither the target nor its parts know
 */
export function lower(outputs: readonly Value[], target: Target): Value[] {
  const own = simplify(lowered(simplify(outputs), target, new Map()));
  return target.finish ? simplify(target.finish(own)) : own;
}

function lowered(outputs: readonly Value[], target: Target, leaves: ReadonlyMap<Value, Value>): Value[] {
  return rewrite(
    outputs,
    (node, inputs, attributes) => {
      if (node.inputs.length === 0 && !node.operator.decompose) return undefined;
      const own = target.lowerings[node.operator.name]?.(inputs, attributes, node.outputs);
      const below =
        own ??
        (target.keeps(node.operator, inputs, attributes) ? undefined : node.operator.decompose?.(inputs, attributes));
      if (below) return lowered(below, target, new Map(inputs.map((value) => [value, value])));
      if (target.keeps(node.operator, inputs, attributes)) return undefined;
      throw new InnerloopError(
        "unsupported-operator",
        `${target.name} has no way to run ${node.operator.name}(${node.inputs.join(", ")}).`,
      );
    },
    leaves,
  );
}
