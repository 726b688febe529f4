// Which weights are held at points from run to run, and what others take that are brought there in each.
import type { Costs } from "../costs.ts";
import type { Store } from "../steps.ts";

/** Numbers of weights up to which they are held at points from run to run, and multiplications that each of them saves where more are. */
const [fewHeld, leastSaved] = [2 ** 18, 200];
/** What more take that are not held beside those that stay in the cache: they go to memory and come back, and from so many on none stays in the third one. */
const [far, farther, many] = [2, 4, 2 ** 20];

/** Whether weights of a store are held, so many numbers at points, and otherwise what each takes. */
export function weightsHeld({ depth }: Store, count: number, saved: number, { weight }: Costs) {
  const few = count <= fewHeld;
  const times = count > many ? farther : far;
  return {
    holds: depth === 0 && (few || (count <= many && saved >= leastSaved * count)),
    cost: few ? weight : times * weight,
  };
}
