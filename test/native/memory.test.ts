// Places in memory: that what lives at the same time is apart, and that what does not shares its place. Where numbers lie changes none of them, so that they are compared
// bit by bit with those of 32 bits that lie apart: against numbers of 64 bits the rounding of one, which some programs make a thousand times as large, would hide what is wrong.

import {
  type Access,
  coalesced,
  encoded,
  moving,
  overwritten,
  placesFor,
  type Step,
  type Store,
  type Worth,
} from "@innerloop/native/plan";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testKernels } from "./kernels.ts";
import {
  call,
  copied,
  inOneMemory,
  inPlacesApart,
  inResults,
  type Program,
  programs,
  programsOf,
  separately,
  storeOf,
  whole,
  withResults,
} from "./programs.ts";
import { runSteps, storesOf } from "./reference.ts";

describe("places in memory", () => {
  it("gives what stores that are apart give", () => {
    fc.assert(
      fc.property(programs, (program) => {
        expect(inOneMemory(program)).toEqual(separately(program));
      }),
      { numRuns: 150 },
    );
  });

  it("gives the same where others lie in results until these are written", () => {
    let inside = 0;
    fc.assert(
      fc.property(programs, (program) => {
        const { program: wider, results } = withResults(program);
        const { numbers, ...found } = inResults(wider, results);
        inside += found.inside;
        expect(numbers).toEqual(separately(wider));
      }),
      { numRuns: 300 },
    );
    expect(inside).toBeGreaterThan(20);
  });

  it("lies in the result that is written next after it is needed, with 16 numbers behind it, if that is not near", () => {
    const [a, b, c, soon] = [32, 32, 32, 96].map((size) => storeOf(size)) as [Store, Store, Store, Store];
    const numbers = (store: Store) => whole(store, [32]);
    const placed = (worth: Partial<Worth>, size = 96) => {
      const late = storeOf(size);
      const steps = [
        call("relu", [32], [numbers(a)], numbers(b)),
        call("tanh", [32], [numbers(b)], numbers(c)),
        call("add", [32], [numbers(b), numbers(c)], numbers(soon)),
        call("tanh", [32], [numbers(a)], numbers(late)),
      ];
      const elsewhere = new Map([
        [late, 4096],
        [soon, 8192],
      ]);
      const ends = { fed: [a], kept: [soon, late], elsewhere, worth: { far: 0, large: 1, room: 1, ...worth } };
      const { at, end } = placesFor(steps, ends, 0);
      return [at(b), at(c), end];
    };
    // One result is written while these are read, the other one after that.
    expect(placed({})).toEqual([4096, 4096 + 32, 32 + 16]);
    expect(placed({}, 64 + 15)).toEqual([4096, 32, 64 + 16]);
    expect(placed({ large: 33 })).toEqual([32, 64, 96 + 16]);
    expect(placed({ room: 97 })).toEqual([32, 64, 96 + 16]);
    // While the first is needed, both are written; while the second is, it alone.
    expect(placed({ far: 33 })).toEqual([4096, 32, 64 + 16]);
  });

  it("begins at multiples of 16 numbers and leaves 16 after the last", () => {
    const [a, b, c] = [storeOf(17), storeOf(3), storeOf(1)];
    const { at, end } = placesFor([], { fed: [a, b, c] }, 48);
    expect([at(a), at(b), at(c), end]).toEqual([48, 80, 96, 112 + 16]);
  });

  it("takes no more than what is needed at once where a small store comes before a large one", () => {
    const [a, b, c] = [16, 1600, 112].map((size) => storeOf(size)) as [never, never, never];
    const steps = [
      call("relu", [100, 16], [{ store: a, offset: 0, strides: [0, 1] }], whole(b, [100, 16])),
      call("relu", [112], [{ store: b, offset: 0, strides: [2] }], { store: c, offset: 0, strides: [1] }),
    ];
    const { end } = placesFor(steps, { fed: [a], kept: [c] }, 0);
    expect(end).toBe(1600 + 112 + 16);
  });

  it("writes a chain over what it reads last where both lie alike", () => {
    const shape = [4, 8];
    const [a, b, c, d] = [32, 32, 32, 32].map((size) => storeOf(size)) as [never, never, never, never];
    const turned = { store: b, offset: 0, strides: [1, 4] };
    const steps = [
      call("relu", shape, [whole(a, shape)], whole(b, shape)),
      call("relu", shape, [turned], whole(c, shape)),
      call("add", shape, [whole(c, shape), whole(c, shape)], whole(d, shape)),
    ];
    const { at } = placesFor(steps, { fed: [a], kept: [d] }, 0);
    expect(at(b)).toBe(at(a));
    expect(at(c)).not.toBe(at(b));
    expect(at(d)).toBe(at(c));
  });

  it("writes a product over what is added to it, but not over its factors", () => {
    const [a, b, out, next] = [storeOf(64), storeOf(64), storeOf(64), storeOf(64)] as [Store, Store, Store, Store];
    const square = (left: Store, right: Store, added: Store, to: Store): Step => ({
      ...{ kind: "product", batch: [], m: 8, n: 8, k: 8, alpha: 1, beta: 1, relu: false },
      ...{
        left: whole(left, [8, 8]),
        right: whole(right, [8, 8]),
        added: whole(added, [8, 8]),
        out: whole(to, [8, 8]),
      },
    });
    const { at } = placesFor([square(a, a, b, out), square(a, out, out, next)], { fed: [a, b], kept: [next] }, 0);
    expect(at(out)).toBe(at(b));
    expect(at(next)).not.toBe(at(out));
  });

  it("keeps what turns read from outside until they end, and has one place for what each makes anew", () => {
    const [fed, x, y, out, turn] = [storeOf(16), storeOf(16), storeOf(16, 2), storeOf(16, 2), storeOf(1, 2)];
    const shape = [16];
    const over = (from: typeof fed, to: typeof fed) => call("exp", shape, [whole(from, shape)], whole(to, shape));
    const steps: Step[] = [over(fed, x), { kind: "turns", count: 3, turn, body: [over(x, y), over(y, out)] }];
    const { at } = placesFor(steps, { fed: [fed], kept: [out] }, 0);
    expect(new Set([at(x), at(y), at(out)]).size).toBe(3);
    expect(at(turn)).not.toBe(at(x));
  });

  it("gives no place to stores that are not used", () => {
    expect(placesFor([], {}, 0).at(storeOf(4))).toBeUndefined();
  });
});

