// Passes that join steps: they change no result, and they join what they are for.

import {
  type Access,
  type Chain,
  fused,
  inPlace,
  type Product,
  passes,
  type Step,
  type Store,
  type Turns,
} from "@innerloop/native/plan";
import { describe, expect, test } from "vitest";
import { type Array_, array, call, copy, kinds, only, product, row, summed, turned } from "./fuse-arrays.ts";
import { listed } from "./random-steps.ts";
import { runSteps, stores } from "./reference.ts";

describe("results stay", () => {
  const same = (seed: number, taken = passes): void => {
    const { steps, outputs, begun, known } = listed(seed, 4 + (seed % 24));
    const numberOf = (store: (typeof outputs)[number]) => known.get(store);
    const [before, after] = [stores(begun), stores(begun)];
    expect(runSteps(steps, before)).toBe(0);
    expect(runSteps(fused(steps, outputs, numberOf, taken), after)).toBe(0);
    for (const [i, store] of outputs.entries()) {
      const [expected, given] = [before(store), after(store)];
      expected.forEach((number, at) => {
        const off = Math.abs(given[at]! - number) / Math.max(1, Math.abs(number));
        if (!(off < 1e-12 || Object.is(given[at], number) || given[at] === number))
          expect.fail(`seed ${seed}, output ${i}, number ${at}: ${given[at]} for ${number}`);
      });
    }
  };

  test("of random steps", () => {
    for (let seed = 1; seed <= 1500; seed++) same(seed);
  });

  test.each(passes.map((pass) => [pass.name, pass] as const))("with %s alone, and without it", (_, pass) => {
    for (let seed = 2001; seed <= 2200; seed++) {
      same(seed, [pass]);
      same(
        seed,
        passes.filter((each) => each !== pass),
      );
    }
  });
});

describe("walks", () => {
  const [a, b, c, d, e] = [array(30, 40), array(30, 40), array(30, 40), array(30, 40), array(30, 40)];
  const total = array();

  test("chains over the same places are one, which does not write what nobody else reads", () => {
    const steps = [call("add", [a, b], c), call("relu", [c], d), call("multiply", [d, 2], e)];
    const chain = only(fused(steps, [e.store]), "chain");
    expect([chain.reads.length, chain.code.length, chain.writes.length]).toEqual([2, 3, 1]);
    expect(chain.shape).toEqual([1200]);
  });

  test("what others read is written as well", () => {
    const steps = [call("add", [a, b], c), call("relu", [c], d), call("multiply", [c, 2], e)];
    const chain = only(fused(steps, [d.store, e.store]), "chain");
    expect([chain.reads.length, chain.writes.length]).toEqual([2, 2]);
    expect(only(fused(steps, [c.store, d.store, e.store]), "chain").writes).toHaveLength(3);
  });

  test("chains that read the same array are one", () => {
    expect(only(fused([call("exp", [a], c), call("add", [a, b], d)], [c.store, d.store]), "chain").reads).toHaveLength(
      2,
    );
  });

  test("a transposed array and one in another shape go in the same walk", () => {
    const flat = array(1200);
    const steps = [
      call("exp", [a], c),
      copy(turned(c), { ...flat, shape: [40, 30], strides: [30, 1] }),
      call("negative", [flat], array(1200)),
    ];
    const last = (steps[2] as Chain).writes[0]!.store;
    const chain = only(fused(steps, [last]), "chain");
    expect([chain.shape, chain.reads[0]!.strides]).toEqual([
      [40, 30],
      [1, 40],
    ]);
  });

  test("an array that is written in pieces is not written as one for a chain that goes over it", () => {
    const [left, right, joined] = [array(30, 10), array(30, 30), array(30, 40)];
    const piece = (columns: number, offset: number): Array_ => ({ ...joined, shape: [30, columns], offset });
    const steps = [copy(left, piece(10, 0)), copy(right, piece(30, 10)), call("multiply", [joined, a], b)];
    const made = fused(steps, [b.store]);
    expect(kinds(made)).toBe("chain chain");
    expect((made[0] as Chain).reads.map(({ store }) => store)).toEqual([left.store, a.store]);
    expect((made[1] as Chain).writes).toMatchObject([{ store: b.store, offset: 10, strides: [40, 1] }]);
  });

  test("a row that costs something is computed once, not for each row that reads it", () => {
    const [vector, made] = [array(40), array(40)];
    const steps = [call("exp", [vector], made), call("add", [a, row(made, 30)], c)];
    expect(fused(steps, [c.store])).toHaveLength(2);
  });

  test("a mask is computed where it is read", () => {
    const product_ = product(a, array(40, 40), c);
    const steps = [call("greater", [a, 0], b), product_, call("multiply", [c, b], d), call("add", [d, b], e)];
    const made = fused(steps, [e.store]);
    expect(kinds(made)).toBe("product chain");
    expect((made[1] as Chain).reads).toHaveLength(2);
  });

  test("sums are taken in the walk that computes what is summed, and what reads them is another", () => {
    const mean = array();
    const steps = [
      call("multiply", [a, a], c),
      summed(c, total),
      call("multiply", [total, 1 / 1200], mean),
      call("subtract", [a, { ...mean, shape: a.shape, strides: [0, 0] }], d),
    ];
    const made = fused(steps, [d.store]);
    expect(made.map((step) => (step as Chain).writes[0]!.how)).toEqual(["sum", "set"]);
    expect((made[0] as Chain).reads).toHaveLength(1);
  });

  test("sums that are products with ones are taken in that walk too", () => {
    const [ones, sums, from, to] = [array(1, 100), array(1, 50), array(100, 50), array(100, 50)];
    const steps = [call("exp", [from], to), product(ones, to, sums)];
    const numberOf = (store: Store) => (store === ones.store ? 1 : undefined);
    const chain = only(fused(steps, [sums.store], numberOf), "chain");
    expect(chain.writes).toMatchObject([{ how: "sum", strides: [0, 1] }]);
  });

  test("a step that tells what is above zero is one comparison", () => {
    const [steep, above, most] = [array(30, 40), array(30, 40), array(30, 40)];
    const steps = [
      call("multiply", [a, 2 ** 126], steep),
      call("relu", [steep], above),
      call("minimum", [above, 1], most),
    ];
    const chain = only(fused([...steps, call("multiply", [most, b], c)], [c.store]), "chain");
    // A comparison with zero and a product are one call.
    expect(chain.code).toEqual([{ name: "ifGreater", operands: [{ register: 0 }, { number: 0 }, { register: 1 }] }]);
  });

  test("a chain has a bounded number of reads and calls", () => {
    const arrays = Array.from({ length: 100 }, () => array(30, 40));
    const sums = arrays.map(() => array(30, 40));
    const steps = arrays.map((each, i) => call("add", [i === 0 ? a : sums[i - 1]!, each], sums[i]!));
    const made = fused(steps, [sums.at(-1)!.store]) as Chain[];
    expect(made.length).toBeGreaterThan(4);
    expect(made.length).toBeLessThan(8);
    for (const { reads, code } of made) expect(reads.length <= 24 && code.length <= 64).toBe(true);
  });

  test("known numbers are in the code, where 1 times and 0 plus are nothing", () => {
    const [one, zero] = [array(30, 40), array()];
    const steps = [
      call("multiply", [a, one], c),
      call("add", [c, { ...zero, shape: a.shape, strides: [0, 0] }], d),
      call("subtract", [b, d], e),
    ];
    const known = new Map([
      [one.store, 1],
      [zero.store, 0],
    ]);
    const chain = only(
      fused(steps, [e.store], (store: Store) => known.get(store)),
      "chain",
    );
    expect([chain.reads.length, chain.code.length]).toEqual([2, 1]);
  });

  test("what is computed twice is computed once", () => {
    const [x, y] = [array(40, 20), array(30, 20)];
    const again = array(30, 20);
    const steps = [
      product(a, x, y),
      call("exp", [y], array(30, 20)),
      product(a, x, again),
      call("add", [y, again], array(30, 20)),
    ];
    expect(kinds(fused(steps, [(steps[1] as Chain).writes[0]!.store, (steps[3] as Chain).writes[0]!.store]))).toBe(
      "product chain",
    );
  });

  test("what nobody reads is not computed", () => {
    expect(fused([call("exp", [a], c), call("log", [c], d), call("sqrt", [a], e)], [e.store])).toHaveLength(1);
  });
});

