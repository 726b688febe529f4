// Products that write their result as one of its readers would copy it: the others read it there.
import { sizeOf } from "@innerloop/schemas/bundle";
import type { Access, Chain, Product, Step, Store, Write } from "../steps.ts";
import { accessOf, naturalStrides } from "../views.ts";
import type { NumberOf } from "./code.ts";
import { redirected } from "./copies.ts";
import { laidOut } from "./epilogues.ts";
import type { Level } from "./level.ts";
import type { Pass } from "./pass.ts";
import { courseOf, followed, whole } from "./places.ts";

export const turned: Pass = {
  name: "turned",
  why: "a product may as well give its transpose, which a derivative for weights would have copied, and which others are added to as it lies",
  apply(level, numberOf) {
    for (let at = 0; at < level.length; at++) {
      const step = level.at(at);
      if (step?.kind !== "product" || step.lookup) continue;
      turn(level, at, step, numberOf);
      if (level.at(at) === step) turnAdded(level, at, step, numberOf);
    }
  },
};

function turn(level: Level, at: number, step: Product, numberOf: NumberOf): void {
  const { store } = step.out;
  if (level.kept(store) || level.unsettled(store) || level.writers(store).length !== 1) return;
  for (const reader of level.readers(store)) {
    const chain = level.chain(reader);
    for (const write of chain?.writes ?? []) {
      const read = chain!.reads[write.register];
      if (read?.store !== store || write.how !== "set") continue;
      const made = read && written(level, step, { chain: chain!, read, write });
      const steps = made && readersOf(level, reader, { chain: chain!, read, write }, numberOf);
      if (!steps) continue;
      level.put(at, made);
      for (const [place, each] of steps) level.put(place, each);
      return;
    }
  }
}

/** A product whose transpose is all that others take, as what is added: kernels add rows whose numbers lie together. */
function turnAdded(level: Level, at: number, step: Product, numberOf: NumberOf): void {
  const { batch, m, n, out } = step;
  const readers = level.readers(out.store);
  if (m === 1 || n === 1 || step.added || level.kept(out.store) || level.unsettled(out.store)) return;
  if (readers.length === 0 || level.writers(out.store).length !== 1 || out.store.size !== sizeOf(batch) * m * n) return;
  const shape = [...batch, m, n];
  const store: Store = { ...out.store };
  const access = { store, offset: 0, strides: [...naturalStrides([...batch, n, m]).slice(0, -2), 1, m] };
  const back = {
    kind: "chain" as const,
    shape,
    reads: [access],
    code: [],
    writes: [{ ...out, register: 0, how: "set" as const }],
  };
  const made = laidOut({ ...step, out: access });
  const steps = new Map<number, Step>();
  for (const reader of readers) {
    const own = level.at(reader)!;
    if (own.kind !== "product" || !isAddedTurned(own, out.store)) return;
    const taken = redirected(own, { chain: back, factor: 1, numberOf });
    if (!taken) return;
    steps.set(reader, taken);
  }
  if (!made) return;
  level.put(at, made);
  for (const [place, each] of steps) level.put(place, each);
}

/** Whether a product has a store for nothing but what is added, whose columns lie together. */
function isAddedTurned({ left, right, added, n }: Product, store: Store): boolean {
  if (left.store === store || right.store === store || added?.store !== store) return false;
  return n > 1 && added.strides.at(-1) !== 1 && added.strides.at(-2) === 1;
}

/** What a chain reads of a product and writes as it is. */
interface Copied {
  readonly chain: Chain;
  readonly read: Access;
  readonly write: Write;
}

/** The product, which writes what the chain did. */
function written(level: Level, step: Product, { chain, read, write }: Copied): Product | undefined {
  const { batch, m, n, out } = step;
  if (level.unsettled(write.store) || level.writers(write.store).length !== 1) return undefined;
  if ([step.left, step.right, step.added].some((access) => access?.store === write.store)) return undefined;
  const product = { shape: [...batch, m, n], access: out };
  const course = courseOf({ shape: chain.shape, access: read }, product);
  if (!course || "inner" in course || !whole(chain.shape, product)) return undefined;
  return laidOut({ ...step, out: accessOf(followed(write, course)) });
}

/** All who read the product's result, as they read the copy; the chain without it. Products alone do so as fast by other distances. */
function readersOf(
  level: Level,
  at: number,
  { chain, read, write }: Copied,
  numberOf: NumberOf,
): ReadonlyMap<number, Step | undefined> | undefined {
  const back = {
    ...chain,
    reads: [accessOf(write)],
    code: [],
    writes: [{ ...accessOf(read), register: 0, how: "set" as const }],
  };
  const copy = { chain: back, factor: 1, numberOf };
  const steps = new Map<number, Step | undefined>();
  for (const reader of level.readers(read.store)) {
    const own = level.at(reader)!;
    if (reader !== at && own.kind !== "product") return undefined;
    const rest = reader === at ? { ...chain, writes: chain.writes.filter((each) => each !== write) } : own;
    const empty = rest.kind === "chain" && rest.writes.length === 0;
    const made = empty ? undefined : redirected(rest, copy);
    if (!made && !empty) return undefined;
    steps.set(reader, made);
  }
  return steps;
}
