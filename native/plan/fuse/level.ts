// The steps of one place in the order, with who reads and writes what, so that passes may join and move them.
import { type Access, accessesOf, type Chain, type Step, type Store, type Turns } from "../steps.ts";

/** Each of them once. */
interface Stores {
  readonly reads: readonly Store[];
  readonly writes: readonly Store[];
  /** Both, once somebody has asked for it. */
  all?: readonly Store[];
}

const found = new WeakMap<Step, Stores>();

/** Stores that a step reads and writes, those of turns' steps too. */
export function storesOf(step: Step): Stores {
  let known = found.get(step);
  if (!known) {
    known = step.kind === "turns" ? ofTurns(step) : ofOne(step);
    found.set(step, known);
  }
  return known;
}

/** All stores that a step reads or writes, each of them once. */
export function usedBy(step: Step): readonly Store[] {
  const stores = storesOf(step);
  stores.all ??= [...new Set([...stores.reads, ...stores.writes])];
  return stores.all;
}

function ofTurns({ turn, body }: Turns): Stores {
  const [reads, writes] = [new Set<Store>(), new Set([turn])];
  for (let at = 0; at < body.length; at++) {
    const stores = storesOf(body[at]!);
    for (let i = 0; i < stores.reads.length; i++) reads.add(stores.reads[i]!);
    for (let i = 0; i < stores.writes.length; i++) writes.add(stores.writes[i]!);
  }
  return { reads: [...reads], writes: [...writes] };
}

function ofOne(step: Exclude<Step, Turns>): Stores {
  const accesses = accessesOf(step);
  const reads = apart(accesses.reads);
  if (step.kind === "move" && step.turn && !reads.includes(step.turn)) reads.push(step.turn);
  return { reads, writes: apart(accesses.writes) };
}

/** The stores of a few accesses. */
function apart(accesses: readonly Access[]): Store[] {
  const stores: Store[] = [];
  for (let i = 0; i < accesses.length; i++) {
    const { store } = accesses[i]!;
    if (!stores.includes(store)) stores.push(store);
  }
  return stores;
}

/** Places of steps that use a store, in the order in which these came there: mostly one or two. */
interface Users {
  readonly readers: number[];
  readonly writers: number[];
}

export class Level {
  readonly #steps: (Step | undefined)[];
  /** What each of them reads and writes. */
  readonly #stores: (Stores | undefined)[];
  readonly #users = new Map<Store, Users>();
  readonly #unsettled = new Set<Store>();
  #kept: ReadonlySet<Store> = new Set();
  #version = 0;
  #now: readonly Step[] | undefined;
  #written: readonly Store[] | undefined;

