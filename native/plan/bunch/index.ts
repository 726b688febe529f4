// Examples of a layer some at a time, through it and what follows: what lies between stays in the second cache, and takes no more room than some examples need.
import { withAccesses } from "../accesses.ts";
import { usedBy } from "../fuse/level.ts";
import type { Origins } from "../origins.ts";
import type { Access, Chain, Product, Step, Store } from "../steps.ts";
import type { Cut, Going, Some } from "./cut.ts";
import { type Group, groupOf } from "./group.ts";
import { alongTable } from "./table.ts";

/** From when on, and how far, examples are taken some at a time. All are counts of numbers. */
interface Limits {
  /** Of an array from which on it is asked whether there are examples. */
  readonly large: number;
  /** That what is taken together goes over, so that they are near still. */
  readonly near: number;
  /** That steps give each other from which on it pays. */
  readonly least: number;
}

const usual: Limits = { large: 2 ** 16, near: 3 * 2 ** 17, least: 2 ** 19 };

/** Examples, and steps that come of a group, at most. */
const [mostExamples, mostSteps] = [1024, 1024];

interface Settings {
  readonly origins?: Origins | undefined;
  readonly limits?: Limits;
}

/**
 * Steps that give the same, some examples at a time where that pays. Only sums over all examples are added up in another order.
 *
 * @param kept stores that have their numbers before the steps or are read after them
 */
export function bunched(
  steps: readonly Step[],
  kept: ReadonlySet<Store>,
  { origins, limits = usual }: Settings = {},
): Step[] {
  const users = new Map<Store, number>();
  count(steps, users);
  const alone = (store: Store, members: number): boolean =>
    store.depth > 0 && !kept.has(store) && users.get(store) === members;
  return ofLevel(steps, { alone, origins, limits });
}

interface Around {
  /** Whether nobody uses a store but so many steps. */
  readonly alone: (store: Store, members: number) => boolean;
  readonly origins: Origins | undefined;
  readonly limits: Limits;
}

function count(steps: readonly Step[], users: Map<Store, number>): void {
  for (const step of steps)
    if (step.kind === "turns") count(step.body, users);
    else for (const store of usedBy(step)) users.set(store, (users.get(store) ?? 0) + 1);
}

function ofLevel(steps: readonly Step[], around: Around): Step[] {
  let made = steps.map((step): Step => (step.kind === "turns" ? { ...step, body: ofLevel(step.body, around) } : step));
  for (const examples of countsOf(made, around.limits)) made = byExamples(made, examples, around);
  return made;
}

/** How many examples there may be: of products that look up for each what they do for the one before. */
function countsOf(steps: readonly Step[], { large }: Limits): number[] {
  const counts = new Set<number>();
  for (const step of steps) {
    if (step.kind !== "product" || step.lookup?.by !== "rows") continue;
    if (Math.max(step.left.store.size, step.out.store.size) < large) continue;
    const examples = step.m / alongTable(step.lookup).rows;
    if (examples > 1 && examples <= mostExamples) counts.add(examples);
  }
  return [...counts].sort((a, b) => a - b);
}

function byExamples(steps: readonly Step[], examples: number, around: Around): Step[] {
  const made: Step[] = [];
  for (let rest = steps; rest.length > 0; ) {
    const group = groupOf(rest, examples, around.alone);
    if (group.members.length === 0) return [...made, ...rest];
    const taken = inBunches(group, examples, around);
    made.push(...group.before, ...(taken ?? group.members.map(({ step }) => step)));
    rest = group.after;
  }
  return made;
}

/** The steps of a group; nothing, where they are as well taken for all examples at once. */
function inBunches(group: Group, examples: number, around: Around): Step[] | undefined {
  const [read, written] = [new Set<Store>(), new Set<Store>()];
  const going = new Set<Store>();
  for (const { reads, writes } of group.members) {
    for (const { access, by } of reads) if (by !== 0) going.add(access.store) && read.add(access.store);
    for (const { access, by } of writes) if (by !== 0) going.add(access.store) && written.add(access.store);
  }
  const { near, least } = around.limits;
  const given = sum([...written].filter((store) => read.has(store)));
  const together = Math.floor((near * examples) / Math.max(1, sum(going)));
  if (given < least || together < 1 || together >= examples) return undefined;
  const bunches = Math.ceil(examples / together);
  if (bunches * group.members.length > mostSteps) return undefined;
  return new Bunches(group, { examples, bunches }, around).steps();
}

const sum = (stores: Iterable<Store>): number => [...stores].reduce((size, store) => size + store.size, 0);

