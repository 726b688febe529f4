// What steps at points are made with and found among.
import type { Costs } from "../costs.ts";
import { storesOf, usedBy } from "../fuse/level.ts";
import type { Known } from "../known.ts";
import { enter } from "../lists.ts";
import type { Step, Store } from "../steps.ts";

/** A plan. */
export interface Making {
  /** By which forms are chosen. */
  readonly costs: Costs;
  store(size: number, depth: number): Store;
  readonly known: Pick<Known, "of" | "run">;
}

/** Channels and filters below which vectors of them would be mostly empty. */
export const fewest = 16;

/** The steps of one level that write a store, in their order. */
export function writersIn(steps: readonly Step[]): Map<Store, Step[]> {
  const writers = new Map<Store, Step[]>();
  for (const step of steps) {
    const { writes } = storesOf(step);
    for (let i = 0; i < writes.length; i++) enter(writers, writes[i]!, step);
  }
  return writers;
}

/** The steps that use a store, those of turns by themselves. */
export function usersIn(steps: readonly Step[], users = new Map<Store, Step[]>()): Map<Store, Step[]> {
  for (const step of steps) {
    if (step.kind === "turns") {
      usersIn(step.body, users);
      continue;
    }
    const stores = usedBy(step);
    for (let i = 0; i < stores.length; i++) enter(users, stores[i]!, step);
  }
  return users;
}

/**
 * How far what is at one point, so many numbers, is from what is at the one before. All points of a tile are written together: whole pages apart they would all fall on the same
 * places of the first cache, of which there are fewer than points.
 */
export const spaced = (numbers: number): number => (numbers % few === 0 ? numbers + line : numbers);

/** Numbers of a line of the cache; and such that even a few points at distances of these fall on the same places. */
const [line, few] = [16, 128] as const;
