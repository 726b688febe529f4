// Products of windows of 3 x 3 places for a pool of 2 x 2: one for each place of the pool, over the same picture, two rows and columns apart.
import { sizeOf } from "@innerloop/schemas/bundle";
import { usedBy } from "../fuse/level.ts";
import { type Access, type Product, type Step, type Store, sameAccess } from "../steps.ts";
import { fewest } from "./making.ts";
import { type Picture, pictureOf, side } from "./pictures.ts";

/** Four products, one for each place of a pool: (0, 0), (0, 1), (1, 0), (1, 1). */
export interface Pool {
  readonly products: readonly Product[];
  readonly windows: Windows;
  /** Which have the numbers of a place each. */
  readonly stores: readonly Store[];
  /** The product that comes last. */
  readonly last: Product;
}

/** Windows of the first place; those of the others begin a row or a column further. */
export interface Windows {
  readonly examples: number;
  readonly channels: number;
  readonly counts: readonly [number, number];
  readonly size: readonly [number, number];
  /** The strides are those of (example, row, column). */
  readonly field: Access;
}

/** Gradients of weights that are added up, of some examples after others. */
export interface Sum {
  readonly parts: readonly Pool[];
  /** What comes on the way to the sum, where that is not the sum's own store. */
  readonly between: readonly Store[];
  /** What all of it is multiplied by. */
  readonly factor: number;
}

/** Places of a pool. */
export const four = 4;

interface Found {
  readonly product: Product;
  readonly place: number;
  readonly windows: Windows;
}

/** Steps that write a store. */
type Writers = ReadonlyMap<Store, readonly Step[]>;

function foundAs(by: "rows" | "columns", step: Step, writers: Writers): Found | undefined {
  if (step.kind !== "product" || step.lookup?.by !== by) return undefined;
  const { batch, n, left, lookup, right, out, relu } = step;
  const most = lookup.taps === side ** 2 && lookup.segment >= fewest && n >= fewest;
  if (!most || sizeOf(batch) !== 1 || relu || left.store === out.store || right.store === out.store) return undefined;
  if (![right, out].every(({ strides }) => strides.at(-2) === n && strides.at(-1) === 1)) return undefined;
  const picture = pictureOf(step, writers.get(left.store) ?? []);
  const windows = picture && windowsIn(picture);
  // Nothing but zeros is above or left of the first place.
  const [row, column] = picture?.first ?? [0, 0];
  return windows && { product: step, place: 2 * (row + 1) + column + 1, windows };
}

function windowsIn({ examples, channels, windows, steps, first, size, places, turned, field }: Picture) {
  const [row, column] = places.map(apartIn);
  const two = steps.every((step) => step === 2) && first.every((begin) => begin === 0 || begin === -1);
  if (!two || turned.some(Boolean) || row === undefined || column === undefined) return undefined;
  return { examples, channels, counts: windows, size, field: { ...field, strides: [field.strides[0]!, row, column] } };
}

/** How far places are from each other, if that is the same for all. */
function apartIn(begins: readonly number[]): number | undefined {
  const apart = (begins[1] ?? 0) - begins[0]!;
  return begins.every((begin, i) => begin === begins[0]! + i * apart) ? apart : undefined;
}

/** Four products as a pool's, where they are over one picture; `of` says which store has a place's numbers. */
function poolOf(found: readonly Found[], of: (product: Product) => Store): Pool | undefined {
  const ordered = [...found].sort((a, b) => a.place - b.place);
  if (ordered.length !== four || ordered.some(({ place }, i) => place !== i)) return undefined;
  const [one] = ordered as [Found];
  const products = ordered.map(({ product }) => product);
  const stores = [...new Set(products.map(of))];
  const alike = ordered.every((other) => isBeside(one, other)) && stores.length === four;
  if (!alike || stores.some(({ size }) => size !== stores[0]!.size || size % one.product.n !== 0)) return undefined;
  // The last place's windows reach furthest.
  return { products, windows: ordered.at(-1)!.windows, stores, last: found.at(-1)!.product };
}