describe("kernels in C", () => {
  const kernels = testKernels();
  it.each([
    [245, 64, 576],
    [64, 1, 777],
    [1, 64, 900],
    [7, 13, 300],
    [300, 128, 5],
    [33, 70, 1200],
  ])("write a product of %i rows, %i columns and %i terms over what is added", (m, n, k) => {
    const memory = storeOf(m * n + m * k + k * n);
    const at = (offset: number, ...strides: number[]): Access => ({ store: memory, offset, strides });
    for (const [left, right] of [
      [at(m * n, k, 1), at(m * n + m * k, n, 1)],
      [at(m * n, 1, m), at(m * n + m * k, 1, k)],
    ] as const) {
      const to = at(0, n, 1);
      const step: Step = {
        ...{ kind: "product", batch: [], m, n, k, alpha: -0.5, beta: 0.25, relu: false },
        ...{ left, right, added: to, out: to },
      };
      const bytes = new ArrayBuffer(4 * (memory.size + 16) + 64);
      const begin = kernels.misaligned(bytes);
      const floats = new Float32Array(bytes, begin, memory.size);
      floats.forEach((_, i) => {
        floats[i] = Math.sin(i * 1.7);
      });
      const expected = Float64Array.from(floats);
      runSteps([step], () => expected);
      const words = encoded(
        [step],
        () => 0,
        () => 0,
      );
      expect(kernels.run(words, bytes, begin)).toBe(0);
      const apart = expected.reduce((most, number, i) => Math.max(most, Math.abs(number - floats[i]!)), 0);
      expect(apart / Math.sqrt(k)).toBeLessThan(2e-6);
    }
  });
});

