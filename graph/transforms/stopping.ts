// When a loop of gradient steps ends before its last turn: as the loop's own condition, so that no further turn is paid for.
import { constant } from "../core/build.ts";
import type { Value } from "../core/value.ts";
import { Sub } from "../ops/arithmetic.ts";
import { And, Greater, Less } from "../ops/comparison.ts";
import { Loop } from "../ops/control.ts";
import { While } from "../ops/while.ts";

/** What ends a loop. */
export interface Stop {
  /** It ends where the loss that is kept is no higher. */
  readonly loss?: number;
  /** It ends where so many turns in a row kept nothing. */
  readonly patience?: number;
}

/** What a turn knows of where it is. */
interface Reached {
  /** The loss that is kept, the number of the turn, and of that whose result is kept. */
  readonly loss: Value;
  readonly number: Value;
  readonly kept: Value;
}

interface Turn {
  readonly carried: readonly Value[];
  readonly collected: readonly Value[];
  readonly reached: Reached;
}

/** A loop of up to `steps` turns. What is collected has as many entries as there were turns. */
export function repeated(
  steps: Value,
  initial: readonly Value[],
  turn: (carried: readonly Value[]) => Turn,
  stop: Stop | undefined,
): { readonly carried: readonly Value[]; readonly collected: readonly Value[] } {
  if (stop?.loss === undefined && stop?.patience === undefined)
    return Loop(steps, initial, (...carried) => turn(carried), "steps");
  return While(
    initial,
    (given) => {
      const { carried, collected, reached } = turn(given);
      return { going: goesOn(reached, stop), carried, collected };
    },
    { count: steps, size: "steps" },
  );
}

function goesOn({ loss, number, kept }: Reached, { loss: least, patience }: Stop): Value {
  const above = least === undefined ? undefined : Greater(loss, least);
  const within = patience === undefined ? undefined : Less(Sub(number, kept), constant(patience, [], "int64"));
  if (above && within) return And(above, within);
  return above ?? within ?? constant(1, [], "bool");
}
