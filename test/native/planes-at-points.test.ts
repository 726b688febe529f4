// Products of windows over pictures that lie as four planes go to points of tiles: which do, and that they give what they give as they are.
import { type Chain, type Product, planesAtPoints, type Step, type Store } from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { compare } from "./compared.ts";
import { testKernels } from "./kernels.ts";
import { planOver, pointsIn } from "./plan-over.ts";
import { dice } from "./random-steps.ts";
import { runSteps, stores } from "./reference.ts";

const kernels = testKernels();

interface Sizes {
  readonly examples?: number;
  readonly size: readonly [number, number];
  readonly channels?: number;
  readonly filters?: number;
  /** How many places of each example products give, one after another; all of them are of one unless given. */
  readonly parts?: readonly number[];
  readonly turned?: boolean;
  readonly known?: boolean;
  /** Whether what is outside is a place of zeros. */
  readonly zeros?: boolean;
  readonly more?: Partial<Product>;
  /** Changes a table. */
  readonly change?: (table: Int32Array) => void;
}

const random = dice(7);
const numbers = (count: number) => Float32Array.from({ length: count }, () => random() - 0.5);
const one = (store: Store, strides: readonly number[]) => ({ store, offset: 0, strides });

/** Products of windows, the steps that write what these read, and those that read what they give, into one array. */
function windowsOf(sizes: Sizes) {
  const { examples = 3, size, channels = 16, filters = 17, turned = true, zeros = true, known = false } = sizes;
  const { parts = [size[0] * size[1]], more = {}, change } = sizes;
  const [high, wide] = [Math.ceil(size[0] / 2), Math.ceil(size[1] / 2)];
  const plane = high * wide * channels;
  const each = 4 * plane + (zeros ? channels : 0);
  const given: Store = { size: examples * 4 * plane, depth: 1 };
  const field: Store = { size: examples * each, depth: 1 };
  const weights: Store = { size: 9 * channels * filters + 5, depth: known ? 0 : 1 };
  const all: Store = { size: examples * size[0] * size[1] * filters, depth: 1 };
  const copied: Chain = {
    ...{ kind: "chain", shape: [examples, 4 * plane], reads: [one(given, [4 * plane, 1])], code: [] },
    writes: [{ ...one(field, [each, 1]), register: 0, how: "set" }],
  };
  const nothing: Chain = {
    ...{ kind: "chain", shape: [examples, channels], reads: [] },
    code: [{ name: "copy", operands: [{ number: 0 }] }],
    writes: [{ store: field, offset: 4 * plane, strides: [each, 1], register: 0, how: "set" }],
  };
  const placeOf = (y: number, x: number): number =>
    (2 * (y % 2) + (x % 2)) * plane + (Math.floor(y / 2) * wide + Math.floor(x / 2)) * channels;
  let first = 0;
  const products: Product[] = [];
  const after: Chain[] = [];
  for (const part of parts) {
    const begin = first;
    first += part;
    const table = Int32Array.from({ length: examples * part * 9 }, (_, i) => {
      const [tap, place, example] = [i % 9, begin + (Math.floor(i / 9) % part), Math.floor(i / 9 / part)];
      const [down, across] = [Math.floor(tap / 3) - 1, (tap % 3) - 1].map((by) => (turned ? -by : by)) as [
        number,
        number,
      ];
      const [y, x] = [Math.floor(place / size[1]) + down, (place % size[1]) + across];
      const outside = y < 0 || x < 0 || y >= size[0] || x >= size[1];
      return outside ? (zeros ? example * each + 4 * plane : -1) : example * each + placeOf(y, x);
    });
    change?.(table);
    const out: Store = { size: examples * part * filters, depth: 1 };
    products.push({
      ...{
        kind: "product",
        batch: [],
        m: examples * part,
        n: filters,
        k: 9 * channels,
        alpha: 1,
        beta: 1,
        relu: false,
      },
      left: one(field, [0, 0]),
      lookup: { by: "rows", taps: 9, segment: channels, table },
      right: { store: weights, offset: 5, strides: [filters, 1] },
      out: one(out, [filters, 1]),
      ...more,
    });
    const shape = [examples, part * filters];
    after.push({
      ...{ kind: "chain", shape, reads: [one(out, [part * filters, 1])] },
      code: [{ name: "negative", operands: [{ register: 0 }] }],
      writes: [
        {
          ...{ store: all, offset: begin * filters, strides: [size[0] * size[1] * filters, 1] },
          ...{ register: 1, how: "set" },
        },
      ],
    });
  }
  const begun = new Map([given, weights].map((store) => [store, numbers(store.size)] as const));
  return { products, before: zeros ? [copied, nothing] : [copied], after, begun, all };
}

