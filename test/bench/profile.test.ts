// What a profile and a scaling are made of, on made-up numbers: products counted from shapes, lines, stacks, exponents.
import { grad, input, op, transform } from "@innerloop/graph";
import {
  exponentOf,
  flameGraph,
  folded,
  grouped,
  lineOf,
  type NodeTime,
  productOf,
  stacksOf,
  subjectOf,
} from "innerloop-bench";
import { describe, expect, test } from "vitest";

describe("the arithmetic of a node, from the shapes that it ran on", () => {
  test.each([
    [
      "MatMul",
      [
        [5, 7],
        [7, 3],
      ],
      [[5, 3]],
      2 * 5 * 7 * 3,
    ],
    [
      "MatMul",
      [
        [4, 5, 7],
        [7, 3],
      ],
      [[4, 5, 3]],
      2 * 4 * 5 * 7 * 3,
    ],
    ["MatMul", [[7], [7, 3]], [[1, 3]], 2 * 7 * 3],
    ["Gemm", [[7, 5], [7, 3], [3]], [[5, 3]], 2 * 5 * 7 * 3],
    [
      "FusedMatMul",
      [
        [4, 7, 5],
        [4, 7, 3],
      ],
      [[4, 5, 3]],
      2 * 4 * 5 * 7 * 3,
    ],
    [
      "Conv",
      [
        [2, 3, 8, 8],
        [16, 3, 3, 3],
      ],
      [[2, 16, 8, 8]],
      2 * (2 * 16 * 8 * 8) * (3 * 3 * 3),
    ],
    [
      "ConvTranspose",
      [
        [2, 16, 4, 4],
        [16, 3, 2, 2],
      ],
      [[2, 3, 8, 8]],
      2 * (2 * 16 * 4 * 4) * (3 * 2 * 2),
    ],
    ["Relu", [[5, 3]], [[5, 3]], 0],
  ] as const)("%s %j", (name, inputs, outputs, flops) => expect(productOf(name, inputs, outputs).flops).toBe(flops));
});

test("the arithmetic of a graph is counted by operator: a product has two more in its derivatives", () => {
  const [x, w] = [input("x", [5, 7]), input("w", [7, 3])];
  const product = op.MatMul(x, w);
  const loss = op.ReduceSum(op.Mul(product, product), { keepdims: false });
  const matMul = (values: Parameters<typeof transform.arithmetic>[0]) =>
    transform.arithmetic(values).find(({ operator }) => operator === "MatMul");
  const once = 2 * 5 * 7 * 3;
  expect(matMul([loss])).toEqual({ operator: "MatMul", nodes: 1, flops: once });
  expect(matMul([loss, ...grad(loss, [x, w])])).toEqual({ operator: "MatMul", nodes: 3, flops: 3 * once });
});

test("the arithmetic of turns counts as often as there are turns", () => {
  const [start, w, turns] = [input("start", [5, 7]), input("w", [7, 7]), input("turns", [4, 1])];
  const { carried } = op.Scan([start], [turns], ([state]) => ({ carried: [op.MatMul(state!, w)], collected: [] }));
  const counted = transform.arithmetic(carried).find(({ operator }) => operator === "MatMul");
  expect(counted).toEqual({ operator: "MatMul", nodes: 1, flops: 4 * 2 * 5 * 7 * 7 });
});

const nodes: NodeTime[] = [
  { op: "MatMul", scope: "step1/conv1", calls: 2, microseconds: 600, flops: 4e6 },
  { op: "MatMul", scope: "step2/conv1/grad", calls: 2, microseconds: 300, flops: 4e6 },
  { op: "Mul", scope: "inner_loop/norm1", calls: 2, microseconds: 100, flops: 0 },
];

