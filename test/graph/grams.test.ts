// The pass `grams`: the norm of a convolution of few channels is part of that convolution's product.
import { grad, grams, input, op, print, type Value } from "@innerloop/graph";
import { describe, expect, test } from "vitest";
import { size } from "./numbers.ts";
import { apart, lowered, random, run, sumOf, type Values, walks } from "./passing.ts";

describe("grams", () => {
  const shape = [12, 28, 28, 2];
  const [x, w, gain, bias] = [input("x", shape), input("w", [3, 3, 2, 80]), input("gain", [80]), input("bias", [80])];
  const y = op.Normalize(op.Convolution(x, w, { strides: [2, 2], pads: [1, 1, 1, 1] }), gain, bias, "layer");
  const feeds = { x: random(shape), w: random([3, 3, 2, 80]), gain: random([80]), bias: random([80]) };
  const slopes = (value: Value): Values => {
    const loss = sumOf(op.Mul(op.Relu(value), op.Tanh(value)));
    const [first, ...others] = grad(loss, [w, gain, bias]) as [Value, Value, Value];
    const [second] = grad(sumOf(op.Mul(first, first)), [w]);
    return { loss, first, second: second!, ...Object.fromEntries(others.map((slope, i) => [`slope${i}`, slope])) };
  };

  test("keeps the numbers, derivatives of derivatives as well, also of pictures far from zero", async () => {
    const bright = { ...feeds.x, data: (feeds.x.data as Float32Array).map((number) => 0.1 * number + 3) };
    const given = { ...feeds, x: bright };
    const [before, after] = [await run(slopes(y), given), await run(slopes(grams([y], [x])[0]!), given)];
    for (const [name, value] of Object.entries(before))
      expect(apart({ [name]: value }, { [name]: after[name]! }), name).toBeLessThan(1e-4);
    const near = [await run(slopes(y), feeds), await run(slopes(grams([y], [x])[0]!), feeds)] as const;
    expect(apart(...near)).toBeLessThan(3e-6);
  });

  test("goes over the large array less often", () => {
    const first = (value: Value): Values => ({ slope: grad(sumOf(op.Relu(value)), [w])[0]! });
    const most = walks(size([12, 14, 14, 80]));
    expect(most(lowered(first(grams([y], [x])[0]!)))).toBeLessThan(most(lowered(first(y))) / 2);
  });

  describe("of any number of examples, of which no derivative is to come", () => {
    const many = ["n", 28, 28, 1] as const;
    const [data, filters] = [input("x", many), input("w", [3, 3, 1, 80])];
    const convolution = op.Convolution(data, filters, { strides: [2, 2], pads: [1, 1, 1, 1] });
    const answer = op.Relu(op.Normalize(convolution, gain, bias, "layer"));

    test("keeps the numbers, for one and for several", async () => {
      for (const examples of [1, 7]) {
        const given = { ...feeds, x: random([examples, 28, 28, 1]), w: random([3, 3, 1, 80]) };
        const before = await run({ answer }, given);
        const after = await run({ answer: grams([answer], [data], "answers")[0]! }, given);
        expect(after.answer!.shape).toEqual([examples, 14, 14, 80]);
        expect(apart(before, after)).toBeLessThan(3e-6);
      }
    });

    test("looks up no single numbers, and leaves the norm no walk of its own", () => {
      const outputs = { answer: grams([answer], [data], "answers")[0]! };
      const nodes = lowered(outputs);
      expect(nodes.some(({ operator }) => operator.name === "Gather")).toBe(false);
      expect(nodes.some(({ operator }) => operator.name === "LayerNormalization")).toBe(false);
      const before = lowered({ answer });
      expect(before.some(({ operator }) => operator.name === "Gather")).toBe(true);
    });

    test("is not what an array is large enough for that has derivatives", () => {
      expect(print(grams([answer], [data]))).toBe(print([answer]));
    });
  });

  test("takes smaller arrays where turns compute them again and again", async () => {
    const [few, v] = [input("few", [2, 28, 28, 1]), input("v", [3, 3, 1, 64])];
    const small = op.Convolution(few, v, { strides: [2, 2], pads: [1, 1, 1, 1] });
    const normed = op.Normalize(small, input("g", [64]), input("b", [64]), "layer");
    expect(print(grams([normed], [few]))).toBe(print([normed]));
    const [now] = grams([normed], [few], "turns") as [Value];
    const slopes = (value: Value): Values => ({ value, slope: grad(sumOf(op.Mul(value, op.Tanh(value))), [v])[0]! });
    const numbers = { few: random([2, 28, 28, 1]), v: random([3, 3, 1, 64]), g: random([64]), b: random([64]) };
    expect(print([now])).not.toBe(print([normed]));
    expect(apart(await run(slopes(normed), numbers), await run(slopes(now), numbers))).toBeLessThan(3e-6);
  });

  test("leaves what has a derivative for its input, many channels, and what something else reads", () => {
    const deep = input("d", [12, 28, 28, 16]);
    const wide = op.Convolution(deep, input("v", [3, 3, 16, 64]), { pads: [1, 1, 1, 1] });
    const normed = op.Normalize(wide, input("g", [64]), input("b", [64]), "layer");
    const convolution = op.Convolution(x, w, { strides: [2, 2], pads: [1, 1, 1, 1] });
    for (const [values, data] of [
      [[y], [w]],
      [[normed], [deep]],
      [[y, convolution], [x]],
    ] as const)
      expect(print(grams(values, data))).toBe(print(values));
  });
});
