// What products at points gain beside those of windows as they are, and whether weights are held there from run to run.
import type { Costs } from "../costs.ts";
import { type Product, sameAccess } from "../steps.ts";
import { type Level, shareOf } from "./levels.ts";

/** Numbers of weights up to which they are held at points from run to run, and multiplications that each of them saves where more are. */
const [fewHeld, leastSaved] = [2 ** 18, 200];
/** What more take that are not held beside those that stay in the cache: they go to memory and come back, and from so many on none stays in the third one. */
const [far, farther, many] = [2, 4, 2 ** 20];

export interface Gain {
  /** Multiplications that are saved but for what bringing to points and back takes. */
  readonly gain: number;
  /** Whether weights are there from run to run. */
  readonly holds: boolean;
}

interface AtPoints {
  readonly multiplied: number;
  /** What is brought to points and back, but for weights. */
  readonly numbers: number;
  /** By which others find them there, and how many numbers are read and given. */
  readonly weights: { readonly name: string; readonly read: number; readonly given: number };
}

/** @param product of windows, of all its filters and examples */
export function gainOf(
  { m, n, k, right: { store } }: Product,
  { multiplied, numbers, weights }: AtPoints,
  costs: Costs,
  level: Level,
): Gain {
  const saved = m * k * n - multiplied;
  const { name, read, given } = weights;
  const few = given <= fewHeld;
  const holds = store.depth === 0 && (few || (given <= many && saved >= leastSaved * given));
  const times = given > many ? farther : far;
  const brought = holds ? 0 : (read + given) * (few ? 1 : times) * costs.weight * shareOf(store, name, level);
  return { gain: saved - costs.number * numbers - brought, holds };
}

/** Numbers that steps of their own go over: what is added to, unless a product does that, and what is made zero. */
export function goneOver({ m, n, out, added, relu }: Product, addsByProduct = false): number {
  const isApart = added && !sameAccess(added, out) && !addsByProduct;
  return (isApart ? m * n : 0) + (relu ? m * n : 0);
}
