// Passes that spare walks over rows and transposes: sums of rows where they are needed, and products that write what would be copied.

import { type Chain, fused, type Step } from "@innerloop/native/plan";
import { describe, expect, test } from "vitest";
import { type Array_, array, call, copy, kinds, only, product, turned } from "./fuse-arrays.ts";

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
});
