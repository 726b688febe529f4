// What forms of an operator cost on a machine, and which is taken: a model that was fitted to times of that machine.
import { sizeOf } from "../core/shapes.ts";
import { type Window, windowOutput } from "../core/windows.ts";

/** Operators that have more than one form, with the usual one and the others. */
export const measuredForms = {
  /** A convolution whose weights have a derivative. */
  convolution: { usual: "columns", others: ["native"] },
  "convolution-input-gradient": { usual: "columns", others: ["native"] },
} as const;

export type MeasuredOperator = keyof typeof measuredForms;

/** How much there is to do in the usual form. */
export interface ConvolutionWork {
  /** Multiplications and additions. */
  readonly flops: number;
  /** What is read and written. */
  readonly bytes: number;
  /** The columns of the product: matrix products are slow where these are few. */
  readonly width: number;
}

/** The logarithm of a form's time beside the usual one's: a constant, and what each of the logarithms of the work adds. */
export interface RelativeCost {
  readonly constant: number;
  readonly flops: number;
  readonly bytes: number;
  readonly width: number;
}

/** By operator and form. */
export type Costs = Readonly<Record<MeasuredOperator, { readonly native: RelativeCost }>>;

/** How much of the time of the usual form another one has to save to be taken: more than the model is off, so that noise decides nothing. */
const clearly = 0.25;

/** What the model goes by. */
export const features = ({ flops, bytes, width }: ConvolutionWork): readonly [number, number, number, number] => [
  1,
  Math.log(flops),
  Math.log(bytes),
  Math.log(width),
];

/** A form's time divided by that of the usual one. */
export function relativeTime({ constant, flops, bytes, width }: RelativeCost, work: ConvolutionWork): number {
  const [one, ...logarithms] = features(work);
  const [f, b, w] = logarithms;
  return Math.exp(constant * one + flops * f + bytes * b + width * w);
}

/** Whether the native form is taken. */
export const isNative = (costs: Costs, operator: MeasuredOperator, work: ConvolutionWork): boolean =>
  relativeTime(costs[operator].native, work) < 1 - clearly;

/** The sizes of a convolution that its cost depends on. */
export interface ConvolutionSizes {
  /** Examples of all tasks. */
  readonly examples: number;
  readonly space: readonly number[];
  readonly channels: number;
  readonly filters: number;
  readonly window: Window;
}

const float = 4;

function parts({ examples, space, channels, filters, window }: ConvolutionSizes) {
  const [inside, taps] = [sizeOf(space), sizeOf(window.kernel)];
  const places = sizeOf(windowOutput(space, window));
  const products = (examples * places * taps * channels * filters) / window.groups;
  return {
    products,
    input: examples * inside * channels,
    output: examples * places * filters,
    columns: examples * places * taps * channels,
    /** What an input gradient by columns reads: for each place of the input the taps of its remainder of the stride. */
    reads: (examples * inside * taps * filters) / window.strides.reduce((product, stride) => product * stride, 1),
  };
}

/** A convolution and its weight gradient, whose columns are gathered once. */
export function convolutionWork(sizes: ConvolutionSizes): ConvolutionWork {
  const { products, input, output, columns } = parts(sizes);
  return { flops: 4 * products, bytes: float * (input + 3 * columns + 2 * output), width: sizes.filters };
}

export function inputGradientWork(sizes: ConvolutionSizes): ConvolutionWork {
  const { products, input, output, reads } = parts(sizes);
  return { flops: 2 * products, bytes: float * (output + 2 * reads + 2 * input), width: sizes.channels };
}
