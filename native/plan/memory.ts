// Where stores lie in the memory of a run: those that live at different times may have the same place.
import { movesOf } from "./moving.ts";
import { type Access, accessesOf, type Chain, type Product, type Step, type Store } from "./steps.ts";
import { apart, Rooms, Taken, type Worth } from "./taken.ts";

export interface Places {
  /** Where a store begins, in numbers; nothing for one that no step reads or writes. */
  at(store: Store): number | undefined;
  /** Where what may be read ends. */
  readonly end: number;
}

/** Steps of turns, or all of a run. */
interface Body {
  readonly around?: Body;
  /** How many bodies are around it. */
  readonly depth: number;
  readonly first: number;
  last: number;
}

/** When the numbers of a store are needed, in places of the order of all steps. */
interface Life {
  readonly store: Store;
  /** The innermost body that has all steps that read or write it. */
  body: Body;
  first: number;
  last: number;
  /** Turns of its body begin with what the turn before left. */
  readonly carried: boolean;
}

/** A store that may be written where another one is read last. */
interface Pair {
  readonly from: Store;
  readonly to: Store;
}

/** Stores with something of their own. */
interface Ends {
  /** They have their numbers before the first step. */
  readonly fed?: readonly Store[];
  /** They are read after the last step. */
  readonly kept?: readonly Store[];
  /** Results, which lie somewhere else; others may lie there before they are written. */
  readonly elsewhere?: ReadonlyMap<Store, number>;
  /** When that is worth it; as usual unless given. */
  readonly worth?: Worth;
}

/**
 * Places by lifetimes: the largest stores first, each in a result that is written later, or at the first place where nothing lies that is needed at the same time. A chain, or a
 * product, writes over what it reads there last, where it goes along both alike.
 *
 * @param from where there is room, in numbers
 */
export function placesFor(steps: readonly Step[], ends: Ends, from: number): Places {
  const { lives, pairs } = livesOf(steps, ends);
  const { elsewhere = new Map<Store, number>() } = ends;
  const rows = rowsOf(
    lives.filter(({ store }) => !elsewhere.has(store)),
    pairs,
  );
  const taken = new Taken(rows);
  const rooms = new Rooms(
    rows,
    lives.flatMap(({ store, first }) => {
      const at = elsewhere.get(store);
      return at === undefined ? [] : [{ at, size: store.size, first }];
    }),
    ends.worth,
  );
  const places = new Map<Store, number>();
  let end = from;
  for (const row of rows.sort((a, b) => b.size - a.size || a.first - b.first)) {
    const room = rooms.take(row);
    const at = room ?? taken.take(row, from);
    for (const store of row.stores) places.set(store, at);
    if (room === undefined) end = Math.max(end, at + row.size);
  }
  return { at: (store) => places.get(store), end: end + apart };
}

/** Stores of which each is written over the one before. */
interface Row {
  readonly stores: Store[];
  readonly size: number;
  readonly first: number;
  last: number;
}

function rowsOf(lives: readonly Life[], pairs: ReadonlyMap<number, readonly Pair[]>): Row[] {
  const lastOf = new Map(lives.map(({ store, last }) => [store, last]));
  const rows: Row[] = [];
  const rowOf = new Map<Store, Row>();
  for (const { store, first, last } of [...lives].sort((a, b) => a.first - b.first)) {
    const over = pairs.get(first)?.find((pair) => pair.to === store && lastOf.get(pair.from) === first)?.from;
    const row = over && rowOf.get(over);
    if (row && row.stores.at(-1) === over && roomOf(store) <= row.size) {
      row.stores.push(store);
      row.last = last;
      rowOf.set(store, row);
    } else {
      rows.push({ stores: [store], size: roomOf(store), first, last });
      rowOf.set(store, rows.at(-1)!);
    }
  }
  return rows;
}

const roomOf = ({ size }: Store): number => Math.max(1, Math.ceil(size / apart)) * apart;

