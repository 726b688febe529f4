// What forms of an operator cost on a machine, and which is taken: each says what it does, and rates that were fitted to times of that
// machine say how long that takes.
import { sizeOf } from "../core/shapes.ts";
import { type Window, windowOutput } from "../core/windows.ts";

/** Operators that have more than one form; a convolution is one whose weights have a derivative. */
export type MeasuredOperator = "convolution" | "convolution-input-gradient";

/** Something for each form, of which columns are the usual one. */
interface ByForm<T> {
  readonly columns: T;
  readonly native: T;
}

/** What takes time in a form: `run` is what every run of it takes besides. */
export const kinds = ["products", "columns", "rows", "inside", "outside", "calls", "run"] as const;

/** How much a form does of each. */
export interface FormWork {
  /** Millions of multiplications in products of matrices; what a product computes for nothing counts. */
  readonly products: number;
  /** Millions of numbers that a product reads as columns, and of the pieces of memory that these are gathered from or added to. */
  readonly columns: number;
  readonly rows: number;
  /** Millions of numbers of the convolution's input, and of its output. */
  readonly inside: number;
  readonly outside: number;
  /** Thousands of products that are computed one by one, as for each example. */
  readonly calls: number;
  readonly run: 1;
}

/** Milliseconds that one of each takes. */
export type FormRates = Readonly<Record<(typeof kinds)[number], number>>;

export type ConvolutionWork = ByForm<FormWork>;

export type Costs = Readonly<Record<MeasuredOperator, ByForm<FormRates>>>;

/** How much of the time of the usual form another one has to save to be taken: forms that take as long are not changed. */
const clearly = 0.07;

/** Milliseconds that a form takes. */
export const timeOf = (rates: FormRates, work: FormWork): number =>
  kinds.reduce((sum, kind) => sum + rates[kind] * work[kind], 0);

/** Whether the native form is taken. */
export const isNative = (costs: Costs, operator: MeasuredOperator, { columns, native }: ConvolutionWork): boolean =>
  timeOf(costs[operator].native, native) < (1 - clearly) * timeOf(costs[operator].columns, columns);

/** The sizes of a convolution that its cost depends on. */
export interface ConvolutionSizes {
  /** Examples of all tasks. */
  readonly examples: number;
  readonly space: readonly number[];
  readonly channels: number;
  readonly filters: number;
  readonly window: Window;
}

/** Products of matrices are computed in panels of so many columns: what lies in none of them takes as long. */
const panel = 16;
const inPanels = (columns: number): number => panel * Math.ceil(columns / panel);

const [million, thousand] = [1e-6, 1e-3];

function parts({ examples, space, channels, filters, window }: ConvolutionSizes) {
  const { groups, strides } = window;
  const [inside, taps] = [sizeOf(space), sizeOf(window.kernel)];
  const places = sizeOf(windowOutput(space, window));
  const stride = sizeOf(strides);
  const [c, f] = [channels / groups, filters / groups];
  /** One tap that moves nothing needs no columns. */
  const gathers = taps > 1 || stride > 1 ? 1 : 0;
  return {
    ...{ groups, stride, taps, c, f, gathers },
    input: million * examples * inside * channels,
    output: million * examples * places * filters,
    columns: million * examples * places * taps * channels,
    /** By ONNX's operators each group of each example is a product of its own, whose columns are the places. */
    native: million * examples * groups * inPanels(places) * taps * c * f,
    calls: thousand * examples * groups,
    /** What an input gradient by columns reads: for each place of the input the taps of its remainder of the stride. */
    reads: (million * examples * inside * taps * filters) / stride,
  };
}

/** A convolution and its weight gradient, whose columns are gathered once. */
export function convolutionWork(sizes: ConvolutionSizes): ConvolutionWork {
  const { columns, c, f, gathers, input, output, native, calls } = parts(sizes);
  const product = columns * inPanels(f);
  const rows = (gathers * columns) / c;
  const common = { rows, inside: input, outside: output, run: 1 } as const;
  return {
    columns: { ...common, products: 2 * product, columns: gathers * columns, calls: 0 },
    // Its weight gradient is by columns all the same.
    native: { ...common, products: product + native, columns, calls },
  };
}

export function inputGradientWork(sizes: ConvolutionSizes): ConvolutionWork {
  const { reads, c, f, taps, stride, gathers, input, output, columns, native, calls } = parts(sizes);
  // A product of one column is one of a matrix and a vector. With a stride, remainders are products of their own, put in order after.
  const strided = stride > 1;
  return {
    columns: {
      products: reads * (c === 1 ? 1 : inPanels(c)),
      columns: gathers * reads,
      rows: (gathers * reads) / f,
      inside: strided ? input : 0,
      outside: output,
      calls: strided ? calls * stride : 0,
      run: 1,
    },
    native: {
      products: native,
      columns,
      rows: calls * thousand * c * taps,
      inside: input,
      outside: output,
      calls,
      run: 1,
    },
  };
}
