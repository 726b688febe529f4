// What is done to each number of a product, as a part of the product.
import { type Access, type Chain, type Operand, type Product, sameAccess } from "../steps.ts";
import { accessOf } from "../views.ts";
import type { Level } from "./level.ts";
import type { Pass } from "./pass.ts";
import { type Course, courseOf, followed, whole } from "./places.ts";

export const epilogues: Pass = {
  name: "epilogues",
  why: "a product has its numbers in registers, where a bias, a factor, a relu and another place cost next to nothing",
  apply(level) {
    for (let at = level.length - 1; at >= 0; at--) {
      const step = level.at(at);
      if (step?.kind === "product") extend(level, at, step);
    }
  },
};

/** alpha · product + beta · added, perhaps made zero where it is below. */
interface Linear {
  readonly alpha: number;
  readonly beta: number;
  /** Which read. */
  readonly added?: number;
  readonly relu: boolean;
}

/** What a chain computes from its read `which`, as far as products do the like. */
function linear({ reads, code, writes }: Chain, which: number): Linear | undefined {
  const forms: (Linear | undefined)[] = reads.map((_, i) =>
    i === which ? { alpha: 1, beta: 0, relu: false } : { alpha: 0, beta: 1, added: i, relu: false },
  );
  const scaled = (form: Linear | undefined, by: number): Linear | undefined =>
    form && (!form.relu || by > 0) ? { ...form, alpha: form.alpha * by, beta: form.beta * by } : undefined;
  const sum = (a: Linear | undefined, b: Linear | undefined): Linear | undefined => {
    if (!a || !b || a.relu || b.relu) return undefined;
    if (a.added !== undefined && b.added !== undefined && a.added !== b.added) return undefined;
    const added = a.added ?? b.added;
    return { alpha: a.alpha + b.alpha, beta: a.beta + b.beta, ...(added !== undefined && { added }), relu: false };
  };
  const formOf = (operand: Operand | undefined) =>
    operand && "register" in operand ? forms[operand.register] : undefined;
  for (const { name, operands } of code) {
    const [a, b] = operands;
    const [x, y] = [formOf(a), formOf(b)];
    const by = a && "number" in a ? a.number : b && "number" in b ? b.number : undefined;
    let form: Linear | undefined;
    if (name === "copy") form = x;
    else if (name === "negative") form = scaled(x, -1);
    else if (name === "relu") form = x && { ...x, relu: true };
    else if (name === "multiply" && by !== undefined) form = scaled(x ?? y, by);
    else if (name === "divide" && x && by !== undefined) form = scaled(x, 1 / by);
    else if (name === "add") form = sum(x, y);
    else if (name === "subtract") form = sum(x, scaled(y, -1));
    forms.push(form);
  }
  return forms[writes[0]!.register];
}

function extend(level: Level, at: number, step: Product): void {
  const { store } = step.out;
  const readers = level.readers(store);
  if (readers.length !== 1 || level.kept(store) || level.unsettled(store) || level.writers(store).length !== 1) return;
  const user = readers[0]!;
  const chain = level.chain(user);
  if (!chain) return;
  const made = extended(step, chain);
  if (!made) return;
  // To the chain's place, or the chain to the product's, if something between needs what it gives.
  const down = level.firstAfter(at) === user;
  if (!down && level.lastBefore(user) !== at) return;
  level.put(at, undefined);
  level.put(user, undefined);
  level.put(down ? user : at, made);
}

/** The product with what the chain does, where it can do that. */
function extended(step: Product, chain: Chain): Product | undefined {
  const { store } = step.out;
  const which = chain.reads.findIndex((read) => read.store === store);
  const write = chain.writes[0]!;
  if (chain.writes.length !== 1 || write.how !== "set" || which < 0) return undefined;
  if (chain.reads.filter((read) => read.store === store).length !== 1) return undefined;
  if (step.left.store === write.store || step.right.store === write.store) return undefined;
  const form = linear(chain, which);
  if (!form || form.alpha === 0 || (step.relu && (form.added !== undefined || form.alpha < 0))) return undefined;
  const shape = [...step.batch, step.m, step.n];
  const from = { shape: chain.shape, access: chain.reads[which]! };
  const course = courseOf(from, { shape, access: step.out });
  if (!course || "inner" in course || !whole(chain.shape, { shape, access: step.out })) return undefined;
  const added = addedTo(step, chain, form, course);
  const out = accessOf(followed(write, course));
  // What is added may be written over by the same places.
  if (added === null || (added?.store === write.store && !sameAccess(added, out))) return undefined;
  const { added: _, ...plain } = step;
  return laidOut({
    ...plain,
    alpha: step.alpha * form.alpha,
    beta: form.beta + (step.added ? step.beta * form.alpha : 0),
    ...(added && { added }),
    relu: step.relu || form.relu,
    out,
  });
}

/** What is added in all; null, where that is two arrays. */
function addedTo(step: Product, chain: Chain, form: Linear, course: Course): Access | undefined | null {
  const own = form.added === undefined ? undefined : followed(chain.reads[form.added]!, course);
  if (!own || !step.added) return own ?? step.added;
  return sameAccess(own, step.added) ? own : null;
}

/** A product whose numbers of a row lie together, turned around if need be. */
export function laidOut(step: Product): Product | undefined {
  const { m, n, left, right, out, added, lookup } = step;
  const rank = step.batch.length;
  const [row, column] = [out.strides[rank]!, out.strides[rank + 1]!];
  const one = <A extends Access>(access: A): A => ({ ...access, strides: access.strides.toSpliced(rank + 1, 1, 1) });
  if (column === 1) return step;
  if (n === 1) return { ...step, out: one(out) };
  if (lookup || (row !== 1 && m !== 1)) return undefined;
  const turned = (access: Access): Access => ({
    ...access,
    strides: [...access.strides.slice(0, rank), access.strides[rank + 1]!, access.strides[rank]!],
  });
  const made = { ...step, m: n, n: m, left: turned(right), right: turned(left), out: turned(out) };
  return { ...made, out: one(made.out), ...(added && { added: turned(added) }) };
}
