// Copies that need not be made: both ends of one have the same place, where neither is written while the other one's numbers are still needed. So
// what turns hand on is written where the next one reads it.
import { sizeOf } from "@innerloop/schemas/bundle";
import { withAccesses } from "./accesses.ts";
import { usedBy } from "./fuse/level.ts";
import { enter } from "./lists.ts";
import { pairsOf, writesOver } from "./memory.ts";
import { type Access, accessesOf, type Chain, type Step, type Store, type Turns } from "./steps.ts";

type Single = Exclude<Step, Turns>;

/** Steps without copies between stores that have become one. */
export interface Coalesced {
  readonly steps: Step[];
  /** What a store has become. */
  of(store: Store): Store;
}

/** @param fed stores that have their numbers before the first step @param kept stores that are read after the last step */
export function coalesced(
  steps: readonly Step[],
  { fed, kept }: { readonly fed: readonly Store[]; readonly kept: readonly Store[] },
): Coalesced {
  const stores = new Stores(steps, new Set(fed), new Set(kept));
  for (const copy of stores.copies) stores.join(copy.reads[0]!.store, copy.writes[0]!.store);
  return stores.result(steps);
}

/** Arrays from here on are no longer in the processor's nearest memory when they are written again. */
const large = 4096;

/** Steps that write over what they read last there, in turns too, where a store lives as long as they do. */
export function overwritten(
  steps: readonly Step[],
  { fed, kept }: { readonly fed: readonly Store[]; readonly kept: readonly Store[] },
  least = large,
): Coalesced {
  const stores = new Stores(steps, new Set(fed), new Set(kept));
  for (const { step, place, around } of stores.all) {
    if (around.length === 0 || (step.kind !== "chain" && step.kind !== "product")) continue;
    if (accessesOf(step).writes.every(({ store }) => store.size < least)) continue;
    for (const { from, to } of pairsOf(step))
      if (from.size === to.size && to.size >= least && stores.isWrittenNext(from, place)) stores.join(from, to);
  }
  return stores.result(steps);
}

/** A step that uses a store, in the turns that are around it. */
interface Use {
  readonly step: Single;
  readonly place: number;
  /** The turns around it, the innermost last. */
  readonly around: readonly Turns[];
}

class Stores {
  readonly copies: Chain[] = [];
  readonly all: Use[] = [];
  #joined = false;
  readonly #one = new Map<Store, Store>();
  readonly #uses = new Map<Store, Use[]>();
  readonly #fed: Set<Store>;
  readonly #kept: Set<Store>;
  /** Where kernels write numbers of turns. */
  readonly #turns = new Set<Store>();

