// Products of windows whose filters lie in panels, whose examples are a batch, or of which what is below zero is made zero go to points as well.
import { type Access, type Product, type Step, type Store, type Turns, windowsAtPoints } from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { compare } from "./compared.ts";
import { testKernels } from "./kernels.ts";
import { planOver, pointsIn } from "./plan-over.ts";
import { dice } from "./random-steps.ts";
import { runSteps, stores } from "./reference.ts";

const kernels = testKernels();

interface Sizes {
  readonly examples?: number;
  readonly channels?: number;
  /** Of a panel. */
  readonly filters?: number;
  readonly panels?: number;
  /** Whether examples are a batch, which all look up by the table of one. */
  readonly batch?: boolean;
  readonly size?: number;
  readonly step?: 1 | 2;
  readonly relu?: boolean;
  readonly added?: "bias" | "all" | "own";
  readonly known?: boolean;
}

const random = dice(7);
const numbers = (count: number) => Float32Array.from({ length: count }, () => random() - 0.5);

/** Windows of 3 x 3 places with zeros around the picture. */
function productOf(sizes: Sizes): Product {
  const { examples = 2, channels = 16, filters = 16, panels = 1, batch = false, size = 6, step = 1 } = sizes;
  const windows = Math.ceil(size / step);
  const [each, places, k, n] = [size * size * channels, windows * windows, 9 * channels, panels * filters];
  const joined = batch ? 1 : examples;
  const table = Int32Array.from({ length: joined * places * 9 }, (_, i) => {
    const [tap, window] = [i % 9, Math.floor(i / 9) % places];
    const y = Math.floor(window / windows) * step + Math.floor(tap / 3) - 1;
    const x = (window % windows) * step + (tap % 3) - 1;
    if (y < 0 || x < 0 || y >= size || x >= size) return -1;
    return Math.floor(i / 9 / places) * each + (y * size + x) * channels;
  });
  const stored = (numbersOf: number, depth = 1): Store => ({ size: numbersOf, depth });
  const row = n + 3;
  const out: Access = {
    store: stored(examples * places * row),
    offset: 0,
    strides: [places * row, filters, row, 1],
  };
  const bias: Access = { store: stored(n), offset: 0, strides: [0, filters, 0, 1] };
  const all: Access = { ...out, store: stored(examples * places * row) };
  const added = sizes.added && { bias, all, own: out }[sizes.added];
  const ofPanel = k * filters + 5;
  return {
    ...{ kind: "product", batch: [batch ? examples : 1, panels], m: joined * places, n: filters, k },
    left: { store: stored(examples * each + 2), offset: 2, strides: [batch ? each : 0, 0, 0, 0] },
    lookup: { by: "rows", taps: 9, segment: channels, table },
    right: {
      store: stored(panels * ofPanel, sizes.known ? 0 : 1),
      offset: 0,
      strides: [0, panels > 1 ? ofPanel : 0, filters, 1],
    },
    out,
    ...(added && { added }),
    ...{ alpha: 0.5, beta: sizes.added === "all" ? 0.25 : 1, relu: sizes.relu ?? false },
  };
}

/** What the stores of a product hold before. */
const begin = ({ left, right, out, added }: Product): Map<Store, Float32Array> =>
  new Map([left, right, out, ...(added ? [added] : [])].map(({ store }) => [store, numbers(store.size)]));

/** At points whatever that costs, unless told otherwise; what is known is done with the other steps here. */
function brought(product: Product, begun: Map<Store, Float32Array>, costs = { number: 0, weight: 0 }) {
  const { plan, done } = planOver(begun, costs);
  const made = windowsAtPoints([product], plan);
  return { steps: [...done, ...made], done };
}

/** Compares what comes of a product at points with what comes of it as it is, in numbers of 64 bits. */
function same(sizes: Sizes): Step[] {
  const product = productOf(sizes);
  const begun = begin(product);
  const of = stores(begun);
  runSteps([product], of);
  const { steps } = brought(product, begun);
  expect(pointsIn(steps).length).toBeGreaterThan(2);
  const given = compare(kernels, steps, { begun, close: 3e-5 });
  const wanted = of(product.out.store);
  const largest = (numbers: ArrayLike<number>): number =>
    Array.from(numbers, Math.abs).reduce((most, number) => Math.max(most, number), 0);
  const away = given.of(product.out.store).map((number, i) => number - wanted[i]!);
  expect(largest(away) / largest(wanted)).toBeLessThan(4e-6);
  return steps;
}