describe("where time goes", () => {
  test("a layer is one line, in whatever step, and its derivatives are told apart", () => {
    expect(["step3/conv2/grad/grad", "adapted/head", "step1", ""].map(lineOf)).toEqual([
      "conv2",
      "head",
      "(between the layers)",
      "(between the layers)",
    ]);
    const lines = grouped(nodes, 2, ({ scope }) => lineOf(scope));
    expect(lines.map(({ name, nodes: count }) => [name, count])).toEqual([
      ["conv1", 2],
      ["norm1", 1],
    ]);
    expect(lines[0]!.milliseconds).toBeCloseTo(0.45, 12);
    expect(lines[0]!.derivatives).toBeCloseTo(0.15, 12);
    expect(lines[0]!.gflops).toBeCloseTo(0.004, 12);
  });

  test("stacks are lines that flame graph tools read", () => {
    expect(folded(stacksOf(nodes, "mine"))).toBe(
      "mine;step1;conv1;MatMul 600\nmine;step2;conv1;grad;MatMul 300\nmine;inner_loop;norm1;Mul 100\n",
    );
  });

  test("frames of the picture are as wide as their time, and what is inside lies below", () => {
    const picture = flameGraph(stacksOf(nodes, "mine"), 2);
    const widths = (name: string) =>
      [
        ...picture.matchAll(new RegExp(`<title>${name}: [^<]*</title><rect [^>]* y="(\\d+)" width="([\\d.]+)"`, "g")),
      ].map(([, y, width]) => [Number(y), Number(width)]);
    expect(widths("mine")).toEqual([[0, 1200]]);
    expect(widths("step1")).toEqual([[18, 720]]);
    expect(widths("norm1")).toEqual([[36, 120]]);
    expect(widths("MatMul").map(([, width]) => width)).toEqual([720, 360]);
  });
});

describe("exponents", () => {
  test("of a power law are its own, without an interval's width", () => {
    const { exponent, ci95 } = exponentOf([1, 2, 5, 10].map((size) => [size, 3 * size ** 1.5]));
    expect(exponent).toBeCloseTo(1.5, 12);
    expect(ci95).toBeCloseTo(0, 6);
  });

  test("are those of numpy.polyfit, and the interval that of scipy.stats.linregress", () => {
    // linregress(log([1, 2, 4, 8]), log([1, 2.2, 3.8, 8.4])): the slope, and its standard error times t(0.975, 2).
    const { exponent, ci95 } = exponentOf([
      [1, 1],
      [2, 2.2],
      [4, 3.8],
      [8, 8.4],
    ]);
    expect(exponent).toBeCloseTo(0.999966387848, 9);
    expect(ci95).toBeCloseTo(0.214513, 3);
  });

  test("of two points have no interval", () =>
    expect(
      exponentOf([
        [1, 2],
        [2, 1],
      ]),
    ).toEqual({ exponent: -1 }));
});

test("the arithmetic of adapting conv4 is that of a count by hand", async () => {
  const { arithmetic } = await subjectOf("adapt-conv4", { sizes: {}, small: false });
  const flops = Object.fromEntries(arithmetic.map((each) => [each.operator, each.flops]));
  // Five pictures of 28×28 become 14×14, 7×7, 4×4 and 4×4, by kernels of 3×3; a product and a sum each.
  const layer = (places: number, channels: number) => 2 * 5 * places * 9 * channels * 64;
  const [first, others] = [layer(14 * 14, 1), layer(7 * 7, 64) + 2 * layer(4 * 4, 64)];
  const [steps, head] = [5, 2 * 5 * (4 * 4 * 64) * 5];
  // After the last step the loss is computed once more; the pictures need no gradient.
  expect(flops).toMatchObject({
    Convolution: (steps + 1) * others,
    ConvolutionWeightGradient: steps * others,
    ConvolutionInputGradient: steps * others,
  });
  // The first layer is a product with its norm, which has some of its own.
  const products = (2 * steps + 1) * first + (3 * steps + 1) * head;
  expect(flops.MatMul! / products).toBeGreaterThan(1);
  expect(flops.MatMul! / products).toBeLessThan(1.2);
});
