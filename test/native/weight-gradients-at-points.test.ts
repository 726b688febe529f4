// Weight gradients of windows go to points along their columns: which do, and that they are what they are directly.
import {
  type Access,
  type Chain,
  type Points,
  type Product,
  type Step,
  type Store,
  type Turns,
  weightGradientsAtPoints,
} from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { compare } from "./compared.ts";
import { testKernels } from "./kernels.ts";
import { planOver } from "./plan-over.ts";
import { dice } from "./random-steps.ts";
import { runSteps, stores, storesOf } from "./reference.ts";

const kernels = testKernels();
type Two = readonly [number, number];

interface Sizes {
  readonly examples?: number;
  readonly size: Two;
  readonly windows: Two;
  readonly steps?: Two;
  readonly first?: Two;
  readonly channels?: number;
  readonly filters?: number;
  /** Numbers between places of the picture, and between rows of what is given. */
  readonly apart?: Two;
  /** Whether places of even and odd rows, and columns, lie apart from each other. */
  readonly parted?: boolean;
  /** Whether there are sums before. */
  readonly begun?: boolean;
  readonly alpha?: number;
}

const random = dice(7);
const numbers = (count: number) => Float32Array.from({ length: count }, () => random() - 0.5);
type Begun = Map<Store, ArrayLike<number>>;

/** The table of windows of 3 x 3 places. */
function tableOf({ examples = 2, size, windows, steps = [1, 1], first = [-1, -1], parted }: Sizes, place: number) {
  const [even, wide] = [size.map((count) => Math.ceil(count / 2)) as [number, number], size[1]];
  const at = (y: number, x: number): number => {
    if (!parted) return y * wide + x;
    const columns = x % 2 === 0 ? even[1] : wide - even[1];
    const before =
      (y % 2 === 0 ? 0 : even[0] * wide) + (x % 2 === 0 ? 0 : (y % 2 === 0 ? even[0] : size[0] - even[0]) * even[1]);
    return before + Math.floor(y / 2) * columns + Math.floor(x / 2);
  };
  return Int32Array.from({ length: examples * windows[0] * windows[1] * 9 }, (_, i) => {
    const [tap, column] = [i % 9, Math.floor(i / 9) % windows[1]];
    const [row, example] = [Math.floor(i / 9 / windows[1]) % windows[0], Math.floor(i / 9 / windows[1] / windows[0])];
    const [y, x] = [row * steps[0] + first[0] + Math.floor(tap / 3), column * steps[1] + first[1] + (tap % 3)];
    const outside = y < 0 || x < 0 || y >= size[0] || x >= size[1];
    return outside ? -1 : (example * size[0] * wide + at(y, x)) * place;
  });
}

/** A product of windows by what is given to each, and what its stores hold. */
function gradientOf(sizes: Sizes, field?: Access, out?: Access) {
  const { examples = 2, size, channels = 16, filters = 17, apart = [0, 0], begun: sums = false, alpha = 1 } = sizes;
  const place = channels + apart[0];
  const row = filters + apart[1];
  const table = tableOf(sizes, place);
  const [k, m] = [table.length / 9, 9 * channels];
  const own: Store = { size: 5 + examples * size[0] * size[1] * place, depth: 1 };
  const given: Store = { size: 3 + k * row, depth: 1 };
  const to = out ?? { store: { size: 16 + m * filters, depth: 1 }, offset: 16, strides: [filters, 1] };
  const product: Product = {
    ...{ kind: "product", batch: [], m, n: filters, k, alpha, beta: sums ? 1 : 0.5, relu: false },
    left: field ?? { store: own, offset: 5, strides: [0, 0] },
    lookup: { by: "columns", taps: 9, segment: channels, table },
    right: { store: given, offset: 3, strides: [row, 1] },
    ...{ out: to, ...(sums && { added: { ...to } }) },
  };
  const begun: Begun = new Map<Store, ArrayLike<number>>([
    [given, numbers(given.size)],
    ...(field ? [] : [[own, numbers(own.size)] as const]),
    ...(out ? [] : [[to.store, sums ? numbers(to.store.size) : new Float32Array(to.store.size)] as const]),
  ]);
  return { product, begun };
}

