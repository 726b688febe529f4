// Norms, softmaxes, looked-up rows and moves in C against plain loops of 64-bit numbers, and what ONNX Runtime makes of NaN and infinities.

import type { Access, Move, Norm, Rows, RowWise, Scatter, Store } from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { compare } from "./compared.ts";
import { testKernels } from "./kernels.ts";
import { dice } from "./random-steps.ts";

const kernels = testKernels();

const storeOf = (size: number): Store => ({ size, depth: 1 });
const at = (store: Store, strides: readonly number[], offset = 0): Access => ({ store, offset, strides });
const numbers = (seed: number, count: number, scale = 1, shift = 0): Float32Array => {
  const random = dice(seed);
  return Float32Array.from({ length: count }, () => (random() - 0.5) * scale + shift);
};
const sizes = [1, 2, 5, 15, 16, 17, 20, 31, 33, 64, 65, 500, 1000, 5000];

describe("norms", () => {
  it.each(sizes)("of rows of %i are right, with mean and inverse, gain and bias of rows in turn", (size) => {
    for (const rows of [1, 3, 17, 40]) {
      const [from, out, mean, inverse] = [
        storeOf(rows * (size + 3)),
        storeOf(rows * size),
        storeOf(2 * rows),
        storeOf(rows),
      ];
      const [gain, bias] = [storeOf(2 * size), storeOf(2 * size)];
      const step: Norm = {
        ...{ kind: "norm", rows, size, epsilon: 1e-5, gainRows: 2 },
        ...{ from: at(from, [size + 3]), gain: at(gain, [size]), bias: at(bias, [size]), out: at(out, [size]) },
        ...{ mean: at(mean, [2]), inverse: at(inverse, [1]) },
      };
      const begun = new Map([
        [from, numbers(size + rows, from.size, 2)],
        [gain, numbers(1, gain.size, 2)],
        [bias, numbers(2, bias.size, 2)],
      ]);
      compare(kernels, [step], { begun, close: 4e-6 });
    }
  });

  it("of numbers far from zero keep their digits", () => {
    const [from, out] = [storeOf(3 * 50), storeOf(3 * 50)];
    const step: Norm = {
      ...{ kind: "norm", rows: 3, size: 50, epsilon: 1e-5, gainRows: 1 },
      ...{ from: at(from, [50]), out: at(out, [50]) },
    };
    // A variance from the mean of squares would be gone altogether.
    compare(kernels, [step], { begun: new Map([[from, numbers(3, 150, 2, 1000)]]), close: 2e-4 });
  });
});

const rowwise = (what: RowWise["what"], rows: number, size: number) => {
  const [from, out] = [storeOf(rows * (size + 1)), storeOf(rows * (what === "argmax" ? 1 : size))];
  const step: RowWise = {
    ...{ kind: "rowwise", what, rows, size },
    ...{ from: at(from, [size + 1]), out: at(out, [what === "argmax" ? 1 : size]) },
  };
  return { step, from, out };
};

describe.each(["softmax", "logSoftmax", "argmax"] as const)("%s", (what) => {
  it.each(sizes)("of rows of %i is right", (size) => {
    for (const rows of [1, 16, 37])
      for (const scale of [1, 20, 300]) {
        const { step, from } = rowwise(what, rows, size);
        compare(kernels, [step], { begun: new Map([[from, numbers(size * rows, from.size, scale)]]) });
      }
  });

  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
  const of = (...row: number[]): number[] => {
    const { step, from, out } = rowwise(what, 1, row.length);
    const { of } = compare(kernels, [step], { begun: new Map([[from, row]]), close: inf });
    return [...of(out)];
  };
  it("takes the first of equals, and NaN and infinities as ONNX Runtime does", () => {
    if (what === "argmax") {
      expect([of(1, 3, 3, 2), of(-inf, -inf), of(inf, 1, inf), of(2, 2)]).toEqual([[1], [0], [0], [0]]);
    } else {
      expect(of(-inf, -inf)).toEqual([nan, nan]);
      expect(of(inf, 1)).toEqual([nan, nan]);
      expect(of(nan, 1)).toEqual([nan, nan]);
      expect(of(-inf, 0)).toEqual(what === "softmax" ? [0, 1] : [-inf, 0]);
    }
  });
});

