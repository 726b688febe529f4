// The ways to compute gradients of convolutions and of max pools, channels first: each has the numbers of the float64 reference on ONNX
// Runtime, and the table of rates chooses among them.
import {
  type Choose,
  cotangents,
  evaluate,
  input,
  onnxTarget,
  op,
  quickestBy,
  type ShapedNumbers,
  usualRates,
  type Value,
  writeOnnx,
} from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import { decodeModel } from "@innerloop/schemas/onnx";
import { describe, expect, test } from "vitest";
import { distance, numbers, randomNumbers } from "./numbers.ts";

type Feeds = Readonly<Record<string, ShapedNumbers>>;

/** What ONNX Runtime computes of a graph in float32. */
async function onRuntime(value: Value, feeds: Feeds, choose?: Choose, fixed?: readonly string[]) {
  const initializers = Object.fromEntries(
    (fixed ?? []).map((name) => {
      const { shape, data } = feeds[name]!;
      return [name, { dtype: "float32" as const, shape, data: Float32Array.from(data) }];
    }),
  );
  const target = onnxTarget({ ...(choose && { choose }), ...(fixed && { fixed: new Set(fixed) }) });
  const bytes = writeOnnx({ out: value }, { target, initializers, ...(fixed && { fixed: new Set(fixed) }) });
  const session = await openSession(bytes);
  try {
    const given = session.inputs.map((name) => {
      const { shape, data } = feeds[name]!;
      return [name, { dtype: "float32" as const, shape, data: Float32Array.from(data) }];
    });
    const { out } = await session.run(Object.fromEntries(given));
    return { numbers: out!.data as Float32Array, bytes };
  } finally {
    await session.dispose();
  }
}

interface Convolved {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly options?: op.WindowOptions & { readonly group?: number };
}

