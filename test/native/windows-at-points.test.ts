// Products of windows go to points along their columns: which do, and that they give what they give as they are.
import { type Product, type Step, type Store, type Turns, windowsAtPoints } from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { compare } from "./compared.ts";
import { testKernels } from "./kernels.ts";
import { planOver, pointsIn } from "./plan-over.ts";
import { dice } from "./random-steps.ts";
import { runSteps, stores } from "./reference.ts";

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
  /** Numbers between examples, and between places. */
  readonly apart?: Two;
  /** Whether what is outside is looked up as a place of zeros. */
  readonly zeros?: boolean;
  readonly known?: boolean;
  /** Whether every second row lies by itself. */
  readonly parts?: boolean;
  readonly more?: Partial<Product>;
  /** Changes the table. */
  readonly change?: (table: Int32Array) => void;
}

const random = dice(5);
const numbers = (count: number) => Float32Array.from({ length: count }, () => random() - 0.5);

/** A product of windows of 3 x 3 places, what its stores hold, and the step before it, which writes a place of zeros after the picture's own. */
function windowsOf(sizes: Sizes) {
  const { examples = 2, size, windows, steps = [1, 1], first = [-1, -1], channels = 16, filters = 17 } = sizes;
  const { apart = [0, 0], zeros = false, known = false, more = {}, change } = sizes;
  const place = channels + apart[1];
  const places = size[0] * size[1] + Number(zeros);
  const each = places * place + apart[0];
  const k = 9 * channels;
  const field: Store = { size: 5 + examples * each, depth: 1 };
  const weights: Store = { size: k * filters + 3, depth: known ? 0 : 1 };
  const out: Store = { size: examples * windows[0] * windows[1] * (filters + 2), depth: 1 };
  const table = Int32Array.from({ length: examples * windows[0] * windows[1] * 9 }, (_, i) => {
    const [tap, column] = [i % 9, Math.floor(i / 9) % windows[1]];
    const [window, example] = [
      Math.floor(i / 9 / windows[1]) % windows[0],
      Math.floor(i / 9 / windows[1] / windows[0]),
    ];
    const [y, x] = [window * steps[0] + first[0] + Math.floor(tap / 3), column * steps[1] + first[1] + (tap % 3)];
    const outside = y < 0 || x < 0 || y >= size[0] || x >= size[1];
    if (outside) return zeros ? example * each + (places - 1) * place : -1;
    const row = sizes.parts ? (y & 1 ? Math.ceil(size[0] / 2) : 0) + (y >> 1) : y;
    return example * each + (row * size[1] + x) * place;
  });
  change?.(table);
  const product: Product = {
    ...{ kind: "product", batch: [], m: table.length / 9, n: filters, k, alpha: 1, beta: 1, relu: false },
    left: { store: field, offset: 5, strides: [0, 0] },
    lookup: { by: "rows", taps: 9, segment: channels, table },
    right: { store: weights, offset: 3, strides: [filters, 1] },
    out: { store: out, offset: 0, strides: [filters + 2, 1] },
    ...more,
  };
  const begun = new Map<Store, Float32Array>([
    [weights, numbers(weights.size)],
    [out, new Float32Array(out.size)],
  ]);
  if (!zeros) return { product, before: [], begun: begun.set(field, numbers(field.size)) };
  const rows: Store = { size: examples * places * 2, depth: 1 };
  const right: Store = { size: 2 * channels, depth: 1 };
  const own = Int32Array.from({ length: places * 2 }, (_, i) => (i < 2 * (places - 1) ? i : -1));
  const before: Product = {
    ...{ kind: "product", batch: [examples], m: places, n: channels, k: 2, alpha: 1, beta: 1, relu: true },
    left: { store: rows, offset: 0, strides: [2 * places, 0, 0] },
    lookup: { by: "rows", taps: 2, segment: 1, table: own },
    right: { store: right, offset: 0, strides: [0, channels, 1] },
    out: { store: field, offset: 5, strides: [each, place, 1] },
  };
  begun.set(field, new Float32Array(field.size)).set(rows, numbers(rows.size)).set(right, numbers(right.size));
  return { product, before: [before], begun };
}

/** At points whatever that costs, unless told otherwise; what is known is done with the other steps here. */
function brought(steps: readonly Step[], begun: Map<Store, Float32Array>, costs = { number: 0, weight: 0 }) {
  const { plan, done } = planOver(begun, costs);
  const made = windowsAtPoints(steps, plan);
  return { steps: [...done, ...made], done };
}