/** At points whatever that costs, unless told otherwise. */
function brought(
  steps: readonly Step[],
  begun: Begun,
  { number, weight, kept = new Set() }: { number?: number; weight?: number; kept?: ReadonlySet<Store> } = {},
) {
  const { plan } = planOver(begun, { number: number ?? 0, weight: weight ?? 0 });
  return weightGradientsAtPoints(steps, kept, plan);
}

const pointsIn = (steps: readonly Step[], what: Points["what"] = "points"): Points[] =>
  steps.filter((step): step is Points => step.kind === "points" && step.what === what);
/** Steps that bring sums from points back to taps, those of the middle column aside, which is one row that lies down. */
const backIn = (steps: readonly Step[]): Points[] => pointsIn(steps, "places").filter(({ examples }) => examples === 3);
const middlesIn = (steps: readonly Step[]): Points[] =>
  pointsIn(steps, "places").filter(({ examples }) => examples === 1);

/** Compares what comes of steps at points with what comes of them as they are, in numbers of 64 bits. */
function same(steps: readonly Step[], begun: Begun, results: readonly Store[], kept?: ReadonlySet<Store>): Step[] {
  const of = stores(begun);
  runSteps(steps, of);
  const made = brought(steps, begun, kept && { kept });
  expect(made).not.toEqual(steps);
  const used = new Set(storesOf(made));
  const given = compare(kernels, made, {
    begun: new Map([...begun].filter(([store]) => used.has(store))),
    close: 1e-4,
  });
  for (const result of results) {
    const wanted = of(result);
    const most = Math.max(...Array.from(wanted, Math.abs));
    given.of(result).forEach((number, i) => {
      expect(Math.abs(number - wanted[i]!) / most).toBeLessThan(2e-6);
    });
  }
  return made;
}

function sameOf(sizes: Sizes): Step[] {
  const { product, begun } = gradientOf(sizes);
  return same([product], begun, [product.out.store]);
}

const copied = (from: Store, to: Store): Chain => ({
  ...{ kind: "chain", shape: [from.size], reads: [{ store: from, offset: 0, strides: [1] }], code: [] },
  writes: [{ store: to, offset: 0, strides: [1], register: 0, how: "set" }],
});

