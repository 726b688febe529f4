// Convolution over time, against its formula, and the body that is made of it.
import { evaluate, input, type Value } from "@innerloop/graph";
import { Conv1d, conv1d, MaxPool1d, random } from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { refusal } from "../support/refusal.ts";

const numbers = (count: number, seed: number): number[] => {
  const rng = random(seed);
  return Array.from({ length: count }, () => rng.normal());
};

const evaluated = (y: Value, feeds: Parameters<typeof evaluate>[1]): number[] =>
  evaluate([y], feeds).flatMap(({ data }) => Array.from(data, Number));

describe("Conv1d", () => {
  it.each([
    [1, 5, 2],
    [2, 5, 2],
    [3, 3, 0],
  ])("with a stride of %i is the sum over %i samples, with %i zeros around", (stride, kernel, padding) => {
    const [n, length, channels, filters] = [2, 9, 3, 4];
    const layer = Conv1d(filters, { kernel, stride, padding });
    const { weight, bias } = layer.parameters([n, length, channels]);
    expect(weight!.shape).toEqual([kernel, 1, channels, filters]);
    const [x, w, b] = [numbers(n * length * channels, 1), numbers(kernel * channels * filters, 2), numbers(filters, 3)];
    const given = { weight: input("w", weight!.shape), bias: input("b", bias!.shape) };
    const y = layer.apply(input("x", [n, length, channels]), given, {}, "");
    const places = Math.floor((length + 2 * padding - kernel) / stride) + 1;
    expect(y.shape).toEqual([n, places, filters]);
    const expected = Array.from({ length: n * places * filters }, (_, i) => {
      const [example, place, filter] = [
        Math.floor(i / (places * filters)),
        Math.floor(i / filters) % places,
        i % filters,
      ];
      let sum = b[filter]!;
      for (let tap = 0; tap < kernel; tap++)
        for (let channel = 0; channel < channels; channel++) {
          const time = place * stride + tap - padding;
          if (time >= 0 && time < length)
            sum +=
              x[(example * length + time) * channels + channel]! * w[(tap * channels + channel) * filters + filter]!;
        }
      return sum;
    });
    const got = evaluated(y, {
      x: { data: x, shape: [n, length, channels] },
      w: { data: w, shape: weight!.shape },
      b: { data: b, shape: bias!.shape },
    });
    expect(got.length).toBe(expected.length);
    for (const [i, value] of got.entries()) expect(value).toBeCloseTo(expected[i]!, 10);
  });

  it("takes series alone", async () => {
    expect((await refusal(() => Conv1d(2).parameters([1, 4, 4, 1]))).message).toMatch(
      /takes series \[n, length, channels\]/,
    );
  });
});

it("MaxPool1d has the largest of each two samples of a channel", () => {
  const y = MaxPool1d(2)(input("x", [1, 4, 2]));
  expect(evaluated(y, { x: { data: [1, 8, 3, 2, 5, 5, 4, 9], shape: [1, 4, 2] } })).toEqual([3, 8, 5, 9]);
});

describe("conv1d", () => {
  it.each([
    [[100, 3], 7 * 64],
    [[16, 3], 8 * 64],
    [[400, 6], 7 * 64],
    [[98, 40, 1], 7 * 64],
  ])("of examples %j makes %i features", (shape, features) => {
    expect(conv1d(shape, 5).features).toBe(features);
    expect(conv1d(shape, 5, { pooling: "mean" }).features).toBe(64);
  });

  it("takes the bands of a sound as channels", () => {
    expect(conv1d([98, 40, 1], 5).parameters["conv1.weight"]!.shape).toEqual([5, 1, 40, 64]);
  });

  it("has a block for each of the strides that are given, or of the filters", async () => {
    const model = conv1d([32, 2], 3, { strides: [2, 2], filters: [4, 6] });
    expect(model.parameters["conv2.weight"]!.shape).toEqual([5, 1, 4, 6]);
    expect(model.features).toBe(8 * 6);
    expect((await refusal(() => conv1d([32, 2], 3, { strides: [2], filters: [4, 6] }))).code).toBe("bad-model");
  });
});
