// Steps stand where fewer numbers are alive: one that reads large arrays last stands as soon as it can, and what is read long after it was made is made there, or made
// again there if that costs no more than reading it.
import { withAccesses } from "./accesses.ts";
import { Level, storesOf } from "./fuse/level.ts";
import type { Origins } from "./origins.ts";
import type { Access, Step, Store, Turns } from "./steps.ts";

/** What is worth it. */
interface Limits {
  /** Numbers from which on an array is. */
  readonly large: number;
  /** Numbers that are written in between once nothing of it is in a near cache any more. */
  readonly far: number;
}

const usualLimits: Limits = { large: 2 ** 16, far: 2 ** 20 };
/** Calls for each number that are done while numbers come from memory. */
const mostCalls = 8;
/** What has moved lets others move. */
const mostRounds = 4;

type One = Exclude<Step, Turns>;

interface Around {
  /** Stores that have their numbers before the steps or are read after them. */
  readonly kept: ReadonlySet<Store>;
  readonly origins?: Origins | undefined;
  readonly limits?: Limits;
}

/** Steps that give the same. */
export function shortLived(steps: readonly Step[], around: Around): readonly Step[] {
  const { limits = usualLimits } = around;
  if (!(steps.reduce((sum, step) => sum + writtenBy(step), 0) > limits.far)) return steps;
  const order = new Order(steps, around);
  for (let round = 0; round < mostRounds; round++) {
    let changes = false;
    for (const moved of [sooner, later])
      for (let at = 0; at < order.level.length; at++) {
        const change = moved(order, at);
        if (change) order.put(change);
        changes ||= change !== undefined;
      }
    if (!changes) break;
  }
  return order.level.steps;
}

/** Steps in the place of as many, or of one less. */
interface Change {
  readonly begin: number;
  readonly count: number;
  readonly steps: readonly Step[];
}

/** How many numbers. */
const writtenBy = (step: Step): number => storesOf(step).writes.reduce((sum, { size }) => sum + size, 0);

/** Steps in an order, with who reads and writes what. */
class Order {
  readonly origins: Origins | undefined;
  readonly limits: Limits;
  readonly #kept: ReadonlySet<Store>;
  #level: Level;
  /** How many numbers are written before each place. */
  #written: Float64Array;

  constructor(steps: readonly Step[], { kept, origins, limits = usualLimits }: Around) {
    this.origins = origins;
    this.limits = limits;
    this.#kept = kept;
    this.#level = new Level(steps);
    this.#level.keep(kept);
    this.#written = new Float64Array(steps.length + 1);
    this.#count(0, steps.length);
  }

  get level(): Level {
    return this.#level;
  }

  at(place: number): Step {
    return this.#level.at(place)!;
  }

  /** What the step of a place reads and writes. */
  storesAt(place: number) {
    return this.#level.storesAt(place)!;
  }

  /** Some of the steps. */
  slice(begin: number, end: number): Step[] {
    return Array.from({ length: end - begin }, (_, i) => this.at(begin + i));
  }

  put({ begin, count, steps }: Change): void {
    if (steps.length === count) {
      this.#level.reorder(begin, steps);
      this.#count(begin, begin + count);
      return;
    }
    const all = this.level.steps.toSpliced(begin, count, ...steps);
    this.#level = new Level(all);
    this.#level.keep(this.#kept);
    this.#written = new Float64Array(all.length + 1);
    this.#count(0, all.length);
  }

  #count(begin: number, end: number): void {
    for (let at = begin; at < end; at++) this.#written[at + 1] = this.#written[at]! + writtenBy(this.at(at));
  }

  /** Whether so much is written from one place to another that what was there before is in no near cache any more. */
  isFar(from: number, to: number): boolean {
    return this.#written[to]! - this.#written[from]! > this.limits.far;
  }
}

/** With the step at a place, and what is made for it alone, as soon as it can be; nothing, where it stays, since more numbers would be alive then. */
function sooner(order: Order, at: number): Change | undefined {
  const { level, limits } = order;
  const step = order.at(at);
  const { reads, writes } = order.storesAt(at);
  if (step.kind === "turns" || !reads.some(({ size, depth }) => depth > 0 && size >= limits.large)) return undefined;
  const places = madeFor(order, at);
  const [first] = places as [number];
  const together = new Set(places);
  const inside = new Set(places.slice(0, -1).flatMap((place) => order.storesAt(place).writes));
  const read = new Set(places.flatMap((place) => order.storesAt(place).reads));
  const outer = [...read].filter((store) => store.depth > 0 && !inside.has(store));
  const users = writes.flatMap((store) => [...level.writers(store), ...level.readers(store)]);
  const makers = outer.flatMap((store) => level.writers(store));
  if (makers.some((maker) => maker > first && maker < at && changesFor(order, maker, places))) return undefined;
  const from = [...users, ...makers].reduce((most, user) => (user < at ? Math.max(most, user + 1) : most), 0);
  if (!order.isFar(Math.min(first, from), from) && !order.isFar(from, at)) return undefined;
  // Numbers that are alive no longer, each as many times as there are steps in which it was.
  let saved = 0;
  for (const store of outer) {
    const readers = level.readers(store);
    const others = readers.findLast((reader) => !together.has(reader)) ?? 0;
    if (!level.kept(store)) saved += store.size * (readers.at(-1)! - Math.max(others, from));
  }
  for (const place of places)
    for (const store of order.storesAt(place).writes)
      if (place < at) saved += store.size * (at - place);
      else if (!level.kept(store)) saved -= store.size * (at - from);
  if (saved <= 0) return undefined;
  const begin = Math.min(first, from);
  const others = (start: number, end: number) => order.slice(start, end).filter((_, i) => !together.has(start + i));
  const moved = places.map((place) => order.at(place));
  return { begin, count: at + 1 - begin, steps: [...others(begin, from), ...moved, ...others(from, at + 1)] };
}