describe("windows at points", () => {
  const sizes: readonly Sizes[] = [
    { panels: 3 },
    { panels: 2, filters: 20, channels: 17, size: 7 },
    { panels: 3, step: 2, size: 7 },
    { panels: 2, step: 2, size: 14 },
    { batch: true, examples: 3 },
    { batch: true, panels: 2 },
    { batch: true, panels: 2, step: 2, size: 8 },
    { panels: 2, known: true },
  ];
  const more: readonly Sizes[] = [
    {},
    { relu: true },
    { added: "bias" },
    { added: "all", relu: true },
    { added: "own" },
  ];
  it.each(sizes.flatMap((each) => more.map((other) => ({ ...each, ...other }))))("give the same: %j", (each) => {
    same(each);
  });

  it("have one product for all panels of a point", () => {
    const products = same({ panels: 3, size: 4 }).filter((step) => step.kind === "product");
    expect(products.map(({ batch, m, n, k }) => [batch, m, n, k])).toEqual([[[6, 6, 3], 2, 16, 16]]);
  });

  it.each([false, true])(
    "are some examples at a time where all of them would not stay in a cache: a batch %s",
    (batch) => {
      const products = same({ examples: 5, size: 64, batch }).filter((step) => step.kind === "product");
      expect(products.map(({ batch: points, m }) => [points, m])).toEqual([
        [[6, 6], 3 * 256],
        [[6, 6], 2 * 256],
      ]);
    },
  );

  it("leave zeros to a chain of their own, whose numbers count", () => {
    const sizes: Sizes = { size: 4, examples: 1, relu: true };
    const kinds = same(sizes).map(({ kind }) => kind);
    expect(kinds).toEqual(["points", "points", "product", "points", "chain"]);
    const goes = (relu: boolean, number: number) => {
      const product = productOf({ ...sizes, relu });
      return brought(product, begin(product), { number, weight: 0 }).steps.length > 1;
    };
    // 18,432 multiplications in the place of 36,864, for 768 numbers more, and 256 for the chain.
    expect([goes(false, 23), goes(true, 23)]).toEqual([true, false]);
    expect(goes(true, 17)).toBe(true);
  });

  it("stay as they are where a batch is another one", () => {
    const product = productOf({ panels: 2, batch: true });
    const { left, right, out } = product;
    const others: readonly Partial<Product>[] = [
      // Groups, rows of examples with something between them, and panels with something between them.
      { left: { ...left, strides: [left.strides[0]!, 16, 0, 0] } },
      { out: { ...out, strides: [out.strides[0]! + 1, ...out.strides.slice(1)] } },
      { out: { ...out, strides: out.strides.with(1, 17) } },
      { right: { ...right, strides: right.strides.with(0, 16) } },
    ];
    for (const other of others) {
      const each = { ...product, ...other };
      expect(brought(each, begin(each)).steps).toEqual([each]);
    }
  });

  it("hold weights of many numbers from run to run where each saves much, and make them in each run otherwise", () => {
    const held = (channels: number, examples: number, size: number) => {
      const product = productOf({ known: true, channels, filters: 64, panels: channels / 64, examples, size });
      const { steps, done } = brought(product, begin(product), { number: 10, weight: 7 });
      return [done.length, pointsIn(steps).filter((step) => step.channels === channels * 64).length];
    };
    // For each of 590,000 numbers 35 multiplications are saved for one example, 284 for eight.
    expect(held(128, 1, 14)).toEqual([0, 1]);
    expect(held(128, 8, 14)).toEqual([1, 1]);
    // Of more than a million none are held, and none are brought there for a few places.
    expect(held(256, 16, 14)).toEqual([0, 1]);
    expect(held(256, 1, 4)).toEqual([0, 0]);
  });

  it("make weights that are not held before the turns that read them", () => {
    const product = productOf({ known: true, channels: 256, filters: 64, panels: 4, examples: 1, size: 14 });
    const turns: Turns = { kind: "turns", count: 3, turn: { size: 1, depth: 2 }, body: [product] };
    const { plan } = planOver(begin(product), { number: 10, weight: 7 });
    const steps = windowsAtPoints([turns, product], plan);
    const ofWeights = steps.flatMap((step, at) => (step.kind === "points" && step.channels === 256 * 64 ? [at] : []));
    // The product after the turns finds them there.
    expect(ofWeights).toEqual([0]);
    expect(steps.findIndex(({ kind }) => kind === "turns")).toBeGreaterThan(0);
  });
});
