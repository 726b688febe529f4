// Steps joined into fewer, which go over memory less often: what the kernels take is what these passes leave.
import type { Step, Store } from "../steps.ts";
import { again } from "./again.ts";
import { chains, summed } from "./chains.ts";
import { type NumberOf, unknown } from "./code.ts";
import { copies } from "./copies.ts";
import { dead } from "./dead.ts";
import { epilogues } from "./epilogues.ts";
import { filters } from "./filters.ts";
import { identities, plainSteps } from "./identities.ts";
import { masks } from "./masks.ts";
import { ones } from "./ones.ts";
import { type Pass, Passing } from "./pass.ts";
import { pieces } from "./pieces.ts";
import { rowSums } from "./row-sums.ts";
import { same } from "./same.ts";
import { turned } from "./turned.ts";

export type { NumberOf } from "./code.ts";
export type { Pass } from "./pass.ts";

/** In the order in which they are taken, over and over until none changes anything; what is `last` is taken once then. */
export const passes: readonly Pass[] = [
  dead,
  identities,
  ones,
  same,
  epilogues,
  copies,
  turned,
  pieces,
  chains,
  summed,
  again,
  filters,
  rowSums,
  masks,
];

/** What passes join may be joined again. */
const mostRounds = 4;

/**
 * Steps that give the same outputs.
 * @param numberOf the number that all numbers of a store are, for those that no run changes
 */
export function fused(
  steps: readonly Step[],
  outputs: readonly Store[],
  numberOf: NumberOf = unknown,
  taken: readonly Pass[] = passes,
): Step[] {
  const numbers = new Map<Store, number | undefined>();
  const known: NumberOf = (store) => {
    if (!numbers.has(store)) numbers.set(store, numberOf(store));
    return numbers.get(store);
  };
  const begun = taken.includes(identities) ? plainSteps(steps, known) : steps;
  const passing = new Passing(begun, new Set(outputs), known);
  // What nobody reads would keep what is in turns from being joined.
  passing.take(taken.filter((pass) => pass === dead));
  const repeated = taken.filter(({ last }) => !last);
  for (let round = 0; round < mostRounds; round++) if (!passing.take(repeated)) break;
  passing.take(taken.filter(({ last }) => last));
  return [...passing.steps];
}