/** The places of steps that cost little and are made for a step alone, each before those that it is made for, and of that step. */
function madeFor(order: Order, at: number): number[] {
  const places = new Set([at]);
  for (const store of order.storesAt(at).reads) {
    const [writer] = store.depth > 0 ? order.level.writers(store) : [];
    if (writer === undefined || places.has(writer) || !isForOne(order, writer, at)) continue;
    for (const place of madeFor(order, writer)) places.add(place);
  }
  return [...places].sort((a, b) => a - b);
}

/** Whether a step costs little, and nobody but one step after it reads or writes what it makes. */
function isForOne(order: Order, at: number, reader: number): boolean {
  const { level } = order;
  const { kind } = order.at(at);
  if (at > reader || (kind !== "chain" && kind !== "points" && kind !== "norm")) return false;
  return order.storesAt(at).writes.every((store) => {
    const alone = level.writers(store).length === 1 && !level.readers(store).some((each) => each !== reader);
    return alone && store.depth > 0 && !level.kept(store);
  });
}

/** Whether a step writes again what one of some others before it reads. */
function changesFor(order: Order, maker: number, places: readonly number[]): boolean {
  const { writes } = order.storesAt(maker);
  return places.some((place) => place < maker && order.storesAt(place).reads.some((store) => writes.includes(store)));
}

/** With what the step at a place makes made, or made again, before those that read it long after; nothing, where nobody does, or its own numbers would be kept for it. */
function later(order: Order, at: number): Change | undefined {
  const { level, origins } = order;
  const step = order.at(at);
  if (!isCheap(step, order)) return undefined;
  const { reads, writes } = order.storesAt(at);
  const [store] = writes as readonly [Store];
  const readers = level.readers(store);
  const next = readers.findIndex((reader, i) => order.isFar((readers[i - 1] ?? at) + 1, reader));
  if (next < 0 || level.writers(store).length > 1) return undefined;
  const late = readers.slice(next);
  const [first] = late as [number];
  const stays = (read: Store): boolean =>
    read.depth === 0 ||
    (level.stays(read, at, first - 1) && (level.kept(read) || level.readers(read).at(-1)! >= first));
  if (!reads.every(stays) || late.some((reader) => order.at(reader).kind === "turns")) return undefined;
  const made = { ...store };
  const origin = origins?.get(store);
  if (origin !== undefined) origins?.set(made, origin);
  const to = <A extends Access>(access: A): A => (access.store === store ? { ...access, store: made } : access);
  const last = late.at(-1)!;
  const begin = next === 0 ? at : first;
  const steps = order.slice(begin, last + 1).flatMap((each, i): readonly Step[] => {
    const place = begin + i;
    const own = late.includes(place) ? withAccesses(each as One, to) : each;
    if (place === at && next === 0) return [];
    return place === first ? [withAccesses(step, to), own] : [own];
  });
  return { begin, count: last + 1 - begin, steps };
}

/** Whether a step makes one large array of no more numbers than that has, in one go. What rests on inputs alone may be there from an earlier run. */
function isCheap(step: Step, { level, limits }: Order): step is One {
  if (step.kind === "chain") {
    const [write, ...others] = step.writes;
    if (others.length > 0 || write!.how !== "set" || step.code.length > mostCalls) return false;
  } else if (step.kind === "points") {
    if (step.what !== "points" || step.beta) return false;
  } else if (step.kind !== "norm" || step.mean || step.inverse) return false;
  const { reads, writes } = storesOf(step);
  const [store] = writes as readonly [Store];
  if (store.size < limits.large || level.kept(store) || reads.includes(store)) return false;
  const read = reads.reduce((sum, { size, depth }) => sum + (depth > 0 ? size : 0), 0);
  return read <= store.size && reads.some((each) => each.depth > 0 && !level.kept(each));
}
