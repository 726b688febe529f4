// Examples some at a time: the same numbers whatever the order of steps, what they share and what is read around them; and what each bunch has by itself takes only its room.
import { type Access, bunched, type Chain, type Product, type Step, type Store } from "@innerloop/native/plan";
import { describe, expect, it } from "vitest";
import { compare } from "./compared.ts";
import { testKernels } from "./kernels.ts";
import { dice } from "./random-steps.ts";
import { runSteps, stores } from "./reference.ts";

const kernels = testKernels();

/** Examples of 4 × 4 places with two channels. */
const [examples, side, channels] = [6, 4, 2];
const places = side ** 2;
const size = examples * places * channels;
/** What is told of larger arrays otherwise: of seven arrays three examples at a time. */
const limits = { large: 1, near: 7 * 3 * places * channels, least: 1 };

const store = (count: number): Store => ({ size: count, depth: 1 });
const at = (of: Store, strides: readonly number[], offset = 0): Access => ({ store: of, offset, strides });
const rows = (of: Store): Access => at(of, [channels, 1]);

/** Where each place reads what is around it. */
function table(): Int32Array {
  const made: number[] = [];
  for (let place = 0; place < examples * places; place++)
    for (let tap = 0; tap < 9; tap++) {
      const [example, own] = [Math.floor(place / places), place % places];
      const [row, column] = [Math.floor(own / side) + Math.floor(tap / 3) - 1, (own % side) + (tap % 3) - 1];
      const within = row >= 0 && row < side && column >= 0 && column < side;
      made.push(within ? (example * places + row * side + column) * channels : -1);
    }
  return Int32Array.from(made);
}
const lookup = { table: table(), taps: 9, segment: channels };

const convolved = (from: Store, weight: Store, out: Store, added?: Access): Product => ({
  ...{ kind: "product", batch: [], m: examples * places, n: channels, k: 9 * channels, alpha: 0.5, beta: 1 },
  ...{ left: at(from, [0, 0]), lookup: { ...lookup, by: "rows" }, right: rows(weight), out: rows(out), relu: false },
  ...(added ? { added } : {}),
});

/** What weights of a convolution get, and it is added to what others have. */
const weighed = (from: Store, back: Store, out: Store, added?: Store, beta = 1): Product => ({
  ...{ kind: "product", batch: [], m: 9 * channels, n: channels, k: examples * places, alpha: 0.25, beta, relu: false },
  ...{ left: at(from, [0, 0]), lookup: { ...lookup, by: "columns" }, right: rows(back), out: rows(out) },
  ...(added ? { added: rows(added) } : {}),
});

const chain = (name: "add" | "multiply", a: Access, b: Access, ...writes: Chain["writes"]): Chain => ({
  ...{ kind: "chain", shape: [examples * places, channels], reads: [a, b], writes },
  code: [{ name, operands: [{ register: 0 }, { register: 1 }] }],
});
const set = (access: Access) => ({ ...access, register: 2, how: "set" as const });
const summed = (of: Store) => ({ ...at(of, [0, 1]), register: 2, how: "sum" as const });

const begunFor = (all: readonly Store[], seed: number) => {
  const random = dice(seed);
  return new Map(all.map((each) => [each, Float32Array.from({ length: each.size }, () => random() - 0.5)]));
};

/** Runs both in 64-bit numbers, and compares the stores that are kept. */
function expectSame(
  steps: readonly Step[],
  made: readonly Step[],
  begun: ReadonlyMap<Store, Float32Array>,
  kept: readonly Store[],
) {
  const [before, after] = [stores(begun), stores(begun)];
  runSteps(steps, before);
  runSteps(made, after);
  for (const each of kept) {
    const [wanted, given] = [before(each), after(each)];
    for (let i = 0; i < wanted.length; i++)
      if (!(Math.abs(given[i]! - wanted[i]!) <= 1e-9 * (1 + Math.abs(wanted[i]!))))
        expect.fail(`at ${i} of ${each.size}: ${given[i]}, not ${wanted[i]}, in ${JSON.stringify(steps)}`);
  }
}

/** Forward through two convolutions, back to their weights, and these changed. */
function learning() {
  const [x, mask, w, v] = [store(size), store(size), store(9 * channels ** 2), store(9 * channels ** 2)];
  const [a, b, c, d, e] = [store(size), store(size), store(size), store(size), store(size)];
  const [bias, toBias, first, second] = [store(channels), store(channels), store(w.size), store(w.size)];
  const steps: Step[] = [
    convolved(x, w, a, at(bias, [0, 1])),
    chain("multiply", rows(a), rows(mask), set(rows(b))),
    convolved(b, v, c),
    chain("add", rows(c), rows(a), set(rows(d)), summed(toBias)),
    chain("multiply", rows(c), rows(x), set(rows(e))),
    weighed(b, d, first),
    weighed(x, e, second, first, 3),
    {
      ...{ kind: "chain", shape: [w.size], reads: [at(w, [1]), at(second, [1])], writes: [set(at(w, [1]))] },
      code: [{ name: "add", operands: [{ register: 0 }, { register: 1 }] }],
    },
  ];
  return { steps, begun: begunFor([x, mask, w, v, bias], 1), kept: [w, toBias], within: [a, b, c, d, e] };
}

