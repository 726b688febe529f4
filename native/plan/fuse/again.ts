// Chains that cost less to compute where they are read than to write and read.
import type { Chain } from "../steps.ts";
import type { NumberOf } from "./code.ts";
import { costOf, together } from "./join.ts";
import type { Level } from "./level.ts";
import { storesOf } from "./level.ts";
import type { Pass } from "./pass.ts";

export const again: Pass = {
  name: "again",
  why: "masks and the like of arrays that stay are computed sooner than they are read",
  apply(level, numberOf) {
    for (let at = level.length - 1; at >= 0; at--) {
      const chain = level.chain(at);
      if (chain) inReaders(level, at, chain, numberOf);
    }
  },
};

/** Readers of a chain's result that are looked at. */
const tries = 8;

function inReaders(level: Level, at: number, chain: Chain, numberOf: NumberOf): void {
  const [write] = chain.writes;
  if (chain.writes.length !== 1 || write?.how !== "set" || level.kept(write.store)) return;
  if (level.unsettled(write.store) || [...storesOf(chain).reads].some((store) => level.unsettled(store))) return;
  const readers = level.readers(write.store);
  if (readers.size === 0 || readers.size > tries) return;
  const made = new Map<number, Chain>();
  let saved = costOf(chain);
  for (const reader of readers) {
    const step = level.chain(reader);
    const joined = step && together(chain, step, () => false, numberOf);
    if (!joined) return;
    made.set(reader, joined);
    saved += costOf(step) - costOf(joined);
  }
  if (saved < 0) return;
  for (const [reader, step] of made) level.put(reader, step);
  level.put(at, undefined);
}
