// Places of a pool's windows go to points together, forward and back to weights: which do, and that they give what they give as they are.
import {
  type Access,
  type Chain,
  layoutOf,
  type Product,
  placesAtPoints,
  planFor,
  readGraph,
  type Step,
  type Store,
  type Turns,
} from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { compare } from "./compared.ts";
import { testKernels } from "./kernels.ts";
import { type Case, compares, floats, modelOf } from "./operator-models.ts";
import { planOver, pointsIn } from "./plan-over.ts";
import { dice } from "./random-steps.ts";
import { runSteps, stores } from "./reference.ts";

const kernels = testKernels();
const random = dice(7);
const numbers = (count: number) => Float32Array.from({ length: count }, () => random() - 0.5);
const storeOf = (size: number, depth = 1): Store => ({ size, depth });
const places = [0, 1, 2, 3];

interface Sizes {
  readonly examples?: number;
  /** Rows and columns of a picture; the pool has half as many. */
  readonly size?: readonly [number, number];
  readonly channels?: number;
  readonly filters?: number;
  /** How many examples are done one after another. */
  readonly bunches?: number;
  readonly known?: boolean;
  /** Whether each sum of gradients has a store of its own, and what the last one is multiplied by. */
  readonly stores?: boolean;
  readonly last?: number;
  /** Changes a product, by its place and its bunch. */
  readonly change?: (product: Product, place: number, bunch: number) => Product;
}

const of = (store: Store, strides: readonly number[], offset = 0): Access => ({ store, offset, strides });

/** A picture, and the table of the windows of a place of the pool in it. */
function pictures({ examples = 2, size = [6, 6], channels = 16, filters = 17, bunches = 1 }: Sizes) {
  const counts = [size[0] >> 1, size[1] >> 1] as const;
  const count = examples * counts[0] * counts[1];
  const tableOf = (place: number): Int32Array =>
    Int32Array.from({ length: count * 9 }, (_, i) => {
      const [tap, column, row] = [i % 9, Math.floor(i / 9) % counts[1], Math.floor(i / 9 / counts[1]) % counts[0]];
      const example = Math.floor(i / 9 / counts[0] / counts[1]);
      const [y, x] = [2 * row + (place >> 1) + Math.floor(tap / 3) - 1, 2 * column + (place % 2) + (tap % 3) - 1];
      const outside = y < 0 || x < 0 || y >= size[0] || x >= size[1];
      return outside ? -1 : ((example * size[0] + y) * size[1] + x) * channels;
    });
  const each = examples * size[0] * size[1] * channels;
  const field = storeOf(bunches * each);
  return { count, each, field, tables: places.map(tableOf), channels, filters, bunches };
}

/** A pool's products, what they are pooled by, and what stores hold before. */
function pooling(sizes: Sizes) {
  const { count, each, field, tables, channels, filters, bunches } = pictures(sizes);
  const weights = storeOf(9 * channels * filters, sizes.known ? 0 : 1);
  const results = places.map(() => storeOf(bunches * count * filters));
  const pooled = storeOf(bunches * count * filters);
  const steps = Array.from({ length: bunches }, (_, bunch) => {
    const begin = bunch * count * filters;
    const products = places.map((place): Product => {
      const product: Product = {
        ...{ kind: "product", batch: [], m: count, n: filters, k: 9 * channels, alpha: 1, beta: 1, relu: false },
        ...{ left: of(field, [0, 0], bunch * each), right: of(weights, [filters, 1]) },
        lookup: { by: "rows", taps: 9, segment: channels, table: tables[place]! },
        out: of(results[place]!, [filters, 1], begin),
      };
      return sizes.change?.(product, place, bunch) ?? product;
    });
    return { products, largest: largestOf(results, pooled, [count, filters], begin) };
  });
  const begun = new Map<Store, Float32Array>([
    [field, numbers(field.size)],
    [weights, numbers(weights.size)],
  ]);
  const all = steps.flatMap(({ products, largest }): Step[] => [...products, largest]);
  return { steps: all, begun, results, pooled, weights, field };
}

