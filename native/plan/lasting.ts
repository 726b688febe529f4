// What rests on inputs alone that are the same in run after run is computed in the first of these runs.
import { storesOf } from "./fuse/level.ts";
import type { Step, Store } from "./steps.ts";

export interface Lasting {
  /** Steps of the first run only. */
  readonly first: readonly Step[];
  /** What these write and later steps read. */
  readonly stores: readonly Store[];
  /** Steps of every run, after those. */
  readonly each: readonly Step[];
}

/** @param inputs stores whose numbers last */
export function lastingOf(steps: readonly Step[], inputs: ReadonlySet<Store>): Lasting {
  if (inputs.size === 0) return { first: [], stores: [], each: steps };
  // What is written again in every run, if only in part.
  const again = new Set<Store>();
  for (;;) {
    const known = again.size;
    const stores = new Set<Store>();
    const [first, each]: [Step[], Step[]] = [[], []];
    const lasts = (store: Store): boolean => store.depth === 0 || inputs.has(store) || stores.has(store);
    for (const step of steps) {
      const { reads, writes } = storesOf(step);
      if (!reads.every((store) => lasts(store) || writes.includes(store)) || writes.some((store) => again.has(store))) {
        for (const store of writes) again.add(store);
        each.push(step);
      } else {
        for (const store of writes) stores.add(store);
        first.push(step);
      }
    }
    if (again.size > known) continue;
    const read = new Set(each.flatMap((step) => storesOf(step).reads));
    return { first, stores: [...stores].filter((store) => read.has(store)), each };
  }
}
