// Weight gradients of windows of 3 x 3 places: products of windows by what is given to each, found among steps, with those that go on with their sums.
import { sizeOf } from "@innerloop/schemas/bundle";
import { storesOf, usedBy } from "../fuse/level.ts";
import { type Access, type Product, type Step, type Store, sameAccess } from "../steps.ts";
import { type Form, formOf, type Rows, rowsIn } from "./forms.ts";
import { fewest, writersIn } from "./making.ts";
import { lyingDown, middleOf, type Picture, pictureOf, side } from "./pictures.ts";

/** A product whose sums are weight gradients. */
export interface Member {
  /** Where it is among the steps. */
  readonly at: number;
  readonly product: Product;
  readonly picture: Picture;
  readonly form: Form;
  /** Rows that are read, as they lie evenly. */
  readonly rows: readonly Rows[];
  /** How often what it looks up had been written. */
  readonly version: number;
  /** The same of the middle column of taps by itself, which lies down; nothing, where the others have no points without it, or some of it is outside. */
  readonly middle?: Member;
}

type Between = (store: Store) => boolean;

/** Products that go on summing what the one before has summed. */
export type Sum = readonly [Member, ...Member[]];

/**
 * Sums of steps, each by the products that it is of.
 *
 * @param between whether nobody uses a store but the step that writes it and another one
 */
export function sumsOf(steps: readonly Step[], between: Between): Sum[] {
  const writers = writersIn(steps);
  const sums: [Member, ...Member[]][] = [];
  /** Those that may go on still. */
  const open = new Map<Store, [Member, ...Member[]]>();
  const versions = new Map<Store, number>();
  const memberOf = (product: Product, at: number): Member | undefined => {
    const { store } = product.left;
    const picture = isOfWindows(product) ? pictureOf(product, writers.get(store) ?? []) : undefined;
    if (!picture || picture.turned.includes(true)) return undefined;
    return memberIn(product, picture, { at, version: versions.get(store) ?? 0 });
  };
  for (const [at, step] of steps.entries()) {
    for (const store of storesOf(step).writes) versions.set(store, (versions.get(store) ?? 0) + 1);
    const member = step.kind === "product" ? memberOf(step, at) : undefined;
    const added = member?.product.added;
    const before = added && open.get(added.store);
    const further = before && goesOn(before, member, between) ? before : undefined;
    for (const store of usedBy(step)) open.delete(store);
    const { writes } = storesOf(step);
    open.forEach(([{ product }], now) => {
      if (product.added && writes.includes(product.added.store)) open.delete(now);
    });
    if (!member) continue;
    const sum: [Member, ...Member[]] = further ?? [member];
    if (further) further.push(member);
    else sums.push(sum);
    open.set(member.product.out.store, sum);
  }
  return sums;
}

function memberIn(product: Product, picture: Picture, when: Pick<Member, "at" | "version">): Member | undefined {
  const form = formOf(picture, picture.taps[1]);
  const rows = rowsIn(picture, form);
  if (!rows) return undefined;
  const column = form.middle && picture.taps[0] > 1 ? middleOf(picture) : undefined;
  const middle = column && memberIn(middleOfProduct(product, picture), lyingDown(column), when);
  return { ...when, product, picture, form, rows, ...(middle && { middle }) };
}

/** The part of a product that is of the middle column of taps. */
export function middleOfProduct(product: Product, { taps, channels, tapsApart }: Picture): Product {
  const { lookup, n, out } = product;
  const table = new Int32Array(lookup!.table.length / side);
  // Of each row of a window, the tap in the middle.
  for (let i = 0; i < table.length; i++) table[i] = lookup!.table[i * side + 1]!;
  return {
    ...product,
    m: taps[0] * channels,
    lookup: { ...lookup!, taps: taps[0], table },
    out: { ...out, offset: out.offset + tapsApart[1] * channels * n },
  };
}

/** The middle columns of a sum's taps, where these are such a sum too. */
export function middlesOf(sum: Sum): Sum | undefined {
  const [first, ...others] = sum.map(({ middle }) => middle);
  const all = others.filter((middle) => middle !== undefined);
  const weights = first?.form.weights.join();
  const alike = all.length === others.length && all.every(({ form }) => form.weights.join() === weights);
  return first && alike ? [first, ...all] : undefined;
}

/** Whether it sums windows of 3 x 3 places by what is given to each, and nothing else is done to what comes of that but to add it. */
function isOfWindows({ batch, n, lookup, right, out, added, relu }: Product): boolean {
  const of = lookup?.by === "columns" && lookup.taps === side ** 2 && lookup.segment >= fewest && n >= fewest;
  const together = ({ strides }: Access): boolean => strides.at(-2) === n && strides.at(-1) === 1;
  const plain = sizeOf(batch) === 1 && !relu && out.store.depth > 0 && (!added || together(added));
  return of && plain && right.strides.at(-1) === 1 && together(out);
}

/** Whether a product goes on with a sum, of which there is no need but for that. */
function goesOn(sum: Sum, { product, form }: Member, between: Between): boolean {
  const { m, n, out, added, alpha, beta } = product;
  const [first, last] = [sum[0].product, sum.at(-1)!.product.out];
  const same =
    m === first.m && n === first.n && alpha === first.alpha && form.weights.join() === sum[0].form.weights.join();
  const further = added && beta === 1 && sameAccess(added, last);
  return same && Boolean(further) && (sameAccess(out, last) || between(last.store));
}

/** Whether each turn goes on summing what the one before has summed, of which no other step knows. */
export function goesThrough(sum: Sum, steps: readonly Step[]): boolean {
  const { added, beta } = sum[0].product;
  const { out } = sum.at(-1)!.product;
  if (!added || beta !== 1 || !sameAccess(added, out)) return false;
  const own = new Set<Step>(sum.map(({ product }) => product));
  return steps.every((step) => own.has(step) || !usedBy(step).includes(out.store));
}
