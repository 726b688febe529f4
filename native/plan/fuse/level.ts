// The steps of one place in the order, with who reads and writes what, so that passes may join and move them.
import { accessesOf, type Chain, type Step, type Store } from "../steps.ts";

interface Stores {
  readonly reads: ReadonlySet<Store>;
  readonly writes: ReadonlySet<Store>;
}

const found = new WeakMap<Step, Stores>();

/** Stores that a step reads and writes, those of turns' steps too. */
export function storesOf(step: Step): Stores {
  const known = found.get(step) ?? lookedUp(step);
  found.set(step, known);
  return known;
}

function lookedUp(step: Step): Stores {
  const [reads, writes] = [new Set<Store>(), new Set<Store>()];
  if (step.kind === "turns") {
    writes.add(step.turn);
    for (const inner of step.body) {
      const stores = storesOf(inner);
      for (const store of stores.reads) reads.add(store);
      for (const store of stores.writes) writes.add(store);
    }
    return { reads, writes };
  }
  const accesses = accessesOf(step);
  for (const { store } of accesses.reads) reads.add(store);
  for (const { store } of accesses.writes) writes.add(store);
  if (step.kind === "move" && step.turn) reads.add(step.turn);
  return { reads, writes };
}

type Users = Map<Store, Set<number>>;

export class Level {
  readonly #steps: (Step | undefined)[];
  readonly #readers: Users = new Map();
  readonly #writers: Users = new Map();
  readonly #unsettled = new Set<Store>();
  #kept: (store: Store) => boolean = () => true;
  #version = 0;
  #now: readonly Step[] | undefined;
  #written: readonly Store[] | undefined;

  constructor(steps: readonly Step[]) {
    this.#steps = [...steps];
    this.#now = steps;
    for (const at of steps.keys()) this.#enter(at);
    for (const [store, writers] of this.#writers) {
      const readers = this.#readers.get(store) ?? [];
      const end = Math.max(...writers);
      const loops = writers.size > 1 && [...writers].some((at) => steps[at]!.kind === "turns");
      if (loops || [...readers].some((at) => at <= end)) this.#unsettled.add(store);
    }
  }

  /** The steps as they are now: the same list while nothing changes. */
  get steps(): readonly Step[] {
    this.#now ??= this.#steps.flatMap((step) => step ?? []);
    return this.#now;
  }

  /** Another one after each change. */
  get version(): number {
    return this.#version;
  }

  /** Stores that these steps write. */
  get written(): readonly Store[] {
    this.#written ??= [...this.#writers].flatMap(([store, { size }]) => (size > 0 ? [store] : []));
    return this.#written;
  }

  /** Says whether more than these steps use what these write. */
  keep(kept: (store: Store) => boolean): void {
    this.#kept = kept;
  }

  /** How many places the order has. */
  get length(): number {
    return this.#steps.length;
  }

  at(place: number): Step | undefined {
    return this.#steps[place];
  }

  kept(store: Store): boolean {
    return this.#kept(store);
  }

  /** Whether it is written again after it has been read. */
  unsettled(store: Store): boolean {
    return this.#unsettled.has(store);
  }

  readers(store: Store): ReadonlySet<number> {
    return this.#readers.get(store) ?? none;
  }

  writers(store: Store): ReadonlySet<number> {
    return this.#writers.get(store) ?? none;
  }

  /** Whether another step than that of this place uses a store. */
  usedBeside(store: Store, at: number): boolean {
    const writers = this.writers(store);
    return this.readBeside(store, at) || writers.size > Number(writers.has(at));
  }

  /** Whether another step than that of this place reads a store. */
  readBeside(store: Store, at: number): boolean {
    const readers = this.readers(store);
    return readers.size > Number(readers.has(at));
  }

  /** Whether what a store has after one place is there still when the step of another reads it. */
  stays(store: Store, from: number, to: number): boolean {
    for (const writer of this.writers(store)) if (writer > from && writer <= to) return false;
    return true;
  }

  /** The first place after a step that has to stay after it. */
  firstAfter(at: number): number | undefined {
    const { reads, writes } = storesOf(this.#steps[at]!);
    let first = Number.POSITIVE_INFINITY;
    for (const store of writes) {
      first = firstOf(this.readers(store), at, first);
      if (this.unsettled(store)) first = firstOf(this.writers(store), at, first);
    }
    if (this.#unsettled.size > 0)
      for (const store of reads) if (this.unsettled(store)) first = firstOf(this.writers(store), at, first);
    return first === Number.POSITIVE_INFINITY ? undefined : first;
  }

  /** The last place before a step that has to stay before it. */
  lastBefore(at: number): number {
    const { reads, writes } = storesOf(this.#steps[at]!);
    let latest = -1;
    for (const store of reads) latest = lastOf(this.writers(store), at, latest);
    if (this.#unsettled.size > 0)
      for (const store of writes)
        if (this.unsettled(store)) latest = lastOf(this.writers(store), at, lastOf(this.readers(store), at, latest));
    return latest;
  }

  /** Puts another step, or none, in place of one. */
  put(at: number, step: Step | undefined): void {
    this.#leave(at);
    this.#steps[at] = step;
    if (step) this.#enter(at);
    this.#change();
  }

  /** Puts several steps each in place of some. Places are others then. */
  spread(made: ReadonlyMap<number, readonly Step[]>): void {
    if (made.size === 0) return;
    const steps = this.#steps.flatMap((step, at) => made.get(at) ?? (step ? [step] : []));
    for (const at of this.#steps.keys()) this.#leave(at);
    this.#steps.splice(0, this.#steps.length, ...steps);
    for (const at of this.#steps.keys()) this.#enter(at);
    this.#change();
  }

  chain(at: number): Chain | undefined {
    const step = this.#steps[at];
    return step?.kind === "chain" ? step : undefined;
  }

  #change(): void {
    this.#version++;
    this.#now = undefined;
    this.#written = undefined;
  }

  #enter(at: number): void {
    const { reads, writes } = storesOf(this.#steps[at]!);
    for (const store of reads) enter(this.#readers, store, at);
    for (const store of writes) enter(this.#writers, store, at);
  }

  #leave(at: number): void {
    const step = this.#steps[at];
    if (!step) return;
    const { reads, writes } = storesOf(step);
    for (const store of reads) this.#readers.get(store)!.delete(at);
    for (const store of writes) this.#writers.get(store)!.delete(at);
  }
}

const none: ReadonlySet<number> = new Set();

/** The first of some places that is after one and before another, or that other one. */
function firstOf(users: ReadonlySet<number>, after: number, first: number): number {
  let found = first;
  for (const user of users) if (user > after && user < found) found = user;
  return found;
}

/** The last of some places that is before one and after another, or that other one. */
function lastOf(users: ReadonlySet<number>, before: number, last: number): number {
  let found = last;
  for (const user of users) if (user < before && user > found) found = user;
  return found;
}

function enter(users: Users, store: Store, at: number): void {
  const known = users.get(store);
  if (known) known.add(at);
  else users.set(store, new Set([at]));
}
