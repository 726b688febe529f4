// What is timed to know a machine: convolutions over a grid of sizes, each in its forms, as graphs that do nothing else.
import {
  type ConvolutionSizes,
  type ConvolutionWork,
  convolutionWork,
  grad,
  input,
  inputGradientWork,
  type MeasuredOperator,
  onnxTarget,
  op,
  type Value,
  writeOnnx,
} from "@innerloop/graph";

/** One size of one operator: a model for each form, the usual one first, and how much there is to do. */
export interface Case {
  readonly operator: MeasuredOperator;
  /** In words. */
  readonly name: string;
  readonly work: ConvolutionWork;
  models(): readonly Uint8Array[];
}

/** Examples, the side of a square, channels, filters, the stride. */
const grid = [
  [5, 28, 1, 64, 2],
  [100, 28, 1, 64, 2],
  [5, 14, 64, 64, 2],
  [100, 14, 64, 64, 2],
  [5, 7, 64, 64, 1],
  [50, 7, 64, 64, 1],
  [5, 28, 32, 32, 1],
  [25, 28, 32, 32, 1],
  [2, 84, 3, 32, 1],
  [10, 84, 3, 32, 2],
  [2, 42, 32, 32, 1],
  [10, 21, 64, 64, 1],
  [10, 16, 64, 128, 1],
  [5, 8, 128, 128, 1],
  [20, 28, 4, 16, 1],
  [10, 28, 8, 32, 1],
  [4, 56, 16, 32, 2],
  [40, 14, 16, 16, 1],
] as const;

function sizesOf([examples, side, channels, filters, stride]: (typeof grid)[number]): ConvolutionSizes {
  const window = {
    kernel: [3, 3],
    strides: [stride, stride],
    dilations: [1, 1],
    before: [1, 1],
    after: [1, 1],
    groups: 1,
  };
  return { examples, space: [side, side], channels, filters, window };
}

/** Both forms of graphs that are made of a convolution's input, weights and the cotangent of its output. */
function models(sizes: ConvolutionSizes, make: (x: Value, w: Value, g: (y: Value) => Value) => Value[]): Uint8Array[] {
  const { examples, space, channels, filters, window } = sizes;
  const x = input("x", [examples, ...space, channels]);
  const w = input("w", [...window.kernel, channels, filters]);
  const results = make(x, w, (y) => op.ReduceSum(op.Mul(y, input("g", y.shape)), { keepdims: false }));
  const outputs = Object.fromEntries(results.map((result, i) => [`y${i}`, result]));
  return (["columns", "native"] as const).map((convolution) =>
    writeOnnx(outputs, { target: onnxTarget({ convolution }) }),
  );
}

/** All that is timed. */
export const cases: readonly Case[] = grid.flatMap((row): Case[] => {
  const sizes = sizesOf(row);
  const { strides, ...others } = sizes.window;
  const convolved = (x: Value, w: Value) =>
    op.Convolution(x, w, { strides, pads: [...others.before, ...others.after] });
  const name = `${row[0]} × ${row[1]}×${row[1]}, ${row[2]} → ${row[3]} channels, stride ${row[4]}`;
  return [
    {
      operator: "convolution",
      name: `convolution and weight gradient of ${name}`,
      work: convolutionWork(sizes),
      models: () =>
        models(sizes, (x, w, against) => {
          const y = convolved(x, w);
          return [y, ...grad(against(y), [w])];
        }),
    },
    {
      operator: "convolution-input-gradient",
      name: `input gradient of ${name}`,
      work: inputGradientWork(sizes),
      models: () => models(sizes, (x, w, against) => grad(against(convolved(x, w)), [x])),
    },
  ];
});