describe("copies between stores that become one", () => {
  it("give what they gave", () => {
    let copies = 0;
    fc.assert(
      fc.property(programs, (program) => {
        const after = joined(program, coalesced(program.steps, endsOf(program)));
        copies += countOf(program.steps) - countOf(after.steps);
        givesTheSame(program, after);
      }),
      { numRuns: 150 },
    );
    expect(copies).toBeGreaterThan(100);
  });

  it("leave none of what turns hand on, where the next turn needs nothing else of it", () => {
    const [fed, carried, made, turn] = [storeOf(16), storeOf(16, 2), storeOf(16, 2), storeOf(1, 2)];
    const copy = (from: Store, to: Store) => copied([16], whole(from, [16]), whole(to, [16]));
    const grown = call("exp", [16], [whole(carried, [16])], whole(made, [16]));
    const body = [grown, copy(made, carried)];
    const turns: Step = { kind: "turns", count: 3, turn, body };
    const { steps, of } = coalesced([copy(fed, carried), turns], { fed: [fed], kept: [carried] });
    expect(countOf(steps)).toBe(1);
    expect(of(fed)).toBe(of(made));
    const late = call("add", [16], [whole(carried, [16]), whole(made, [16])], whole(storeOf(16, 2), [16]));
    const read = coalesced([copy(fed, carried), { ...turns, body: [grown, late, copy(made, carried)] }], {
      fed: [fed],
      kept: [carried],
    });
    expect(read.of(made)).not.toBe(read.of(carried));
  });

  it("leave steps as they are that use neither of two stores that become one", () => {
    const [a, b, c, d] = [storeOf(16), storeOf(16), storeOf(16), storeOf(16)];
    const apart = call("exp", [16], [whole(a, [16])], whole(b, [16]));
    const given = call("exp", [16], [whole(b, [16])], whole(c, [16]));
    const { steps, of } = coalesced([apart, given, copied([16], whole(c, [16]), whole(d, [16]))], {
      fed: [a],
      kept: [d],
    });
    expect(of(c)).toBe(of(d));
    expect(steps[0]).toBe(apart);
    expect(steps[1]).not.toBe(given);
    expect(steps).toHaveLength(2);
  });
});

describe("what steps write over what they read", () => {
  it("gives what it gave, in turns too", () => {
    let stores = 0;
    fc.assert(
      fc.property(programs, (program) => {
        const after = over(program);
        stores += storesOf(program.steps).size - storesOf(after.steps).size;
        givesTheSame(program, after);
      }),
      { numRuns: 150 },
    );
    expect(stores).toBeGreaterThan(100);
  });

  describe("by kernels in C", () => {
    const kernels = testKernels();
    it.each([
      ["small arrays", programs, 500],
      ["arrays of several blocks", programsOf(3, 1111), 200],
    ])("gives what it gives apart, bit by bit, of %s", (_, made, numRuns) => {
      fc.assert(
        fc.property(made, (program) => {
          const expected = inPlacesApart(program, kernels);
          expect(inOneMemory(program, kernels)).toEqual(expected);
          expect(inOneMemory(over(program), kernels)).toEqual(expected);
        }),
        { numRuns },
      );
    });
  });

  const over = (program: Program): Program => joined(program, overwritten(program.steps, endsOf(program), 0));
});

describe("slices of turns", () => {
  it("are read and written where they lie, and give what they gave", () => {
    let moves = 0;
    fc.assert(
      fc.property(programs, (program) => {
        const steps = moving(program.steps, new Set([...program.fed.keys(), ...program.kept]));
        moves += countOf(program.steps) - countOf(steps);
        expect(inOneMemory({ ...program, steps })).toEqual(separately(program));
      }),
      { numRuns: 150 },
    );
    expect(moves).toBeGreaterThan(100);
  });

  it("are moved where what they are taken from changes meanwhile", () => {
    const [from, part, turn] = [storeOf(16), storeOf(4, 2), storeOf(1, 2)];
    const move: Step = {
      kind: "move",
      size: 4,
      from: whole(from, []),
      fromStep: 4,
      to: whole(part, []),
      toStep: 0,
      turn,
    };
    const over = call("exp", [4], [whole(part, [4])], { store: from, offset: 12, strides: [1] });
    const count = (body: readonly Step[]) =>
      countOf(moving([{ kind: "turns", count: 4, turn, body }], new Set([from])));
    expect(count([move, over])).toBe(2);
    expect(count([move, { ...over, writes: over.writes.map((write) => ({ ...write, store: storeOf(16, 2) })) }])).toBe(
      1,
    );
  });
});

const endsOf = ({ fed, kept }: Program) => ({ fed: [...fed.keys()], kept });

/** A program whose stores have become others. */
function joined({ fed, kept }: Program, { steps, of }: ReturnType<typeof coalesced>): Program {
  return { steps, fed: new Map([...fed].map(([store, numbers]) => [of(store), numbers])), kept: kept.map(of) };
}

function givesTheSame(before: Program, after: Program): void {
  const expected = separately(before);
  expect(separately(after)).toEqual(expected);
  expect(inOneMemory(after)).toEqual(expected);
}

const countOf = (steps: readonly Step[]): number =>
  steps.reduce((sum, step) => sum + (step.kind === "turns" ? countOf(step.body) : 1), 0);
