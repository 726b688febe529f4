// Where stores lie in the memory of a run: those that live at different times may have the same place.
import { movesOf } from "./moving.ts";
import { type Access, accessesOf, type Chain, type Product, type Step, type Store } from "./steps.ts";

/** Stores begin at multiples of so many numbers, and so many may be read after the last one. */
export const apart = 16;

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

/**
 * Places by lifetimes: the smallest one that is free, or one at the end. A chain, or a product, writes over what it reads there last, where it goes along both alike.
 *
 * @param fed stores that have their numbers before the first step
 * @param kept stores that are read after the last step
 * @param from where there is room, in numbers
 */
export function placesFor(
  steps: readonly Step[],
  { fed = [], kept = [] }: { readonly fed?: readonly Store[]; readonly kept?: readonly Store[] },
  from: number,
): Places {
  const { lives, pairs } = livesOf(steps, fed, kept);
  const room = new Room(from);
  const places = new Map<Store, number>();
  const blocks = new Map<Store, Block>();
  const ending = [...lives].sort((a, b) => a.last - b.last);
  const lastOf = new Map(lives.map(({ store, last }) => [store, last]));
  let ended = 0;
  for (const { store, first } of [...lives].sort((a, b) => a.first - b.first)) {
    for (; ending[ended]!.last < first; ended++) {
      const block = blocks.get(ending[ended]!.store);
      if (block) room.free(block);
    }
    const size = roomOf(store);
    const over = pairs.get(first)?.find((pair) => pair.to === store && lastOf.get(pair.from) === first)?.from;
    const old = over && blocks.get(over);
    let block: Block;
    if (old && old.size >= size) {
      blocks.delete(over);
      block = { at: old.at, size };
      if (old.size > size) room.free({ at: old.at + size, size: old.size - size });
    } else block = room.take(size);
    blocks.set(store, block);
    places.set(store, block.at);
  }
  return { at: (store) => places.get(store), end: room.end + apart };
}

const roomOf = ({ size }: Store): number => Math.max(1, Math.ceil(size / apart)) * apart;

/** Lives of all stores but those whose numbers no run changes. */
function livesOf(steps: readonly Step[], fed: readonly Store[], kept: readonly Store[]) {
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
  return writes.flatMap((write) => {
    if (writes.some((other) => other !== write && other.store === write.store)) return [];
    const stores = new Set(reads.map(({ store }) => store));
    return [...stores].flatMap((from) =>
      from !== write.store && writesOver(step, (store) => store === from, write) ? [{ from, to: write.store }] : [],
    );
  });
}

/** Whether a step may write where it reads: number by number, each where it is written. */
export function writesOver(step: Chain | Product, from: (store: Store) => boolean, write: Access): boolean {
  const shape = step.kind === "chain" ? step.shape : [...step.batch, step.m, step.n];
  const alike = (read: Access): boolean =>
    read.offset === write.offset &&
    movesOf(read).length + movesOf(write).length === 0 &&
    shape.every((size, axis) => size === 1 || read.strides[axis] === write.strides[axis]);
  if (step.kind === "product") {
    const { added, left, right } = step;
    return !from(left.store) && !from(right.store) && (!added || !from(added.store) || alike(added));
  }
  const { how } = step.writes.find((each) => each === write)!;
  return how === "set" && step.reads.every((read) => !from(read.store) || alike(read));
}

interface Block {
  readonly at: number;
  readonly size: number;
}

/** Blocks of memory that are taken and given back. */
class Room {
  /** What is free, by where it is; no two lie side by side. */
  readonly #free: Block[] = [];
  #end: number;

  constructor(from: number) {
    this.#end = from;
  }

  get end(): number {
    return this.#end;
  }

  take(size: number): Block {
    let best = -1;
    this.#free.forEach((block, i) => {
      if (block.size >= size && (best < 0 || block.size < this.#free[best]!.size)) best = i;
    });
    if (best >= 0) {
      const { at, size: whole } = this.#free[best]!;
      if (whole === size) this.#free.splice(best, 1);
      else this.#free[best] = { at: at + size, size: whole - size };
      return { at, size };
    }
    const last = this.#free.at(-1);
    const at = last && last.at + last.size === this.#end ? last.at : this.#end;
    if (at < this.#end) this.#free.pop();
    this.#end = at + size;
    return { at, size };
  }

  free(block: Block): void {
    let { at, size } = block;
    let i = 0;
    while (i < this.#free.length && this.#free[i]!.at < at) i++;
    const [left, right] = [this.#free[i - 1], this.#free[i]];
    let count = 0;
    if (right && right.at === at + size) {
      size += right.size;
      count++;
    }
    if (left && left.at + left.size === at) {
      at = left.at;
      size += left.size;
      count++;
      i--;
    }
    this.#free.splice(i, count, { at, size });
  }
}
