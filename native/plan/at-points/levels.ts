// Where what products read is brought to points: once for all that read it, and before turns that do not change it.
import type { Step, Store } from "../steps.ts";
import type { Making } from "./making.ts";

/** Steps of turns, or all. */
export interface Level {
  readonly outer?: Level;
  /** What is at points already, by what it is of and how. */
  readonly there: Map<Store, Map<string, Store>>;
  /** What the turns write, how many there are, and what is to be before them. */
  readonly written: ReadonlySet<Store>;
  readonly count: number;
  readonly before: Step[];
}

/** Where what is of a store is brought to points: before all turns that do not write it, of which there are so many. */
function placeOf(of: Store, level: Level, ownDepth: number, own: Step[]) {
  let [at, steps, depth, turns] = [level, own, ownDepth, 1];
  for (; at.outer && !at.written.has(of); at = at.outer) {
    steps = at.before;
    depth = Math.max(1, depth - 1);
    turns *= at.count;
  }
  return { there: at.there, steps, depth, turns };
}

/** In how many turns something is brought to points, of all of them: in none, where it is there. */
export function shareOf(of: Store, name: string, level: Level): number {
  const { there, turns } = placeOf(of, level, 0, []);
  return there.get(of)?.has(name) ? 0 : 1 / turns;
}

/** Gives the store that has something at points, which steps bring there unless it is there: while the plan is made, where it is held from run to run. */
export type Bringing = (
  of: Store,
  name: string,
  size: number,
  bringing: (to: Store) => readonly Step[],
  held?: boolean,
) => Store;

/** @param own steps of the level, which what is brought there becomes part of */
export const bringingIn =
  (level: Level, plan: Making, ownDepth: number, own: Step[]): Bringing =>
  (of, name, size, bringing, held = false) => {
    const { there, steps, depth } = placeOf(of, level, ownDepth, own);
    const ofStore = there.get(of) ?? new Map<string, Store>();
    there.set(of, ofStore);
    const known = ofStore.get(name);
    if (known) return known;
    const to = plan.store(size, held ? 0 : depth);
    ofStore.set(name, to);
    if (held) for (const step of bringing(to)) plan.known.run(step);
    else steps.push(...bringing(to));
    return to;
  };
