// The layers that models here are made of. A layer is a plain function over values, or an object with parameters.
import { op, type ParameterSpec, type Parameters, type Shape, scope, type Value } from "@innerloop/graph";
import { InnerloopError, sizeOf } from "@innerloop/schemas";
import type { Layer, LayerLike } from "./layer.ts";
import { row } from "./row.ts";

export type { Layer, LayerLike, Pass } from "./layer.ts";

/** Numbers drawn from a normal distribution with deviation √(gain / fanIn) (He et al. 2015 for gain 2). */
export const normalInit = (shape: readonly number[], fanIn: number, gain = 2): ParameterSpec => ({
  shape,
  initialize: (random) => Float32Array.from({ length: sizeOf(shape) }, () => random.normal() * Math.sqrt(gain / fanIn)),
});

/** Numbers drawn evenly from ±1/√fanIn. */
export const uniformInit = (shape: readonly number[], fanIn: number): ParameterSpec => ({
  shape,
  initialize: (random) =>
    Float32Array.from({ length: sizeOf(shape) }, () => (2 * random.uniform() - 1) / Math.sqrt(fanIn)),
});

/** The same number everywhere. */
export const constantInit = (shape: readonly number[], value: number): ParameterSpec => ({
  shape,
  initialize: () => new Float32Array(sizeOf(shape)).fill(value),
});

const known = (shape: Shape, axis: number, layer: string): number => {
  const dim = shape.at(axis);
  if (typeof dim === "number") return dim;
  throw new InnerloopError(
    "shape-mismatch",
    `${layer} needs to know the size of axis ${axis} of its input, which has the shape [${shape}].`,
    { exitStatus: 2 },
  );
};

/**
 * y = x·W + b.
 * @param inputs the features that come in; left out, they are counted: `Linear(5)` or `Linear(10, 5)`
 */
export function Linear(...sizes: [outputs: number] | [inputs: number, outputs: number]): Layer {
  const outputs = sizes.at(-1)!;
  return {
    name: "dense",
    ...(sizes.length === 2 ? { inputShape: [sizes[0]] } : {}),
    parameters(input) {
      const inputs = known(input, -1, "Linear");
      if (sizes.length === 2 && sizes[0] !== inputs)
        throw new InnerloopError(
          "shape-mismatch",
          `Linear(${sizes.join(", ")}) takes ${sizes[0]} features, but its input has the shape [${input}]; give Linear(${inputs}, ${outputs}), or put Flatten before it.`,
          { exitStatus: 2 },
        );
      return { weight: uniformInit([inputs, outputs], inputs), bias: uniformInit([outputs], inputs) };
    },
    apply: (x, { weight, bias }) => op.Add(op.MatMul(x, weight!), bias!),
  };
}

export interface ConvolutionOptions {
  /** Side of the square kernel; of series, the samples that it covers. */
  readonly kernel?: number;
  readonly stride?: number;
  /** Zeros around; half the kernel keeps the size. */
  readonly padding?: number;
  readonly bias?: boolean;
}

/** What convolutions of pictures and of series have in common. */
function convolution(
  {
    layer,
    takes,
    kernel,
    filters,
    bias,
  }: {
    readonly layer: string;
    /** The shape of what comes in, in words: "images [n, height, width, channels]". */
    readonly takes: string;
    readonly kernel: readonly [number, number];
    readonly filters: number;
    readonly bias: boolean;
  },
  apply: (x: Value, weight: Value) => Value,
): Layer {
  const axes = takes.split(",").length;
  return {
    name: "conv",
    parameters(input) {
      if (input.length !== axes)
        throw new InnerloopError("shape-mismatch", `${layer} takes ${takes}, but its input has the shape [${input}].`, {
          exitStatus: 2,
        });
      const channels = known(input, -1, layer);
      const weight = normalInit([...kernel, channels, filters], kernel[0] * kernel[1] * channels);
      return bias ? { weight, bias: constantInit([filters], 0) } : { weight };
    },
    apply(x, { weight, bias: b }) {
      const y = apply(x, weight!);
      return b ? op.Add(y, b) : y;
    },
  };
}

