// What a graph becomes on a target: operators that it has stay, others are lowered by the target's own ways or taken
// apart.
import { InnerloopError } from "@innerloop/schemas";
import {
  type Attributes,
  type Entry,
  type Inputs,
  type Operator,
  type Outputs,
  operandsOf,
  type Value,
} from "../core/value.ts";
import { type Inside, rewrite } from "../transforms/rewrite.ts";

/** How one operator is computed on a target. */
export interface Lowering<A extends Attributes = Attributes, I extends Inputs = Inputs, O extends Outputs = Outputs> {
  readonly operator: Operator<A, I, O>;
  /** By which it is left out, where the target has another way before it. */
  readonly name?: string;
  /**
   * What computes the outputs; undefined where this way does not fit the case.
   * @param outputs as they are without this way, for their shapes and dtypes
   */
  lower(inputs: I, attributes: A, outputs: O): readonly Value[] | undefined;
}

/** A way to compute an operator: `lowering(MatMul, ([a, b]) => …)`. */
export const lowering = <A extends Attributes, I extends Inputs, O extends Outputs>(
  { operator }: Entry<A, I, O>,
  lower: (inputs: I, attributes: A, outputs: O) => readonly Value[] | undefined,
  name?: string,
): Lowering<A, I, O> => ({ operator, lower, ...(name !== undefined && { name }) });

/** Something that runs graphs, as far as lowering cares. */
export interface Target {
  readonly name: string;
  /** Ways of its own, which go before everything else; of several for one operator the last one counts. */
  readonly lowerings: readonly Lowering[];
  /** Whether a file has the numbers of a value for good; none unless given. */
  readonly isFixed?: (value: Value) => boolean;
  /** The names of passes of the compiler that are for some targets, and for this one. */
  readonly suits?: readonly string[];
  /** Whether it runs an operator as it is. */
  keeps(operator: Operator, inputs: Inputs, attributes: Attributes): boolean;
}

/**
 * The same values out of operators that the target has.
 * @param inside what is made of graphs inside nodes
 * @param without names of ways that are left out
 * @throws InnerloopError naming an operator that neither the target nor its parts know
 */
export function lowered(
  outputs: readonly Value[],
  target: Target,
  inside: Inside,
  without: readonly string[] = [],
): Value[] {
  const ways = target.lowerings.filter(({ name }) => name === undefined || !without.includes(name));
  return loweredBy(outputs, target, new Map(ways.map((way) => [way.operator, way])), new Map(), inside);
}

function loweredBy(
  outputs: readonly Value[],
  target: Target,
  ways: ReadonlyMap<Operator, Lowering>,
  leaves: ReadonlyMap<Value, Value>,
  inside: Inside,
): Value[] {
  return rewrite(
    outputs,
    (node, inputs, attributes) => {
      if (node.inputs.length === 0 && !node.operator.decompose) return undefined;
      const way = ways.get(node.operator)?.lower(inputs, attributes, node.outputs);
      const keeps = target.keeps(node.operator, inputs, attributes);
      const below = way ?? (keeps ? undefined : node.operator.decompose?.(inputs, attributes));
      if (below)
        return loweredBy(below, target, ways, new Map(operandsOf({ inputs }).map((value) => [value, value])), inside);
      if (keeps) return undefined;
      throw new InnerloopError(
        "unsupported-operator",
        `${target.name} has no way to run ${node.operator.name}(${node.inputs.join(", ")}).`,
      );
    },
    leaves,
    inside,
  );
}