/** The largest of four places. */
function largestOf(from: readonly Store[], to: Store, shape: readonly number[], begin = 0): Chain {
  const strides = shape.length === 1 ? [1] : [shape[1]!, 1];
  const register = (at: number) => ({ register: at });
  return {
    ...{ kind: "chain", shape, reads: from.map((store) => of(store, strides, begin)) },
    code: [
      { name: "maximum", operands: [register(0), register(1)] },
      { name: "maximum", operands: [register(2), register(3)] },
      { name: "maximum", operands: [register(4), register(5)] },
    ],
    writes: [{ ...of(to, strides, begin), register: 6, how: "set" }],
  };
}

/** Products that add up gradients of weights, after what writes those of the places. */
function gradients(sizes: Sizes) {
  const { count, each, field, tables, channels, filters, bunches } = pictures(sizes);
  const { last = 1 } = sizes;
  const begun = new Map<Store, Float32Array>([[field, numbers(field.size)]]);
  const sums = [storeOf(9 * channels * filters)];
  const steps = Array.from({ length: bunches }, (_, bunch): Step[] => {
    const from = storeOf(4 * count * filters);
    begun.set(from, numbers(from.size));
    const given = places.map(() => storeOf(count * filters));
    const writing: Chain = {
      ...{ kind: "chain", shape: [count, filters], code: [] },
      reads: places.map((place) => of(from, [filters, 1], place * count * filters)),
      writes: places.map((place) => ({ ...of(given[place]!, [filters, 1]), register: place, how: "set" })),
    };
    const products = places.map((place): Product => {
      const [before, isLast] = [bunch + place > 0 && sums.at(-1)!, bunch === bunches - 1 && place === 3];
      if (before && sizes.stores) sums.push(storeOf(before.size));
      const product: Product = {
        ...{ kind: "product", batch: [], m: 9 * channels, n: filters, k: count, relu: false },
        ...{ left: of(field, [0, 0], bunch * each), right: of(given[place]!, [filters, 1]) },
        lookup: { by: "columns", taps: 9, segment: channels, table: tables[place]! },
        out: of(sums.at(-1)!, [filters, 1]),
        ...(before && { added: of(before, [filters, 1]) }),
        ...{ alpha: isLast ? last : 1, beta: isLast ? last : 1 },
      };
      return sizes.change?.(product, place, bunch) ?? product;
    });
    return [writing, ...products];
  });
  return { steps: steps.flat(), begun, out: sums.at(-1)!, sums, field };
}

const free = { number: 0, weight: 0 };

/** At points whatever that costs, unless told otherwise; what is known is done with the other steps here. */
function brought(steps: readonly Step[], begun: Map<Store, Float32Array>, { kept = [] as Store[], costs = free } = {}) {
  const { plan, done } = planOver(begun, costs);
  const made = placesAtPoints(steps, new Set(kept), plan);
  return { steps: [...done, ...made], done };
}

/** Compares what comes of steps at points with what comes of them as they are, in numbers of 64 bits. */
function same(steps: readonly Step[], begun: Map<Store, Float32Array>, out: Store): readonly Step[] {
  const direct = stores(new Map(begun));
  runSteps(steps, direct);
  const made = brought(steps, begun).steps;
  expect(pointsIn(made).length).toBeGreaterThan(2);
  expect(made.some((step) => step.kind === "product" && step.lookup)).toBe(false);
  const given = compare(kernels, made, { begun, close: 1e-5 });
  const wanted = direct(out);
  const most = Math.max(...Array.from(wanted, Math.abs));
  given.of(out).forEach((number, i) => {
    expect(Math.abs(number - wanted[i]!) / most).toBeLessThan(2e-6);
  });
  return made;
}

