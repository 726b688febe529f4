// Equal nodes are one, and different ones never: what is looked up by a key is compared in full.
// INNERLOOP_RANDOM_TABLES says how many random tables are tried.
import { setImmediate } from "node:timers/promises";
import { type Attribute, apply, constant, constantOf, evaluate, input, type Operator, op } from "@innerloop/graph";
import { random } from "@innerloop/train";
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
    infer: (inputs) => [{ dtype: "float32", shape: inputs[0]!.shape }],
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
});