describe("products", () => {
  const [left, right, made, added] = [array(30, 20), array(20, 40), array(30, 40), array(30, 40)];
  const [second, third, bias] = [array(30, 40), array(30, 40), array(40)];

  test("a bias and a relu are parts of the product", () => {
    const steps = [
      product(left, right, made),
      call("add", [made, row(bias, 30)], second),
      call("relu", [second], third),
    ];
    const step = only(fused(steps, [third.store]), "product");
    expect(step).toMatchObject({ alpha: 1, beta: 1, relu: true, added: { store: bias.store, strides: [0, 1] } });
    expect(step.out.store).toBe(third.store);
  });

  test("a step along a gradient is a part of the product that the gradient is", () => {
    const steps = [
      product(left, right, made),
      call("multiply", [made, 0.25], second),
      call("subtract", [added, second], third),
    ];
    const step = only(fused(steps, [third.store]), "product");
    expect(step).toMatchObject({ alpha: -0.25, beta: 1, relu: false, added: { store: added.store } });
  });

  test("what others read too stays a product's result", () => {
    const steps = [product(left, right, made), call("relu", [made], second), call("exp", [made], third)];
    const [step, chain] = fused(steps, [second.store, third.store]);
    expect(step).toMatchObject({ kind: "product", relu: false, out: { store: made.store } });
    expect((chain as Chain).writes).toHaveLength(2);
  });

  test("a transposed result is the product of the transposed factors", () => {
    const out = array(40, 30);
    const step = only(fused([product(left, right, made), copy(turned(made), out)], [out.store]), "product");
    expect(step).toMatchObject({
      m: 40,
      n: 30,
      left: { store: right.store, strides: [1, 40] },
      out: { store: out.store, strides: [30, 1] },
    });
  });

  test("a factor that is transposed in memory is read by its distances", () => {
    const [from, transposed] = [array(40, 20), array(20, 40)];
    const steps = [copy(turned(from), transposed), product(left, transposed, made)];
    expect(only(fused(steps, [made.store]), "product").right).toMatchObject({ store: from.store, strides: [1, 20] });
  });

  test("a multiple of a factor is read as the factor", () => {
    const [from, multiple] = [array(20, 40), array(20, 40)];
    const steps = [call("multiply", [from, -0.5], multiple), product(left, multiple, made)];
    expect(only(fused(steps, [made.store]), "product")).toMatchObject({ alpha: -0.5, right: { store: from.store } });
  });

  test("pieces of an array are written where they belong", () => {
    const out = array(30, 80);
    const piece = (offset: number): Array_ => ({ ...out, shape: [30, 40], offset });
    const steps = [
      product(left, right, made),
      call("exp", [added], second),
      copy(made, piece(0)),
      copy(second, piece(40)),
    ];
    const [step, chain] = fused(steps, [out.store]) as [Product, Chain];
    expect(step.out).toMatchObject({ store: out.store, offset: 0, strides: [80, 1] });
    expect(chain.writes[0]).toMatchObject({ store: out.store, offset: 40, strides: [80, 1] });
  });
});