/** Convolution of images `[n, H, W, C]` to `[n, H', W', filters]`. */
export function Conv2d(
  filters: number,
  { kernel = 3, stride = 1, padding = Math.floor(kernel / 2), bias = true }: ConvolutionOptions = {},
): Layer {
  const takes = "images [n, height, width, channels]";
  return convolution({ layer: "Conv2d", takes, kernel: [kernel, kernel], filters, bias }, (x, weight) =>
    op.Convolution(x, weight, { strides: [stride, stride], pads: [padding, padding, padding, padding] }),
  );
}

/** Convolution of series `[n, length, channels]` to `[n, length', filters]`. */
export function Conv1d(
  filters: number,
  { kernel = 3, stride = 1, padding = Math.floor(kernel / 2), bias = true }: ConvolutionOptions = {},
): Layer {
  const takes = "series [n, length, channels]";
  return convolution({ layer: "Conv1d", takes, kernel: [kernel, 1], filters, bias }, (x, weight) => {
    // As pictures that are one pixel wide, for which every engine has kernels.
    const pictures = op.Unsqueeze(x, [2]);
    return op.Squeeze(op.Convolution(pictures, weight, { strides: [stride, 1], pads: [padding, 0, padding, 0] }), [2]);
  });
}

/** The largest of each square of `kernel` pixels, channels last. */
export const MaxPool2d =
  (kernel = 2, stride = kernel) =>
  (x: Value): Value =>
    op.MaxPooling(x, [kernel, kernel], { strides: [stride, stride] });

/** The largest of each `kernel` samples of a series, channels last. */
export const MaxPool1d =
  (kernel = 2, stride = kernel) =>
  (x: Value): Value =>
    op.Squeeze(op.MaxPooling(op.Unsqueeze(x, [2]), [kernel, 1], { strides: [stride, 1] }), [2]);

/** Images to rows of numbers. */
export const Flatten = (x: Value): Value => op.Flatten(x);
/** The mean over space: `[n, H, W, C]` to `[n, C]`. */
export const MeanPool = (x: Value): Value =>
  op.ReduceMean(x, { axes: [...x.shape.keys()].slice(1, -1), keepdims: false });
/** What layers make, times a learned number that is 0 at first (Bachlechner et al. 2020): beside a shortcut, the shortcut alone is there then. */
export const ReZero: Layer = {
  name: "rezero",
  parameters: () => ({ scale: constantInit([1], 0) }),
  apply: (x, { scale }) => op.Mul(x, scale!),
};
export const ReLU = (x: Value): Value => op.Relu(x);
export const Tanh = (x: Value): Value => op.Tanh(x);
export const Sigmoid = (x: Value): Value => op.Sigmoid(x);
export const gelu = (x: Value): Value => op.Gelu(x);
export const SiLU = (x: Value): Value => op.Silu(x);

const withinExample = (x: Value): Value => op.ReduceMean(x, { axes: [...x.shape.keys()].slice(1), keepdims: true });

/** Each example with mean 0 and deviation 1 over all its numbers: what an offset or a factor of the whole example cannot change. */
export const Standardize = (x: Value): Value => {
  const centred = op.Sub(x, withinExample(x));
  return op.Div(centred, op.Sqrt(op.Add(withinExample(op.Mul(centred, centred)), 1e-5)));
};

/** Below this skewness an example is turned: well under zero, so that patterns that are half dark stay as they are. */
const turnedBelow = -0.5;

/**
 * As {@link Standardize}, and turned where what is rare lies below the rest: ink on paper is the same as paper on ink. What tells is
 * the third moment; between the two sides an example fades instead of jumping.
 */
export const PolarityFree = (x: Value): Value => {
  const standard = Standardize(x);
  const skewness = withinExample(op.Mul(standard, op.Mul(standard, standard)));
  const above = op.Sub(skewness, turnedBelow);
  return op.Mul(standard, op.Div(above, op.Sqrt(op.Add(op.Mul(above, above), 1e-2))));
};

