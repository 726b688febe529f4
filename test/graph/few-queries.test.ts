// Keys and values that few queries ask are not multiplied out, with the same numbers and derivatives.
import { evaluate, grad, input, neededRows, op, print, topological, type Value } from "@innerloop/graph";
import { describe, expect, test, vi } from "vitest";
import { distance } from "./numbers.ts";
import { apart, type Feeds, multiplied, random, run, sumOf } from "./passing.ts";

const [examples, tokens, width, heads] = [4, 64, 128, 4];
const each = width / heads;
const names = ["q", "k", "v"] as const;

interface Form {
  readonly biased: boolean;
  /** What is made of scores; shares of a whole unless given. */
  readonly shares?: (scores: Value) => Value;
  /** Queries of each example. */
  readonly queries?: number;
  readonly x?: Value;
  /** One product for the tokens of all examples. */
  readonly flat?: boolean;
}

/** What one token, or some, take from all. */
function attention({
  biased,
  shares = op.Softmax,
  queries = 1,
  x = input("x", [examples, tokens, width]),
  flat,
}: Form) {
  const [n = 1, t = 1] = x.shape;
  const weights = names.map((name) => input(name, [width, width]));
  const biases = names.map((name) => input(`${name}.bias`, [width]));
  const parts = weights.map((w, i) => {
    const from = i === 0 ? op.Slice(x, [0], [queries], [1]) : x;
    const product = flat && i > 0 ? op.MatMul(op.Reshape(from, [-1, width]), w) : op.MatMul(from, w);
    return biased ? op.Add(biases[i]!, product) : product;
  });
  const [q, k, v] = parts.map((part, i) =>
    op.Transpose(op.Reshape(part, [n, i === 0 ? queries : t, heads, each]), [0, 2, 1, 3]),
  ) as [Value, Value, Value];
  const scores = op.Div(op.MatMul(q, op.Transpose(k, [0, 1, 3, 2])), Math.sqrt(width));
  const taken = op.Transpose(op.MatMul(shares(scores), v), [0, 2, 1, 3]);
  return { y: op.Reshape(taken, [n, queries, width]), x, k, leaves: [x, ...weights, ...(biased ? biases : [])] };
}

const feedsOf = (n: number, t: number): Feeds => ({
  x: random([n, t, width]),
  ...Object.fromEntries(
    names.flatMap((name) => [
      [name, random([width, width])],
      [`${name}.bias`, random([width])],
    ]),
  ),
});
const exactly = (values: readonly Value[], feeds: Feeds) =>
  evaluate(
    values,
    Object.fromEntries(
      Object.entries(feeds).map(([name, { shape, data }]) => [name, { shape, data: Float64Array.from(data, Number) }]),
    ),
  );
const count = (values: readonly Value[]) => multiplied(topological(values));

const forms: readonly [string, Form][] = [
  ["", { biased: false }],
  [" with biases", { biased: true }],
  [" by what are no shares of a whole", { biased: true, shares: (scores) => op.Tanh(scores) }],
  [" by two tokens", { biased: true, queries: 2 }],
  [" of the tokens of all examples in one product", { biased: true, flat: true }],
];

describe.each(forms)("what few tokens ask%s", (_, form) => {
  const { y, k, leaves } = attention(form);
  const [fewer] = neededRows([y]) as [Value];
  const given = feedsOf(examples, tokens);

  test("needs an eighth of the multiplications, has the same numbers, and nothing more is done when it is asked again", () => {
    expect(count([fewer])).toBeLessThan(count([y]) / 8);
    expect(print(neededRows([fewer]))).toBe(print([fewer]));
    const [before, after] = [exactly([y], given), exactly([fewer], given)];
    expect(distance(after[0]!.data, before[0]!.data)).toBeLessThan(1e-11);
  });

  test("has the same derivatives, for keys' and values' weights and biases too", () => {
    const slopes = () => grad(sumOf(op.Mul(y, y)), leaves);
    vi.stubEnv("INNERLOOP_WITHOUT", "rows");
    const before = slopes();
    vi.unstubAllEnvs();
    const after = slopes();
    expect(count(after)).toBeLessThan(count(before) / 4);
    const [a, b] = [exactly(before, given), exactly(after, given)];
    a.forEach(({ data }, i) => {
      expect(distance(b[i]!.data, data)).toBeLessThan(1e-9);
    });
  });

  test("leaves keys alone for which a derivative is asked", () => {
    const asked = (...besides: Value[]) => count(grad(sumOf(op.Mul(y, y)), [...leaves.slice(1), ...besides]));
    const all = examples * tokens * width ** 2;
    expect(asked(k)).toBeGreaterThan(all);
    expect(asked()).toBeLessThan(all);
  });
});

test("open numbers of examples and tokens have the same numbers on ONNX Runtime", async () => {
  const x = input("x", ["n", "t", width]);
  const { y } = attention({ biased: true, x });
  for (const [n, t] of [
    [1, 1],
    [3, 7],
  ] as const) {
    const given = feedsOf(n, t);
    expect(apart(await run({ y }, given, ["rows"]), await run({ y }, given))).toBeLessThan(1e-5);
  }
});

describe("keys are multiplied out", () => {
  const same = (...outputs: Value[]) => expect(print(neededRows(outputs))).toBe(print(outputs));

  test("where something else reads them, and for many queries", () => {
    const { y, k } = attention({ biased: true });
    expect(count(neededRows([y, k]))).toBeGreaterThan(examples * tokens * width ** 2);
    const { y: all } = attention({ biased: true, queries: tokens });
    same(all);
  });

  test("where they are few", () => {
    const x = input("x", [1, 8, width]);
    same(attention({ biased: true, x }).y);
  });
});