  constructor(steps: readonly Step[], fed: Set<Store>, kept: Set<Store>) {
    this.#fed = fed;
    this.#kept = kept;
    let place = 0;
    const walk = (list: readonly Step[], around: readonly Turns[]): void => {
      for (const step of list)
        if (step.kind === "turns") {
          this.#turns.add(step.turn);
          walk(step.body, [...around, step]);
        } else {
          const use = { step, place: place++, around };
          for (const store of usedBy(step)) enter(this.#uses, store, use);
          this.all.push(use);
          if (copiesWhole(step)) this.copies.push(step);
        }
    };
    walk(steps, []);
  }

  result(steps: readonly Step[]): Coalesced {
    const of = (store: Store) => this.of(store);
    return { steps: this.#joined ? renamed(steps, of) : [...steps], of };
  }

  of(store: Store): Store {
    let one = store;
    for (let next = this.#one.get(one); next; next = this.#one.get(one)) one = next;
    return one;
  }

  /** Whether a store is written after a place before it is read again: what is not used again is left to memory.ts. */
  isWrittenNext(store: Store, place: number): boolean {
    const next = this.#uses.get(store)?.find((use) => use.place > place);
    return next !== undefined && accessesOf(next.step).reads.every((read) => read.store !== store);
  }

  /** Makes two stores one, if they can be. */
  join(from: Store, to: Store): void {
    const [a, b] = [this.of(from), this.of(to)];
    if (this.#fed.has(a) && this.#fed.has(b)) return;
    if (a === b || a.depth === 0 || b.depth === 0 || this.#turns.has(a) || this.#turns.has(b)) return;
    const uses = [...new Set([...this.#uses.get(a)!, ...this.#uses.get(b)!])].sort((x, y) => x.place - y.place);
    const is = (store: Store, other: Store) => this.of(store) === other;
    const after = { a: this.#kept.has(a), b: this.#kept.has(b) };
    const before = new Interference(a, b, is).through(uses, 0, after);
    if (!before || (before.a && before.b && (this.#fed.has(a) || this.#fed.has(b)))) return;
    this.#one.set(a, b);
    this.#uses.set(b, uses);
    for (const set of [this.#fed, this.#kept]) if (set.has(a)) set.add(b);
    this.#joined = true;
  }
}

/** Whose numbers are needed. */
interface Live {
  readonly a: boolean;
  readonly b: boolean;
}

class Interference {
  readonly #a: Store;
  readonly #b: Store;
  readonly #is: (store: Store, other: Store) => boolean;

  constructor(a: Store, b: Store, is: (store: Store, other: Store) => boolean) {
    this.#a = a;
    this.#b = b;
    this.#is = is;
  }

  /** What is needed before steps, by what is after them; nothing, where one is written while the other is needed. */
  through(uses: readonly Use[], depth: number, after: Live): Live | undefined {
    let live: Live | undefined = after;
    for (let end = uses.length; live && end > 0; ) {
      const last = uses[end - 1]!;
      const turns = last.around[depth];
      if (!turns) {
        live = this.#before(last.step, live);
        end--;
        continue;
      }
      let start = end - 1;
      while (start > 0 && uses[start - 1]!.around[depth] === turns) start--;
      const body = uses.slice(start, end);
      // Once more, since a turn needs what the next one does.
      for (let round = 0; live && round < 2; round++) {
        const begin: Live | undefined = this.through(body, depth + 1, live);
        live = begin && (round === 0 ? { a: live.a || begin.a, b: live.b || begin.b } : begin);
      }
      end = start;
    }
    return live;
  }

  #before(step: Single, after: Live): Live | undefined {
    const { reads, writes } = accessesOf(step);
    const [readsA, readsB] = [this.#a, this.#b].map((store) => reads.some((read) => this.#is(read.store, store)));
    const [toA, toB] = [this.#a, this.#b].map((store) => writes.filter((write) => this.#is(write.store, store)));
    const copies = copiesWhole(step) && ((readsA && toB!.length > 0) || (readsB && toA!.length > 0));
    if (!copies) {
      if (toA!.length > 0 && toB!.length > 0) return undefined;
      if ((toA!.length > 0 && after.b) || (toB!.length > 0 && after.a)) return undefined;
      const over = (to: readonly Access[], from: Store) =>
        to.every(
          (write) =>
            (step.kind === "chain" || step.kind === "product") &&
            writesOver(step, (store) => this.#is(store, from), write),
        );
      if (readsB && !over(toA!, this.#b)) return undefined;
      if (readsA && !over(toB!, this.#a)) return undefined;
    }
    const ends = (to: readonly Access[]) => to.some((write) => writesWhole(step, write));
    return { a: readsA || (after.a && !ends(toA!)), b: readsB || (after.b && !ends(toB!)) };
  }
}

/** Whether it copies all of a store to all of another one, in the same order. */
function copiesWhole(step: Single): step is Chain {
  if (step.kind !== "chain" || step.code.length > 0 || step.reads.length !== 1 || step.writes.length !== 1)
    return false;
  const [read, write] = [step.reads[0]!, step.writes[0]!];
  const alike = writesOver(step, (store) => store === read.store, write);
  return alike && read.store.size === write.store.size && write.offset === 0 && writesWhole(step, write);
}

/** Whether all numbers of a store are written. */
function writesWhole(step: Single, write: Access): boolean {
  return placesOf(step, write) === write.store.size;
}

/** How many numbers a step writes there. */
function placesOf(step: Single, write: Access): number {
  if (step.kind === "chain") return sizeOf(step.shape.filter((size, axis) => size > 1 && write.strides[axis] !== 0));
  if (step.kind === "product") return sizeOf(step.batch) * step.m * step.n;
  if (step.kind === "norm") return step.rows * (write === step.out ? step.size : 1);
  if (step.kind === "rowwise") return step.rows * (step.what === "argmax" ? 1 : step.size);
  if (step.kind === "rows") return step.outer * step.count * step.inner;
  if (step.kind === "scatter") return step.limit * step.inner;
  if (step.kind === "windows") {
    const places = step.what === "back" ? sizeOf(step.size) : step.rows * step.columns;
    return step.channels * (step.what === "weights" ? step.taps.length : step.examples * places);
  }
  if (step.kind === "points") {
    const { rows, columns, first, steps, tile, size } = step;
    const covered = [rows, columns].every(
      (count, i) => first[i] === 0 && steps[i] === tile[i] && count * tile[i]! >= size[i]!,
    );
    const places = step.what === "points" ? rows * columns * sizeOf(step.points) : covered ? sizeOf(size) : 0;
    return step.examples * step.channels * places;
  }
  return step.toStep === 0 ? step.size : 0;
}

/** Steps with other stores, without what copies one to itself. */
function renamed(steps: readonly Step[], of: (store: Store) => Store): Step[] {
  const to = <A extends Access>(access: A): A => {
    const store = of(access.store);
    return store === access.store ? access : { ...access, store };
  };
  return steps.flatMap((step): Step[] => {
    if (step.kind === "turns") return [{ ...step, body: renamed(step.body, of) }];
    if (copiesWhole(step) && of(step.reads[0]!.store) === of(step.writes[0]!.store)) return [];
    return [withAccesses(step, to)];
  });
}
