// Scores of attention, shares and what they weigh, a few matrices at a time: the same numbers whatever the order of the steps, and what only turns use takes the room of one.
import {
  type Access,
  byHeads,
  type Chain,
  encoded,
  type Product,
  placesFor,
  type Step,
  type Store,
} from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { testKernels } from "./kernels.ts";
import { dice } from "./random-steps.ts";
import { runSteps, stores } from "./reference.ts";

const kernels = testKernels();

const [examples, heads, tokens, each] = [3, 4, 6, 5];
const [width, all] = [heads * each, examples * heads];
const scores = tokens ** 2;
const limits = { large: all * scores, most: scores };

const store = (size: number): Store => ({ size, depth: 1 });
const rows = (): Store => store(examples * tokens * width);
const square = (): Store => store(all * scores);
/** Heads' columns of the rows of all tokens, and the same turned around. */
const byTokens = (of: Store): Access => ({ store: of, offset: 0, strides: [tokens * width, each, width, 1] });
const byColumns = (of: Store): Access => ({ store: of, offset: 0, strides: [tokens * width, each, 1, width] });
const matrix = (of: Store): Access => ({ store: of, offset: 0, strides: [heads * scores, scores, tokens, 1] });
const turned = (of: Store): Access => ({ store: of, offset: 0, strides: [heads * scores, scores, 1, tokens] });

function product(left: Access, right: Access, out: Access, [m, n, k]: readonly number[]): Product {
  const sizes = { m: m!, n: n!, k: k! };
  return {
    ...{ kind: "product", batch: [examples, heads], ...sizes, left, right, out, alpha: 0.5, beta: 0, relu: false },
  };
}
const scored = (q: Store, k: Store, out: Store) =>
  product(byTokens(q), byColumns(k), matrix(out), [tokens, tokens, each]);
const weighed = (p: Access, v: Store, out: Store) => product(p, byTokens(v), byTokens(out), [tokens, each, tokens]);

function chain(shape: readonly number[], a: Store, b: Store, out: Store, code: Chain["code"]): Chain {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((p, size) => p * size, 1));
  const access = (of: Store): Access => ({ store: of, offset: 0, strides });
  const writes = [{ ...access(out), register: code.length + 1, how: "set" as const }];
  return { kind: "chain", shape, reads: [access(a), access(b)], code, writes };
}
const two = (a: number, b: number) => [{ register: a }, { register: b }];
const added = (a: Store, b: Store, out: Store) => chain([a.size], a, b, out, [{ name: "add", operands: two(0, 1) }]);

/** Attention and its derivatives, and among them what has nothing to do with it, or reads of it. */
function attention() {
  const [q, k, v, more, slope] = [rows(), rows(), rows(), rows(), rows()];
  const [s, p, dp, ds] = [square(), square(), square(), square()];
  const [sum, y, dq, dk, dv, other, last] = [rows(), rows(), rows(), rows(), rows(), rows(), rows()];
  const steps: Step[] = [
    scored(q, k, s),
    {
      ...{ kind: "rowwise", what: "softmax", rows: all * tokens, size: tokens },
      from: { store: s, offset: 0, strides: [tokens] },
      out: { store: p, offset: 0, strides: [tokens] },
    },
    added(v, more, sum),
    weighed(matrix(p), sum, y),
    added(y, slope, other),
    weighed(turned(p), other, dv),
    added(dv, more, last),
    scored(other, sum, dp),
    chain([all * tokens, tokens], dp, p, ds, [
      { name: "multiply", operands: two(0, 1) },
      { name: "sumOfRow", operands: [{ register: 2 }] },
      { name: "multiply", operands: two(1, 3) },
      { name: "subtract", operands: two(2, 4) },
    ]),
    weighed(matrix(ds), k, dq),
    weighed(turned(ds), q, dk),
  ];
  const random = dice(7);
  const numbers = ({ size }: Store) => Float32Array.from({ length: size }, () => random() - 0.5);
  return {
    ...{ steps, y, dv, dp, ends: [y, dq, dk, dv, last], parts: { s, p, dp, ds } },
    begun: new Map([q, k, v, more, slope].map((each) => [each, numbers(each)])),
  };
}

const plan = { store: (size: number, depth: number): Store => ({ size, depth }) };
/** What stores hold after steps, of which those of turns are where these have them. */
function ran(steps: readonly Step[], begun: ReadonlyMap<Store, Float32Array>, kept: readonly Store[]) {
  const places = placesFor(steps, { fed: [...begun.keys()], kept }, 0);
  const buffer = new ArrayBuffer(4 * places.end + 64);
  const offset = kernels.misaligned(buffer);
  const memory = new Float32Array(buffer, offset, places.end);
  for (const [of, numbers] of begun) memory.set(numbers, places.at(of));
  const words = encoded(
    steps,
    (of) => places.at(of)!,
    () => 0,
  );
  expect(kernels.run(words, buffer, offset)).toBe(0);
  return (of: Store) => memory.subarray(places.at(of)!, places.at(of)! + of.size);
}
const shapes = (steps: readonly Step[]): string[] =>
  steps.map((step) => (step.kind === "turns" ? `${step.count} × (${shapes(step.body).join(", ")})` : step.kind));
