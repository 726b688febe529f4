// Tiles of one row at points: kernels know the matrices that nearly all of them have, and give what plain loops give, by these and by others.
import { readFileSync } from "node:fs";
import {
  type Access,
  type Points,
  type Product,
  type Step,
  type Store,
  weightGradientsAtPoints,
  windowsAtPoints,
} from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { compare } from "./compared.ts";
import { testKernels } from "./kernels.ts";
import { planOver } from "./plan-over.ts";
import { dice } from "./random-steps.ts";

interface Known {
  readonly what: Points["what"];
  readonly from: number;
  readonly into: number;
  readonly numbers: readonly number[];
}

/** The matrices of points-rows.h. */
function knownRows(): Known[] {
  const source = readFileSync(new URL("../../native/source/points-rows.h", import.meta.url), "utf8");
  const quotient = (text: string): number => {
    const [above, below = "1"] = text.split("/");
    return Number.parseFloat(above!) / Number.parseFloat(below);
  };
  const numbers = new Map(
    [...source.matchAll(/static const float (\w+)\[\] = \{(.*)\};/g)].map(([, name, all]) => [
      name!,
      all!.split(",").map(quotient),
    ]),
  );
  return [...source.matchAll(/each\((\d), (\d), (\d), (\w+)\)/g)].map(([, to, from, into, name]) => ({
    ...{ what: to === "1" ? "points" : "places", from: Number(from), into: Number(into), numbers: numbers.get(name!)! },
  }));
}

const random = dice(11);
const drawn = (count: number): Float32Array => Float32Array.from({ length: count }, () => random() - 0.5);
const stored = (size: number): Access => ({ store: { size, depth: 1 }, offset: 0, strides: [] });

describe("tiles of one row", () => {
  it("give what they give by matrices that kernels know, times any factor, and by such that are nearly those", () => {
    const rows = knownRows();
    expect(rows.length).toBeGreaterThan(20);
    for (const { what, from, into, numbers } of rows) {
      expect(numbers).toHaveLength(from * into);
      const [tile, points] = what === "points" ? [from, into] : [into, from];
      const [channels, examples, size] = [37, 2, [3, 2 * tile + 1]] as const;
      const field: Store = { size: examples * size[0] * size[1] * channels, depth: 1 };
      const of = { rows: 3, columns: 3, values: examples * 9 * channels };
      const values: Store = { size: points * of.values, depth: 1 };
      const step: Points = {
        ...{ kind: "points", what, examples, channels, rows: of.rows, columns: of.columns, steps: [1, tile], size },
        // The first tile begins outside, and the last one ends there.
        ...{ first: [0, -1], tile: [1, tile], points: [1, points], down: stored(1), across: stored(from * into) },
        field: { store: field, offset: 0, strides: [size[0] * size[1] * channels, size[1] * channels, channels, 1] },
        values: { store: values, offset: 0, strides: [of.values, 9 * channels, 3 * channels, channels] },
      };
      for (const [down, across] of [
        [1, 1],
        [-0.25, 3],
      ] as const)
        for (const other of [false, true]) {
          const matrix = Float32Array.from(numbers, (number) => across * number);
          if (other) matrix[numbers.length - 1]! += 0.5;
          const begun = new Map([
            [field, drawn(field.size)],
            [values, drawn(values.size)],
            [step.down.store, Float32Array.of(down)],
            [step.across.store, matrix],
          ]);
          compare(testKernels(), [step, { ...step, beta: 1 }], { begun, close: 1e-5 });
        }
    }
  });

  it.each([
    { size: 14, windows: 7, step: 2 },
    { size: 7, windows: 4, step: 2 },
    { size: 4, windows: 4, step: 1 },
  ])("have matrices that kernels know: windows of %j", ({ size, windows, step }) => {
    const [channels, n, k] = [16, 16, 9 * 16];
    const table = Int32Array.from({ length: windows ** 2 * 9 }, (_, i) => {
      const [window, tap] = [Math.floor(i / 9), i % 9];
      const y = Math.floor(window / windows) * step - 1 + Math.floor(tap / 3);
      const x = (window % windows) * step - 1 + (tap % 3);
      return y < 0 || x < 0 || y >= size || x >= size ? -1 : (y * size + x) * channels;
    });
    const left = { ...stored(size ** 2 * channels), strides: [0, 0] };
    const product = { kind: "product", batch: [], n, alpha: 1, beta: 0, relu: false, left } as const;
    const forward: Product = {
      ...{ ...product, m: windows ** 2, k, lookup: { by: "rows", taps: 9, segment: channels, table } },
      right: { ...stored(k * n), strides: [n, 1] },
      out: { ...stored(windows ** 2 * n), strides: [n, 1] },
    };
    const gradient: Product = {
      ...{ ...product, m: k, k: windows ** 2, lookup: { by: "columns", taps: 9, segment: channels, table } },
      right: { ...stored(windows ** 2 * n), strides: [n, 1] },
      out: { ...stored(k * n), strides: [n, 1] },
    };
    const begun = new Map<Store, Float32Array>();
    const { plan } = planOver(begun);
    const steps: Step[] = [
      ...windowsAtPoints([forward], plan),
      ...weightGradientsAtPoints([gradient], new Set(), plan),
    ];
    const points = steps.filter((made): made is Points => made.kind === "points");
    expect(points.length).toBeGreaterThan(5);
    const rows = knownRows();
    for (const { what, tile, points: at, across } of points) {
      const [from, into] = what === "points" ? [tile[1], at[1]] : [at[1], tile[1]];
      const numbers = [...begun.get(across.store)!];
      const same = (known: Known): boolean =>
        known.what === what &&
        known.from === from &&
        known.into === into &&
        known.numbers.every((number, i) => Math.fround(number) === numbers[i]);
      expect(rows.some(same), `${what} ${from} ${into}: ${numbers}`).toBe(true);
    }
  });
});
