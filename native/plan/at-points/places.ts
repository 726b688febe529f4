// A pool of 2 x 2 over windows of 3 x 3 places: all four places of the pool's windows come of 16 products at points (Winograd), where they are 36 by themselves. So do the gradients
// of their weights.

import type { Costs } from "../costs.ts";
import { storesOf, usedBy } from "../fuse/level.ts";
import { enter } from "../lists.ts";
import type { Step, Store } from "../steps.ts";
import { type Beside, besideIn, mayBeBeside, type Part } from "./beside.ts";
import { type Making, usersIn, writersIn } from "./making.ts";
import { side } from "./pictures.ts";
import { points, pooled, summed, type Weights, windowsOf } from "./pooled.ts";
import { four, type Pool, pooledIn, type Sum, sumsIn } from "./pools.ts";

/** What is done at points as a whole or stays as it is: all that has stores in common. */
interface Unit {
  readonly pools: readonly Pool[];
  readonly sum?: Sum;
}

/**
 * The same steps, with products at points where that is quicker.
 *
 * @param kept stores that have their numbers before the steps or are read after them
 */
export function placesAtPoints(steps: readonly Step[], kept: ReadonlySet<Store>, plan: Making): Step[] {
  const units = unitsIn(steps).filter((unit) => pays(unit, plan.costs));
  if (units.length === 0) return [...steps];
  const users = usersIn(steps);
  const beside = new Map<Store, Part>();
  const made: Made = new Map();
  for (const unit of units) {
    const { pools, sum } = unit;
    const own = new Set<Step>(pools.flatMap(({ products }) => products));
    const isOurs = (store: Store, others: (step: Step) => boolean): boolean =>
      !kept.has(store) && !beside.has(store) && users.get(store)!.every((step) => own.has(step) || others(step));
    const parts = partsOf(unit, plan);
    if (!parts || ![...parts.keys()].every((store) => isOurs(store, (step) => mayBeBeside(step, parts, store))))
      continue;
    if (sum && !sum.between.every((store) => isOurs(store, () => false))) continue;
    for (const [store, part] of parts) beside.set(store, part);
    for (const step of own) made.set(step, () => []);
    if (sum) for (const [last, steps] of summed(plan, sum, beside)) made.set(last, () => steps);
    else for (const pool of pools) made.set(pool.last, (weights) => pooled(plan, pool, beside, weights));
  }
  return withMade(steps, made, beside);
}

/** What is in place of steps. */
type Made = Map<Step, (weights: Weights) => readonly Step[]>;

function withMade(steps: readonly Step[], made: Made, beside: Beside): Step[] {
  const weights: Weights = new Map();
  return steps.flatMap((step): readonly Step[] => {
    for (const store of storesOf(step).writes) weights.delete(store);
    if (step.kind === "turns") return [{ ...step, body: withMade(step.body, made, beside) }];
    if (step.kind === "chain" && usedBy(step).some((store) => beside.has(store))) return [besideIn(step, beside)];
    return made.get(step)?.(weights) ?? [step];
  });
}

/** Those of all levels. */
function unitsIn(steps: readonly Step[]): Unit[] {
  const writers = writersIn(steps);
  const together = new Map<Store, Pool[]>();
  for (const pool of pooledIn(steps, writers)) {
    const [store] = pool.stores as [Store];
    enter(together, store, pool);
  }
  return [
    ...[...together.values()].map((pools) => ({ pools })),
    ...sumsIn(steps, writers).map((sum) => ({ pools: sum.parts, sum })),
    ...steps.flatMap((step) => (step.kind === "turns" ? unitsIn(step.body) : [])),
  ];
}

/** Whether what is multiplied less takes longer than what is brought to points and back. */
function pays({ pools, sum }: Unit, costs: Costs): boolean {
  const [{ windows, last }] = pools as [Pool];
  const [channels, n] = [windows.channels, last.n];
  const count = pools.reduce((all, pool) => all + windowsOf(pool.windows), 0);
  const each = (four * side ** 2 - points) * channels * n - costs.number * points * (channels + n);
  const changing = sum || last.right.store.depth > 0;
  return count * each > (changing ? costs.weight * (side ** 2 + points) * channels * n : 0);
}

/** What of each store goes where; nothing, where its places are not the same all over. */
function partsOf({ pools, sum }: Unit, plan: Making): Map<Store, Part> | undefined {
  const parts = new Map<Store, Part>();
  for (const { stores, last } of pools) {
    const [one] = stores as [Store];
    const store = parts.get(one)?.store ?? plan.store(four * one.size, one.depth);
    if ((sum ? last.right : last.out).offset % last.n !== 0) return undefined;
    for (const [place, part] of stores.entries()) {
      const own = parts.get(part);
      if (own && (own.store !== store || own.begin !== place * last.n || own.row !== last.n)) return undefined;
      parts.set(part, { store, row: last.n, begin: place * last.n, all: four * last.n });
    }
  }
  return parts;
}
