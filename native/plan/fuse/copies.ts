// Copies that are not made, times a number or not: who reads one reads what it was made from, by its distances.
import { type Access, accessesOf, type Chain, type Product, type Step, type Store } from "../steps.ts";
import { accessOf } from "../views.ts";
import type { NumberOf } from "./code.ts";
import { together } from "./join.ts";
import type { Level } from "./level.ts";
import type { Pass } from "./pass.ts";
import { courseOf, followed, whole } from "./places.ts";

export const copies: Pass = {
  name: "copies",
  why: "products read matrices by distances and have a factor, so that a transpose in memory or a multiple is not needed",
  apply(level, numberOf) {
    for (let at = 0; at < level.length; at++) {
      const chain = level.chain(at);
      if (chain && isCopy(chain) && writeThrough(level, at, chain)) continue;
      for (const { store } of chain?.writes ?? []) {
        if (level.kept(store) || level.unsettled(store) || level.writers(store).length !== 1) continue;
        for (const copy of copiesOf(level.chain(at), store, numberOf)) if (passBy(level, at, copy)) break;
      }
    }
  },
};

interface Copy {
  readonly chain: Chain;
  readonly factor: number;
  readonly numberOf: NumberOf;
}

const isCopy = ({ reads, code, writes }: Chain): boolean =>
  code.length === 0 && reads.length === 1 && writes.length === 1 && writes[0]!.how === "set";

/** Copies that a write is: of what the chain reads, or of what it writes elsewhere. */
function copiesOf(chain: Chain | undefined, store: Store, numberOf: NumberOf): Copy[] {
  const write = chain?.writes.find((each) => each.store === store);
  if (!chain || write?.how !== "set") return [];
  const one = (source: Access, code: Chain["code"], factor: number): Copy => ({
    chain: { ...chain, reads: [accessOf(source)], code, writes: [{ ...write, register: code.length }] },
    factor,
    numberOf,
  });
  const twins = chain.writes.filter(
    (each) => each !== write && each.register === write.register && each.how === "set" && each.store !== store,
  );
  const copies = twins.map((twin) => one(twin, [], 1));
  const read = chain.reads[write.register];
  if (read) return [...copies, one(read, [], 1)];
  const call = chain.code[write.register - chain.reads.length]!;
  const from = call.operands.find((operand) => "register" in operand);
  const source = from && chain.reads[from.register];
  const number = call.operands.find((operand) => "number" in operand)?.number;
  const factor = call.name === "negative" ? -1 : call.name === "multiply" ? number : undefined;
  if (!source || factor === undefined) return copies;
  const code: Chain["code"] = [{ name: "multiply", operands: [{ register: 0 }, { number: factor }] }];
  return [...copies, one(source, code, factor)];
}

/** What a chain sums is summed where the only one who reads it copies it. */
function writeThrough(level: Level, at: number, copy: Chain): boolean {
  const [source, target] = [copy.reads[0]!, copy.writes[0]!];
  const [writer, ...others] = level.writers(source.store);
  if (writer === undefined || others.length > 0 || level.kept(source.store) || level.unsettled(source.store))
    return false;
  const chain = level.chain(writer);
  if (!chain || level.readers(source.store).length !== 1 || level.lastBefore(at) !== writer) return false;
  if (chain.reads.some(({ store }) => store === target.store)) return false;
  const write = chain.writes.find(({ store }) => store === source.store)!;
  const kept = chain.shape.map((size, axis) => (write.strides[axis] === 0 ? 1 : size));
  const course = courseOf({ shape: copy.shape, access: source }, { shape: kept, access: write });
  if (!course || "inner" in course || !whole(copy.shape, { shape: kept, access: write })) return false;
  const { register, how } = write;
  const writes = chain.writes.map((each) => (each === write ? { ...followed(target, course), register, how } : each));
  level.put(writer, { ...chain, writes });
  level.put(at, undefined);
  return true;
}

/** Readers of a copy, which nobody else writes and nobody around asks for, read its source, if all can. */
function passBy(level: Level, at: number, copy: Copy): boolean {
  const [{ store }, source] = [copy.chain.writes[0]!, copy.chain.reads[0]!];
  const chain = level.chain(at)!;
  const over = chain.reads.some((read) => read.store === source.store);
  if (over && chain.writes.some((write) => write.store === source.store)) return false;
  const steps = new Map<number, Step>();
  for (const reader of level.readers(store)) {
    const step = level.stays(source.store, at, reader) ? redirected(level.at(reader)!, copy) : undefined;
    if (!step) return false;
    steps.set(reader, step);
  }
  for (const [reader, step] of steps) level.put(reader, step);
  const writes = chain.writes.filter((write) => write.store !== store);
  level.put(at, writes.length > 0 ? { ...chain, writes } : undefined);
  return true;
}

export function redirected(step: Step, copy: Copy): Step | undefined {
  if (step.kind === "turns") {
    const body: Step[] = [];
    for (const inner of step.body) {
      const made = redirected(inner, copy);
      if (!made) return undefined;
      body.push(made);
    }
    return { ...step, body };
  }
  const { chain, numberOf } = copy;
  const { store } = chain.writes[0]!;
  const { reads, writes } = accessesOf(step);
  if (writes.some((write) => write.store === chain.reads[0]!.store)) return undefined;
  if (!reads.some((read) => read.store === store)) return step;
  if (step.kind === "chain") return together(chain, step, () => false, numberOf);
  return step.kind === "product" ? redirectedProduct(step, copy) : undefined;
}

function redirectedProduct(step: Product, { chain: copy, factor }: Copy): Product | undefined {
  const [write, source] = [copy.writes[0]!, copy.reads[0]!];
  const { batch, m, n, k } = step;
  const looked = (access: Access, shape: readonly number[]): Access | undefined => {
    if (access.store !== write.store) return access;
    const course = courseOf({ shape: copy.shape, access: write }, { shape, access });
    if (!course || "inner" in course) return undefined;
    const looking = followed(source, course);
    const [row, column] = looking.strides.slice(-2) as [number, number];
    // Matrices of which neither rows nor columns lie together are read slowly.
    const [rows, columns] = shape.slice(-2) as [number, number];
    const near = row === 1 || column === 1 || rows === 1 || columns === 1;
    return near ? looking : undefined;
  };
  const left = step.lookup && step.left.store === write.store ? undefined : looked(step.left, [...batch, m, k]);
  const right = looked(step.right, [...batch, k, n]);
  const added = step.added && looked(step.added, [...batch, m, n]);
  if (!left || !right || (step.added && !added)) return undefined;
  const times = (access: Access | undefined): number => (access?.store === write.store ? factor : 1);
  const [alpha, beta] = [step.alpha * times(step.left) * times(step.right), step.beta * times(step.added)];
  return { ...step, left, right, ...(added && { added }), alpha, beta };
}