const shapes: readonly Sizes[] = [
  {},
  { size: [14, 14], examples: 1, channels: 32, filters: 64 },
  { size: [5, 7], filters: 16 },
  { size: [4, 9], examples: 3, channels: 33 },
  { examples: 1, bunches: 3 },
  { examples: 2, bunches: 2, size: [4, 4] },
];

describe("places of a pool at points", () => {
  it.each(shapes)("give the same: %j", (sizes) => {
    const { steps, begun, pooled } = pooling(sizes);
    same(steps, begun, pooled);
  });

  it("have weights brought there once for bunches that follow, and again when they have changed", () => {
    const { steps, begun, pooled, weights } = pooling({ bunches: 2 });
    expect(pointsIn(brought(steps, new Map(begun)).steps)).toHaveLength(1 + 2 * 2);
    const strides = [1];
    const changing: Chain = {
      ...{ kind: "chain", shape: [weights.size], reads: [of(weights, strides)] },
      code: [{ name: "negative", operands: [{ register: 0 }] }],
      writes: [{ ...of(weights, strides), register: 1, how: "set" }],
    };
    const changed = [...steps.slice(0, 5), changing, ...steps.slice(5)];
    expect(pointsIn(same(changed, begun, pooled))).toHaveLength(2 + 2 * 2);
  });

  it("have weights that no run changes brought there while the plan is made", () => {
    const { steps, begun, pooled } = pooling({ known: true });
    expect(brought(steps, new Map(begun)).done).toHaveLength(1);
    same(steps, begun, pooled);
  });

  it("are found in turns", () => {
    const { steps, begun } = pooling({});
    const turns: Turns = { kind: "turns", count: 2, turn: storeOf(1, 2), body: steps };
    const [step] = brought([turns], begun).steps as [Turns];
    expect(pointsIn(step.body)).toHaveLength(3);
  });

  it("stay as they are where others read or write what would lie otherwise", () => {
    const { steps, begun, results, pooled } = pooling({ bunches: 2 });
    const flat = largestOf(results, storeOf(pooled.size), [pooled.size]);
    const product: Product = {
      ...{ kind: "product", batch: [], m: 1, n: 1, k: 1, alpha: 1, beta: 1, relu: false },
      ...{ left: of(results[2]!, [1, 1]), right: of(results[2]!, [1, 1]), out: of(storeOf(1), [1, 1]) },
    };
    const turns: Turns = { kind: "turns", count: 2, turn: storeOf(1, 2), body: [product] };
    for (const other of [flat, product, turns]) {
      const all = [...steps, other];
      expect(brought(all, new Map(begun)).steps).toEqual(all);
    }
    expect(brought(steps, new Map(begun), { kept: [results[3]!] }).steps).toEqual(steps);
  });

  it("stay as they are where something is changed before the last of them, or they are not of one pool", () => {
    const { steps, begun, results, weights, field, pooled } = pooling({});
    const reading = largestOf(results, storeOf(pooled.size), [6, 17]);
    const writing = (store: Store): Chain => ({
      ...{ kind: "chain", shape: [1], reads: [], code: [{ name: "copy", operands: [{ number: 0 }] }] },
      writes: [{ ...of(store, [1]), register: 0, how: "set" }],
    });
    for (const between of [writing(weights), writing(field), writing(results[0]!), reading]) {
      const all = [...steps.slice(0, 2), between, ...steps.slice(2)];
      expect(brought(all, new Map(begun)).steps).toEqual(all);
    }
    const one = storeOf(pooled.size);
    const others: readonly Sizes["change"][] = [
      (product, place) => (place === 1 ? { ...product, relu: true } : product),
      (product, place) => (place === 2 ? { ...product, alpha: 2 } : product),
      (product, place) => (place === 2 ? { ...product, added: of(weights, [0, 1]) } : product),
      (product, place) =>
        place === 3 ? { ...product, right: { ...product.right, store: storeOf(9 * 16 * 17) } } : product,
      (product, place) => (place > 1 ? { ...product, out: of(one, [17, 1]) } : product),
    ];
    for (const change of others) {
      const all = pooling({ change: change! }).steps;
      expect(brought(all, new Map()).steps).toEqual(all);
    }
    for (const few of [{ channels: 15 }, { filters: 15 }]) {
      const all = pooling(few).steps;
      expect(brought(all, new Map()).steps).toEqual(all);
    }
    expect(brought(steps.slice(1), new Map()).steps).toEqual(steps.slice(1));
  });

  it("stay as they are where that costs more than it saves", () => {
    const wide: Sizes = { size: [14, 14], examples: 6, channels: 32, filters: 64 };
    const { steps, begun } = pooling(wide);
    expect(pointsIn(brought(steps, new Map(begun), { costs: { number: 10, weight: 7 } }).steps)).toHaveLength(3);
    expect(brought(steps, new Map(begun), { costs: { number: 36, weight: 10 } }).steps).toEqual(steps);
    const few = pooling({ ...wide, size: [4, 4], examples: 2 });
    expect(brought(few.steps, few.begun, { costs: { number: 10, weight: 40 } }).steps).toEqual(few.steps);
  });
});

