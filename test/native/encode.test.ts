// Words: that they say what steps say, with as few axes as there can be.

import {
  type Access,
  type Chain,
  encoded,
  naturalStrides,
  type Product,
  type Rows,
  type Step,
  type Store,
} from "@innerloop/native/plan";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { call, inOneMemory, separately, storeOf, whole } from "./programs.ts";
import { decoded } from "./words.ts";

const memory: Store = { size: 1000, depth: 1 };
const at = (offset: number, strides: readonly number[]): Access => ({ store: memory, offset, strides });
const place = (): number => 0;
const table = (): number => 500;
const wordsOf = (...steps: Step[]) => Array.from(encoded(steps, place, table));

describe("words of chains", () => {
  it("are those of words.md", () => {
    const step: Chain = {
      ...{ kind: "chain", shape: [6], reads: [at(16, [2])] },
      code: [
        { name: "multiply", operands: [{ register: 0 }, { number: 0.5 }] },
        { name: "where", operands: [{ number: 0.5 }, { register: 1 }, { number: -1 }] },
      ],
      writes: [
        { ...at(32, [1]), register: 2, how: "set" },
        { ...at(64, [0]), register: 1, how: "max" },
      ],
    };
    const bits = Array.from(new Int32Array(Float32Array.of(0.5, -1).buffer));
    expect(wordsOf(step)).toEqual([
      ...[2, 28, 1, 6],
      ...[1, 16, 2],
      ...[2, 3, 0, -1, 0, 12, -1, 1, -2],
      ...[2, 32, 1, 2, 0, 64, 0, 1, 2],
      ...[2, ...bits],
    ]);
  });

  it("join axes that all accesses go along alike and drop those of one place", () => {
    const shape = [2, 1, 3, 4];
    const [step] = decoded(
      Int32Array.from(
        wordsOf(
          call("add", shape, [at(0, naturalStrides(shape)), at(64, [0, 0, 4, 1])], at(128, naturalStrides(shape))),
        ),
      ),
      memory,
      new Int32Array(),
    );
    expect(step).toMatchObject({
      shape: [2, 12],
      reads: [{ strides: [12, 1] }, { strides: [0, 1] }],
      writes: [{ strides: [12, 1] }],
    });
  });

  it("have the axis inside along which the write goes on by one", () => {
    const step = call("copy", [4, 6], [at(0, [6, 1])], at(64, [1, 4]));
    expect(decoded(Int32Array.from(wordsOf(step)), memory, new Int32Array())[0]).toMatchObject({
      shape: [6, 4],
      reads: [{ strides: [1, 6] }],
      writes: [{ strides: [4, 1] }],
    });
  });

  it("begin reductions over nothing, and are none for writes of nothing", () => {
    const to = { ...at(32, [1, 0]), register: 0, how: "sum" } as const;
    const step: Chain = { kind: "chain", shape: [3, 0], reads: [at(0, [0, 1])], code: [], writes: [to] };
    expect(decoded(Int32Array.from(wordsOf(step)), memory, new Int32Array())[0]).toMatchObject({
      shape: [3],
      writes: [{ offset: 32, strides: [1], how: "set" }],
    });
    expect(wordsOf({ ...step, shape: [0, 3], writes: [to] })).toEqual([]);
  });

  it("are refused over more axes than there can be", () => {
    const shape = new Array<number>(9).fill(2);
    const reads = [
      at(
        0,
        shape.map((_, axis) => 3 ** axis),
      ),
    ];
    expect(() => wordsOf(call("copy", shape, reads, at(0, naturalStrides(shape))))).toThrow("9 axes");
  });

  it("mean what steps mean", () => {
    const axis = fc.record({ size: fc.integer({ min: 1, max: 4 }), how: fc.constantFrom("both", "first", "second") });
    fc.assert(
      fc.property(
        fc.array(axis, { maxLength: 5 }),
        fc.array(fc.nat(), { minLength: 5, maxLength: 5 }),
        fc.constantFrom("set", "sum", "max", "min"),
        (axes, order, how) => {
          const shape = axes.map(({ size }) => size);
          const turned = shape.map((_, axis) => axis).sort((a, b) => order[a]! - order[b]!);
          /** Distances of an array that has its axes in another order, and none where it is repeated. */
          const strides = (has: readonly boolean[], by: readonly number[]): number[] => {
            const result = shape.map(() => 0);
            let apart = 1;
            for (const axis of [...by].reverse())
              if (has[axis]) {
                result[axis] = apart;
                apart *= shape[axis]!;
              }
            return result;
          };
          const has = (other: string) => axes.map((each) => each.how !== other);
          const all = shape.map(() => true);
          const plain = shape.map((_, axis) => axis);
          const size = shape.reduce((product, each) => product * each, 1);
          const [a, b, out] = [storeOf(size), storeOf(size), storeOf(size)];
          const numbers = (from: number) => Array.from({ length: size }, (_, i) => Math.sin(from + i));
          const kept = how === "set" ? all : has("second");
          const step: Chain = {
            ...{ kind: "chain", shape, code: [{ name: "subtract", operands: [{ register: 0 }, { register: 1 }] }] },
            reads: [
              { store: a, offset: 0, strides: strides(has("second"), turned) },
              { store: b, offset: 0, strides: strides(has("first"), plain) },
            ],
            writes: [{ store: out, offset: 0, strides: strides(kept, plain), register: 2, how }],
          };
          const program = {
            steps: [step],
            fed: new Map([
              [a, numbers(0)],
              [b, numbers(1)],
            ]),
            kept: [out],
          };
          same(inOneMemory(program)[0]!, separately(program)[0]!);
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** Numbers of 32 bits, and those that were never written. */
function same(actual: readonly number[], expected: readonly number[]): void {
  actual.forEach((number, i) => {
    const size = Math.max(1, Math.abs(expected[i]!));
    if (!Number.isNaN(expected[i])) expect(number / size).toBeCloseTo(expected[i]! / size, 5);
  });
}

describe("words of products", () => {
  const step: Product = {
    ...{ kind: "product", batch: [], m: 2, n: 3, k: 4, alpha: 1, beta: 0, relu: false },
    ...{ left: at(0, [4, 1]), right: at(16, [3, 1]), out: at(32, [3, 1]) },
  };
  const half = new Int32Array(Float32Array.of(0.5).buffer)[0]!;
  const one = new Int32Array(Float32Array.of(1).buffer)[0]!;

  it("are those of words.md", () => {
    expect(wordsOf({ ...step, added: at(48, [0, 1]), beta: 0.5, relu: true })).toEqual([
      ...[1, 23, 3, 2, 3, 4, one, half, 0, 4, 1, 16, 3, 1, 32, 3, 48, 0, 1],
      ...[-1, 0, 0, 0],
    ]);
  });

  it("have a batch's places below each other as rows, where the right factor is the same", () => {
    const batch = { ...step, batch: [5, 2], left: at(0, [16, 8, 4, 1]), out: at(100, [12, 6, 3, 1]) };
    const rows = decoded(Int32Array.from(wordsOf({ ...batch, right: at(64, [0, 0, 3, 1]) })), memory, new Int32Array());
    expect(rows[0]).toMatchObject({ m: 20, batch: [] });
    const apart = decoded(
      Int32Array.from(wordsOf({ ...batch, right: at(64, [12, 0, 3, 1]) })),
      memory,
      new Int32Array(),
    );
    expect(apart[0]).toMatchObject({ m: 4, batch: [5] });
  });

  it("look factors up by tables", () => {
    const lookup = { by: "columns", table: Int32Array.of(0, -1, 4, 8), taps: 2, segment: 2 } as const;
    const words = wordsOf({ ...step, m: 4, k: 2, lookup, left: at(0, [0, 0]), out: at(32, [3, 1]) });
    expect(words.slice(2, 6)).toEqual([8, 4, 3, 2]);
    expect(words.slice(-4)).toEqual([500, 2, 2, 0]);
  });

  it("mean what steps mean", () => {
    const size = fc.integer({ min: 1, max: 3 });
    fc.assert(
      fc.property(
        fc.array(fc.record({ size, left: fc.boolean(), right: fc.boolean() }), { maxLength: 3 }),
        size,
        size,
        size,
        fc.boolean(),
        (axes, m, n, k, turned) => {
          const batch = axes.map((axis) => axis.size);
          const batched = (name: "left" | "right" | "out", rows: number, columns: number): number[] => {
            const held = axes.map((axis) => (name === "out" || axis[name] ? axis.size : 1));
            return naturalStrides([...held, rows, columns]).map((stride, axis) =>
              axis < held.length && held[axis] === 1 ? 0 : stride,
            );
          };
          const total = batch.reduce((product, each) => product * each, 1);
          const [a, b, c, out] = [m * k, k * n, n, m * n].map((each) => storeOf(total * each)) as [
            Store,
            Store,
            Store,
            Store,
          ];
          const numbers = (store: Store) => Array.from({ length: store.size }, (_, i) => Math.cos(store.size + i));
          const left = batched("left", m, k);
          if (turned) left.splice(-2, 2, 1, m);
          const product: Product = {
            ...{ kind: "product", batch, m, n, k, alpha: 2, beta: -1, relu: true },
            left: { store: a, offset: 0, strides: left },
            right: { store: b, offset: 0, strides: batched("right", k, n) },
            out: { store: out, offset: 0, strides: batched("out", m, n) },
            added: { store: c, offset: 0, strides: [...batch.map(() => 0), 0, 1] },
          };
          const program = {
            steps: [product],
            fed: new Map([a, b, c].map((store) => [store, numbers(store)])),
            kept: [out],
          };
          same(inOneMemory(program)[0]!, separately(program)[0]!);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("words of other steps", () => {
  it("of looked up rows mean what steps mean, and end where an index is beyond the end", () => {
    const [from, out, indices] = [storeOf(24), storeOf(24), storeOf(3)];
    const step: Rows = {
      ...{ kind: "rows", outer: 2, count: 3, inner: 4, limit: 3 },
      ...{
        from: whole(from, [2, 3, 4]),
        out: whole(out, [2, 3, 4]),
        indices: { store: indices, offset: 0, strides: [1] },
      },
    };
    const numbers = Array.from({ length: 24 }, (_, i) => i);
    const program = (where: readonly number[]) => ({
      steps: [step],
      fed: new Map([
        [from, numbers],
        [indices, where],
      ]),
      kept: [out],
    });
    expect(inOneMemory(program([2, -3, 1]))[0]!.slice(0, 12)).toEqual([8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 6, 7]);
    expect(() => inOneMemory(program([0, 3, 0]))).toThrow("a run gave 1");
    const { indices: _, ...tabled } = step;
    const known = { ...program([0]), steps: [{ ...tabled, table: Int32Array.of(1, 1, 0) }] };
    expect(inOneMemory(known)).toEqual(separately(known));
  });

  it("of rows are those of words.md", () => {
    const bits = new Int32Array(Float32Array.of(1e-5).buffer)[0]!;
    const norm: Step = {
      kind: "norm",
      rows: 4,
      size: 8,
      epsilon: 1e-5,
      from: at(0, [8]),
      gain: at(64, [8]),
      gainRows: 2,
      out: at(128, [8]),
      inverse: at(200, [1]),
    };
    expect(wordsOf(norm)).toEqual([3, 18, 4, 8, bits, 0, 8, 64, 8, -1, 0, 2, 128, 8, -1, 0, 200, 1]);
    expect(wordsOf({ kind: "rowwise", what: "argmax", rows: 4, size: 8, from: at(16, [8]), out: at(64, [1]) })).toEqual(
      [4, 9, 2, 4, 8, 16, 8, 64, 1],
    );
  });

  it("of turns hold their bodies", () => {
    const body: Step = { kind: "move", size: 4, from: at(8, []), fromStep: 4, to: at(64, []), toStep: 0, turn: memory };
    expect(wordsOf({ kind: "turns", count: 3, turn: memory, body: [body] })).toEqual([
      7, 13, 3, 0, 8, 6, 8, 4, 8, 4, 64, 0, 0,
    ]);
    expect(wordsOf({ kind: "turns", count: 0, turn: memory, body: [body] })).toEqual([]);
  });
});