function norm(apply: Layer["apply"], extra: Partial<Layer> = {}): Layer {
  return {
    name: "norm",
    parameters(input) {
      const channels = known(input, -1, "a normalization");
      return { gain: constantInit([channels], 1), bias: constantInit([channels], 0) };
    },
    apply,
    ...extra,
  };
}

/** Normalizes each example by itself, over all positions and channels, with a gain and a bias a channel (Ba et al. 2016). */
export const LayerNorm = (): Layer => norm((x, { gain, bias }) => op.Normalize(x, gain!, bias!, "layer"));
/** Normalizes groups of 8 channels of each example (Wu and He 2018). */
export const GroupNorm = (): Layer => norm((x, { gain, bias }) => op.Normalize(x, gain!, bias!, "group"));
/** Normalizes each channel of each example over space. */
export const InstanceNorm = (): Layer => norm((x, { gain, bias }) => op.Normalize(x, gain!, bias!, "instance"));

/**
 * Normalizes each channel over the examples of a batch (Ioffe and Szegedy 2015). Queries are normalized by the
 * statistics of the support set, so that an answer does not depend on what else is asked.
 */
export const BatchNorm = (epsilon = 1e-5): Layer =>
  norm(
    (x, { gain, bias }, { given, seen }, where) => {
      const axes = [...x.shape.keys()].slice(0, -1);
      const own = () => {
        const mean = op.ReduceMean(x, { axes, keepdims: false });
        const centred = op.Sub(x, mean);
        return { mean, variance: op.ReduceMean(op.Mul(centred, centred), { axes, keepdims: false }) };
      };
      const [mean, variance] = [given?.[`${where}.mean`], given?.[`${where}.variance`]];
      if (mean && variance)
        return op.Add(op.Mul(op.Div(op.Sub(x, mean), op.Sqrt(op.Add(variance, epsilon))), gain!), bias!);
      if (seen) {
        const statistics = own();
        seen[`${where}.mean`] = statistics.mean;
        seen[`${where}.variance`] = statistics.variance;
      }
      return op.Normalize(x, gain!, bias!, "batch", epsilon);
    },
    { mixesExamples: true },
  );

/**
 * What a row of layers makes of x, added to x; or to what a shortcut makes of x, where the row changes the shape (He et al.
 * 2016).
 * @example
 * Residual([Conv2d(64), LayerNorm(), ReLU, Conv2d(64), LayerNorm()], [Conv2d(64, { kernel: 1 })])
 */
export function Residual(layers: readonly LayerLike[], shortcut: readonly LayerLike[] = []): Layer {
  const [main, around] = [row(layers), row(shortcut)];
  const under = (prefix: string, values: Parameters): Parameters =>
    Object.fromEntries(
      Object.entries(values)
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, value]) => [name.slice(prefix.length), value]),
    );
  return {
    name: "residual",
    parameters(input) {
      const sides = [
        ["", main],
        ["shortcut.", around],
      ] as const;
      return Object.fromEntries(
        sides.flatMap(([prefix, side]) =>
          Object.entries(side.parameters(input)).map(([name, spec]) => [`${prefix}${name}`, spec]),
        ),
      );
    },
    apply(x, p, pass, where) {
      const y = main.apply(x, p, pass, where);
      const passed = scope("shortcut", () => around.apply(x, under("shortcut.", p), pass, `${where}.shortcut`));
      if (y.shape.join() !== passed.shape.join())
        throw new InnerloopError(
          "shape-mismatch",
          `The layers of a Residual make [${y.shape}] of [${x.shape}], and the shortcut [${passed.shape}]; give it a shortcut that makes the same shape, such as [Conv2d(filters, { kernel: 1 })].`,
          { exitStatus: 2 },
        );
      return op.Add(y, passed);
    },
    mixesExamples: main.mixesExamples === true || around.mixesExamples === true,
  };
}