  constructor(steps: readonly Step[]) {
    this.#steps = [...steps];
    this.#stores = steps.map(storesOf);
    this.#now = steps;
    for (let at = 0; at < steps.length; at++) this.#enter(at, this.#stores[at]!);
    this.#users.forEach(({ readers, writers }, store) => {
      // Places are in their order still.
      const end = writers.at(-1) ?? -1;
      const loops = writers.length > 1 && writers.some((at) => steps[at]!.kind === "turns");
      if (loops || (readers.length > 0 && readers[0]! <= end)) this.#unsettled.add(store);
    });
  }

  /** The steps as they are now: the same list while nothing changes. */
  get steps(): readonly Step[] {
    this.#now ??= this.#steps.filter((step) => step !== undefined);
    return this.#now;
  }

  /** Another one after each change. */
  get version(): number {
    return this.#version;
  }

  /** Stores that these steps write: the same list while nothing changes. */
  get written(): readonly Store[] {
    if (this.#written) return this.#written;
    const written = new Set<Store>();
    for (let at = 0; at < this.#stores.length; at++) {
      const writes = this.#stores[at]?.writes ?? nobody;
      for (let i = 0; i < writes.length; i++) written.add(writes[i]!);
    }
    this.#written = [...written];
    return this.#written;
  }

  /** Says of what these steps write which more than these use. */
  keep(kept: ReadonlySet<Store>): void {
    this.#kept = kept;
  }

  /** How many places the order has. */
  get length(): number {
    return this.#steps.length;
  }

  at(place: number): Step | undefined {
    return this.#steps[place];
  }

  /** What the step of a place reads and writes. */
  storesAt(place: number): Stores | undefined {
    return this.#stores[place];
  }

  kept(store: Store): boolean {
    return this.#kept.has(store);
  }

  /** Whether it is written again after it has been read. */
  unsettled(store: Store): boolean {
    return this.#unsettled.has(store);
  }

  readers(store: Store): readonly number[] {
    return this.#users.get(store)?.readers ?? none;
  }

  writers(store: Store): readonly number[] {
    return this.#users.get(store)?.writers ?? none;
  }

  /** Whether another step than that of this place uses a store. */
  usedBeside(store: Store, at: number): boolean {
    return isBeside(this.readers(store), at) || isBeside(this.writers(store), at);
  }

  /** Whether another step than that of this place reads a store. */
  readBeside(store: Store, at: number): boolean {
    return isBeside(this.readers(store), at);
  }

  /** Whether what a store has after one place is there still when the step of another reads it. */
  stays(store: Store, from: number, to: number): boolean {
    return !this.writers(store).some((writer) => writer > from && writer <= to);
  }

  /** The first place after a step that has to stay after it. */
  firstAfter(at: number): number | undefined {
    const { reads, writes } = this.#stores[at]!;
    let first = Number.POSITIVE_INFINITY;
    for (let i = 0; i < writes.length; i++) {
      const store = writes[i]!;
      first = firstOf(this.readers(store), at, first);
      if (this.unsettled(store)) first = firstOf(this.writers(store), at, first);
    }
    if (this.#unsettled.size > 0)
      for (let i = 0; i < reads.length; i++)
        if (this.unsettled(reads[i]!)) first = firstOf(this.writers(reads[i]!), at, first);
    return first === Number.POSITIVE_INFINITY ? undefined : first;
  }

  /** The last place before a step that has to stay before it. */
  lastBefore(at: number): number {
    const { reads, writes } = this.#stores[at]!;
    let latest = -1;
    for (let i = 0; i < reads.length; i++) latest = lastOf(this.writers(reads[i]!), at, latest);
    if (this.#unsettled.size > 0)
      for (const store of writes)
        if (this.unsettled(store)) latest = lastOf(this.writers(store), at, lastOf(this.readers(store), at, latest));
    return latest;
  }

  /** Puts another step, or none, in place of one. */
  put(at: number, step: Step | undefined): void {
    const turns = this.#steps[at]?.kind === "turns" && step?.kind === "turns";
    const before = this.#stores[at];
    const now = step && storesOf(step);
    this.#steps[at] = step;
    this.#stores[at] = now;
    // Turns have many stores, and mostly the same ones.
    if (turns) this.#exchange(at, before!, now!);
    else {
      if (before) this.#leave(at, before);
      if (now) this.#enter(at, now);
    }
    this.#change();
  }

  /** Puts several steps each in place of some. Places are others then. */
  spread(made: ReadonlyMap<number, readonly Step[]>): void {
    if (made.size === 0) return;
    const steps = this.#steps.flatMap((step, at) => made.get(at) ?? (step ? [step] : []));
    this.#users.clear();
    this.#steps.splice(0, this.#steps.length, ...steps);
    this.#stores.splice(0, this.#stores.length, ...steps.map(storesOf));
    for (let at = 0; at < steps.length; at++) this.#enter(at, this.#stores[at]!);
    this.#change();
  }

  /** Puts as many steps in the places from one on: the same ones in another order, or such as use some of the same stores. */
  reorder(begin: number, steps: readonly Step[]): void {
    for (let i = 0; i < steps.length; i++)
      if (this.#stores[begin + i]) this.#leave(begin + i, this.#stores[begin + i]!);
    for (let i = 0; i < steps.length; i++) {
      const stores = storesOf(steps[i]!);
      this.#steps[begin + i] = steps[i]!;
      this.#stores[begin + i] = stores;
      for (const store of stores.reads) insert(this.#usersOf(store).readers, begin + i);
      for (const store of stores.writes) insert(this.#usersOf(store).writers, begin + i);
    }
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

  #enter(at: number, { reads, writes }: Stores): void {
    for (let i = 0; i < reads.length; i++) this.#usersOf(reads[i]!).readers.push(at);
    for (let i = 0; i < writes.length; i++) this.#usersOf(writes[i]!).writers.push(at);
  }

  #usersOf(store: Store): Users {
    let users = this.#users.get(store);
    if (!users) {
      users = { readers: [], writers: [] };
      this.#users.set(store, users);
    }
    return users;
  }

  #leave(at: number, { reads, writes }: Stores): void {
    for (let i = 0; i < reads.length; i++) leave(this.#usersOf(reads[i]!).readers, at);
    for (let i = 0; i < writes.length; i++) leave(this.#usersOf(writes[i]!).writers, at);
  }

  #exchange(at: number, before: Stores, now: Stores): void {
    this.#leave(at, { reads: without(before.reads, now.reads), writes: without(before.writes, now.writes) });
    this.#enter(at, { reads: without(now.reads, before.reads), writes: without(now.writes, before.writes) });
  }
}

function without(stores: readonly Store[], others: readonly Store[]): Store[] {
  const known = new Set(others);
  return stores.filter((store) => !known.has(store));
}

const none: readonly number[] = [];
const nobody: readonly Store[] = [];

const isBeside = (users: readonly number[], at: number): boolean => users.length > Number(users.includes(at));

/** The first of some places that is after one and before another, or that other one. */
function firstOf(users: readonly number[], after: number, first: number): number {
  let found = first;
  for (let i = 0; i < users.length; i++) if (users[i]! > after && users[i]! < found) found = users[i]!;
  return found;
}

/** The last of some places that is before one and after another, or that other one. */
function lastOf(users: readonly number[], before: number, last: number): number {
  let found = last;
  for (let i = 0; i < users.length; i++) if (users[i]! < before && users[i]! > found) found = users[i]!;
  return found;
}

/** Puts a place behind those before it. */
function insert(users: number[], at: number): void {
  let end = users.length;
  while (end > 0 && users[end - 1]! > at) end--;
  if (end === users.length) users.push(at);
  else users.splice(end, 0, at);
}

function leave(users: number[], at: number): void {
  const place = users.indexOf(at);
  if (place === users.length - 1) users.pop();
  else users.splice(place, 1);
}