describe("a model with a pool over windows", () => {
  it("has them at points, and gives what ONNX Runtime gives", async () => {
    const parts = ["a", "b", "c", "d"];
    const pads = { a: [1, 1, 0, 0], b: [1, 0, 0, 1], c: [0, 1, 1, 0], d: [0, 0, 1, 1] };
    const model: Case = {
      fed: { x: floats([6, 32, 14, 14]), w: floats([64, 32, 3, 3], 2) },
      steps: [
        ...Object.entries(pads).map(([part, four]) => ({
          ...{ operator: "Conv", inputs: ["x", "w"], outputs: [part], attributes: { pads: four, strides: [2, 2] } },
        })),
        { operator: "Max", inputs: parts, outputs: ["out"] },
      ],
    };
    await compares(model);
    const costs = { number: 10, weight: 7 };
    const plan = planFor(readGraph(modelOf(model)), model.fed, { ...kernels, costs });
    const instructions: Step[] = [];
    layoutOf(plan, { instructions });
    expect(pointsIn(instructions)).toHaveLength(3);
  });
});

describe("gradients of weights at points", () => {
  it.each<Sizes>([...shapes, { bunches: 2, stores: true }, { bunches: 2, last: 0.25, stores: true }, { last: -0.5 }])(
    "give the same: %j",
    (sizes) => {
      const { steps, begun, out } = gradients(sizes);
      const made = same(steps, begun, out);
      expect(pointsIn(made)).toHaveLength(2 * (sizes.bunches ?? 1) + 1);
    },
  );

  it("stay as they are where they are more than their sum, or it is read on the way", () => {
    const halved = gradients({ change: (product, place) => (place === 1 ? { ...product, alpha: 0.5 } : product) });
    expect(brought(halved.steps, new Map()).steps).toEqual(halved.steps);
    const some = gradients({ bunches: 2, stores: true });
    expect(brought(some.steps, new Map(), { kept: [some.sums[2]!] }).steps).toEqual(some.steps);
    const reading = (store: Store): Chain => ({
      ...{ kind: "chain", shape: [store.size], reads: [of(store, [1])], code: [] },
      writes: [{ ...of(storeOf(store.size), [1]), register: 0, how: "set" }],
    });
    const later = [...some.steps, reading(some.sums[0]!)];
    expect(brought(later, new Map()).steps).toEqual(later);
    const { steps, field, out } = gradients({});
    const between = [...steps.slice(0, 3), reading(out), ...steps.slice(3)];
    expect(brought(between, new Map()).steps).toEqual(between);
    const writing: Chain = { ...reading(out), shape: [1], writes: [{ ...of(field, [1]), register: 0, how: "set" }] };
    const changed = [...steps.slice(0, 3), writing, ...steps.slice(3)];
    expect(brought(changed, new Map()).steps).toEqual(changed);
  });
});
