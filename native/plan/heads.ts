// Products of many small matrices, and what goes on with each: scores of attention, shares, and what these weigh, of all examples and heads. Instruction by
// instruction all of them go to memory and come back; turns over a few matrices at a time have them in the cache until they are read again.
import { sizeOf } from "@innerloop/schemas/bundle";
import { withAccesses } from "./accesses.ts";
import { storesOf, usedBy } from "./fuse/level.ts";
import { Met } from "./met.ts";
import { type Moving, movesOf } from "./moving.ts";
import { type Access, accessesOf, type Points, type Product, type Step, type Store, type Turns } from "./steps.ts";

interface Limits {
  /** Arrays of fewer numbers stay in a cache by themselves. */
  readonly large: number;
  /** Of an array a turn has so many at most. */
  readonly most: number;
}

const usual: Limits = { large: 2 ** 17, most: 2 ** 16 };

/** Turns that are written out at most; steps before and after one that are looked at. */
const [mostTurns, back, ahead] = [128, 12, 32];

type Single = Exclude<Step, Turns>;

/** Turns that lie in each other, the outermost first: how many, and where their number is. */
type Levels = readonly { readonly parts: number; readonly turn: Store }[];

interface Making {
  store(size: number, depth: number): Store;
}

/**
 * Steps that give the same.
 *
 * @param kept stores that have their numbers before the steps or are read after them
 */
export function byHeads(steps: readonly Step[], kept: ReadonlySet<Store>, plan: Making, limits = usual): Step[] {
  const users = usersIn(steps);
  let list = [...steps];
  for (let at = 0; at < list.length; at++) {
    const step = list[at]!;
    const parts = step.kind === "product" ? partsOf(step, limits) : undefined;
    if (!parts) continue;
    const levels = parts.map((count, i) => ({ parts: count, turn: plan.store(1, 2 + i) }));
    const group = new Group(list, at, levels, limits.large);
    if (!group.grown()) continue;
    const { before, after, first, last } = group.order!;
    const turns = group.turns((store) => users.get(store)! === group.usesOf(store) && !kept.has(store), plan);
    list = [...list.slice(0, first), ...before, turns, ...after, ...list.slice(last + 1)];
    at = first + before.length;
  }
  return list;
}

/** How many steps use each store, turns with all that is in them as one. */
function usersIn(steps: readonly Step[]): Map<Store, number> {
  const users = new Map<Store, number>();
  for (const step of steps) for (const store of usedBy(step)) users.set(store, (users.get(store) ?? 0) + 1);
  return users;
}

/** In how many parts the matrices of a product are taken along their axes; nothing where it is not worth it. */
function partsOf({ batch, left, right, out, lookup }: Product, { large, most }: Limits): number[] | undefined {
  const { size, depth } = out.store;
  // Of scores there are more than of what they are of: these tell how much is near.
  if (lookup || depth !== 1 || size < Math.max(large, left.store.size, right.store.size)) return undefined;
  const parts: number[] = [];
  for (const count of batch.filter((each) => each > 1).slice(0, 2)) {
    const left = size / sizeOf(parts);
    const few = Array.from({ length: count }, (_, i) => i + 1).find((n) => count % n === 0 && left / n <= most);
    parts.push(few ?? count);
    if (few) return sizeOf(parts) <= mostTurns ? parts.filter((each) => each > 1) : undefined;
  }
  return undefined;
}

/** Steps that are taken for the same matrices turn by turn. */
class Group {
  order: Order | undefined;
  readonly #steps: readonly Step[];
  readonly #seed: number;
  readonly #levels: Levels;
  readonly #large: number;
  readonly #members = new Map<number, Single>();

  constructor(steps: readonly Step[], seed: number, levels: Levels, large: number) {
    this.#large = large;
    this.#steps = steps;
    this.#seed = seed;
    this.#levels = levels;
  }

