// Products of windows of a few places go to points as well: those of input gradients, whose taps go backwards, of pictures in parts, and what more is done to what comes of them.
import { NativeModel } from "@innerloop/native";
import {
  type Access,
  type Chain,
  type Product,
  type Step,
  type Store,
  type Turns,
  windowsAtPoints,
} from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { compare } from "./compared.ts";
import { testKernels } from "./kernels.ts";
import { usual } from "./models.ts";
import { floats, modelOf } from "./operator-models.ts";
import { planOver, pointsIn } from "./plan-over.ts";
import { dice } from "./random-steps.ts";
import { runSteps, stores } from "./reference.ts";

const kernels = testKernels();
type Two = readonly [number, number];

interface Sizes {
  readonly examples?: number;
  readonly taps: Two;
  readonly size: Two;
  readonly windows: Two;
  readonly steps?: Two;
  readonly first?: Two;
  /** Whether the last row and column of taps come first. */
  readonly turned?: readonly [boolean, boolean];
  /** Whether every second row and column lie by themselves. */
  readonly parts?: boolean;
  readonly more?: Partial<Product>;
  readonly change?: (table: Int32Array) => void;
}

const [channels, filters] = [17, 18];
const random = dice(11);
const numbers = (count: number) => Float32Array.from({ length: count }, () => random() - 0.5);
const stored = (size: number): Store => ({ size, depth: 1 });

function productOf(sizes: Sizes): Product {
  const { examples = 2, taps, size, windows, steps = [1, 1], first = [0, 0], turned = [false, false] } = sizes;
  const each = size[0] * size[1] * channels;
  const placeOf = (y: number, x: number): number => {
    if (!sizes.parts) return y * size[1] + x;
    const [high, wide] = [(y & 1) === 0 ? 0 : Math.ceil(size[0] / 2), (x & 1) === 0 ? 0 : Math.ceil(size[1] / 2)];
    return (high + (y >> 1)) * size[1] + wide + (x >> 1);
  };
  const all = taps[0] * taps[1];
  const table = Int32Array.from({ length: examples * windows[0] * windows[1] * all }, (_, i) => {
    const [down, across] = [Math.floor((i % all) / taps[1]), i % taps[1]];
    const [window, row] = [Math.floor(i / all), Math.floor(i / all / windows[1]) % windows[0]];
    const y = row * steps[0] + first[0] + (turned[0] ? taps[0] - 1 - down : down);
    const x = (window % windows[1]) * steps[1] + first[1] + (turned[1] ? taps[1] - 1 - across : across);
    if (y < 0 || x < 0 || y >= size[0] || x >= size[1]) return -1;
    return Math.floor(window / windows[0] / windows[1]) * each + placeOf(y, x) * channels;
  });
  sizes.change?.(table);
  const k = all * channels;
  const m = table.length / all;
  return {
    ...{ kind: "product", batch: [], m, n: filters, k, alpha: 1, beta: 1, relu: false },
    left: { store: stored(examples * each + 3), offset: 3, strides: [0, 0] },
    lookup: { by: "rows", taps: all, segment: channels, table },
    right: { store: stored(k * filters), offset: 0, strides: [filters, 1] },
    out: { store: stored(m * (filters + 1)), offset: 1, strides: [filters + 1, 1] },
    ...sizes.more,
  };
}

/** At points, whatever that costs. */
function brought(steps: readonly Step[], begun: Map<Store, Float32Array>): Step[] {
  const { plan, done } = planOver(begun);
  const made = windowsAtPoints(steps, plan);
  expect(done, "nothing is known here").toEqual([]);
  return made;
}

/** What the stores of products hold before. */
const begin = (products: readonly Product[]): Map<Store, Float32Array> =>
  new Map(
    products
      .flatMap(({ left, right, out, added }) => [left, right, out, ...(added ? [added] : [])])
      .map(({ store }) => [store, numbers(store.size)]),
  );

/** Compares what comes of products at points with what comes of them as they are, in numbers of 64 bits. */
function same(products: readonly Product[], most?: number): Step[] {
  const begun = begin(products);
  const of = stores(begun);
  runSteps(products, of);
  const steps = brought(products, begun);
  expect(pointsIn(steps).length).toBeGreaterThanOrEqual(most ?? 3);
  const given = compare(kernels, steps, { begun, close: 1e-5 });
  for (const { out } of products) {
    const wanted = of(out.store);
    const largest = Math.max(...Array.from(wanted, Math.abs));
    given.of(out.store).forEach((number, i) => {
      expect(Math.abs(number - wanted[i]!) / largest).toBeLessThan(2e-6);
    });
  }
  return steps;
}

