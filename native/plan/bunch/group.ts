// Steps that may be taken together by examples, out of a list: those before them, and those after them, that they cannot be taken with stay as they are.
import { Met } from "../met.ts";
import type { Access, Product, Step, Store } from "../steps.ts";
import { type Cut, cutsOf, type Manner } from "./cut.ts";

export interface Group {
  readonly before: readonly Step[];
  readonly members: readonly Cut[];
  readonly after: readonly Step[];
  /** Stores that products sum into, of which another one takes the sum further, and that other one. */
  readonly further: ReadonlyMap<Store, Product>;
}

/** Numbers that all examples read, or are summed into: they are gone over again for some of these each. */
const mostShared = 2 ** 16;
/** Rows and terms of an example below which products of some would be quicker together. */
const [leastRows, leastTerms] = [8, 16];
/** Places of chains that are only taken along with others. */
const leastPlaces = 2 ** 13;

/** @param alone whether nobody uses a store but so many steps */
export function groupOf(
  steps: readonly Step[],
  examples: number,
  alone: (store: Store, steps: number) => boolean,
): Group {
  const gathering = new Gathering(examples, alone);
  for (const step of steps) gathering.take(step);
  return gathering;
}

class Gathering implements Group {
  readonly before: Step[] = [];
  readonly members: Cut[] = [];
  readonly after: Step[] = [];
  readonly further = new Map<Store, Product>();
  readonly #examples: number;
  readonly #alone: (store: Store, steps: number) => boolean;
  /** How members use stores: all of them in one way, or in several. */
  readonly #used = new Map<Store, Manner | "several">();
  readonly #inside = new Met();
  readonly #behind = new Met();

  constructor(examples: number, alone: (store: Store, steps: number) => boolean) {
    this.#examples = examples;
    this.#alone = alone;
  }

  take(step: Step): void {
    const waits = this.#behind.keeps(step);
    const cut =
      waits || step.kind === "turns" ? undefined : cutsOf(step, this.#examples).find((one) => this.#fits(one));
    if (cut) {
      this.#enter(cut);
    } else if (waits || this.#inside.keeps(step)) {
      this.after.push(step);
      this.#behind.meet(step);
    } else {
      this.before.push(step);
    }
  }

  #fits(cut: Cut): boolean {
    const { step, reads, writes } = cut;
    const all = [...reads, ...writes];
    if (new Set(all.map(({ access }) => access)).size < all.length || !this.#pays(cut)) return false;
    const written = new Map(writes.map(({ access, manner }) => [access.store, manner]));
    // Several parts of one store have to be each example's own.
    const parts = (store: Store) => writes.filter(({ access }) => access.store === store);
    if (writes.some(({ access, manner }) => manner !== "own" && parts(access.store).length > 1)) return false;
    for (const { access, manner } of reads) {
      const before = this.#inside.writes(access.store) ? this.#used.get(access.store) : undefined;
      const goesOn = step.kind === "product" && access === step.added && written.has(step.out.store);
      if (
        before === "summed" && goesOn ? !this.#goesOn(step, access) : before && !(before === "own" && manner === "own")
      )
        return false;
      const here = written.get(access.store);
      if (here && !(here === "own" && manner === "own") && !(here === "summed" && goesOn)) return false;
    }
    return writes.every(({ access, manner }) => {
      const before = this.#used.get(access.store);
      return !before || (before === "own" && manner === "own");
    });
  }

  /** Whether a product takes further what another one has summed, for nobody else. */
  #goesOn({ m, n, out }: Product, added: Access): boolean {
    const last = this.members.findLast(({ writes }) => writes.some(({ access }) => access.store === added.store));
    const from = last?.step;
    if (from?.kind !== "product" || !this.#alone(added.store, 2)) return false;
    const matrix = ({ strides }: Access) => strides.slice(-2).join();
    const same = from.m === m && from.n === n && from.out.offset === added.offset;
    return same && matrix(from.out) === matrix(added) && matrix(out) === matrix(added);
  }

  #pays({ step, examples, reads, writes }: Cut): boolean {
    const large = [...reads, ...writes].some(({ access: { store }, by }) => by === 0 && store.size > mostShared);
    if (large) return false;
    if (step.kind === "product") {
      const summed = writes[0]!.manner === "summed";
      return summed ? step.k >= leastTerms * examples : step.m >= leastRows * examples;
    }
    if (step.kind !== "chain" || step.shape.reduce((places, size) => places * size, 1) >= leastPlaces) return true;
    return [...reads, ...writes].some(({ access: { store } }) => this.#inside.writes(store));
  }

  #enter(cut: Cut): void {
    const { step, reads, writes } = cut;
    this.members.push(cut);
    this.#inside.meet(step);
    for (const { access, manner } of [...reads, ...writes]) {
      const before = this.#used.get(access.store);
      if (before === "summed") this.further.set(access.store, step as Product);
      this.#used.set(access.store, before && before !== manner ? "several" : manner);
    }
    for (const { access, manner } of writes) if (manner === "summed") this.#used.set(access.store, manner);
  }
}
