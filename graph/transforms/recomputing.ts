// Recomputation (Griewank and Walther 2000; Chen et al. 2016): of what a loss makes on its way only some is kept, and the rest is computed
// again when the reverse walk gets there. What is kept is chosen by what it takes to compute it again (recomputation-plan.ts).
import { InnerloopError } from "@innerloop/schemas";
import { apply, inScopeOf } from "../core/build.ts";
import { at } from "../core/lists.ts";
import { isKnown } from "../core/shapes.ts";
import type { Node, Value } from "../core/value.ts";
import { Barrier } from "../ops/internal/barrier.ts";
import { cheapest, leastBytes, planner, type Recomputed, type Way } from "./recomputation-plan.ts";

/**
 * How much derivatives compute again of what they would keep. `true`: so much that about as little as can be is kept. A number: as little as keeps
 * what is kept within so many bytes. `about` a number: the same, and the least where more has to be kept.
 */
export type Recompute = boolean | number | { readonly about: number };

/** A reverse walk that goes over what is computed again. */
export interface Recomputation {
  /** What the walk reads of a node: its own values, or the same computed again. */
  again(node: Node, cotangent: Value): Pick<Node, "inputs" | "outputs">;
  /**
   * What the walk found for a leaf. The next stretch waits for it, since whatever it is made of is there until then: runtimes compute
   * what is asked for last when nothing else is left.
   */
  reached(cotangent: Value): void;
}

/** How much more than the least is kept at most by who asks for no number: the last bytes cost the most time. */
const more = 1.25;

/**
 * The walk over a way of which some is computed again; undefined where nothing needs to be.
 * @throws InnerloopError `over-budget` (status 2) where more is kept in any case than a number allows
 */
export function recomputing(way: Way, recompute: Exclude<Recompute, false>): Recomputation | undefined {
  const planned = planner(way);
  const bytes = recompute === true ? 0 : typeof recompute === "number" ? recompute : recompute.about;
  if (planned.all <= bytes) return undefined;
  const least = leastBytes(planned);
  if (typeof recompute === "number" && least > bytes) throw overBudget(least, bytes, way);
  const little = Math.min(more * least, (least + planned.all) / 2);
  const plan = cheapest(planned, recompute === true ? little : Math.max(bytes, least));
  return plan && walkOver(way, plan);
}

const mebibytes = (bytes: number): number => Math.ceil(bytes / 2 ** 20);

function overBudget(least: number, bytes: number, { order }: Way): InnerloopError {
  const open = order.some((node) => node.outputs.some(({ shape }) => !isKnown(shape)));
  return new InnerloopError(
    "over-budget",
    `Derivatives keep about ${mebibytes(least)} MiB in any case${open ? ", with 8 of whatever has an open size" : ""}, and ${Math.floor(bytes / 2 ** 20)} MiB were allowed; allow ${mebibytes(least)}, or take fewer or smaller examples.`,
    { exitStatus: 2 },
  );
}

function walkOver({ order, parts }: Way, { stretchOf, within, kept }: Recomputed): Recomputation {
  /** For each stretch, what its values are when they are computed again, and what that waits for. */
  const again = new Map<number, { readonly made: Map<Value, Value>; readonly after: readonly Value[] }>();
  let pending: Value[] = [];

  const remade = (value: Value, stretch: number): Value => {
    const { made, after } = again.get(stretch)!;
    const known = made.get(value);
    if (known) return known;
    const result = computedAgain(value, stretch) ?? (stretchOf.has(value.node) ? Barrier(value, after) : value);
    made.set(value, result);
    return result;
  };
  const computedAgain = (value: Value, stretch: number): Value | undefined => {
    const { node } = value;
    if (stretchOf.get(node) !== stretch || kept.has(node)) return undefined;
    const inParts = parts.get(node)?.[value.index];
    if (inParts) return remade(inParts, stretch);
    const inputs = node.inputs.map((input) => input && remade(input, stretch));
    return inScopeOf(node, () => at(apply(node.operator, inputs, node.attributes), value.index));
  };
  return {
    reached: (cotangent) => pending.push(cotangent),
    again(node, cotangent) {
      const stretch = stretchOf.get(node);
      if (stretch === undefined || !within.has(stretch)) return node;
      if (!again.has(stretch)) {
        again.set(stretch, { made: new Map(), after: [...new Set([cotangent, ...pending])] });
        pending = [];
        // One after the other, so that none of them is made inside of others.
        for (const each of order)
          if (stretchOf.get(each) === stretch) for (const value of each.outputs) remade(value, stretch);
      }
      const now = (value: Value | undefined) => value && remade(value, stretch);
      const [first, ...others] = node.outputs;
      return {
        inputs: node.inputs.map(now),
        outputs: [remade(first, stretch), ...others.map((value) => remade(value, stretch))],
      };
    },
  };
}