describe("windows of few taps", () => {
  it.each<Sizes>([
    { taps: [1, 2], size: [7, 7], windows: [7, 7] },
    { taps: [1, 2], size: [7, 7], windows: [7, 7], turned: [false, true] },
    { taps: [1, 2], size: [4, 4], windows: [4, 3], turned: [false, true], examples: 5 },
    { taps: [2, 1], size: [7, 7], windows: [7, 7], turned: [true, false] },
    { taps: [2, 1], size: [4, 4], windows: [3, 4], examples: 1 },
    { taps: [2, 2], size: [7, 7], windows: [7, 7], turned: [true, true] },
    { taps: [2, 2], size: [4, 4], windows: [3, 3], turned: [true, true] },
    { taps: [2, 2], size: [4, 6], windows: [5, 7], first: [-1, -1], turned: [true, false] },
    { taps: [2, 2], size: [5, 14], windows: [5, 13], first: [-1, 0] },
    { taps: [3, 3], size: [4, 4], windows: [4, 4], first: [-1, -1], turned: [true, true] },
    { taps: [3, 3], size: [4, 5], windows: [2, 3], turned: [false, true] },
    { taps: [3, 3], size: [9, 7], windows: [4, 3], steps: [2, 2], turned: [true, true] },
  ])("give the same: %j", (sizes) => {
    same([productOf(sizes)]);
  });

  it("give the same where every second row and column of a picture lie by themselves", () => {
    const sizes: Sizes = { taps: [3, 3], size: [8, 8], windows: [4, 4], steps: [2, 2], first: [-1, -1], parts: true };
    // Rows in two parts are brought to points by themselves; the middle column has weights, values and sums of its own.
    expect(pointsIn(same([productOf(sizes)]))).toHaveLength(4 + 3);
    same([productOf({ ...sizes, size: [7, 7], first: [0, 0], windows: [3, 3] })]);
    const product = productOf({ ...sizes, steps: [1, 1], windows: [8, 8] });
    expect(brought([product], new Map())).toEqual([product]);
  });

  it("give the same where they are multiplied and added to something", () => {
    const strided: Sizes = { taps: [3, 3], size: [7, 7], windows: [4, 4], steps: [2, 2], first: [-1, -1] };
    for (const sizes of [strided, { taps: [2, 2], size: [4, 4], windows: [3, 3] }] satisfies Sizes[]) {
      const { m, out } = productOf(sizes);
      const other: Access = { store: stored(m * filters), offset: 0, strides: [filters, 1] };
      const row: Access = { store: stored(filters), offset: 0, strides: [0, 1] };
      for (const more of [
        { alpha: -0.25 },
        { added: row, beta: 0.5 },
        { added: other, alpha: 3 },
        { added: out, out },
        { added: out, out, alpha: 2, beta: -1 },
      ])
        same([productOf({ ...sizes, more })]);
    }
  });

  it("read what is at points for others already", () => {
    const one = productOf({ taps: [1, 2], size: [7, 9], windows: [7, 9], turned: [false, true] });
    const four = productOf({
      taps: [2, 2],
      size: [7, 9],
      windows: [7, 9],
      turned: [true, true],
      more: { left: one.left },
    });
    // Two kinds of tiles: what is read at points twice for both, weights for each, and what comes of it for each.
    expect(pointsIn(same([one, four]))).toHaveLength(2 + 2 + 4);
    const changing: Chain = {
      ...{ kind: "chain", shape: [one.left.store.size], reads: [{ store: one.left.store, offset: 0, strides: [1] }] },
      code: [{ name: "negative", operands: [{ register: 0 }] }],
      writes: [{ store: one.left.store, offset: 0, strides: [1], register: 1, how: "set" }],
    };
    const begun = begin([one, four]);
    const of = stores(begun);
    runSteps([one, changing, four], of);
    const steps = brought([one, changing, four], begun);
    expect(pointsIn(steps)).toHaveLength(4 + 2 + 4);
    const given = compare(kernels, steps, { begun, close: 1e-5 });
    given.of(four.out.store).forEach((number, i) => {
      expect(number).toBeCloseTo(of(four.out.store)[i]!, 4);
    });
  });

  it("have what no turn changes brought to points before turns, and what one changes in them", () => {
    const product = productOf({ taps: [2, 2], size: [4, 4], windows: [3, 3], examples: 1 });
    const { out, left } = product;
    const turnsOf = (...body: Step[]): Turns => ({ kind: "turns", count: 3, turn: { size: 1, depth: 2 }, body });
    const again: Chain = {
      ...{ kind: "chain", shape: [channels], reads: [{ store: out.store, offset: 1, strides: [1] }], code: [] },
      writes: [{ store: left.store, offset: 3, strides: [1], register: 0, how: "set" }],
    };
    const begun = begin([product]);
    const of = stores(begun);
    const turns = turnsOf(product, again);
    runSteps([turns], of);
    const steps = brought([turns, product], begun);
    // Weights before the turns, for the product after them, too.
    expect(steps.map(({ kind }) => kind)).toEqual(["points", "turns", "points", "product", "points"]);
    expect((steps[1] as Turns).body.map(({ kind }) => kind)).toEqual(["points", "product", "points", "chain"]);
    runSteps([product], of);
    const given = compare(kernels, steps, { begun, close: 1e-5 });
    given.of(out.store).forEach((number, i) => {
      expect(number).toBeCloseTo(of(out.store)[i]!, 4);
    });
    const inner = brought([turnsOf(turnsOf(product), again)], begin([product]));
    expect(inner.map(({ kind }) => kind)).toEqual(["points", "turns"]);
    expect((inner[1] as Turns).body.map(({ kind }) => kind)).toEqual(["points", "turns", "chain"]);
  });

  it("stay as they are where tables are otherwise", () => {
    const sizes: Sizes = { taps: [2, 2], size: [7, 7], windows: [7, 7], turned: [true, true] };
    const others: readonly Sizes[] = [
      // Windows that do not overlap.
      { taps: [2, 2], size: [6, 6], windows: [3, 3], steps: [2, 2] },
      ...[1, 30, 195, 200, 391].map((place) => ({
        ...sizes,
        change: (table: Int32Array) => {
          table[place] = table[place]! < 0 ? 0 : -1;
        },
      })),
    ];
    for (const each of others) {
      const product = productOf(each);
      expect(brought([product], new Map())).toEqual([product]);
    }
  });
});