/** Lives of all stores but those whose numbers no run changes. */
function livesOf(steps: readonly Step[], { fed = [], kept = [] }: Ends) {
  const all: Body = { depth: 0, first: -1, last: Number.POSITIVE_INFINITY };
  const lives = new Map<Store, Life>();
  const pairs = new Map<number, Pair[]>();
  const meet = (store: Store, body: Body, now: number, carried: boolean): void => {
    if (store.depth === 0) return;
    const life = lives.get(store);
    if (!life) lives.set(store, { store, body, first: now, last: now, carried });
    else {
      let place = now;
      // In the innermost body that has both, a step of turns in it is all of these turns.
      let inner = body;
      const goOut = () => {
        place = inner.last;
        inner = inner.around!;
      };
      while (inner.depth > life.body.depth) goOut();
      while (life.body.depth > inner.depth) leave(life);
      for (; life.body !== inner; goOut()) leave(life);
      life.last = Math.max(life.last, place);
    }
  };
  for (const store of fed) meet(store, all, all.first, false);
  const open: { readonly step: Exclude<Step, { kind: "turns" }>; readonly body: Body; readonly place: number }[] = [];
  const turns: { readonly turn: Store; readonly body: Body }[] = [];
  let place = 0;
  // All bodies have their ends before lives are made of them.
  const walk = (list: readonly Step[], body: Body): void => {
    for (const step of list)
      if (step.kind === "turns") {
        const inner: Body = { around: body, depth: body.depth + 1, first: place++, last: 0 };
        turns.push({ turn: step.turn, body: inner });
        walk(step.body, inner);
        inner.last = place++;
      } else open.push({ step, body, place: place++ });
  };
  walk(steps, all);
  for (const { turn, body } of turns) {
    meet(turn, body.around!, body.first, false);
    meet(turn, body.around!, body.last, false);
  }
  for (const { step, body, place: now } of open) {
    const { reads, writes } = accessesOf(step);
    for (const { store } of reads) meet(store, body, now, true);
    // A move that goes on with the turns leaves what those before wrote.
    for (const write of writes)
      meet(write.store, body, now, movesOf(write).length > 0 || (step.kind === "move" && step.toStep !== 0));
    if (step.kind === "chain" || step.kind === "product") pairs.set(now, pairsOf(step));
  }
  for (const store of kept) meet(store, all, all.last, false);
  for (const life of lives.values()) if (life.carried && life.body !== all) leave(life);
  return { lives: [...lives.values()], pairs };
}

/** A life is one of all turns of its body. */
function leave(life: Life): void {
  life.first = Math.min(life.first, life.body.first);
  life.last = Math.max(life.last, life.body.last);
  life.body = life.body.around!;
}

/** What a step may write over. */
export function pairsOf(step: Chain | Product): Pair[] {
  const { reads, writes } = accessesOf(step);
  const pairs: Pair[] = [];
  for (const write of writes) {
    const to = write.store;
    if (writes.some((other) => other !== write && other.store === to)) continue;
    for (const [i, { store: from }] of reads.entries()) {
      // Each store once, by its first read.
      if (from === to || reads.findIndex(({ store }) => store === from) < i) continue;
      if (writesOver(step, (store) => store === from, write)) pairs.push({ from, to });
    }
  }
  return pairs;
}

/** Whether a step may write where it reads: number by number, each where it is written. */
export function writesOver(step: Chain | Product, from: (store: Store) => boolean, write: Access): boolean {
  const alike = (read: Access): boolean => {
    if (read.offset !== write.offset || movesOf(read).length + movesOf(write).length > 0) return false;
    const shape = step.kind === "chain" ? step.shape : [...step.batch, step.m, step.n];
    return shape.every((size, axis) => size === 1 || read.strides[axis] === write.strides[axis]);
  };
  if (step.kind === "product") {
    const { added, left, right } = step;
    return !from(left.store) && !from(right.store) && (!added || !from(added.store) || alike(added));
  }
  const { how } = step.writes.find((each) => each === write)!;
  return how === "set" && step.reads.every((read) => !from(read.store) || alike(read));
}
