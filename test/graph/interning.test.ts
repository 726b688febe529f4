// Equal nodes are one, and different ones never: what is looked up by a key is compared in full.
// INNERLOOP_RANDOM_TABLES says how many random tables are tried.
import { setImmediate } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { type Attribute, apply, constant, constantOf, evaluate, input, type Operator, op } from "@innerloop/graph";
import { random } from "@innerloop/train";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const int64 = (numbers: readonly number[]) => constant(numbers, [numbers.length], "int64");

/** Tables with one hash. */
const colliding = [
  [27, 20, 18, 50, 2, 57, 63, 40, 60],
  [32, 27, 23, 35, 45, 60, 34, 49, 51],
] as const;

describe("constants", () => {
  test("that are equal are one value", () => {
    for (const table of colliding) expect(int64(table)).toBe(int64(table));
    expect(constant([1, 2])).not.toBe(constant([1, 2], [2, 1]));
    expect(constant([1, 2])).not.toBe(constant([1, 2], [2], "int64"));
    expect(constant(0)).not.toBe(constant(-0));
    expect(constant(Number.NaN)).toBe(constant(Number.NaN));
  });

  test("with one hash are two: each Gather reads its own", () => {
    const x = constant(Float64Array.from({ length: 64 }, (_, i) => i));
    const read = colliding.map((table) => op.Gather(x, int64(table), 0));
    expect(evaluate(read).map(({ data }) => [...data])).toEqual(colliding.map((table) => [...table]));
  });

  test("hold the numbers that were given, whatever else lives", async () => {
    const stream = random(12);
    const alive = [];
    for (let i = 0; i < Number(process.env.INNERLOOP_RANDOM_TABLES ?? 20_000); i++) {
      const table = Float64Array.from({ length: 9 + stream.integer(4) }, () => stream.integer(64));
      const value = constant(table, [table.length], "int64");
      alive[i % 300_000] = value;
      const { data } = constantOf(value)!;
      if (!table.every((number, k) => Object.is(number, data[k]))) expect(data).toEqual(table);
      // Nodes are forgotten between turns only.
      if (i % 50_000 === 0) await setImmediate();
    }
  }, 3_600_000);
});

describe("attributes", () => {
  const custom = (): Operator => ({
    name: "Custom",
    family: "control",
    summary: "A test's own",
    infer: () => [{ dtype: "float32", shape: [2] }],
  });
  const operator = custom();
  const x = input("x", [2]);
  const parameter = input("p", [2]);
  const [other] = apply(operator, [parameter], { a: 1 });
  const numbers = (data: number[], dtype: "float32" | "int64", shape: number[]): Attribute => ({
    dtype,
    shape,
    data: Float64Array.from(data),
  });
  const long = Array.from({ length: 12 }, (_, i) => i);
  /** Each is another one, and made anew at each call. */
  const kinds = (): Attribute[] => [
    undefined,
    "",
    "undefined",
    true,
    "true",
    false,
    1,
    "1",
    0,
    -0,
    Number.NaN,
    "NaN",
    [],
    [1],
    ["1"],
    [1, 2],
    ["1,2"],
    ["1", "2"],
    "[1,2]",
    [2, 1],
    ["n"],
    ["n", "m"],
    ["n,m"],
    numbers([1, 2], "float32", [2]),
    numbers([1, 2], "float32", [1, 2]),
    numbers([1, 2], "int64", [2]),
    numbers([1, -0], "float32", [2]),
    numbers([1, 0], "float32", [2]),
    numbers([], "float32", [0]),
    numbers([], "float32", [2, 0]),
    numbers(long, "float32", [12]),
    numbers(long, "float32", [3, 4]),
    numbers([...long].reverse(), "float32", [12]),
    { parameters: [parameter], results: [parameter] },
    { parameters: [parameter], results: [other!] },
    { parameters: [parameter], results: [other!, other!] },
    { parameters: [], results: [other!] },
  ];

  test("of every kind: equal ones make one node, others another", () => {
    const made = kinds().map((a) => apply(operator, [x], { a })[0]!);
    expect(kinds().map((a) => apply(operator, [x], { a })[0]!)).toEqual(made);
    expect(new Set(made).size).toBe(made.length);
  });

  test("by their names, whose order is no matter to what they are", () => {
    const [first] = apply(operator, [x], { a: "1,b=2" });
    expect(apply(operator, [x], { a: "1", b: "2" })[0]).not.toBe(first);
    expect(apply(operator, [x], { a: "1", b: undefined })[0]).not.toBe(apply(operator, [x], { a: "1" })[0]);
  });

  test("do not make operators of one name the same", () => {
    expect(apply(custom(), [x], { a: 1 })[0]).not.toBe(apply(operator, [x], { a: 1 })[0]);
  });

  /** A description of an attribute, of few letters and numbers so that keys are often near each other or the same. */
  const text = fc.constantFrom("", ",", "1", "1,2", "[1]", "n", "m", "n,m", "true", "undefined", "NaN", "a=1", "}");
  const number = fc.constantFrom(0, -0, 1, -1, 2, 12, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e-300);
  const places = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 3 });
  const description = fc.oneof(
    fc.record({ plain: fc.oneof(text, number, fc.boolean(), fc.constant(undefined)) }),
    fc.record({ list: fc.array(fc.oneof(text, number), { maxLength: 3 }) }),
    fc.record({
      dtype: fc.constantFrom("float32" as const, "int64" as const),
      // Few numbers are a key of their own, many are hashed.
      data: fc.oneof(
        fc.array(number, { maxLength: 3 }),
        fc.array(fc.constantFrom(0, -0, 1), { minLength: 9, maxLength: 10 }),
      ),
      isColumn: fc.boolean(),
    }),
    fc.record({ parameters: places, results: places }),
  );
  type Description = typeof description extends fc.Arbitrary<infer D> ? D : never;
  const values = [x, parameter, other!];

  function made(of: Description): Attribute {
    if ("plain" in of) return of.plain;
    if ("list" in of) return [...of.list];
    if ("data" in of) return numbers([...of.data], of.dtype, of.isColumn ? [of.data.length, 1] : [of.data.length]);
    return { parameters: of.parameters.map((i) => values[i]!), results: of.results.map((i) => values[i]!) };
  }
  const names = fc.constantFrom("a", "b", "a,b", "a=1");
  const described = fc.record({
    inputs: fc.array(fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }), { maxLength: 3 }),
    attributes: fc.dictionary(names, description, { maxKeys: 2 }),
  });
  type Described = typeof described extends fc.Arbitrary<infer D> ? D : never;
  const node = ({ inputs, attributes }: Described) =>
    apply(
      operator,
      inputs.map((i) => (i === undefined ? undefined : values[i])),
      Object.fromEntries(Object.entries(attributes).map(([name, of]) => [name, made(of)])),
    )[0];
  /** Without the inputs that are left out at the end, and without the prototypes that objects happen to have. */
  const plain = ({ inputs, attributes }: Described) =>
    structuredClone({ inputs: inputs.slice(0, inputs.findLastIndex((i) => i !== undefined) + 1), attributes });

  test("and inputs of every kind: equal ones make one node, others another", () => {
    fc.assert(
      fc.property(fc.array(described, { minLength: 1, maxLength: 40 }), (all) => {
        const nodes = all.map(node);
        for (const [i, one] of all.entries()) {
          expect(node(one)).toBe(nodes[i]);
          for (const [j, other] of all.entries())
            expect(nodes[i] === nodes[j]).toBe(isDeepStrictEqual(plain(one), plain(other)));
        }
      }),
      { numRuns: 200 },
    );
  });
});
