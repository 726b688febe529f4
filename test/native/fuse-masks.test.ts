// Truths that are multiplied with numbers: the same in fewer calls, to the bit, whatever the numbers are.

import {
  type Access,
  type Call,
  type Chain,
  fused,
  type Operand,
  type Store,
  type Write,
} from "@innerloop/native/plan";
import { describe, expect, test } from "vitest";
import { compare } from "./compared.ts";
import { only } from "./fuse-arrays.ts";
import { testKernels } from "./kernels.ts";

const kernels = testKernels();
const size = 700;
const [a, b, c, d, x, ...outs] = Array.from({ length: 9 }, (): Store => ({ size, depth: 1 })) as [
  ...[Store, Store, Store, Store, Store],
  ...Store[],
];
const at = (store: Store): Access => ({ store, offset: 0, strides: [1] });
const of = (name: Call["name"], ...registers: (number | { number: number })[]): Call => ({
  name,
  operands: registers.map((each): Operand => (typeof each === "number" ? { register: each } : each)),
});
const chain = (reads: readonly Store[], code: readonly Call[], results: readonly number[]): Chain => ({
  ...{ kind: "chain", shape: [size], reads: reads.map(at), code },
  writes: results.map((register, i): Write => ({ ...at(outs[i]!), register, how: "set" })),
});
const joined = (step: Chain) => only(fused([step], outs), "chain");
const names = ({ code }: Chain) => code.map(({ name }) => name);

/** Numbers among which many are alike, with all that is none. */
const special = [0, -0, 1, -1, 2.5, -3, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-40];
const begun = new Map(
  [a, b, c, d, x].map((store, i) => [
    store,
    Float32Array.from({ length: size }, (_, j) => special[(j * (i + 1) + Math.floor(j / (7 + i))) % special.length]!),
  ]),
);

function same(step: Chain, made: Chain): void {
  const [before, after] = [step, made].map((each) => {
    const run = compare(kernels, [each], { begun });
    return each.writes.map(({ store }) => Array.from(run.of(store)));
  });
  expect(after).toEqual(before);
}

describe("masks", () => {
  // Where the largest of four is, as a derivative of a pool has it.
  const code: Call[] = [
    ...[of("maximum", 0, 1), of("maximum", 2, 3), of("greater", 5, 6), of("greater", 1, 0)],
    ...[of("multiply", 7, 8), of("multiply", 9, 4), of("not", 8), of("multiply", 11, 7), of("multiply", 4, 12)],
    ...[of("not", 7), of("less", 2, 3), of("multiply", 14, 15), of("multiply", 16, 4)],
    ...[of("not", 15), of("multiply", 14, 18), of("multiply", 19, 4)],
  ];
  const pool = chain([a, b, c, d, x], code, [10, 13, 17, 20]);

  test("of a pool's derivative go to the number one after another, what two have in common once", () => {
    const made = joined(pool);
    expect(made.code).toHaveLength(8);
    expect(names(made).toSorted()).toEqual([
      ...["ifGreater", "ifGreater", "ifGreater", "maximum", "maximum"],
      ...["unlessGreater", "unlessGreater", "unlessGreater"],
    ]);
    same(pool, made);
  });

  test("of what is cut off at zero are one call, and stay where they are written too", () => {
    const cut = chain([a, x], [of("greater", 0, { number: 0 }), of("multiply", 2, 1)], [3]);
    expect(names(joined(cut))).toEqual(["ifGreater"]);
    same(cut, joined(cut));
    const both = chain([a, x], cut.code, [2, 3]);
    expect(joined(both).code).toHaveLength(2);
    same(both, joined(both));
  });

  test("that are no comparisons by themselves stay products", () => {
    const equal = chain([a, b, x], [of("equal", 0, 1), of("multiply", 3, 2)], [4]);
    expect(names(joined(equal))).toEqual(["equal", "multiply"]);
    const least = chain([a, b, x], [of("greaterOrEqual", 0, 1), of("not", 3), of("multiply", 4, 2)], [5]);
    expect(names(joined(least))).toEqual(["greaterOrEqual", "not", "multiply"]);
  });
});