/** Compares what a model gives, at points whatever that costs, with what ONNX Runtime gives. */
async function asUsual(model: Uint8Array, fed: Parameters<typeof usual>[1]): Promise<void> {
  let points = 0;
  const counting = {
    ...kernels,
    costs: { number: 0, weight: 0 },
    run(words: Int32Array, memory: ArrayBuffer, offset: number, threads: number) {
      for (let at = 0; at < words.length; at += words[at + 1]!) if (words[at] === 9) points++;
      return kernels.run(words, memory, offset, threads);
    },
  };
  const given = new NativeModel(model, counting).run(fed)!.out!;
  expect(points).toBeGreaterThan(2);
  const { out } = await usual(model, fed);
  const wanted = out!.data as Float32Array;
  const largest = Math.max(...wanted.map(Math.abs));
  expect(given.shape).toEqual(out!.shape);
  wanted.forEach((number, i) => {
    expect(Math.abs(Number(given.data[i]) - number) / largest).toBeLessThan(3e-6);
  });
}

describe("transposed convolutions", () => {
  it.each([
    { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1], space: [7, 7], kernel: [3, 3] },
    { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [0, 0], space: [4, 4], kernel: [3, 3] },
    { strides: [1, 1], pads: [1, 1, 1, 1], output_padding: [0, 0], space: [4, 4], kernel: [3, 3] },
    { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [0, 0], space: [5, 5], kernel: [4, 4] },
  ])("are at points what ONNX Runtime gives: %j", async ({ space, kernel, ...attributes }) => {
    const fed = { x: floats([3, channels, ...space]) };
    const fixed = { w: floats([channels, 24, ...kernel], 2) };
    const steps = [{ operator: "ConvTranspose", inputs: ["x", "w"], outputs: ["out"], attributes }];
    const model = modelOf({ fed, fixed, steps });
    await asUsual(model, fed);
  });
});

describe("convolutions", () => {
  it("give what ONNX Runtime gives where the middle column of their last windows is outside", async () => {
    const fed = { x: floats([3, channels, 14, 15]) };
    const fixed = { v: floats([24, channels, 3, 3], 2), w: floats([24, 24, 3, 3], 3) };
    const steps = [
      { operator: "Conv", inputs: ["x", "v"], outputs: ["between"], attributes: { pads: [1, 1, 1, 1] } },
      {
        operator: "Conv",
        inputs: ["between", "w"],
        outputs: ["out"],
        attributes: { pads: [1, 0, 1, 2], strides: [2, 2] },
      },
    ];
    await asUsual(modelOf({ fed, fixed, steps }), fed);
  });
});
