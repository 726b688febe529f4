// Every operator that small networks are computed with, beside ONNX Runtime.
import { describe, it } from "vitest";
import { floats, ints, node } from "./fixture.ts";
import { noise } from "./oracle.ts";
import { BOOL, compare, float, INT64, list, type Node, number, withAttributes } from "./small-models.ts";

const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 13, 16];

describe("computes as ONNX Runtime does", () => {
  it.each(sizes)("products of every width, with %i rows", async (m) => {
    for (const n of sizes)
      for (const k of [1, 3, 10]) {
        const product = [node("MatMul", ["a", "b"], ["out"])];
        await compare({ a: float([m, k]), b: float([k, n], 2) }, product);
      }
  });

  it("products of turned factors, and with what is added", async () => {
    for (const [transA, transB] of [
      [0, 1],
      [1, 0],
      [1, 1],
    ])
      for (const [m, n, k] of [
        [5, 6, 7],
        [8, 4, 12],
      ] as const) {
        const gemm = node("Gemm", ["a", "b", "c"], ["out"]);
        const settings = [
          { name: "transA", i: transA!, type: 2 },
          { name: "transB", i: transB!, type: 2 },
        ];
        const feeds = { a: float(transA ? [k, m] : [m, k]), b: float(transB ? [n, k] : [k, n], 2), c: float([n], 3) };
        await compare(feeds, [withAttributes(gemm, ...settings, number("alpha", 0.5), number("beta", -2))]);
      }
  });

  it.each([
    [
      [3, 2, 5],
      [5, 4],
    ],
    [
      [3, 2, 5],
      [3, 5, 4],
    ],
    [
      [2, 5],
      [3, 5, 4],
    ],
    [
      [2, 1, 2, 5],
      [3, 5, 4],
    ],
  ])("batches of products: %j times %j", (a, b) =>
    compare({ a: float(a), b: float(b, 2) }, [node("MatMul", ["a", "b"], ["out"])]),
  );

  const shapes = [
    [[], []],
    [[7], []],
    [[3, 5], [5]],
    [
      [3, 5],
      [3, 1],
    ],
    [
      [3, 1],
      [1, 5],
    ],
    [
      [2, 3, 4],
      [3, 1],
    ],
    [
      [2, 1, 4],
      [1, 3, 1],
    ],
    [
      [2, 3, 2, 3],
      [2, 1, 2, 1],
    ],
  ] as const;
  it.each(["Add", "Sub", "Mul", "Div", "Max", "Min"])("%s, whatever is repeated", async (name) => {
    for (const [a, b] of shapes) {
      await compare({ a: float(a), b: float(b, 2) }, [node(name, ["a", "b"], ["out"])]);
      await compare({ a: float(a), b: float(b, 2) }, [node(name, ["b", "a"], ["out"])]);
    }
  });

  it.each(["Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"])(
    "%s, and what is chosen by it",
    async (name) => {
      for (const [a, b] of shapes) {
        const holds = node(name, ["a", "b"], ["holds"]);
        const feeds = { a: float(a), b: float(b, 2) };
        await compare(feeds, [node(name, ["a", "b"], ["out"])], [], BOOL);
        await compare(feeds, [holds, node("Where", ["holds", "a", "b"], ["out"])]);
        await compare({ ...feeds, c: feeds.a }, [
          node(name, ["a", "c"], ["holds"]),
          node("Not", ["holds"], ["no"]),
          node("Where", ["no", "b", "a"], ["out"]),
        ]);
      }
    },
  );

  it.each([
    ["Abs"],
    ["Neg"],
    ["Floor"],
    ["Relu"],
    ["Reciprocal"],
    ["Exp"],
    ["Tanh"],
    ["Sigmoid"],
    ["Softmax"],
    ["LogSoftmax"],
    ["Identity"],
    ["Flatten"],
    ["Transpose"],
  ])("%s", (name) => compare({ x: float([3, 5]) }, [node(name, ["x"], ["out"])]));

  it("roots, logarithms, and a step", async () => {
    const squared = node("Mul", ["x", "x"], ["y"]);
    for (const name of ["Sqrt", "Log"]) await compare({ x: float([7]) }, [squared, node(name, ["y"], ["out"])]);
    const step = node("HardSigmoid", ["x"], ["out"]);
    await compare({ x: float([9]) }, [step]);
    await compare({ x: float([9]) }, [withAttributes(step, number("alpha", 1e37), number("beta", 0))]);
  });

  it.each([
    [
      [40, 40],
      [0, 1],
    ],
    [[3, 5], [1]],
    [[3, 5], [0]],
    [[2, 3, 4], [1]],
    [
      [2, 3, 4],
      [0, 1],
    ],
    [[2, 3, 4], [-1]],
  ])("reductions of %j over %j", async (shape, axes) => {
    for (const keepdims of [0, 1]) {
      const feeds = { x: float(shape) };
      await compare(
        feeds,
        [node("ReduceSum", ["x", "axes"], ["out"], { keepdims })],
        [ints("axes", [axes.length], axes)],
      );
      for (const name of ["ReduceMean", "ReduceMax", "ReduceSumSquare"]) {
        const settings = [{ name: "keepdims", i: keepdims, type: 2 }, list("axes", axes)];
        await compare(feeds, [withAttributes(node(name, ["x"], ["out"]), ...settings)]);
      }
    }
  });

  it("shapes, places and order", async () => {
    const x = float([2, 3, 4]);
    const of = (name: string, inputs: string[], ...attributes: NonNullable<Node["attribute"]>) =>
      withAttributes(node(name, inputs, ["out"]), ...attributes);
    await compare({ x }, [of("Transpose", ["x"], list("perm", [2, 0, 1]))]);
    await compare({ x }, [of("Reshape", ["x", "to"])], [ints("to", [3], [0, -1, 2])]);
    await compare({ x }, [node("Unsqueeze", ["x", "axes"], ["out"])], [ints("axes", [2], [0, -1])]);
    await compare({ x: float([1, 3, 1]) }, [node("Squeeze", ["x", "axes"], ["out"])], [ints("axes", [1], [-1])]);
    await compare({ x: float([3, 1]) }, [of("Expand", ["x", "to"])], [ints("to", [3], [2, 1, 4])]);
    for (const axis of [0, 1, 2]) {
      const along = { name: "axis", i: axis, type: 2 };
      await compare({ x }, [of("Gather", ["x", "at"], along)], [ints("at", [2, 2], [0, -1, 1, 1])]);
      await compare({ x, y: float([2, 3, 4], 2) }, [of("Concat", ["x", "y"], along)]);
    }
    await compare({ x: float([5, 7]) }, [node("Shape", ["x"], ["out"])], [], INT64);
    await compare({ x: float([5]) }, [of("Cast", ["x"], { name: "to", i: INT64, type: 2 })], [], INT64);
    await compare({ x: float([5]) }, [of("Cast", ["x"], { name: "to", i: BOOL, type: 2 })], [], BOOL);
    const gain = [floats("gain", [12], Array.from(noise(4, 12))), floats("bias", [12], Array.from(noise(5, 12)))];
    await compare({ x: float([3, 12]) }, [node("LayerNormalization", ["x", "gain", "bias"], ["out"])], gain);
  });
});