describe("turns", () => {
  const [carried, gradient, next] = [array(30, 40), array(30, 40), array(30, 40)];
  const [left, right, start] = [array(30, 20), array(20, 40), array(30, 40)];
  const turn: Store = { size: 1, depth: 2 };

  test("steps of turns are joined, and read what was handed on before it is written again", () => {
    const [before, squares] = [array(30, 40), array()];
    const body: Step[] = [
      product(left, right, gradient),
      call("multiply", [carried, 2], before),
      summed(before, squares),
      call("subtract", [carried, gradient], next),
      { kind: "move", size: 1200, from: next, fromStep: 0, to: carried, toStep: 0 },
      { kind: "move", size: 1, from: squares, fromStep: 0, to: array(3), toStep: 1, turn },
    ];
    const outputs = [carried.store, (body[5] as { to: Access }).to.store];
    const steps = fused([copy(start, carried), { kind: "turns", count: 3, turn, body }], outputs);
    expect(kinds(steps)).toBe("chain turns");
    expect(kinds((steps[1] as Turns).body)).toBe("chain product move move");
  });

  test("what is handed on is written in its place, where nothing needs what was there any more", () => {
    const scaled = array(30, 40);
    const body: Step[] = [
      product(left, right, gradient),
      call("multiply", [gradient, 0.5], scaled),
      call("subtract", [carried, scaled], next),
      copy(next, carried),
    ];
    const steps = fused([copy(start, carried), { kind: "turns", count: 3, turn, body }], [carried.store]);
    const step = only((steps[1] as Turns).body, "product");
    expect(step).toMatchObject({ alpha: -0.5, out: { store: carried.store }, added: { store: carried.store } });
  });

  test("what is read around turns is written in them, however often turns in them read it", () => {
    const [read, copied, grown, last, out] = [
      array(30, 40),
      array(30, 40),
      array(30, 40),
      array(30, 40),
      array(30, 40),
    ];
    const inner: Turns = {
      ...{ kind: "turns", count: 2, turn: { size: 1, depth: 3 } },
      body: [copy(read, copied), call("exp", [copied], grown), call("subtract", [copied, grown], last)],
    };
    const steps: Step[] = [
      { kind: "turns", count: 3, turn, body: [copy(start, read), inner] },
      call("relu", [read], out),
    ];
    const numbers = stores(new Map([[start.store, new Float64Array(1200).fill(0.5)]]));
    const copies = passes.filter(({ name }) => name === "copies");
    expect(
      runSteps(
        fused(steps, [out.store, last.store], () => undefined, copies),
        numbers,
      ),
    ).toBe(0);
    expect(numbers(out.store)).toEqual(new Float64Array(1200).fill(0.5));
  });

  test("a chain that needs what was there after its result is known keeps them apart", () => {
    const chain: Chain = {
      ...{ kind: "chain", shape: [1200], reads: [{ ...carried, strides: [1] }] },
      code: [
        { name: "exp", operands: [{ register: 0 }] },
        { name: "multiply", operands: [{ register: 0 }, { register: 1 }] },
      ],
      writes: [{ ...carried, strides: [1], register: 2, how: "set" }],
    };
    const [write] = chain.writes as [Chain["writes"][number]];
    expect(inPlace(chain)).toBe(true);
    expect(inPlace({ ...chain, writes: [{ ...write, register: 1 }] })).toBe(false);
    expect(inPlace({ ...chain, writes: [write, { ...next, strides: [1], register: 0, how: "set" }] })).toBe(false);
    expect(
      inPlace({
        ...chain,
        shape: [40, 30],
        writes: [{ ...write, strides: [30, 1] }],
        reads: [{ ...carried, strides: [1, 40] }],
      }),
    ).toBe(false);
    expect(inPlace({ ...chain, reads: [{ ...carried, offset: 1, strides: [1] }], shape: [600] })).toBe(false);
  });
});