/** At points whatever that costs, unless told otherwise; what is known is done with the other steps here. */
function brought(
  steps: readonly Step[],
  begun: Map<Store, Float32Array>,
  {
    kept = [],
    costs = { number: 0, weight: 0 },
  }: { kept?: readonly Store[]; costs?: { number: number; weight: number } } = {},
) {
  const { plan, done } = planOver(begun, costs);
  const made = planesAtPoints(steps, new Set(kept), plan);
  return { steps: [...done, ...made], done };
}

const productsIn = (steps: readonly Step[]): Product[] =>
  steps.filter((step): step is Product => step.kind === "product");

/** Compares what comes of steps at points with what comes of them as they are, in numbers of 64 bits. */
function same(sizes: Sizes): void {
  const { products, before, after, begun, all } = windowsOf(sizes);
  const given = [...before, ...products, ...after];
  const of = stores(begun);
  runSteps(given, of);
  const { steps } = brought(given, begun);
  expect(pointsIn(steps)).toHaveLength(3);
  expect(productsIn(steps).map(({ batch }) => batch)).toEqual([[16]]);
  const made = compare(kernels, steps, { begun, close: 1e-5 });
  const wanted = of(all);
  const most = Math.max(...Array.from(wanted, Math.abs));
  made.of(all).forEach((number, i) => {
    expect(Math.abs(number - wanted[i]!) / most).toBeLessThan(1e-6);
  });
}