/** Compares what comes of steps at points with what comes of them as they are, in numbers of 64 bits. */
function same(sizes: Sizes): void {
  const { product, before, begun } = windowsOf(sizes);
  const of = stores(begun);
  runSteps([...before, product], of);
  const wanted = of(product.out.store);
  const most = Math.max(...Array.from(wanted, Math.abs));
  const { steps } = brought([...before, product], begun);
  expect(pointsIn(steps).length).toBeGreaterThan(2);
  // Sums of squares are larger than what comes of them, and so is what is lost.
  const [close, limit] = isInSquares(steps) ? [3e-5, 4e-6] : [1e-5, 2e-6];
  const given = compare(kernels, steps, { begun, close });
  given.of(product.out.store).forEach((number, i) => {
    expect(Math.abs(number - wanted[i]!) / most).toBeLessThan(limit);
  });
  expect(isInSquares(steps)).toBe(sizes.steps === undefined && !sizes.parts);
}

/** The same in squares, and along columns alone, which is left where rows do not lie evenly. */
function sameBothWays(sizes: Sizes): void {
  same(sizes);
  same({ ...sizes, parts: true });
}

const isInSquares = (steps: readonly Step[]): boolean =>
  pointsIn(steps).some(({ what, tile }) => what === "points" && tile[0] > 1 && tile[1] > 1);

