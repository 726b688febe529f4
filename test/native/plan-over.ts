// A plan as passes that make steps see it: stores, and numbers that are known.
import type { Points, Step, Store } from "@innerloop/native/plan";

/**
 * @param begun what stores begin with, to which known numbers come. `done` are steps over known numbers, which are to be done with the others.
 * @param costs at points whatever that costs, unless told otherwise
 */
export function planOver<Own extends ArrayLike<number>>(
  begun: Map<Store, Own | Float32Array>,
  costs = { number: 0, weight: 0 },
) {
  const done: Step[] = [];
  const known = {
    of(store: Store): Float32Array {
      const found = (begun.get(store) as Float32Array | undefined) ?? new Float32Array(store.size);
      begun.set(store, found);
      return found;
    },
    run(step: Step): void {
      done.push(step);
    },
  };
  return { plan: { store: (size: number, depth: number): Store => ({ size, depth }), known, costs }, done };
}

export const pointsIn = (steps: readonly Step[]): Points[] =>
  steps.filter((step): step is Points => step.kind === "points");