describe("weight gradients at points", () => {
  it.each<Sizes>([
    { size: [4, 4], windows: [4, 4] },
    { size: [7, 7], windows: [7, 7], examples: 1, begun: true },
    { size: [3, 6], windows: [3, 6], channels: 33, filters: 20 },
    { size: [6, 7], windows: [4, 5], first: [0, 0], alpha: -0.25 },
    { size: [9, 13], windows: [9, 13], apart: [16, 3] },
    { size: [9, 5], windows: [5, 5], steps: [2, 1], begun: true, alpha: -2 },
  ])("are the same one column apart: %j", (sizes) => void sameOf(sizes));

  it.each<Sizes>([
    { size: [7, 7], windows: [4, 4], steps: [2, 2] },
    { size: [14, 14], windows: [7, 7], steps: [2, 2], examples: 5, begun: true, alpha: -0.03125 },
    { size: [3, 3], windows: [2, 2], steps: [2, 2] },
    { size: [11, 11], windows: [6, 6], steps: [2, 2], channels: 20, apart: [0, 15] },
    { size: [7, 9], windows: [3, 4], steps: [2, 2], first: [0, 0], apart: [3, 0] },
    { size: [7, 26], windows: [7, 13], steps: [1, 2] },
    { size: [14, 14], windows: [7, 7], steps: [2, 2], parted: true },
    { size: [10, 6], windows: [5, 3], steps: [2, 2], parted: true, begun: true },
    // Windows of the middle column are one row apart; and some of it is outside.
    { size: [7, 14], windows: [7, 7], steps: [1, 2], examples: 3, begun: true },
    { size: [14, 7], windows: [7, 4], steps: [2, 2], first: [-1, 0], apart: [16, 0] },
  ])("are the same two columns apart: %j", (sizes) => void sameOf(sizes));

  it("are added to other sums than those that they become", () => {
    const { product, begun } = gradientOf({ size: [7, 7], windows: [4, 4], steps: [2, 2], alpha: -0.5 });
    const store: Store = { size: product.m * product.n, depth: 1 };
    begun.set(store, numbers(store.size));
    const added = { store, offset: 0, strides: [product.n, 1] };
    same([{ ...product, added, beta: 0.25 }], begun, [product.out.store]);
  });

  it("come back once where several go on with one sum, and read once what they have in common", () => {
    const sizes: Sizes = { size: [14, 18], windows: [7, 9], steps: [2, 2], examples: 3 };
    const { product: one, begun } = gradientOf(sizes);
    const firsts: readonly Two[] = [
      [0, -1],
      [-1, 0],
      [0, 0],
      [-1, -1],
    ];
    const others = firsts.map((first) => {
      const other = gradientOf({ ...sizes, first, begun: true }, one.left, one.out);
      for (const [store, held] of other.begun) begun.set(store, held);
      return other.product;
    });
    const steps = same([one, ...others], begun, [one.out.store]);
    expect(backIn(steps)).toHaveLength(1);
    expect(middlesIn(steps)).toHaveLength(1);
    // Two pieces of what is given to each of five; what is read begins at one of two columns. In the middle column these are one, which begins at one of two rows.
    expect(pointsIn(steps)).toHaveLength(10 + 4 + 5 + 4);
  });

  it("go through stores that are there for the sum alone", () => {
    const sizes: Sizes = { size: [7, 7], windows: [4, 4], steps: [2, 2] };
    const { product: one, begun } = gradientOf(sizes);
    const { product, begun: more } = gradientOf({ ...sizes, begun: true });
    for (const [store, held] of more) begun.set(store, held);
    const two: Product = { ...product, added: one.out };
    expect(backIn(same([one, two], begun, [two.out.store]))).toHaveLength(1);
    const both = [one.out.store, two.out.store];
    expect(backIn(same([one, two], begun, both, new Set([one.out.store])))).toHaveLength(2);
    const copy: Store = { size: one.out.store.size, depth: 1 };
    begun.set(copy, new Float32Array(copy.size));
    expect(backIn(same([one, copied(one.out.store, copy), two], begun, [...both, copy]))).toHaveLength(2);
  });

  it("come back before what reads them, and read again what has changed", () => {
    const sizes: Sizes = { size: [7, 7], windows: [4, 4], steps: [2, 2] };
    const { product: one, begun } = gradientOf(sizes);
    const { product: two, begun: more } = gradientOf({ ...sizes, begun: true }, one.left, one.out);
    for (const [store, held] of more) begun.set(store, held);
    const [copy, other]: Store[] = [
      { size: one.out.store.size, depth: 1 },
      { size: one.left.store.size, depth: 1 },
    ];
    begun.set(copy!, new Float32Array(copy!.size)).set(other!, numbers(other!.size));
    const read = same([one, copied(one.out.store, copy!), two], begun, [one.out.store, copy!]);
    expect(backIn(read)).toHaveLength(2);
    const written = same([one, copied(other!, one.left.store), two], new Map(begun), [one.out.store]);
    expect(backIn(written)).toHaveLength(1);
    // Those of the middle column are as many again.
    expect(pointsIn(written)).toHaveLength(4 + 4);
    expect(pointsIn(same([one, two], begun, [one.out.store]))).toHaveLength(3 + 3);
  });

  it("are added to other sums as these were where they are found", () => {
    const sizes: Sizes = { size: [7, 7], windows: [4, 4], steps: [2, 2] };
    const { product, begun } = gradientOf(sizes);
    const { product: two, begun: more } = gradientOf({ ...sizes, begun: true }, product.left, product.out);
    const [store, other]: Store[] = [product, product].map(({ m, n }) => ({ size: m * n, depth: 1 }));
    for (const [own, held] of more) begun.set(own, held);
    begun.set(store!, numbers(store!.size)).set(other!, numbers(other!.size));
    const one: Product = { ...product, beta: 1, added: { store: store!, offset: 0, strides: [product.n, 1] } };
    expect(backIn(same([one, copied(other!, store!), two], begun, [one.out.store]))).toHaveLength(2);
  });

  it("come back after all turns that go on with them", () => {
    const { product, begun } = gradientOf({ size: [7, 7], windows: [4, 4], steps: [2, 2], begun: true });
    const turns: Turns = { kind: "turns", count: 3, turn: { size: 1, depth: 1 }, body: [product] };
    const steps = same([turns], begun, [product.out.store]);
    expect(steps.map(({ kind }) => kind)).toEqual(["chain", "chain", "turns", "points", "points"]);
    expect(pointsIn((steps[2] as Turns).body, "places")).toHaveLength(0);
    const copy: Store = { size: product.out.store.size, depth: 1 };
    begun.set(copy, new Float32Array(copy.size));
    const read: Turns = { ...turns, body: [product, copied(product.out.store, copy)] };
    const own = same([read], begun, [product.out.store, copy]);
    expect(own.map(({ kind }) => kind)).toEqual(["turns"]);
    expect(backIn((own[0] as Turns).body)).toHaveLength(1);
    const anew: Turns = { ...turns, body: [{ ...product, beta: 0.5 }] };
    expect(backIn((same([anew], begun, [product.out.store])[0] as Turns).body)).toHaveLength(1);
  });

  it("stay as they are where tables are otherwise, or more is done than to add", () => {
    const size: Sizes = { size: [7, 7], windows: [4, 4], steps: [2, 2] };
    const more: readonly ((product: Product) => Partial<Product>)[] = [
      () => ({ relu: true }),
      ({ out }) => ({ out: { ...out, strides: [19, 1] } }),
      ({ out }) => ({ added: { ...out, strides: [0, 1] } }),
      ({ right }) => ({ right: { ...right, strides: [1, 17] } }),
      ({ lookup }) => ({ lookup: { ...lookup!, table: lookup!.table.with(44, 7) } }),
      ({ lookup }) => ({ lookup: { ...lookup!, by: "rows" } }),
    ];
    for (const change of more) {
      const { product, begun } = gradientOf(size);
      const other = { ...product, ...change(product) };
      expect(brought([other], begun)).toEqual([other]);
    }
    for (const few of [
      { ...size, channels: 15 },
      { ...size, filters: 15 },
    ]) {
      const { product, begun } = gradientOf(few);
      expect(brought([product], begun)).toEqual([product]);
    }
  });

  it("stay as they are where that costs more than it saves", () => {
    const wide: Sizes = { examples: 5, size: [14, 14], windows: [7, 7], steps: [2, 2], channels: 64, filters: 64 };
    const { product, begun } = gradientOf(wide);
    const few = gradientOf({ ...wide, examples: 1 });
    expect(brought([product], begun, { number: 10, weight: 7 })).not.toEqual([product]);
    expect(brought([product], begun, { number: 36, weight: 10 })).toEqual([product]);
    expect(brought([few.product], few.begun, { number: 10, weight: 7 })).toEqual([few.product]);
    // Through many turns it comes back once.
    const one = gradientOf({ ...wide, examples: 3, begun: true }).product;
    expect(brought([one], new Map(), { number: 10, weight: 7 })).toEqual([one]);
    const turns: Turns = { kind: "turns", count: 20, turn: { size: 1, depth: 1 }, body: [one] };
    const through = brought([turns], new Map(), { number: 10, weight: 7 });
    expect([backIn(through), middlesIn(through)].map(({ length }) => length)).toEqual([1, 1]);
    // The middle column saves less, and is one product where moves are dearer.
    const plain = brought([turns], new Map(), { number: 24, weight: 7 });
    expect([backIn(plain), middlesIn(plain)].map(({ length }) => length)).toEqual([1, 0]);
  });
});