/** Where a product's part of a sum is added in the end, and what that makes of its own factor. */
interface Target {
  readonly out: Access;
  readonly factor: number;
}

class Bunches {
  readonly #group: Group;
  readonly #examples: number;
  readonly #bunches: number;
  /** Stores that are nobody else's. */
  readonly #own: ReadonlySet<Store>;
  readonly #origins: Origins | undefined;
  /** Sums of each bunch by itself. */
  readonly #sums = new Map<Store, Store>();

  constructor(group: Group, { examples, bunches }: { examples: number; bunches: number }, around: Around) {
    this.#group = group;
    this.#examples = examples;
    this.#bunches = bunches;
    this.#own = ownOf(group.members, around);
    this.#origins = around.origins;
  }

  steps(): Step[] {
    const made: Step[] = [];
    for (let bunch = 0; bunch < this.#bunches; bunch++) {
      const first = Math.floor((bunch * this.#examples) / this.#bunches);
      const end = Math.floor(((bunch + 1) * this.#examples) / this.#bunches);
      const stores = new Map<Store, Store>();
      for (const cut of this.#group.members) made.push(this.#step(cut, { first, count: end - first }, bunch, stores));
    }
    return [...made, ...[...this.#sums].map(([store, parts]) => total(parts, store, this.#bunches))];
  }

  #step(cut: Cut, some: Some, bunch: number, stores: Map<Store, Store>): Step {
    const step = cut.of(some);
    const all = new Map<Access, Going>([...cut.reads, ...cut.writes].map((going) => [going.access, going]));
    const to = <A extends Access>(access: A): A => {
      const going = all.get(access);
      if (!going) return access;
      const { store, offset } = access;
      if (going.manner === "summed")
        return { ...access, store: this.#sumsOf(store), offset: offset + bunch * store.size };
      if (!this.#own.has(store)) return { ...access, offset: offset + some.first * going.by };
      const size = (store.size / this.#examples) * some.count;
      const own = stores.get(store) ?? this.#madeFor(store, size);
      stores.set(store, own);
      return { ...access, store: own };
    };
    if (step.kind !== "product" || cut.writes[0]!.manner !== "summed") return withAccesses(step, to);
    return withAccesses(this.#added(step, bunch), to);
  }

  /** A product that adds to what is summed of the bunches before. */
  #added(step: Product, bunch: number): Product {
    const { out, factor } = this.#targetOf(step);
    const { added, beta, ...plain } = step;
    const goesOn = bunch > 0 || (added && this.#group.further.has(added.store));
    return {
      ...{ ...plain, alpha: step.alpha * factor, out: { ...out }, beta: goesOn ? 1 : beta * factor },
      ...(goesOn ? { added: { ...out } } : added ? { added } : {}),
    };
  }

  #targetOf({ out }: Product): Target {
    const next = this.#group.further.get(out.store);
    if (!next) return { out, factor: 1 };
    const target = this.#targetOf(next);
    return { out: target.out, factor: target.factor * next.beta };
  }

  #sumsOf(store: Store): Store {
    const made = this.#sums.get(store) ?? this.#madeFor(store, this.#bunches * store.size);
    this.#sums.set(store, made);
    return made;
  }

  #madeFor(store: Store, size: number): Store {
    const made = { size, depth: store.depth };
    const origin = this.#origins?.get(store);
    if (origin !== undefined) this.#origins!.set(made, origin);
    return made;
  }
}

/** Stores that members alone use, each example's part by itself, and write before they read it. */
function ownOf(members: readonly Cut[], { alone }: Around): Set<Store> {
  const [own, others] = [new Set<Store>(), new Set<Store>()];
  const counts = new Map<Store, number>();
  for (const { reads, writes, step } of members) {
    for (const store of usedBy(step)) counts.set(store, (counts.get(store) ?? 0) + 1);
    for (const { access, manner } of reads) if (manner !== "own" || !own.has(access.store)) others.add(access.store);
    for (const { access, manner } of writes)
      if (manner === "own") own.add(access.store);
      else others.add(access.store);
  }
  for (const store of own) if (others.has(store) || !alone(store, counts.get(store)!)) own.delete(store);
  return own;
}

/** The sum of what each bunch has summed. */
function total(parts: Store, store: Store, bunches: number): Chain {
  const { size } = store;
  return {
    ...{ kind: "chain", shape: [bunches, size], code: [] },
    reads: [{ store: parts, offset: 0, strides: [size, 1] }],
    writes: [{ store, offset: 0, strides: [0, 1], register: 0, how: "sum" }],
  };
}
