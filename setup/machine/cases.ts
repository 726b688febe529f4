// What is timed to know a machine: convolutions over a grid of sizes, each in its forms, as graphs that do nothing else.
import {
  type ConvolutionSizes,
  type ConvolutionWork,
  convolutionWork,
  grad,
  input,
  inputGradientWork,
  type MeasuredOperator,
  op,
  type Value,
} from "@innerloop/graph";

/** One size of one operator: a graph of it, and how much each form of that has to do. */
export interface Case {
  readonly operator: MeasuredOperator;
  /** In words. */
  readonly name: string;
  readonly work: ConvolutionWork;
  graph(): Readonly<Record<string, Value>>;
}

/** Examples, the side of a square, channels, filters, the stride, and the side of the kernel. */
const grid = [
  [5, 28, 1, 64, 2, 3],
  [100, 28, 1, 64, 2, 3],
  [5, 14, 64, 64, 2, 3],
  [100, 14, 64, 64, 2, 3],
  [5, 7, 64, 64, 1, 3],
  [50, 7, 64, 64, 1, 3],
  [5, 28, 32, 32, 1, 3],
  [25, 28, 32, 32, 1, 3],
  [2, 84, 3, 32, 1, 3],
  [10, 84, 3, 32, 2, 3],
  [2, 42, 32, 32, 1, 3],
  [10, 21, 64, 64, 1, 3],
  [10, 16, 64, 128, 1, 3],
  [5, 8, 128, 128, 1, 3],
  [20, 28, 4, 16, 1, 3],
  [10, 28, 8, 32, 1, 3],
  [4, 56, 16, 32, 2, 3],
  [40, 14, 16, 16, 1, 3],
  [5, 28, 1, 16, 1, 3],
  [20, 28, 12, 32, 1, 3],
  [5, 28, 16, 64, 1, 3],
  [100, 14, 20, 16, 2, 3],
  [100, 7, 16, 32, 2, 3],
  [20, 28, 24, 32, 1, 3],
  [20, 28, 4, 32, 1, 5],
  [40, 14, 32, 32, 1, 5],
  [20, 28, 16, 32, 1, 1],
  [40, 14, 16, 16, 2, 3],
  [100, 14, 1, 64, 1, 3],
  [40, 14, 3, 64, 1, 3],
  [2, 84, 32, 16, 2, 3],
] as const;

function sizesOf([examples, side, channels, filters, stride, kernel]: (typeof grid)[number]): ConvolutionSizes {
  const around = (kernel - 1) / 2;
  const window = {
    kernel: [kernel, kernel],
    strides: [stride, stride],
    dilations: [1, 1],
    before: [around, around],
    after: [around, around],
    groups: 1,
  };
  return { examples, space: [side, side], channels, filters, window };
}

/** What is made of a convolution's input, weights and the cotangent of its output. */
function graphOf(
  sizes: ConvolutionSizes,
  make: (x: Value, w: Value, g: (y: Value) => Value) => Value[],
): Record<string, Value> {
  const { examples, space, channels, filters, window } = sizes;
  const x = input("x", [examples, ...space, channels]);
  const w = input("w", [...window.kernel, channels, filters]);
  const results = make(x, w, (y) => op.ReduceSum(op.Mul(y, input("g", y.shape)), { keepdims: false }));
  return Object.fromEntries(results.map((result, i) => [`y${i}`, result]));
}

/** All that is timed. */
export const cases: readonly Case[] = grid.flatMap((row): Case[] => {
  const sizes = sizesOf(row);
  const { strides, ...others } = sizes.window;
  const convolved = (x: Value, w: Value) =>
    op.Convolution(x, w, { strides, pads: [...others.before, ...others.after] });
  const [examples, side, channels, filters, stride, kernel] = row;
  const name = `${examples} × ${side}×${side}, ${channels} → ${filters} channels, ${kernel}×${kernel}, stride ${stride}`;
  return [
    {
      operator: "convolution",
      name: `convolution and weight gradient of ${name}`,
      work: convolutionWork(sizes),
      graph: () =>
        graphOf(sizes, (x, w, against) => {
          const y = convolved(x, w);
          return [y, ...grad(against(y), [w])];
        }),
    },
    {
      operator: "convolution-input-gradient",
      name: `input gradient of ${name}`,
      work: inputGradientWork(sizes),
      graph: () => graphOf(sizes, (x, w, against) => grad(against(convolved(x, w)), [x])),
    },
  ];
});