const inside = (steps: readonly Step[]): Step[] =>
  steps.flatMap((step) => (step.kind === "turns" ? inside(step.body) : [step]));

describe("attention by heads", () => {
  const { steps, begun, ends, parts } = attention();
  const forward = "product, rowwise, product";
  const backward = "product, product, chain, product, product";

  it.each([
    ["one head", scores, `3 × (4 × (${forward}))`, `3 × (4 × (${backward}))`],
    ["two heads", 2 * scores, `3 × (2 × (${forward}))`, `3 × (2 × (${backward}))`],
    ["one example", heads * scores, `3 × (${forward})`, `3 × (${backward})`],
  ])("of %s at a time gives the same numbers", (_, most, first, second) => {
    const made = byHeads(steps, new Set(ends), plan, { ...limits, most });
    expect(shapes(made)).toEqual(["chain", first, "chain", second, "chain"]);
    const given = ran(made, begun, ends);
    const of = stores(begun);
    runSteps(steps, of);
    for (const end of ends)
      given(end).forEach((number, i) => {
        expect(number).toBeCloseTo(of(end)[i]!, 5);
      });
  });

  it("goes with points of the same matrices, a row of tiles at a time", () => {
    const [count, tile, side] = [6, 3, 8];
    const [pictures, filters, at, out] = [
      store(count * tile * 64),
      store(count * 4 * 64),
      store(count * 4 * 64),
      store(count * 4 * 64),
    ];
    const [down, across] = [store(1), store(4 * tile)];
    const own: Step[] = [
      {
        ...{ kind: "points", what: "points", examples: 1, channels: 64, rows: count, columns: 1, steps: [1, tile] },
        ...{ first: [0, 0], size: [count, tile], tile: [1, tile], points: [1, 4] },
        field: { store: pictures, offset: 0, strides: [0, tile * 64, 64, 1] },
        values: { store: at, offset: 0, strides: [64, 0, 4 * 64, 0] },
        ...{ down: { store: down, offset: 0, strides: [] }, across: { store: across, offset: 0, strides: [] } },
      },
      {
        ...{ kind: "product", batch: [count * 4], m: side, n: side, k: side, alpha: 1, beta: 0, relu: false },
        left: { store: at, offset: 0, strides: [64, side, 1] },
        ...{
          right: { store: filters, offset: 0, strides: [64, side, 1] },
          out: { store: out, offset: 0, strides: [64, side, 1] },
        },
      },
    ];
    const random = dice(3);
    const given = new Map(
      [pictures, filters, down, across].map((each) => [
        each,
        Float32Array.from({ length: each.size }, () => random() - 0.5),
      ]),
    );
    const made = byHeads(own, new Set([out]), plan, { large: out.size, most: out.size / 3 });
    expect(shapes(made)).toEqual(["3 × (points, product)"]);
    const [found, of] = [ran(made, given, [out]), stores(given)];
    runSteps(own, of);
    found(out).forEach((number, i) => {
      expect(number).toBeCloseTo(of(out)[i]!, 5);
    });
  });

  it("has room of one turn for what only this turn uses", () => {
    const made = byHeads(steps, new Set(ends), plan, limits);
    const used = new Set(
      inside(made).flatMap((step) => (step.kind === "product" ? [step.left.store, step.out.store] : [])),
    );
    expect([parts.s, parts.p, parts.dp, parts.ds].map((each) => used.has(each))).toEqual([false, true, false, false]);
    const asked = byHeads(steps, new Set([...ends, parts.s]), plan, limits);
    expect(inside(asked).some((step) => step.kind === "product" && step.out.store === parts.s)).toBe(true);
  });

  it("stays as it is where it is near by itself, or where matrices are too large by themselves", () => {
    expect(byHeads(steps, new Set(ends), plan, { large: all * scores + 1, most: scores })).toEqual(steps);
    expect(byHeads(steps, new Set(ends), plan, { ...limits, most: scores - 1 })).toEqual(steps);
    expect(byHeads(steps, new Set(ends), plan)).toEqual(steps);
  });

  it("is left by what reads of all matrices, or of other ones", () => {
    const { parts: own, ...all } = attention();
    const [before, after] = [all.steps.slice(0, 4), all.steps.slice(4)];
    // What is weighed has been taken from the scores of another head.
    const shifted = { ...(before[3] as Product), left: { ...matrix(own.p), strides: [0, scores, tokens, 1] } };
    expect(shapes(byHeads([...before.slice(0, 3), shifted], new Set(), plan, limits))).toEqual([
      ...["3 × (4 × (product, rowwise))", "chain", "product"],
    ]);
    const whole: Chain = {
      ...{ kind: "chain", shape: [own.s.size], code: [], reads: [{ store: own.s, offset: 0, strides: [1] }] },
      writes: [{ store: all.dp, offset: 0, strides: [0], register: 0, how: "sum" }],
    };
    const among = [before[0]!, whole, ...before.slice(1)];
    expect(shapes(byHeads(among, new Set(), plan, limits)).filter((shape) => shape.startsWith("3"))).toEqual([
      `3 × (4 × (${forward}))`,
    ]);
    expect(after).toHaveLength(7);
  });
});