describe("rows", () => {
  const [outer, count, inner, limit] = [2, 5, 7, 4];
  const [from, out, indices] = [storeOf(outer * limit * inner), storeOf(outer * count * inner), storeOf(2 * count)];
  const looked = (given: Pick<Rows, "indices" | "table">): Rows => ({
    ...{ kind: "rows", outer, count, inner, limit, ...given },
    ...{ from: at(from, [limit * inner, inner]), out: at(out, [count * inner, inner]) },
  });
  const begun = (...given: number[]) =>
    new Map<Store, ArrayLike<number>>([
      [from, numbers(5, from.size)],
      [indices, given.flatMap((index) => [index, -77])],
    ]);

  it("are those that numbers of a store or a table say, below zero from the end", () => {
    compare(kernels, [looked({ indices: at(indices, [2]) })], { begun: begun(3, 0, -1, -4, 2), close: 0 });
    compare(kernels, [looked({ table: Int32Array.of(3, 0, -1, -4, 2) })], { begun: begun(0, 0, 0, 0, 0), close: 0 });
  });

  it.each([4, -5, 1e9, -1e9, Number.NaN])("beyond the end of the axis, as %d, end the run", (index) => {
    const { outcome } = compare(kernels, [looked({ indices: at(indices, [2]) })], { begun: begun(0, 1, index, 2, 3) });
    expect(outcome).toBe(1);
  });

  it("of one number are gathers", () => {
    const [many, picked] = [storeOf(9), storeOf(4)];
    const step: Rows = {
      ...{ kind: "rows", outer: 1, count: 4, inner: 1, limit: 9, table: Int32Array.of(8, 0, -2, 3) },
      ...{ from: at(many, [0, 1]), out: at(picked, [0, 1]) },
    };
    const { of } = compare(kernels, [step], { begun: new Map([[many, [0, 1, 2, 3, 4, 5, 6, 7, 8]]]) });
    expect([...of(picked)]).toEqual([8, 0, 7, 3]);
  });
});

describe("scattered rows", () => {
  const [count, inner, limit] = [6, 5, 4];
  const [base, from, out, indices] = [limit * 7, count * inner, limit * inner, count].map((size) => storeOf(size)) as [
    Store,
    Store,
    Store,
    Store,
  ];
  const step = (how: Scatter["how"], given: Pick<Scatter, "base" | "indices" | "table">): Scatter => ({
    ...{ kind: "scatter", how, count, inner, limit, from: at(from, [inner]), out: at(out, [inner]), ...given },
  });
  const begun = (...given: number[]) =>
    new Map<Store, ArrayLike<number>>([
      [base, numbers(3, base.size)],
      [from, numbers(5, from.size)],
      [indices, given],
    ]);

  it.each(["set", "sum", "max", "min"] as const)("are taken in one after another, by %s", (how) => {
    for (const given of [{}, { base: at(base, [7]) }]) {
      compare(kernels, [step(how, { ...given, indices: at(indices, [1]) })], {
        begun: begun(3, 0, 3, -4, 2, 3),
        close: 1e-6,
      });
      compare(kernels, [step(how, { ...given, table: Int32Array.of(1, 1, -1, 1, 0, 1) })], {
        begun: begun(),
        close: 1e-6,
      });
    }
  });

  it.each([4, -5, Number.NaN])("beyond the end, at %d, end the run", (index) => {
    const { outcome } = compare(kernels, [step("sum", { indices: at(indices, [1]) })], {
      begun: begun(0, 1, 2, index, 3, 3),
    });
    expect(outcome).toBe(1);
  });
});

describe("turns", () => {
  it("move what lies where the turn says, and end where a step does", () => {
    const [from, to, turn] = [storeOf(30), storeOf(40), storeOf(1)];
    const move: Move = {
      ...{ kind: "move", size: 4, from: at(from, [], 2), fromStep: 7, to: at(to, [], 1), toStep: 9, turn },
    };
    const begun = new Map([[from, numbers(7, 30)]]);
    compare(kernels, [{ kind: "turns", count: 4, turn, body: [move] }], { begun, close: 0 });
    const wrong: Rows = {
      ...{ kind: "rows", outer: 1, count: 1, inner: 1, limit: 3, indices: at(turn, [1]) },
      ...{ from: at(from, [0, 1]), out: at(to, [0, 1]) },
    };
    const ended = compare(kernels, [{ kind: "turns", count: 5, turn, body: [wrong, move] }], { begun });
    expect([ended.outcome, ended.of(turn)[0]]).toEqual([1, 3]);
  });
});
