// How a known number of inner steps is laid out in a graph: one after another, or as turns of one body that has a derivative.
import { bytesOf } from "@innerloop/schemas";
import { constant } from "../core/build.ts";
import { at, upTo } from "../core/lists.ts";
import { sizeOf } from "../core/shapes.ts";
import { is, type Value } from "../core/value.ts";
import { topological } from "../core/walk.ts";
import { cut } from "../ops/internal/slicing.ts";
import { Reshape, Unsqueeze } from "../ops/movement.ts";
import { Concat } from "../ops/parts.ts";
import { type Held, Scan } from "../ops/scan.ts";

/**
 * `unrolled`: every step is nodes of its own, which is the quickest where steps are small. `loop`: the steps are turns of one
 * body, and so are those of the derivative; products are held from the first turns to these. `checkpoints`: the parameters of
 * each step alone are held, and the derivative computes each step once more, so that memory is one step's.
 */
export type LoopStructure = "unrolled" | "loop" | "checkpoints";

/** What turns hold for their derivative; undefined where steps are unrolled. */
export const heldBy: Readonly<Record<LoopStructure, Held | undefined>> = {
  unrolled: undefined,
  loop: "products",
  checkpoints: "states",
};

/**
 * `count` turns of a body, which derivatives go through.
 * @param count at least 1
 * @param turn given what is carried and the number of the turn (int64 `[]`, from 0)
 * @returns what is carried in the end, and what was collected, with a leading axis of turns
 */
export const turnsOf = (
  count: number,
  initial: readonly Value[],
  turn: (carried: readonly Value[], number: Value) => { carried: readonly Value[]; collected: readonly Value[] },
  holds: Held,
): { readonly carried: readonly Value[]; readonly collected: readonly Value[] } =>
  Scan(initial, [constant(upTo(count), [count], "int64")], (carried, entries) => turn(carried, at(entries, 0)), {
    holds,
  });

/** The entries of stacks: for each turn, one of each. */
export const entriesOf = (stacks: readonly Value[], turns: number): Value[][] =>
  upTo(turns).map((turn) => stacks.map((stack) => Reshape(cut(stack, 0, turn, turn + 1), stack.shape.slice(1))));

/** A stack of what turns gave, and what stands after the last. */
export const withLast = (stack: Value, last: Value): Value => Concat([stack, Unsqueeze(last, [0])], 0);

/** The most bytes that one row of turns holds for its derivative, of what has a known size. */
export function heldBytes(outputs: readonly Value[]): number {
  const held = topological(outputs).flatMap((node) => {
    if (!is(node, Scan) || node.attributes.holds === undefined) return [];
    return [
      node.outputs
        .slice(node.attributes.states)
        .reduce((sum, { dtype, shape }) => sum + bytesOf(dtype, Number(sizeOf(shape)) || 0), 0),
    ];
  });
  return Math.max(0, ...held);
}