describe("windows over four planes at points of tiles", () => {
  it.each<Sizes>([
    { size: [6, 8], parts: [12, 12, 12, 12] },
    { size: [14, 14], parts: [49, 49, 49, 49], examples: 2, channels: 32, filters: 16 },
    { size: [4, 6], parts: [7, 17] },
    { size: [4, 4] },
    { size: [4, 4], examples: 1, parts: [8, 8] },
    { size: [6, 4], turned: false },
    { size: [6, 4], zeros: false, parts: [10, 14] },
    { size: [5, 7], parts: [20, 15], channels: 18 },
    { size: [4, 6], known: true },
  ])("give the same: %j", same);

  it("have weights that no run changes brought there while the plan is made", () => {
    const { products, before, begun } = windowsOf({ size: [4, 6], known: true });
    expect(brought([...before, ...products], begun).done).toHaveLength(1);
  });

  it("bring weights there once, and again when they have changed", () => {
    const { products, before, begun } = windowsOf({ size: [4, 6] });
    const [product] = products as [Product];
    const again: Product = { ...product, out: one({ ...product.out.store }, [product.n, 1]) };
    const { store } = product.right;
    const changing: Chain = {
      ...{ kind: "chain", shape: [store.size], reads: [one(store, [1])] },
      code: [{ name: "negative", operands: [{ register: 0 }] }],
      writes: [{ ...one(store, [1]), register: 1, how: "set" }],
    };
    const between: Chain = {
      ...changing,
      shape: [4],
      reads: [one(again.out.store, [1])],
      writes: [{ ...changing.writes[0]!, store: { size: 4, depth: 1 } }],
    };
    expect(pointsIn(brought([...before, product, between, again], new Map(begun)).steps)).toHaveLength(5);
    expect(pointsIn(brought([...before, product, changing, again], new Map(begun)).steps)).toHaveLength(6);
  });

  it("are found in turns", () => {
    const { products, before, after, begun } = windowsOf({ size: [4, 6], parts: [12, 12] });
    const turn = { size: 1, depth: 2 };
    const [made] = brought([{ kind: "turns", count: 2, turn, body: [...before, ...products, ...after] }], begun).steps;
    expect(made?.kind === "turns" && pointsIn(made.body)).toHaveLength(3);
  });

  const parts: Sizes = { size: [4, 6], parts: [8, 8, 8] };

  it("stay as they are where tables are otherwise, or more is done than to multiply", () => {
    const others: readonly Sizes[] = [
      { ...parts, more: { relu: true } },
      { ...parts, more: { alpha: 2 } },
      { ...parts, more: { added: { store: { size: 17, depth: 1 }, offset: 0, strides: [0, 1] } } },
      { ...parts, channels: 15 },
      { ...parts, filters: 15 },
      // Not all of a picture.
      { ...parts, parts: [8, 8] },
      { ...parts, parts: [8, 8, 5] },
      ...[0, 4, 40, 100, 190].map((place) => ({
        ...parts,
        change: (table: Int32Array) => {
          table[place] = table[place]! === 16 ? 0 : 16;
        },
      })),
    ];
    for (const each of others) {
      const { products, before, after, begun } = windowsOf(each);
      const steps = [...before, ...products, ...after];
      expect(brought(steps, begun).steps).toEqual(steps);
    }
  });

  it("stay as they are where what they give is read otherwise, or kept", () => {
    const { products, before, after, begun } = windowsOf(parts);
    const [{ out }] = products as [Product];
    const steps = [...before, ...products, ...after];
    expect(brought(steps, begun, { kept: [out.store] }).steps).toEqual(steps);
    const reading = (shape: readonly number[], strides: readonly number[]): Chain => ({
      ...{ kind: "chain", shape, reads: [{ ...out, strides }], code: [] },
      writes: [{ ...one({ size: out.store.size, depth: 1 }, strides), register: 0, how: "set" }],
    });
    // From one example to the next as within them.
    const all = [...steps, reading([out.store.size], [1])];
    expect(brought(all, begun).steps).toEqual(all);
    const early = [...before, reading([3, 8 * 17], [8 * 17, 1]), ...products, ...after];
    expect(brought(early, begun).steps).toEqual(early);
    const move: Step = {
      ...{ kind: "move", size: 4, fromStep: 0, toStep: 0 },
      from: out,
      to: one({ size: 4, depth: 1 }, [1]),
    };
    const moved = [...steps, move];
    expect(brought(moved, begun).steps).toEqual(moved);
  });

  it("stay as they are where a place outside may be no zeros", () => {
    const { products, before, after, begun } = windowsOf(parts);
    const [copied, nothing] = before as [Chain, Chain];
    const other: Chain = { ...nothing, code: [{ name: "copy", operands: [{ number: 1 }] }] };
    // What is known of a table goes by what is written where it looks.
    expect(pointsIn(brought([...before, ...products, ...after], begun).steps)).toHaveLength(3);
    for (const first of [[copied], [copied, other], [copied, nothing, other]]) {
      const steps = [...first, ...products, ...after];
      expect(brought(steps, begun).steps).toEqual(steps);
    }
    const late = [copied, ...products, ...after, nothing];
    expect(brought(late, begun).steps).toEqual(late);
  });

  it("stay as they are where that costs more than it saves", () => {
    const sizes: Sizes = { size: [14, 14], channels: 64, filters: 32, parts: [49, 49, 49, 49] };
    const { products, before, after, begun } = windowsOf(sizes);
    const steps = [...before, ...products, ...after];
    expect(pointsIn(brought(steps, begun, { costs: { number: 10, weight: 7 } }).steps)).toHaveLength(3);
    expect(brought(steps, begun, { costs: { number: 36, weight: 10 } }).steps).toEqual(steps);
  });
});
