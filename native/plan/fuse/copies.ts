// Copies that are not made: who reads one reads what it was made from, by its distances.
import { type Access, accessesOf, type Chain, type Product, type Step } from "../steps.ts";
import type { Level } from "./level.ts";
import type { Pass } from "./pass.ts";
import { courseOf, followed } from "./places.ts";

export const copies: Pass = {
  name: "copies",
  why: "products read matrices by distances, so that a transpose in memory is not needed",
  apply(level) {
    for (let at = 0; at < level.length; at++) {
      const chain = level.chain(at);
      if (chain && isCopy(chain)) passBy(level, at, chain);
    }
  },
};

const isCopy = ({ reads, code, writes }: Chain): boolean =>
  code.length === 0 && reads.length === 1 && writes.length === 1 && writes[0]!.how === "set";

/** Readers of a copy read its source, if all can. */
function passBy(level: Level, at: number, copy: Chain): void {
  const [{ store }, source] = [copy.writes[0]!, copy.reads[0]!];
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

function redirected(step: Step, copy: Chain): Step | undefined {
  if (step.kind === "turns") {
    const body: Step[] = [];
    for (const inner of step.body) {
      const made = redirected(inner, copy);
      if (!made) return undefined;
      body.push(made);
    }
    return { ...step, body };
  }
  const { store } = copy.writes[0]!;
  const { reads, writes } = accessesOf(step);
  if (writes.some((write) => write.store === copy.reads[0]!.store)) return undefined;
  if (!reads.some((read) => read.store === store)) return step;
  return step.kind === "product" ? redirectedProduct(step, copy) : undefined;
}

function redirectedProduct(step: Product, copy: Chain): Product | undefined {
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
  return { ...step, left, right, ...(added && { added }) };
}
