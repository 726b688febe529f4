// Recomputation (Griewank and Walther 2000; Chen et al. 2016): what a loss makes on its way is kept at some places only, and what lies between
// two of them is computed again when the reverse walk gets there. Memory is then that of the places and of one part of the way.
import { apply, constantOf, inScopeOf } from "../core/build.ts";
import { at } from "../core/lists.ts";
import { likelySize } from "../core/shapes.ts";
import { toldBy } from "../core/told.ts";
import { is, type Node, operandsOf, type Value } from "../core/value.ts";
import { bodiesOf } from "../core/walk.ts";
import { Barrier } from "../ops/internal/barrier.ts";
import { Reshape } from "../ops/movement.ts";

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

/** Bytes of a number, more or less; whatever they are, the choice is nearly the same. */
const bytes = (value: Value): number => likelySize(value.shape) * (value.dtype === "bool" ? 1 : 4);

/**
 * @param order the nodes that derivatives go through and what these need, each after what it needs
 * @param parts what is in the place of nodes without a derivative
 */
export function recomputing(order: readonly Node[], parts: ReadonlyMap<Node, readonly Value[]>): Recomputation {
  const stretchOf = stretches(order, parts);
  const last = Math.max(0, ...stretchOf.values());
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
    if (stretchOf.get(node) !== stretch || isKept(node)) return undefined;
    const inParts = parts.get(node)?.[value.index];
    if (inParts) return remade(inParts, stretch);
    const inputs = node.inputs.map((input) => input && remade(input, stretch));
    return inScopeOf(node, () => at(apply(node.operator, inputs, node.attributes), value.index));
  };
  return {
    reached: (cotangent) => pending.push(cotangent),
    again(node, cotangent) {
      const stretch = stretchOf.get(node);
      // What was made last is still there when the walk back begins.
      if (stretch === undefined || stretch === last) return node;
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

/** What is not made twice: what chance draws, what tells sizes, and what has a body that reads what lies around it. */
const isKept = (node: Node): boolean =>
  node.inputs.length === 0 ||
  node.operator.traits?.random === true ||
  toldBy(node).length > 0 ||
  bodiesOf(node).length > 0;

/** The most stretches that are tried. */
const most = 64;

/** For each node the number of its stretch: so that what is kept at their ends and the longest of them are together as small as may be. */
function stretches(order: readonly Node[], parts: ReadonlyMap<Node, readonly Value[]>): ReadonlyMap<Node, number> {
  const sizes = order.map((node) =>
    parts.has(node) || is(node, Reshape) ? 0 : node.outputs.reduce((sum, value) => sum + bytes(value), 0),
  );
  const whole = sizes.reduce((sum, size) => sum + size, 0);
  const way = crossings(order);
  let best: { readonly ends: readonly number[]; readonly memory: number } = { ends: [], memory: whole };
  for (let count = 2; count <= most; count++) {
    const ends = cutInto(sizes, way.kept, whole / count);
    const memory = way.keptAt(ends) + largestBetween(sizes, ends);
    if (memory < best.memory) best = { ends, memory };
  }
  let stretch = 0;
  return new Map(
    order.map((node, i) => {
      if (best.ends[stretch] !== undefined && i > best.ends[stretch]!) stretch++;
      return [node, stretch] as const;
    }),
  );
}

/** Places after which a way is cut, so that no stretch is longer than a size, each where least is kept of the second half of it. */
function cutInto(sizes: readonly number[], kept: readonly number[], size: number): number[] {
  const ends: number[] = [];
  for (let start = 0; start < sizes.length; ) {
    let [length, end] = [0, -1];
    let i = start;
    for (; i < sizes.length && (length + sizes[i]! <= size || i === start); i++) {
      length += sizes[i]!;
      if (length >= size / 2 && (end < 0 || kept[i]! <= kept[end]!)) end = i;
    }
    if (i === sizes.length) break;
    ends.push(end < 0 ? i - 1 : end);
    start = at(ends, -1) + 1;
  }
  return ends;
}

function largestBetween(sizes: readonly number[], ends: readonly number[]): number {
  let [largest, length, next] = [0, 0, 0];
  sizes.forEach((size, i) => {
    length += size;
    if (i === ends[next] || i === sizes.length - 1) {
      largest = Math.max(largest, length);
      [length, next] = [0, next + 1];
    }
  });
  return largest;
}

/** What is made up to a place of a way and read after it. */
function crossings(order: readonly Node[]) {
  const place = new Map(order.map((node, i) => [node, i] as const));
  const lastRead = new Map<Value, number>();
  order.forEach((node, i) => {
    for (const value of operandsOf(node)) if (place.has(value.node) && !constantOf(value)) lastRead.set(value, i);
  });
  const changes = new Array<number>(order.length + 1).fill(0);
  for (const [value, until] of lastRead) {
    changes[place.get(value.node)!]! += bytes(value);
    changes[until]! -= bytes(value);
  }
  let sum = 0;
  const kept = order.map((_, i) => (sum += changes[i]!));
  /** Bytes of all that crosses any of some places. */
  const keptAt = (ends: readonly number[]): number => {
    let total = 0;
    for (const [value, until] of lastRead) {
      const made = place.get(value.node)!;
      if (ends.some((end) => made <= end && end < until)) total += bytes(value);
    }
    return total;
  };
  return { kept, keptAt };
}