describe("windows at points along their columns", () => {
  it.each<Sizes>([
    { size: [4, 4], windows: [4, 4] },
    { size: [7, 7], windows: [7, 7], examples: 1 },
    { size: [3, 6], windows: [3, 6], channels: 33, filters: 20 },
    { size: [5, 2], windows: [5, 2] },
    { size: [3, 3], windows: [3, 3], examples: 3 },
    { size: [6, 7], windows: [4, 5], first: [0, 0] },
    { size: [9, 13], windows: [9, 13], apart: [32, 16] },
    { size: [9, 5], windows: [5, 5], steps: [2, 1] },
  ])("give the same one column apart: %j", (sizes) => {
    sameBothWays(sizes);
  });

  it.each<Sizes>([
    { size: [7, 7], windows: [4, 4], steps: [2, 2] },
    { size: [14, 14], windows: [7, 7], steps: [2, 2], examples: 3 },
    { size: [3, 3], windows: [2, 2], steps: [2, 2] },
    { size: [9, 9], windows: [5, 5], steps: [2, 2] },
    { size: [11, 11], windows: [6, 6], steps: [2, 2], channels: 20 },
    { size: [7, 9], windows: [3, 4], steps: [2, 2], first: [0, 0] },
    { size: [8, 8], windows: [4, 4], steps: [2, 2], first: [0, 0], apart: [0, 16] },
    { size: [7, 26], windows: [7, 13], steps: [1, 2] },
    // The middle row of the last windows is outside.
    { size: [7, 8], windows: [4, 4], steps: [2, 2], first: [0, -1] },
  ])("give the same two columns apart: %j", same);

  it("are one tile of up to seven columns two columns apart", () => {
    const tilesOf = (columns: number) => {
      const sizes: Sizes = { size: [6, 2 * columns], windows: [6, columns], steps: [1, 2] };
      const { product, begun } = windowsOf(sizes);
      same(sizes);
      return pointsIn(brought([product], begun).steps)
        .filter(({ what, rows }) => what === "places" && rows === 6)
        .map(({ tile, points, columns: tiles }) => [tile[1], points[1], tiles]);
    };
    expect(tilesOf(7)).toEqual([[7, 8, 1]]);
    expect(tilesOf(14)).toEqual([[7, 8, 2]]);
    expect(tilesOf(9)).toEqual([
      [5, 6, 1],
      [4, 5, 1],
    ]);
  });

  it("have their middle column at points along its rows, where that is quicker", () => {
    const productsIn = (costs: { number: number; weight: number }, examples: number) => {
      const sizes: Sizes = { examples, size: [14, 14], windows: [7, 7], steps: [2, 2], channels: 64, filters: 64 };
      const { product, begun } = windowsOf(sizes);
      return brought([product], begun, costs)
        .steps.filter((step): step is Product => step.kind === "product")
        .map(({ batch, m, lookup }) => [batch, m / examples, lookup?.taps]);
    };
    const both = [
      [[], 49, 1],
      [[8], 7, 1],
      [[8], 7, 3],
    ];
    expect(productsIn({ number: 10, weight: 7 }, 5)).toEqual(both);
    expect(productsIn({ number: 36, weight: 10 }, 15)).toEqual([
      [[], 49, 3],
      [[8], 7, 3],
    ]);
    for (const apart of [
      [0, 0],
      [16, 8],
    ] as const)
      same({ size: [14, 14], windows: [7, 7], steps: [2, 2], apart });
  });

  it("give the same where what is outside is a place of zeros", () => {
    same({ size: [14, 14], windows: [7, 7], steps: [2, 2], zeros: true });
    sameBothWays({ size: [4, 5], windows: [4, 5], zeros: true });
  });

  it("have weights that no run changes brought there while the plan is made", () => {
    const { product, begun } = windowsOf({ size: [4, 4], windows: [4, 4], known: true });
    expect(brought([product], begun).done).toHaveLength(1);
    sameBothWays({ size: [4, 4], windows: [4, 4], known: true });
  });

  it("have weights of points that do not lie whole pages apart, where they would share places of the first cache", () => {
    const { product, begun } = windowsOf({ size: [4, 4], windows: [4, 4], channels: 64, filters: 64 });
    const [weights] = pointsIn(brought([product], begun).steps).filter(({ channels }) => channels === 64 * 64);
    expect(weights!.values.strides[0]).toBeGreaterThan(64 * 64);
    expect((4 * weights!.values.strides[0]!) % 4096).not.toBe(0);
    same({ size: [4, 4], windows: [4, 4], channels: 64, filters: 64 });
  });

  it("bring weights there once for products that follow, and again when they have changed", () => {
    const { product, begun } = windowsOf({ size: [4, 4], windows: [4, 4] });
    const again: Product = { ...product, out: { ...product.out, store: { ...product.out.store } } };
    begun.set(again.out.store, new Float32Array(again.out.store.size));
    const { store } = product.right;
    const shape = [store.size];
    const changing: Step = {
      ...{ kind: "chain", shape, reads: [{ store, offset: 0, strides: [1] }] },
      code: [{ name: "negative", operands: [{ register: 0 }] }],
      writes: [{ store, offset: 0, strides: [1], register: 1, how: "set" }],
    };
    // What is read is there already, too.
    expect(pointsIn(brought([product, again], new Map(begun)).steps)).toHaveLength(4);
    const steps = [product, changing, again];
    const changed = brought(steps, begun);
    expect(pointsIn(changed.steps)).toHaveLength(5);
    const of = stores(begun);
    runSteps(steps, of);
    const given = compare(kernels, changed.steps, { begun, close: 1e-5 });
    for (const [which, { out }] of [product, again].entries())
      given.of(out.store).forEach((number, i) => {
        expect([which, i, number]).toEqual([which, i, expect.closeTo(of(out.store)[i]!, 4)]);
      });
  });

  it("are found in turns", () => {
    const { product, begun } = windowsOf({ size: [4, 4], windows: [4, 4] });
    const turns: Turns = { kind: "turns", count: 2, turn: { size: 1, depth: 2 }, body: [product] };
    const { steps } = brought([turns], begun);
    // What no turn changes is at points before them.
    expect(pointsIn(steps)).toHaveLength(2);
    expect(pointsIn((steps.at(-1) as Turns).body)).toHaveLength(1);
  });

  it("stay as they are where tables are otherwise", () => {
    const size: Sizes = { size: [7, 7], windows: [4, 4], steps: [2, 2] };
    const others: readonly Sizes[] = [
      { ...size, channels: 15 },
      { ...size, filters: 15 },
      // Windows of one row, and steps of three.
      { size: [1, 7], windows: [1, 7] },
      { size: [13, 13], windows: [5, 5], steps: [3, 3] },
      // The middle column of the last windows is outside.
      { size: [8, 7], windows: [4, 4], steps: [2, 2], first: [-1, 0] },
      ...[0, 4, 40, 100, 280].map((place) => ({
        ...size,
        change: (table: Int32Array) => {
          table[place] = table[place]! < 0 ? 0 : -1;
        },
      })),
      {
        ...size,
        change: (table) => {
          table[283] = table[284]!;
        },
      },
    ];
    for (const each of others) {
      const { product, begun } = windowsOf(each);
      expect(brought([product], begun).steps).toEqual([product]);
    }
  });

  it("stay as they are where a place outside may be no zeros", () => {
    const { product, before, begun } = windowsOf({ size: [4, 5], windows: [4, 5], zeros: true });
    const [writer] = before as [Product];
    const added = { store: { size: 16, depth: 1 }, offset: 0, strides: [0, 0, 1] };
    const rows = writer.lookup!.table.map((place) => Math.max(place, 0));
    // What is known of a table goes by what is written where it looks.
    expect(pointsIn(brought([writer, product], begun).steps).length).toBeGreaterThan(0);
    for (const other of [
      { ...writer, added },
      { ...writer, lookup: { ...writer.lookup!, table: rows } },
    ]) {
      const steps = [other, product];
      expect(brought(steps, begun).steps).toEqual(steps);
    }
    expect(brought([product], begun).steps).toEqual([product]);
    expect(brought([writer, writer, product], begun).steps).toEqual([writer, writer, product]);
  });

  it("stay as they are where that costs more than it saves", () => {
    const sizes: Sizes = { examples: 15, size: [4, 4], windows: [4, 4], channels: 64, filters: 64 };
    const { product, begun } = windowsOf(sizes);
    const few = windowsOf({ ...sizes, examples: 2 });
    const wide = windowsOf({ ...sizes, examples: 10, size: [14, 14], windows: [7, 7], steps: [2, 2] });
    const usual = { number: 36, weight: 10 };
    expect(pointsIn(brought([product], begun, usual).steps)).toHaveLength(3);
    for (const each of [few, wide]) expect(brought([each.product], each.begun, usual).steps).toEqual([each.product]);
  });
});
