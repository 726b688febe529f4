// Products that go on with what a chain did: those of windows, whose results belong to places that are otherwise apart than their rows.
import {
  type Access,
  type Chain,
  fused,
  naturalStrides,
  type Product,
  type Step,
  type Store,
} from "@innerloop/native/plan";
import { sizeOf } from "@innerloop/schemas";
import { describe, expect, test } from "vitest";
import { runSteps, stores } from "./reference.ts";

const array = (...shape: readonly number[]): Access => ({
  store: { size: sizeOf(shape), depth: 1 },
  offset: 0,
  strides: naturalStrides(shape),
});
const [examples, channels, filters, taps] = [3, 4, 5, 2];

/** Windows of two places of `rows` of each example, the first of which begins before it; then their results in every second of as many rows. */
function windowed(rows: number, moved: (table: Int32Array) => void = () => undefined) {
  const [field, weights, added] = [
    array(examples, rows, channels),
    array(taps * channels, filters),
    array(examples * rows, filters),
  ];
  const [made, out] = [array(examples * rows, filters), array(examples, 2, rows, filters)];
  const table = Int32Array.from({ length: examples * rows * taps }, (_, i) => {
    const [row, tap] = [Math.floor(i / taps), i % taps];
    return row % rows === 0 && tap === 0 ? -1 : (row + tap - 1) * channels;
  });
  moved(table);
  const product: Product = {
    ...{
      kind: "product",
      batch: [],
      m: examples * rows,
      n: filters,
      k: taps * channels,
      alpha: 0.5,
      beta: 2,
      relu: false,
    },
    ...{ left: { ...field, strides: [0, 0] }, right: weights, added, out: made },
    lookup: { by: "rows", table, taps, segment: channels },
  };
  const chain: Chain = {
    kind: "chain",
    shape: [examples, rows * filters],
    reads: [{ ...made, strides: [rows * filters, 1] }],
    code: [{ name: "relu", operands: [{ register: 0 }] }],
    writes: [{ ...out, offset: rows * filters, strides: [2 * rows * filters, 1], register: 1, how: "set" }],
  };
  const begun = new Map<Store, Float64Array>();
  for (const { store } of [field, weights, added, out])
    begun.set(
      store,
      Float64Array.from({ length: store.size }, (_, i) => Math.sin(i * (1 + begun.size))),
    );
  return { steps: [product, chain], out: out.store, begun };
}

function alike({ steps, out, begun }: ReturnType<typeof windowed>): readonly Step[] {
  const after = fused(steps, [out]);
  const [expected, given] = [stores(begun), stores(begun)];
  expect(runSteps(steps, expected)).toBe(0);
  expect(runSteps(after, given)).toBe(0);
  expect(given(out)).toEqual(expected(out));
  return after;
}

describe("a product of windows, and where its results belong", () => {
  test("are a product for each example", () => {
    const [step, ...others] = alike(windowed(40));
    expect(others).toEqual([]);
    expect(step).toMatchObject({ kind: "product", batch: [examples], m: 40, relu: true });
    expect((step as Product).lookup!.table).toHaveLength(40 * taps);
  });

  test("are two steps where an example has few rows", () => {
    expect(alike(windowed(8)).map(({ kind }) => kind)).toEqual(["product", "chain"]);
  });

  test.each([
    ["reads elsewhere", (table: Int32Array) => (table[40 * taps + 9] = 0)],
    ["reads where another reads zeros", (table: Int32Array) => (table[80 * taps] = 0)],
    ["reads zeros where another does not", (table: Int32Array) => (table[80 * taps + 9] = -1)],
  ])("are two steps where an example %s", (_, moved) => {
    expect(alike(windowed(40, moved)).map(({ kind }) => kind)).toEqual(["product", "chain"]);
  });
});
