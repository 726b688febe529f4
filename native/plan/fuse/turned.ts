// Products that write their result as one of its readers would copy it: the others read it there.
import type { Access, Chain, Product, Step, Write } from "../steps.ts";
import { accessOf } from "../views.ts";
import type { NumberOf } from "./code.ts";
import { redirected } from "./copies.ts";
import { laidOut } from "./epilogues.ts";
import type { Level } from "./level.ts";
import type { Pass } from "./pass.ts";
import { courseOf, followed, whole } from "./places.ts";

export const turned: Pass = {
  name: "turned",
  why: "a product may as well give its transpose, which a derivative for weights would have copied",
  apply(level, numberOf) {
    for (let at = 0; at < level.length; at++) {
      const step = level.at(at);
      if (step?.kind === "product" && !step.lookup) turn(level, at, step, numberOf);
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
