// Steps that compute the same from the same.
import { type Access, accessesOf, type Call, type Move, type Step, type Store, type Turns } from "../steps.ts";
import { nameOf } from "./code.ts";
import { type Level, storesOf } from "./level.ts";
import type { Pass } from "./pass.ts";

/** Steps that are plain functions. */
type Plain = Exclude<Step, Turns | Move>;

/** A text of a step, which is told once. */
function once(tell: (step: Plain) => string): (step: Plain) => string {
  const told = new WeakMap<Step, string>();
  return (step) => {
    const known = told.get(step) ?? tell(step);
    told.set(step, known);
    return known;
  };
}

const descriptionOf = once(described);

/** What a step is, without the names of the stores that it writes. */
function described(step: Plain): string {
  const written = new Map(accessesOf(step).writes.map(({ store }, i) => [store, `out ${i}`]));
  // What is met most is told in one piece: each value that is told apart costs a call.
  return JSON.stringify(step, (_, value: unknown) => {
    if (typeof value !== "object" || value === null) return value;
    if (value instanceof Int32Array) return nameOf(value);
    if (Array.isArray(value)) return typeof value[0] === "number" ? value.join() : value;
    if ("operands" in value) return callText(value as Call);
    return "store" in value ? accessText(value as Access, written) : value;
  });
}

function callText({ name, operands }: Call): string {
  let text: string = name;
  for (const operand of operands) text += "number" in operand ? ` #${operand.number}` : ` ${operand.register}`;
  return text;
}

function accessText({ store, ...others }: Access, written: ReadonlyMap<Store, string>): string {
  let text = written.get(store) ?? `${nameOf(store)}`;
  for (const [key, value] of Object.entries(others)) text += ` ${key} ${value}`;
  return text;
}

export const same: Pass = {
  name: "same",
  why: "derivatives compute again what the forward pass or another derivative has",
  apply(level) {
    const found = new Map<string, Alike>();
    for (let at = 0; at < level.length; at++) {
      const step = level.at(at);
      if (!step || step.kind === "turns" || step.kind === "move") continue;
      const outline = outlineOf(step);
      const alike = found.get(outline);
      if (!alike) found.set(outline, { only: at });
      else twin(level, at, step, alike);
    }
  },
};

/** Steps that read the same stores: one, or all by what they are. Few have others, and only of these it is told what they are. */
interface Alike {
  readonly only: number;
  all?: Map<string, number>;
}

/** What steps that compute the same have in common, and most others not. */
const outlineOf = once(outlined);

function outlined(step: Plain): string {
  const { reads, writes } = storesOf(step);
  let text = `${step.kind} ${writes.length}`;
  for (const store of reads) text += ` ${nameOf(store)}`;
  return text;
}

/** A step that is to be one with an earlier one, if there is one that computes the same. */
function twin(level: Level, at: number, step: Plain, alike: Alike): void {
  const only = level.at(alike.only) as Plain | undefined;
  alike.all ??= new Map(only ? [[descriptionOf(only), alike.only]] : []);
  const what = descriptionOf(step);
  const first = alike.all.get(what);
  if (first === undefined || !replaced(level, first, at)) alike.all.set(what, at);
}

/** Readers of the later one read what the earlier one gave. */
function replaced(level: Level, first: number, at: number): boolean {
  const [earlier, later] = [level.at(first)!, level.at(at)!];
  if (earlier.kind === "turns" || later.kind === "turns") return false;
  const [from, to] = [accessesOf(later).writes, accessesOf(earlier).writes];
  const plain = (store: Store) => !level.unsettled(store) && level.writers(store).length === 1;
  if (![...from, ...to].every(({ store }) => plain(store)) || from.some(({ store }) => level.kept(store))) return false;
  if (storesOf(earlier).reads.some((store) => level.unsettled(store))) return false;
  const stores = new Map(from.map(({ store }, i) => [store, to[i]!.store]));
  for (const store of stores.keys())
    for (const reader of [...level.readers(store)]) level.put(reader, renamed(level.at(reader)!, stores));
  level.put(at, undefined);
  return true;
}

/** A step that reads other stores. */
function renamed(step: Step, stores: ReadonlyMap<Store, Store>): Step {
  if (step.kind === "turns") return { ...step, body: step.body.map((each) => renamed(each, stores)) };
  const { reads } = accessesOf(step);
  const moved = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(moved);
    const access = value as Access;
    return reads.includes(access) && stores.has(access.store) ? { ...access, store: stores.get(access.store)! } : value;
  };
  return Object.fromEntries(Object.entries(step).map(([name, value]) => [name, moved(value)])) as unknown as Step;
}