const storesIn = (steps: readonly Step[]): Set<Store> =>
  new Set(
    steps
      .flatMap((step) =>
        step.kind === "product" ? [step.left, step.out] : step.kind === "chain" ? [...step.reads, ...step.writes] : [],
      )
      .map((access) => access.store),
  );

describe("examples some at a time", () => {
  it("give the same, and what nobody else reads takes the room of a bunch", () => {
    const { steps, begun, kept, within } = learning();
    const made = bunched(steps, new Set([...begun.keys(), ...kept]), { limits });
    // Two bunches of seven steps, a sum of both, and the weights.
    expect(made).toHaveLength(2 * 7 + 2);
    const left = storesIn(made);
    expect(within.some((each) => left.has(each))).toBe(false);
    expect(Math.max(...[...left].filter((each) => !begun.has(each)).map((each) => each.size))).toBe(
      3 * channels * places,
    );
    expectSame(steps, made, begun, kept);
    expect(compare(kernels, made, { begun, close: 1e-5 }).outcome).toBe(0);
  });

  it("in turns too, whose weights go from one to the next", () => {
    const { steps, begun, kept } = learning();
    const turns = (body: readonly Step[]): Step => ({ kind: "turns", count: 3, turn: store(1), body });
    const made = bunched([turns(steps)], new Set([...begun.keys(), ...kept]), { limits });
    expect(made[0]).toMatchObject({ kind: "turns", count: 3 });
    expect((made[0] as { body: readonly Step[] }).body).toHaveLength(2 * 7 + 2);
    expectSame([turns(steps)], made, begun, kept);
  });

  it("stay where what is read is another example's", () => {
    const [x, w, a, b] = [store(size), store(9 * channels ** 2), store(size), store(size)];
    const next = {
      ...lookup,
      table: lookup.table.map((place) => (place < 0 ? -1 : (place + places * channels) % size)),
    };
    const steps = [convolved(x, w, a), { ...convolved(a, w, b), lookup: { ...next, by: "rows" as const } }];
    expect(bunched(steps, new Set([x, w, b]), { limits })).toEqual(steps);
  });

  it("stay where all is near anyway", () => {
    const { steps, begun, kept } = learning();
    const ends = new Set([...begun.keys(), ...kept]);
    expect(bunched(steps, ends, { limits: { ...limits, near: 2 ** 20 } })).toEqual(steps);
    expect(bunched(steps, ends)).toEqual(steps);
  });

  it("give the same in any order of steps, whatever is kept", () => {
    let taken = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const random = dice(seed);
      const pick = <Of>(list: readonly Of[]): Of => list[Math.floor(random() * list.length)]!;
      const arrays = Array.from({ length: 6 }, () => store(size));
      const weights = Array.from({ length: 4 }, () => store(9 * channels ** 2));
      const biases = [store(channels), store(channels)];
      /** An array, another one's examples from the last one back, or places that two examples share. */
      const read = (): Access => {
        const of = pick(arrays);
        const how = random();
        if (how < 0.04) return at(of, [-channels, 1], size - channels);
        return how < 0.08 ? at(of, [channels, 0]) : rows(of);
      };
      const other = (...some: readonly Store[]) => pick(arrays.filter((each) => !some.includes(each)));
      const step = (): Step => {
        const which = random();
        if (which < 0.35) {
          const [from, weight] = [pick(arrays), pick(weights)];
          const out = other(from);
          const added = random() < 0.3 ? rows(random() < 0.5 ? out : other(from, out)) : undefined;
          return convolved(from, weight, out, added);
        }
        if (which < 0.6) {
          const [a, b] = [read(), read()];
          const out =
            a.store === b.store || a.strides[0] !== channels || a.strides[1] !== 1
              ? other(a.store, b.store)
              : pick([a.store, other(a.store, b.store)]);
          const more = random() < 0.4 ? [summed(pick(biases))] : [];
          return chain(random() < 0.5 ? "add" : "multiply", a, b, set(rows(out)), ...more);
        }
        if (which < 0.7)
          return chain("add", rows(pick(arrays)), at(pick(biases), [0, 1]), set(rows(pick(arrays.slice(3)))));
        if (which < 0.9) {
          const out = pick(weights);
          return weighed(pick(arrays), pick(arrays), out, random() < 0.6 ? pick(weights) : undefined, 1 + random());
        }
        const [a, b] = [pick(weights), pick(weights)];
        return {
          ...{
            kind: "chain",
            shape: [a.size],
            reads: [at(a, [1])],
            writes: [{ ...at(b, [1]), register: 1, how: "set" }],
          },
          code: [{ name: "multiply", operands: [{ register: 0 }, { number: 0.5 }] }],
        };
      };
      const steps = Array.from({ length: 14 }, step).filter(
        (each) =>
          each.kind !== "chain" ||
          each.writes.every(({ store: to, how }) => how === "set" || !each.reads.some((from) => from.store === to)),
      );
      const all = [...arrays, ...weights, ...biases];
      const kept = all.filter(() => random() < 0.6);
      const begun = begunFor(all, seed + 1000);
      // Only what is kept has numbers that are read without being written here.
      const made = bunched(steps, new Set(kept), { limits: { ...limits, near: limits.near * (0.3 + 0.9 * random()) } });
      if (made.length > steps.length) taken++;
      expectSame(steps, made, begun, kept);
    }
    expect(taken).toBeGreaterThan(75);
  });
});
