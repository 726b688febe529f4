// Copies that are not made, times a number or not: who reads one reads what it was made from, by its distances.
import { type Access, accessesOf, type Chain, type Product, type Step } from "../steps.ts";
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
      const factor = chain && factorOf(chain);
      if (!chain || factor === undefined) continue;
      if (factor !== 1 || !writeThrough(level, at, chain)) passBy(level, at, { chain, factor, numberOf });
    }
  },
};

interface Copy {
  readonly chain: Chain;
  readonly factor: number;
  readonly numberOf: NumberOf;
}

/** How many times its source a copy is; nothing for what is none. */
function factorOf({ reads, code, writes }: Chain): number | undefined {
  if (reads.length !== 1 || writes.length !== 1 || writes[0]!.how !== "set" || code.length > 1) return undefined;
  const [call] = code;
  if (!call) return 1;
  if (call.name === "negative") return -1;
  const number = call.operands.find((operand) => "number" in operand);
  return call.name === "multiply" ? number?.number : undefined;
}

/** What a chain sums is summed where the only one who reads it copies it. */
function writeThrough(level: Level, at: number, copy: Chain): boolean {
  const [source, target] = [copy.reads[0]!, copy.writes[0]!];
  const [writer, ...others] = level.writers(source.store);
  if (writer === undefined || others.length > 0 || level.kept(source.store) || level.unsettled(source.store))
    return false;
  const chain = level.chain(writer);
  if (!chain || level.readers(source.store).size !== 1 || level.lastBefore(at) !== writer) return false;
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

/** Readers of a copy read its source, if all can. */
function passBy(level: Level, at: number, copy: Copy): void {
  const [{ store }, source] = [copy.chain.writes[0]!, copy.chain.reads[0]!];
  if (level.kept(store) || level.unsettled(store) || level.unsettled(source.store)) return;
  if (level.writers(store).size !== 1) return;
  const steps = new Map<number, Step>();
  for (const reader of level.readers(store)) {
    const step = redirected(level.at(reader)!, copy);
    if (!step) return;
    steps.set(reader, step);
  }
  for (const [reader, step] of steps) level.put(reader, step);
  level.put(at, undefined);
}

function redirected(step: Step, copy: Copy): Step | undefined {
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
    const { store, offset, strides } = { ...followed(source, course) };
    const [row, column] = strides.slice(-2) as [number, number];
    // Matrices of which neither rows nor columns lie together are read slowly.
    const [rows, columns] = shape.slice(-2) as [number, number];
    const near = row === 1 || column === 1 || rows === 1 || columns === 1;
    return near ? { store, offset, strides } : undefined;
  };
  const left = step.lookup && step.left.store === write.store ? undefined : looked(step.left, [...batch, m, k]);
  const right = looked(step.right, [...batch, k, n]);
  const added = step.added && looked(step.added, [...batch, m, n]);
  if (!left || !right || (step.added && !added)) return undefined;
  const times = (access: Access | undefined): number => (access?.store === write.store ? factor : 1);
  const [alpha, beta] = [step.alpha * times(step.left) * times(step.right), step.beta * times(step.added)];
  return { ...step, left, right, ...(added && { added }), alpha, beta };
}