const convolutions: Record<string, Convolved> = {
  "of three by three": { x: [2, 8, 5, 6], w: [4, 8, 3, 3], options: { pads: [1, 1, 1, 1] } },
  "of one row of taps": { x: [2, 5, 6, 7], w: [3, 5, 1, 3], options: { pads: [0, 1, 0, 2] } },
  "of five by five, without padding": { x: [2, 4, 9, 11], w: [3, 4, 5, 5] },
  "of one example": { x: [1, 3, 6, 6], w: [4, 3, 3, 3], options: { pads: [1, 0, 0, 1] } },
  "of one tap": { x: [3, 5, 4, 3], w: [6, 5, 1, 1] },
  "of one tap, in strides": { x: [2, 5, 5, 4], w: [6, 5, 1, 1], options: { strides: [2, 2] } },
  "in strides": { x: [2, 3, 9, 8], w: [4, 3, 3, 3], options: { strides: [2, 2], pads: [1, 1, 1, 1] } },
  "in strides, of seven": { x: [1, 2, 11, 12], w: [3, 2, 7, 7], options: { strides: [2, 2], pads: [3, 3, 3, 3] } },
  "in uneven strides, dilated": {
    x: [2, 2, 9, 11],
    w: [3, 2, 2, 3],
    options: { strides: [3, 2], dilations: [2, 1], pads: [0, 2, 1, 0] },
  },
  "in groups": { x: [2, 6, 5, 5], w: [4, 3, 3, 3], options: { group: 2, pads: [1, 1, 1, 1] } },
  "of each channel": { x: [2, 9, 5, 5], w: [9, 1, 3, 3], options: { group: 9, pads: [1, 1, 1, 1] } },
  "of each channel, in strides": {
    x: [2, 9, 7, 8],
    w: [9, 1, 3, 3],
    options: { group: 9, strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  "of series": { x: [2, 4, 9], w: [5, 4, 3], options: { pads: [1, 1], strides: [2] } },
  "of patches side by side": { x: [2, 3, 8, 12], w: [5, 3, 4, 4], options: { strides: [4, 4] } },
  "of patches, some of which lie outside and some left out": {
    x: [3, 2, 8, 11],
    w: [4, 2, 2, 3],
    options: { strides: [2, 3], pads: [1, 0, 0, 2] },
  },
  "of patches that begin outside": {
    x: [1, 2, 7, 8],
    w: [3, 2, 4, 3],
    options: { strides: [4, 3], pads: [0, 1, 1, 0] },
  },
  "of patches, in groups": { x: [2, 6, 5, 7], w: [4, 3, 2, 2], options: { group: 2, strides: [2, 2] } },
  "of pieces of series": { x: [2, 4, 10], w: [5, 4, 3], options: { strides: [3] } },
};

describe.each(Object.entries(convolutions))("gradients of a convolution %s", (described, { x, w, options }) => {
  const next = randomNumbers(x.length + w[0]!);
  const [image, weights] = [input("x", x), input("w", w)];
  const y = op.Conv(image, weights, undefined, options);
  const seed = input("g", y.shape);
  const feeds = { x: numbers(x, next), w: numbers(w, next), g: numbers(y.shape as number[], next) };

  test.each(["x", "w"])("for %s, in every form", async (name) => {
    const [slope] = cotangents([y], [seed], [name === "x" ? image : weights]);
    const expected = evaluate([slope!], feeds)[0]!.data;
    for (const fixed of name === "x" ? [undefined, ["w"]] : [undefined]) {
      const names = new Set<string>();
      const note: Choose = (forms) => {
        for (const form of forms) names.add(form.name);
        return forms[0];
      };
      await onRuntime(slope!, feeds, note, fixed);
      expect(names.size).toBeGreaterThan(0);
      if (name === "w" && /of (patches|pieces)/.test(described))
        expect([...names].some((form) => form.startsWith("patches"))).toBe(true);
      for (const form of names) {
        const choose: Choose = (forms) => forms.find((one) => one.name === form);
        const got = await onRuntime(slope!, feeds, choose, fixed);
        expect(distance(got.numbers, expected), form).toBeLessThan(2e-6);
      }
    }
  });
});

const pools: Record<
  string,
  { readonly x: readonly number[]; readonly kernel: number[]; readonly options: op.PoolOptions }
> = {
  "of pairs": { x: [2, 3, 6, 8], kernel: [2, 2], options: { strides: [2, 2] } },
  "of pairs, some left out": { x: [2, 3, 7, 5], kernel: [2, 2], options: { strides: [2, 2] } },
  "that overlap": { x: [2, 3, 7, 8], kernel: [3, 3], options: { strides: [2, 2], pads: [1, 1, 1, 1] } },
  "of series": { x: [2, 3, 9], kernel: [3], options: { strides: [2] } },
};

describe.each(Object.entries(pools))("derivatives of max pools %s", (_, { x, kernel, options }) => {
  const image = input("x", x);
  const y = op.MaxPool(image, kernel, options);
  const [seed, other] = [input("g", y.shape), input("t", x)];
  // Many numbers are equal, of which the first counts.
  const next = randomNumbers(5);
  const feeds = {
    x: numbers(x, () => Math.round(next() * 2) / 2),
    g: numbers(y.shape as number[], next),
    t: numbers(x, next),
  };

  test.each(["columns", "native"] as const)("the first and the second, for %s", async (convolution) => {
    const [slope] = cotangents([y], [seed], [image]);
    const [again] = cotangents([slope!], [other], [seed]);
    for (const value of [slope!, again!]) {
      const bytes = writeOnnx({ out: value }, { target: onnxTarget({ convolution }) });
      const session = await openSession(bytes);
      const given = session.inputs.map((name) => {
        const { shape, data } = feeds[name as keyof typeof feeds];
        return [name, { dtype: "float32" as const, shape, data: Float32Array.from(data) }];
      });
      const { out } = await session.run(Object.fromEntries(given));
      await session.dispose();
      expect(distance(out!.data as Float32Array, evaluate([value], feeds)[0]!.data)).toBeLessThan(1e-6);
    }
  });
});

test("the slope of Clip is 1 between its bounds alone, to the last bit", async () => {
  const last = 2 ** -21;
  const data = [-1, 0, 1e-30, 3, 6 - last, 6, 6 + last, 9].map(Math.fround);
  const x = input("x", [data.length]);
  const clipped = op.Clip(x, 0, 6);
  const [slope] = cotangents([clipped], [input("g", x.shape)], [x]);
  const g = { shape: [data.length], data: data.map((_, i) => i + 1) };
  const { numbers: got, bytes } = await onRuntime(slope!, { x: { shape: [data.length], data }, g });
  expect([...got]).toEqual([0, 0, 3, 4, 5, 0, 0, 0]);
  expect(decodeModel(bytes, "m").graph!.node!.map(({ opType }) => opType)).toContain("Equal");
});

test("a rate that makes one form dear makes another be chosen", () => {
  const [image, weights] = [input("x", [1, 16, 28, 28]), input("w", [16, 16, 3, 3])];
  const y = op.Conv(image, weights, undefined, { pads: [1, 1, 1, 1] });
  const [slope] = cotangents([y], [input("g", y.shape)], [image]);
  const operators = (choose: Choose) =>
    decodeModel(writeOnnx({ out: slope! }, { target: onnxTarget({ choose }) }), "m").graph!.node!.map(
      ({ opType }) => opType,
    );
  expect(operators(quickestBy({ ...usualRates, scattered: 1e6, moved: 100 }))).toContain("ConvTranspose");
  expect(operators(quickestBy({ ...usualRates, summed: 1e6 }))).not.toContain("ConvTranspose");
});
