// What lasts from run to run is told apart from what each run computes, and lookups that lie evenly are read in place.
import { type Kernels, NativeModel } from "@innerloop/native";
import { evenly, lastingOf, type Product, type Step, type Store } from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { compare } from "./compared.ts";
import { testKernels } from "./kernels.ts";
import { modelOf, numbers } from "./models.ts";
import { call, copied, storeOf, whole } from "./programs.ts";
import { dice } from "./random-steps.ts";
import { runSteps, stores } from "./reference.ts";

describe("what lasts", () => {
  const shape = [8];
  const [w, x] = [storeOf(8), storeOf(8)];
  const of = (name: "tanh" | "add", reads: readonly Store[], to: Store): Step =>
    call(
      name,
      shape,
      reads.map((store) => whole(store, shape)),
      whole(to, shape),
    );

  it("are steps that rest on it alone, in their order", () => {
    const [a, b, c, d] = [storeOf(8), storeOf(8), storeOf(8), storeOf(8)];
    const steps = [of("tanh", [x], a), of("tanh", [w], b), of("tanh", [b], c), of("add", [a, c], d)];
    expect(lastingOf(steps, new Set([w]))).toEqual({
      first: [steps[1], steps[2]],
      stores: [c],
      each: [steps[0], steps[3]],
    });
    expect(lastingOf(steps, new Set())).toEqual({ first: [], stores: [], each: steps });
  });

  it("are none that write what others write too, nor what rests on those", () => {
    const [a, b, c] = [storeOf(16), storeOf(8), storeOf(8)];
    const part = (from: Store, offset: number) => copied(shape, whole(from, shape), { ...whole(a, shape), offset });
    const half = copied(shape, { ...whole(a, shape), offset: 8 }, whole(b, shape));
    for (const steps of [
      [part(w, 8), half, of("tanh", [b], c), part(x, 0)],
      [part(x, 0), part(w, 8), half, of("tanh", [b], c)],
    ])
      expect(lastingOf(steps, new Set([w])).first).toEqual([]);
  });

  it("are turns whose steps rest on it alone", () => {
    const [carried, made, turn] = [storeOf(8, 2), storeOf(8, 2), storeOf(1, 2)];
    const turns = (from: Store): Step => ({
      ...{ kind: "turns", count: 3, turn },
      body: [of("add", [carried, from], made), copied(shape, whole(made, shape), whole(carried, shape))],
    });
    const begin = copied(shape, whole(w, shape), whole(carried, shape));
    const after = of("add", [carried, x], storeOf(8));
    expect(lastingOf([begin, turns(w), after], new Set([w]))).toMatchObject({ stores: [carried], each: [after] });
    expect(lastingOf([begin, turns(x), after], new Set([w])).first).toEqual([]);
  });

  it("is computed in the first of runs that share it", () => {
    const kernels = testKernels();
    const lengths: number[] = [];
    const run: Kernels["run"] = (words, ...rest) => {
      lengths.push(words.length);
      return kernels.run(words, ...rest);
    };
    const bytes = modelOf({
      inputs: { x: ["float32", "rows", 8], w: ["float32", 8, 32] },
      outputs: ["y"],
      nodes: [
        ["Tanh", ["w"], ["t"]],
        ["MatMul", ["x", "t"], ["y"]],
      ],
    });
    const model = new NativeModel(bytes, { ...kernels, run }, { apart: "x" });
    for (const seed of [1, 5]) {
      const feeds = { x: numbers([6144, 8], seed), w: numbers([8, 32], seed + 1) };
      lengths.length = 0;
      const { data } = model.run(feeds)!.y!;
      const [first, ...others] = lengths.slice(-3);
      expect(others).toEqual([others[0], others[0]]);
      expect(others[0]).toBeLessThan(first!);
      const alone = new NativeModel(bytes, kernels).run(feeds)!.y!.data as Float32Array;
      (data as Float32Array).forEach((number, i) => {
        expect(number).toBeCloseTo(alone[i]!, 5);
      });
    }
  });
});

describe("lookups that lie evenly", () => {
  const kernels = testKernels();
  const random = dice(3);

  /** Rows that are looked up number by number, `zeros` of which are none. */
  function product(table: readonly number[], k: number, more: Partial<Product> = {}): Product {
    const [left, right, out] = [storeOf(400), storeOf(2 * k * 20), storeOf(2 * 30 * 20)];
    return {
      ...{ kind: "product", batch: [2], m: table.length / k, n: 20, k, alpha: 1, beta: 1, relu: true },
      left: { store: left, offset: 7, strides: [190, 0, 0] },
      lookup: { by: "rows", taps: k, segment: 1, table: Int32Array.from(table) },
      right: { store: right, offset: 0, strides: [k * 20, 20, 1] },
      out: { store: out, offset: 0, strides: [600, 20, 1] },
      ...more,
    };
  }

  const rows = (count: number, k: number, row: number, column: number, zeros = 0): number[] =>
    Array.from({ length: (count + zeros) * k }, (_, i) => {
      const at = Math.floor(i / k);
      return at < count ? 3 + at * row + (i % k) * column : -1;
    });

  it("are read in place, and rows of zeros written", () => {
    for (const [step, kinds] of [
      [product(rows(25, 6, 1, 25), 6), ["product"]],
      [product(rows(25, 6, 1, 25, 1), 6), ["product", "chain"]],
      [product(rows(11, 4, 1, 13, 5), 4), ["product", "chain"]],
    ] as const) {
      const steps = evenly([step]);
      expect(steps.map(({ kind }) => kind)).toEqual(kinds);
      expect(steps[0]).not.toHaveProperty("lookup");
      const begun = new Map([step.left.store, step.right.store, step.out.store].map((store) => [store, some(store)]));
      const of = stores(begun);
      runSteps([step], of);
      const given = compare(kernels, steps, { begun });
      given.of(step.out.store).forEach((number, i) => {
        expect(number).toBeCloseTo(of(step.out.store)[i]!, 5);
      });
      const turns: Step = { kind: "turns", count: 1, turn: storeOf(1, 2), body: [step] };
      expect(evenly([turns])).toEqual([{ ...turns, body: steps }]);
    }
  });

  const some = ({ size }: Store) => Float32Array.from({ length: size }, () => random() - 0.5);

  it("stay where they lie otherwise, or something is added to rows of zeros", () => {
    const added = { store: storeOf(20), offset: 0, strides: [0, 0, 1] };
    for (const step of [
      product(rows(25, 6, 6, 1), 6),
      product(rows(25, 6, 1, 25).with(40, 9), 6),
      product([...rows(24, 6, 1, 25, 1), 5, 5, 5, 5, 5, 5], 6),
      product(rows(25, 6, 1, 25, 1), 6, { added }),
      product(rows(24, 6, 1, 25), 6, {
        lookup: { by: "columns", taps: 6, segment: 1, table: Int32Array.from(rows(6, 24, 1, 6)) },
      }),
    ])
      expect(evenly([step])).toEqual([step]);
  });
});