/** Whether windows of two products are over the same picture, and as many. */
function isBeside(a: Found, b: Found): boolean {
  const [x, y] = [a.windows, b.windows];
  const windows = x.counts.every((count, axis) => count === y.counts[axis]) && x.examples === y.examples;
  return windows && sameAccess(x.field, y.field) && x.channels === y.channels && a.product.n === b.product.n;
}

/** Whether two products are of the same windows and weights, for different places. */
const isOfSame = (a: Found, b: Found): boolean =>
  isBeside(a, b) && sameAccess(a.product.right, b.product.right) && a.product.out.offset === b.product.out.offset;

const writesTo = (step: Step, stores: readonly Store[], writers: Writers): boolean =>
  stores.some((store) => writers.get(store)?.includes(step));

/** What is pooled: products that follow each other with nothing between that touches what they read and write. */
export function pooledIn(steps: readonly Step[], writers: Writers): Pool[] {
  const made: Pool[] = [];
  let open: Found[] = [];
  for (const step of steps) {
    const found = foundAs("rows", step, writers);
    if (found && !found.product.added && found.product.alpha === 1 && found.product.out.store.depth > 0) {
      const again = open.some(({ place }) => place === found.place);
      open = open[0] && !again && isOfSame(open[0], found) ? [...open, found] : [found];
      const pool = poolOf(open, ({ out }) => out.store);
      if (!pool) continue;
      made.push(pool);
      open = [];
    } else if (open.length > 0) {
      const used = usedBy(step);
      const { left, right } = open[0]!.product;
      const written = writesTo(step, [left.store, right.store], writers);
      if (written || open.some(({ product }) => used.includes(product.out.store))) open = [];
    }
  }
  return made;
}

interface Run {
  readonly found: readonly Found[];
  /** What each product is multiplied by until it is in the sum. */
  readonly factors: readonly number[];
}

/** Gradients of weights: products each of which adds to what the one before it has given. */
export function sumsIn(steps: readonly Step[], writers: Writers): Sum[] {
  const made: Sum[] = [];
  let open: Run[] = [];
  for (const step of steps) {
    const found = foundAs("columns", step, writers);
    const before = found && open.find((run) => goesOn(run, found.product));
    const used = usedBy(step);
    const ended = open.filter((run) => run !== before && used.includes(lastOf(run).out.store));
    made.push(...ended.flatMap((run) => sumOf(run) ?? []));
    open = open.filter((run) => run !== before && !ended.includes(run) && mayWait(run, step, writers));
    if (!found || (found.product.added && !before)) continue;
    const { alpha, beta } = found.product;
    const factors = [...(before?.factors ?? []).map((factor) => factor * beta), alpha];
    open.push({ found: [...(before?.found ?? []), found], factors });
  }
  return [...made, ...open.flatMap((run) => sumOf(run) ?? [])];
}

const lastOf = ({ found }: Run): Product => found.at(-1)!.product;

const goesOn = (run: Run, { added }: Product): boolean => added !== undefined && sameAccess(lastOf(run).out, added);

/** Whether all that is to be read with the next products of a pool stays as it is in a step. */
const mayWait = ({ found }: Run, step: Step, writers: Writers): boolean =>
  found
    .slice(found.length - (found.length % four))
    .every(({ product: { left, right } }) => !writesTo(step, [left.store, right.store], writers));

function sumOf({ found, factors: [factor, ...others] }: Run): Sum | undefined {
  if (found.length % four !== 0 || others.some((other) => other !== factor)) return undefined;
  const parts = Array.from({ length: found.length / four }, (_, i) =>
    poolOf(found.slice(four * i, four * (i + 1)), ({ right }) => right.store),
  );
  const outs = new Set(found.map(({ product }) => product.out.store));
  outs.delete(found.at(-1)!.product.out.store);
  const same = parts.every((part) => part?.products.every(({ right }) => right.offset === part.last.right.offset));
  return same ? { parts: parts as Pool[], between: [...outs], factor: factor! } : undefined;
}