  /** Takes in what reads the same; gives whether there is something that is read as soon as it is written. */
  grown(): boolean {
    if (!this.#take(this.#seed)) return false;
    const end = Math.min(this.#steps.length, this.#seed + ahead);
    for (let at = this.#seed + 1; at < end; at++) this.#take(at);
    for (let at = this.#seed - 1; at >= Math.max(0, this.#seed - back); at--) this.#take(at);
    const written = new Set([...this.#members.values()].flatMap((step) => storesOf(step).writes));
    return [...this.#members.values()].some((step) => storesOf(step).reads.some((store) => written.has(store)));
  }

  usesOf(store: Store): number {
    return [...this.#members.keys()].filter((at) => uses(this.#steps[at]!, store)).length;
  }

  /** @param inner whether nothing else uses a store */
  turns(inner: (store: Store) => boolean, plan: Making): Turns {
    const parts = sizeOf(this.#levels.map((level) => level.parts));
    const small = new Map<Store, Store>();
    const body = [...this.#members].sort(([a], [b]) => a - b).map(([, step]) => step);
    for (const step of body)
      for (const { store } of accessesOf(step).writes)
        if (inner(store) && body.every((each) => this.#isSliced(each, store)))
          small.set(store, plan.store(store.size / parts, 1 + this.#levels.length));
    const to = <A extends Access>(access: A): A => {
      const store = small.get(access.store);
      return store ? { ...access, store, moves: [] } : access;
    };
    let inside: Step[] = body.map((step) => withAccesses(step, to));
    for (const { parts: count, turn } of this.#levels.toReversed())
      inside = [{ kind: "turns", count, turn, body: inside }];
    return inside[0] as Turns;
  }

  #take(at: number): boolean {
    const step = this.#steps[at]!;
    if (step.kind === "turns") return false;
    const { writes } = storesOf(step);
    const isFirst = this.#members.size === 0;
    const shared = usedBy(step).filter((store) => [...this.#members.values()].some((other) => uses(other, store)));
    if (!isFirst && !shared.some((store) => store.size >= this.#large)) return false;
    const own = this.#levels.reduce<Single | undefined>((now, level) => now && sliced(now, level), step);
    if (!own) return false;
    // What one of them writes each turn has a part of by itself.
    const written = new Set([...writes, ...[...this.#members.values()].flatMap((each) => storesOf(each).writes)]);
    for (const store of shared)
      if (written.has(store))
        if (![own, ...this.#members.values()].every((each) => this.#isSliced(each, store))) return false;
    const order = arranged(this.#steps, new Set([...this.#members.keys(), at]));
    if (!order) return false;
    this.order = order;
    this.#members.set(at, own);
    return true;
  }

  /** Whether a step uses in each turn the part of a store that goes with it, and nothing else of it. */
  #isSliced(step: Single, store: Store): boolean {
    return placesIn(step).every(({ access, sizes, strides }) => {
      if (access.store !== store) return true;
      let part = store.size;
      for (const [i, { parts, turn }] of this.#levels.entries()) {
        part /= parts;
        const moves = movesOf(access)[i];
        if (moves?.turn !== turn || moves.by !== part) return false;
      }
      const reach = sizes.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, access.offset);
      return access.offset >= 0 && strides.every((stride) => stride >= 0) && reach < part;
    });
  }
}

const uses = (step: Step, store: Store): boolean => {
  const { reads, writes } = storesOf(step);
  return reads.includes(store) || writes.includes(store);
};

/** A part of what a step does, along the first of its axes; nothing where its parts would not be apart. */
function sliced(step: Single, { parts, turn }: Levels[number]): Single | undefined {
  const slice = (sizes: readonly number[], move: (axis: number, size: number) => Single): Single | undefined => {
    const axis = sizes.findIndex((size) => size > 1);
    if (axis < 0 || sizes[axis]! % parts !== 0) return undefined;
    const size = sizes[axis]! / parts;
    const { writes } = accessesOf(step);
    return writes.every(({ strides }) => strides[axis] !== 0) ? move(axis, size) : undefined;
  };
  const moved = (axis: number, size: number) => {
    return <A extends Access>(access: A): A => {
      const by = size * access.strides[axis]!;
      return { ...access, moves: [...movesOf(access), { turn, by }] } satisfies Moving;
    };
  };
  if (step.kind === "product" && !step.lookup)
    return slice(step.batch, (axis, size) => ({
      ...withAccesses(step, moved(axis, size)),
      batch: step.batch.with(axis, size),
    }));
  if (step.kind === "rowwise")
    return slice([step.rows], (axis, rows) => ({ ...withAccesses(step, moved(axis, rows)), rows }));
  if (step.kind === "points") return slicedPoints(step, { parts, turn });
  if (step.kind !== "chain") return undefined;
  const isWhole = step.code.some(({ name }) => name === "sumOfRow");
  return slice(isWhole ? step.shape.slice(0, -1) : step.shape, (axis, size) => ({
    ...withAccesses(step, moved(axis, size)),
    shape: step.shape.with(axis, size),
  }));
}

/** Some rows of tiles of one row each, one after another. */
function slicedPoints(step: Points, { parts, turn }: Levels[number]): Points | undefined {
  const { examples, rows, columns, steps, first, size, tile, points, odd } = step;
  const isOfRows = tile[0] * points[0] * steps[0] * examples * columns === 1 && first[0] === 0 && !odd;
  if (!isOfRows || rows !== size[0] || rows % parts !== 0) return undefined;
  const each = rows / parts;
  const to = <A extends Access>(access: A): A => {
    const row = access === step.field ? access.strides[1]! : access === step.values ? access.strides[2]! : 0;
    return { ...access, moves: [...movesOf(access), { turn, by: each * row }] } satisfies Moving;
  };
  return { ...withAccesses(step, to), rows: each, size: [each, size[1]] };
}

/** Where a step's accesses go. */
function placesIn(step: Single) {
  const { reads, writes } = accessesOf(step);
  const all = [...reads, ...writes];
  if (step.kind === "chain") return all.map((access) => ({ access, sizes: step.shape, strides: access.strides }));
  if (step.kind === "rowwise")
    return all.map((access) => ({ access, sizes: [step.rows, step.size], strides: [access.strides[0] ?? 0, 1] }));
  if (step.kind === "points") {
    const { field, values, rows, size, points, channels } = step;
    const [, ofRow = 0, ofColumn = 0] = field.strides;
    const [ofPoint = 0, , ofValues = 0] = values.strides;
    return [
      { access: field, sizes: [rows, size[1], channels], strides: [ofRow, ofColumn, 1] },
      { access: values, sizes: [rows, points[1], channels], strides: [ofValues, ofPoint, 1] },
    ];
  }
  if (step.kind !== "product") return [];
  const { m, n, k, left, right, batch } = step;
  return all.map((access) => ({
    access,
    sizes: [...batch, ...(access === left ? [m, k] : access === right ? [k, n] : [m, n])],
    strides: access.strides,
  }));
}

/** Steps that go before some, and after them, of those between the first of these and the last. */
interface Order {
  readonly before: readonly Step[];
  readonly after: readonly Step[];
  readonly first: number;
  readonly last: number;
}

/** Nothing where one of some steps comes after what comes after another one. */
function arranged(steps: readonly Step[], members: ReadonlySet<number>): Order | undefined {
  const [first, last] = [Math.min(...members), Math.max(...members)];
  const [before, after]: [Step[], Step[]] = [[], []];
  const inside = new Met();
  const behind = new Met();
  for (let at = first; at <= last; at++) {
    const step = steps[at]!;
    const isMember = members.has(at);
    if (isMember && behind.keeps(step)) return undefined;
    if (isMember) inside.meet(step);
    else if (inside.keeps(step) || behind.keeps(step)) {
      behind.meet(step);
      after.push(step);
    } else before.push(step);
  }
  return { before, after, first, last };
}
