// Chains that go over the same places, or one of which computes what the other reads, become one.
import { sizeOf } from "@innerloop/schemas/bundle";
import type { Chain } from "../steps.ts";
import type { NumberOf } from "./code.ts";
import { costOf, together } from "./join.ts";
import type { Level } from "./level.ts";
import type { Pass } from "./pass.ts";

const sums = ({ writes }: Chain): boolean => writes.some(({ how }) => how !== "set");

/** The chain that the two are, where it takes less time than both. */
function better(level: Level, first: number, second: number, numberOf: NumberOf): Chain | undefined {
  const a = level.chain(first)!;
  const b = level.chain(second)!;
  if (a.writes.some((write) => b.writes.some(({ store }) => store === write.store && level.unsettled(store))))
    return undefined;
  const others = (store: Parameters<Level["kept"]>[0]): boolean => level.kept(store) || level.readBeside(store, second);
  const kept = () => a.writes.map(({ store }) => Number(others(store))).join();
  const before = apart.get(a)?.get(b);
  if (before !== undefined && before === kept()) return undefined;
  const chain = together(a, b, others, numberOf);
  if (chain && costOf(chain) <= costOf(a) + costOf(b)) return chain;
  apart.set(a, (apart.get(a) ?? new WeakMap<Chain, string>()).set(b, kept()));
  return undefined;
}

/** Chains that are better apart, with what the first has to write: passes are taken over and over. */
const apart = new WeakMap<Chain, WeakMap<Chain, string>>();

/** Each chain goes down to the first step that needs what it gives, which is never too late. */
function sink(level: Level, numberOf: NumberOf, fit: (first: Chain, second: Chain) => boolean): void {
  for (let at = level.length - 1; at >= 0; at--) {
    const first = level.chain(at);
    const user = first && level.firstAfter(at);
    if (user === undefined) continue;
    const second = level.chain(user);
    if (!second || !fit(first!, second)) continue;
    const chain = better(level, at, user, numberOf);
    if (!chain) continue;
    level.put(at, undefined);
    level.put(user, chain);
  }
}

/** Arrays from here on are worth going through once for two chains. */
const large = 64;
/** Chains that are tried. */
const tries = 8;

/** Where chains may be that one goes up to: the last step that it needs, and those behind it that read what it reads. */
function hostsOf(level: Level, { reads }: Chain, at: number): number[] {
  const from = level.lastBefore(at);
  const hosts = from >= 0 ? [from] : [];
  for (let i = 0; i < reads.length; i++) {
    const { store } = reads[i]!;
    if (store.size < large || level.unsettled(store)) continue;
    const readers = level.readers(store);
    for (let k = 0; k < readers.length && hosts.length < tries; k++) {
      const host = readers[k]!;
      if (host >= from && host < at && !hosts.includes(host)) hosts.push(host);
    }
  }
  return hosts;
}

/** Each chain goes up to one that reads or writes what it reads, behind all that it needs. */
function rise(level: Level, numberOf: NumberOf, fit: (first: Chain, second: Chain) => boolean): void {
  for (let at = 0; at < level.length; at++) {
    const second = level.chain(at);
    if (!second) continue;
    for (const host of hostsOf(level, second, at)) {
      const first = level.chain(host);
      if (!first || !fit(first, second) || sizeOf(first.shape) !== sizeOf(second.shape)) continue;
      const chain = better(level, host, at, numberOf);
      if (!chain) continue;
      level.put(at, undefined);
      level.put(host, chain);
      break;
    }
  }
}

export const chains: Pass = {
  name: "chains",
  why: "what one chain writes and another reads stays in the processor, and arrays that both read are read once",
  apply(level, numberOf) {
    const fit = (first: Chain, second: Chain) => !sums(first) && !sums(second);
    sink(level, numberOf, fit);
    rise(level, numberOf, fit);
  },
};

export const summed: Pass = {
  name: "sums",
  why: "what is only summed, or summed as well, is summed where it is computed",
  apply(level, numberOf) {
    const fit = (first: Chain, second: Chain) => sums(first) || sums(second);
    sink(level, numberOf, fit);
    rise(level, numberOf, fit);
  },
};
