// The pass `portions`: a convolution of many examples is done for some of them at a time.
import { constant, grad, input, isSubgraph, op, portions, print, topological, type Value } from "@innerloop/graph";
import { afterEach, describe, expect, test, vi } from "vitest";
import { size } from "./numbers.ts";
import { apart, lowered, named, random, run, sumOf, type Values } from "./passing.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

const pads = [1, 1, 1, 1];
/** What each place reads, and weights of each example for it, as a norm that is part of a product has them. */
const [reads, own, w, t] = [
  input("reads", [96, 196, 4]),
  input("own", [96, 4, 32]),
  input("w", [3, 3, 32, 24]),
  input("t", [96, 7, 7, 24]),
];
const feeds = {
  ...{ reads: random([96, 196, 4]), own: random([96, 4, 32]), w: random([3, 3, 32, 24]) },
  t: random([96, 7, 7, 24]),
};
const made = () => op.Relu(op.Reshape(op.MatMul(reads, own), [96, 14, 14, 32]));
const convolved = (x: Value = made()): Value => op.Convolution(x, w, { strides: [2, 2], pads });
const loss = (y: Value): Value => sumOf(op.Mul(op.Mul(y, y), t));
const slopes = (value: Value): Values => ({
  value,
  ...Object.fromEntries(grad(value, [reads, own, w]).map((slope, i) => [`slope${i}`, slope!])),
});

/** The most numbers of an array outside of turns. */
const most = (nodes: ReturnType<typeof lowered>): number =>
  Math.max(...nodes.flatMap(({ outputs }) => outputs.map(({ shape }) => size(shape.map(Number)))));

describe("portions", () => {
  const whole = loss(convolved());
  const inParts = portions([whole])[0]!;

  test("keeps the numbers, of derivatives as well", async () => {
    const [before, after] = [await run(slopes(whole), feeds), await run(slopes(inParts), feeds)];
    for (const name of Object.keys(before))
      expect(apart({ [name]: before[name]! }, { [name]: after[name]! }), name).toBeLessThan(3e-6);
  });

  test("keeps the numbers of second derivatives", async () => {
    const second = (value: Value): Values => {
      const [slope] = grad(value, [w]);
      return { second: grad(sumOf(op.Mul(slope!, slope!)), [own])[0]! };
    };
    expect(apart(await run(second(whole), feeds), await run(second(inParts), feeds))).toBeLessThan(1e-5);
  });

  test("holds neither columns nor the input between the turns", () => {
    const [before, after] = [lowered(slopes(whole)), lowered(slopes(inParts))];
    expect([most(before), named("Scan")(before)]).toEqual([96 * 49 * 9 * 32, 0]);
    expect(named("Scan")(after)).toBe(2);
    expect(most(after)).toBeLessThan(96 * 196 * 32);
  });

  test("has turns give what they make as it is made, with the same numbers", async () => {
    const values = slopes(inParts);
    const given = (without: readonly string[]): string[] =>
      lowered(values, without)
        .filter(({ operator }) => operator.name === "Scan")
        .flatMap(({ attributes: { body } }) => (isSubgraph(body!) ? body.gives : []))
        .map(({ node }) => node.operator.name);
    expect(given(["reshapes"])).toContain("Reshape");
    expect(given([])).not.toContain("Reshape");
    expect(apart(await run(values, feeds, ["reshapes"]), await run(values, feeds))).toBeLessThan(3e-6);
  });

  test("does whole examples of as many as divide them", () => {
    const scan = topological([inParts]).find(({ operator }) => operator.name === "Scan");
    const [turns, examples] = scan!.inputs[0]!.shape.map(Number);
    expect(turns! * examples!).toBe(96);
    expect(examples! * 49 * 9 * 32).toBeLessThanOrEqual(3 << 16);
  });

  test("reads an input that something else reads as it is", async () => {
    const x = made();
    const values = [loss(convolved(x)), sumOf(op.Mul(x, x))];
    const now = portions(values);
    const all = ([first, second]: readonly Value[]) => slopes(op.Add(first!, second!));
    expect(apart(await run(all(values), feeds), await run(all(now), feeds))).toBeLessThan(3e-6);
    const scan = topological(now).find(({ operator }) => operator.name === "Scan");
    expect(scan!.inputs[0]!.shape.slice(2)).toEqual([14, 14, 32]);
  });

  const few = input("few", [4, 14, 14, 32]);
  const small = input("small", [128, 7, 7, 64]);
  const unfit: Readonly<Record<string, () => Value>> = {
    "few examples": () => convolved(few),
    "a pool after it": () => op.MaxPooling(op.Relu(op.Add(op.Convolution(made(), w, { pads }), constant(1))), [2, 2]),
    "products at points": () => op.Convolution(small, input("v", [3, 3, 64, 64]), { strides: [2, 2], pads }),
    "an open number of examples": () => convolved(input("many", ["n", 14, 14, 32])),
    "a number that nothing divides": () => convolved(input("prime", [97, 14, 14, 32])),
  };
  test.each(Object.entries(unfit))("leaves %s as they are", (_, value) => {
    const y = value();
    expect(print(portions([y]))).toBe(print([y]));
  });

  test("is switched off by the environment", () => {
    vi.stubEnv("INNERLOOP_WITHOUT", "portions");
    expect(portions([whole])).toEqual([whole]);
  });
});
