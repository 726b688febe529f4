// Passes that spare walks over rows and transposes: sums of rows where they are needed, and products that write what would be copied.

import { type Chain, fused, type Step } from "@innerloop/native/plan";
import { describe, expect, test } from "vitest";
import { type Array_, array, call, copy, kinds, only, product, turned } from "./fuse-arrays.ts";
import { runSteps, stores } from "./reference.ts";

describe("sums of rows", () => {
  const rowOf = (of: Array_, columns: number): Array_ => ({ ...of, shape: [...of.shape, columns], strides: [1, 0] });
  const sumOf = (a: Array_, b: Array_, out: Array_): Chain => {
    return call("multiply", [a, b], { ...out, strides: [1, 0] }, "sum");
  };
  const given = (): [Array_, Array_, Array_, Array_, Array_] => [
    array(6, 40),
    array(6, 40),
    array(6),
    array(6, 40),
    array(6, 40),
  ];

  test("are taken where they are needed: the derivative of a softmax is one walk", () => {
    const [p, d, sum, less, out] = given();
    const steps = [sumOf(p, d, sum), call("subtract", [d, rowOf(sum, 40)], less), call("multiply", [p, less], out)];
    const { reads, code, writes } = only(fused(steps, [out.store]), "chain");
    expect([reads.length, writes.length]).toEqual([2, 1]);
    expect(code.map(({ name }) => name)).toEqual(["multiply", "sumOfRow", "subtract", "multiply"]);
  });

  test("and what is summed otherwise in the same walk is so still", () => {
    const [p, d, sum, , out] = given();
    const columns = array(40);
    const first = sumOf(p, d, sum);
    const both = {
      ...first,
      writes: [...first.writes, { ...columns, strides: [0, 1], register: 1, how: "sum" as const }],
    };
    const steps = [both, call("subtract", [d, rowOf(sum, 40)], out)];
    const { writes } = only(fused(steps, [out.store, columns.store]), "chain");
    expect(writes.map(({ store, how }) => [store, how])).toEqual([
      [columns.store, "sum"],
      [out.store, "set"],
    ]);
  });

  test("are written too where something else needs them", () => {
    const [p, d, sum, , out] = given();
    const steps = [sumOf(p, d, sum), call("subtract", [d, rowOf(sum, 40)], out)];
    expect(only(fused(steps, [out.store, sum.store]), "chain").writes).toHaveLength(2);
  });

  test("stay sums over other rows, and of rows that are too long", () => {
    const [p, d, sum] = given();
    const steps = [sumOf(p, d, sum)];
    const some = { ...rowOf(sum, 20), shape: [6, 20] };
    const half = { ...d, shape: [6, 20] };
    const part = array(6, 20);
    expect(kinds(fused([steps[0]!, call("subtract", [half, some], part)], [part.store]))).toBe("chain chain");
    const [long, sums, result] = [array(2, 1025), array(2), array(2, 1025)];
    const longer = [sumOf(long, long, sums), call("subtract", [long, rowOf(sums, 1025)], result)];
    expect(kinds(fused(longer, [result.store]))).toBe("chain chain");
  });
});

describe("products", () => {
  const [left, right, made, second, bias] = [array(30, 20), array(20, 40), array(30, 40), array(30, 40), array(40)];

  test("write what a reader copies as it would be copied, and others read that", () => {
    const [copied, other, far] = [array(40, 30), array(30, 30), array(30, 30)];
    const chain = copy(turned(made), copied);
    const steps = [
      product(left, right, made),
      product(made, array(40, 30), other),
      { ...chain, writes: [...chain.writes, { ...bias, strides: [1, 0], register: 0, how: "sum" as const }] },
      product(turned(copied), array(40, 30), far),
    ];
    const taken = fused(steps, [copied.store, bias.store, other.store, far.store]);
    expect(kinds(taken)).toBe("product product chain product");
    expect(taken[0]).toMatchObject({ m: 40, n: 30, out: { store: copied.store, strides: [30, 1] } });
    expect(taken[1]).toMatchObject({ left: { store: copied.store, strides: [1, 30] } });
    expect((taken[2] as Chain).writes.map(({ how }) => how)).toEqual(["sum"]);
    // Rows have to lie together for a softmax.
    const rows = { rows: 30, size: 40, from: { ...made, strides: [40] }, out: { ...second, strides: [40] } };
    const soft: Step = { kind: "rowwise", what: "softmax", ...rows };
    const kept = fused([steps[0]!, soft, ...steps.slice(2)], [copied.store, bias.store, far.store, second.store]);
    expect(kept[0]).toMatchObject({ m: 30, n: 40 });
  });

  test("give their transpose where all that others do is to be added to it, with the same numbers", () => {
    const [a, b, out] = [array(40, 20), array(20, 30), array(40, 30)];
    const plain = product(left, right, made);
    const added = { ...product(a, b, out), added: turned(made), beta: 0.5 };
    const taken = fused([plain, added], [out.store]);
    expect(taken[0]).toMatchObject({ m: 40, n: 30, left: { store: right.store }, right: { store: left.store } });
    expect(taken[1]).toMatchObject({ added: { strides: [30, 1] } });
    const numbersOf = ({ store: { size } }: Array_, step: number) =>
      Float32Array.from({ length: size }, (_, i) => ((i * step) % 127) / 64 - 1);
    const begun = new Map([left, right, a, b].map((each, i) => [each.store, numbersOf(each, 29 + 2 * i)]));
    const [expected, given] = [stores(begun), stores(begun)];
    runSteps([plain, added], expected);
    runSteps(taken, given);
    for (const [i, number] of Array.from(expected(out.store)).entries())
      expect(given(out.store)[i]).toBeCloseTo(number);
    // What anyone reads otherwise stays as it is.
    for (const steps of [
      [plain, added, product(made, array(40, 30), array(30, 30))],
      [plain, { ...added, right: made, k: 30 }],
    ])
      expect(fused(steps, [out.store, ...steps.slice(2).map((step) => step.out.store)])[0]).toMatchObject({ m: 30 });
    expect(fused([plain, added], [out.store, made.store])[0]).toMatchObject({ m: 30 });
  });
});
