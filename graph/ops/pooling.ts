// Pooling. Channels last inside; the ONNX operators, channels first, are spelled out of these.
import { spend } from "../core/budget.ts";
import { constant } from "../core/build.ts";
import { multiplyDims } from "../core/dims.ts";
import { at, upTo } from "../core/lists.ts";
import { apply1, applying, spelling, unfit } from "../core/operator.ts";
import { fixed, isKnown, sizeOf } from "../core/shapes.ts";
import { madeBy, type Value } from "../core/value.ts";
import { resolveWindow, type Window, windowAxes, windowOutput, windowTable } from "../core/windows.ts";
import { Abs, Add, Div, Mul } from "./arithmetic.ts";
import { Pow, Relu, Sqrt } from "./functions.ts";
import { Gather } from "./indexing.ts";
import { conv } from "./internal/channels-first.ts";
import { maxPool } from "./internal/max-pool.ts";
import { leadOf, maxPooling, spaceOf } from "./internal/max-pooling.ts";
import { type PoolOptions, poolWindow, windowOver } from "./internal/open-windows.ts";
import { appendZero } from "./internal/slicing.ts";
import { Expand, Reshape } from "./movement.ts";
import { Pad } from "./parts.ts";
import { ReduceMax, ReduceMean, ReduceSum } from "./reduction.ts";

export type { PoolOptions } from "./internal/open-windows.ts";

/**
 * The largest in each window, channels last. A ReLU or a bias per channel in front is applied after it instead: the
 * maximum commutes with both, derivatives included, and there is less to compute.
 * @param x `[N, …space, C]`
 */
export const MaxPooling = applying(
  maxPooling,
  (x: Value, kernel: readonly number[], options: PoolOptions = {}): Value => {
    const activated = madeBy(x, Relu);
    if (activated) return Relu(MaxPooling(activated.inputs[0], kernel, options));
    const [source, bias] = madeBy(x, Add)?.inputs ?? [];
    if (source && bias?.rank === 1 && source.rank === x.rank) return Add(MaxPooling(source, kernel, options), bias);
    return apply1(maxPooling, [x], poolWindow(spaceOf(x.shape, { kernel }), kernel, options));
  },
);

/** `x [N, …space, C]` as `[N, places, taps, C]`, entries outside being zero. */
function windows(x: Value, window: Window, { table, padded }: ReturnType<typeof windowTable>): Value {
  const places = at(table, 0).length;
  spend("numbers", table.length * places);
  const lead = leadOf(x.shape, window);
  const flat = Reshape(x, [...lead, sizeOf(spaceOf(x.shape, window)), at(x.shape, -1)]);
  const source = padded ? appendZero(flat, lead.length) : flat;
  const order = upTo(places).flatMap((place) => table.map((tap) => at(tap, place)));
  return Gather(source, constant(order, [places, table.length], "int64"), lead.length);
}

/**
 * The mean of each window, channels last.
 * @param countIncludePad whether padding counts as zeros (ONNX: no)
 */
export function AveragePooling(
  x: Value,
  kernel: readonly number[],
  { countIncludePad = false, ...options }: PoolOptions & { readonly countIncludePad?: boolean } = {},
): Value {
  const space = spaceOf(x.shape, { kernel });
  const window = poolWindow(space, kernel, options);
  const places = windowOutput(space, window);
  const out = [...leadOf(x.shape, window), ...places, at(x.shape, -1)];
  if (out.some((size) => typeof size === "number" && size < 1))
    throw unfit("AveragePooling", [x], `the kernel [${kernel}] is larger than the padded input.`);
  const reads = windowTable(space, window);
  const rows = ReduceSum(windows(x, window, reads), { axes: [leadOf(x.shape, window).length + 1], keepdims: false });
  const sum = Reshape(rows, out);
  const shares = sharesOf(space, window, resolveWindow(space, kernel, options), countIncludePad);
  return Mul(sum, constant(shares, [...places, 1], x.dtype));
}

/** For each output place, what each entry of its window counts for. */
function sharesOf(space: readonly number[], window: Window, declared: Window, countIncludePad: boolean): number[] {
  const within = countIncludePad ? declared : { ...declared, before: space.map(() => 0), after: space.map(() => 0) };
  return coveredTaps(space, window, within).map((count) => 1 / count);
}

/** For each output place, how many taps of its window lie in the input or in its declared padding. */
function coveredTaps(space: readonly number[], window: Window, declared: Window): number[] {
  const perAxis = windowAxes(space, window).map(({ size, kernel, stride, dilation, before }, i) => {
    const [start, end] = [-at(declared.before, i), size + at(declared.after, i)];
    const taps = upTo(kernel).map((tap) => tap * dilation - before);
    return upTo(at(windowOutput(space, window), i)).map(
      (place) => taps.filter((tap) => place * stride + tap >= start && place * stride + tap < end).length,
    );
  });
  return perAxis.reduce((counts, axis) => counts.flatMap((count) => axis.map((n) => count * n)), [1]);
}

/** ONNX MaxPool, channels first. */
export const MaxPool = applying(
  maxPool,
  (x: Value, kernelShape: readonly number[], options: PoolOptions = {}): Value => {
    const { window, pad } = windowOver(x, kernelShape, options, "MaxPool");
    return apply1(maxPool, [pad(x, Number.NEGATIVE_INFINITY)], window);
  },
);

/** The sizes of space of an array that has its channels first. */
const spaceFirst = (x: Value): number[] => x.shape.slice(2).map((dim) => fixed(dim, "pooling"));

/** The sum of each window, channels first: each channel is an image of its own. */
function windowSums(x: Value, window: Window): Value {
  spend("numbers", sizeOf(window.kernel));
  const [examples = 1, channels = 1, ...space] = x.shape;
  spend("numbers", sizeOf(window.kernel));
  const ones = Expand(constant(1, [], x.dtype), [1, 1, ...window.kernel]);
  const sums = apply1(conv, [Reshape(x, [multiplyDims(examples, channels), 1, ...space]), ones], {
    ...window,
    groups: 1,
  });
  return Reshape(sums, [examples, channels, ...sums.shape.slice(2)]);
}
spelling("AveragePool", "pooling", 19, "Conv, Mul", "the mean of each window, channels first");
/** ONNX AveragePool, channels first. */
export function AveragePool(
  x: Value,
  kernelShape: readonly number[],
  { countIncludePad = false, ...options }: PoolOptions & { readonly countIncludePad?: boolean } = {},
): Value {
  if (!isKnown(x.shape.slice(2))) {
    const { window, pad } = windowOver(x, kernelShape, options, "AveragePool");
    const sums = windowSums(pad(x, 0), window);
    const padded = [...window.before, ...window.after].some((n) => n > 0);
    if (pad(x, 0) === x && (countIncludePad || !padded)) return Mul(sums, 1 / sizeOf(kernelShape));
    // What counts: the array, and the zeros that are declared where these do.
    const ones = Expand(constant(1, [], x.dtype), [1, 1, ...x.shape.slice(2)]);
    if (!countIncludePad) return Div(sums, windowSums(pad(ones, 0), window));
    const around = { ...window, before: window.before.map(() => 0), after: window.after.map(() => 0) };
    const declared = Pad(ones, [0, 0, ...window.before, 0, 0, ...window.after], "constant", 1);
    return Div(sums, windowSums(pad(declared, 0), around));
  }
  const space = spaceFirst(x);
  const window = poolWindow(space, kernelShape, options);
  const shares = sharesOf(space, window, resolveWindow(space, kernelShape, options), countIncludePad);
  return Mul(windowSums(x, window), constant(shares, windowOutput(space, window), x.dtype));
}

spelling("LpPool", "pooling", 18, "Abs, Pow, Conv", "the p-norm of each window, channels first");
/** ONNX LpPool: the p-norm of each window, channels first. */
export function LpPool(
  x: Value,
  kernelShape: readonly number[],
  { p = 2, ...options }: PoolOptions & { readonly p?: number } = {},
): Value {
  return root(windowSums(power(x, p), poolWindow(spaceFirst(x), kernelShape, options)), p);
}

spelling("GlobalLpPool", "pooling", 2, "Abs, Pow, ReduceSum", "the p-norm over space, channels first");
/** ONNX GlobalLpPool: the p-norm over space, `[N, C, 1, …]`. */
export const GlobalLpPool = (x: Value, { p = 2 } = {}): Value =>
  root(ReduceSum(power(x, p), { axes: spaceAxes(x) }), p);

/** |x|ᵖ, and the p-th root of what is not negative. */
const power = (x: Value, p: number): Value => (p === 1 ? Abs(x) : p === 2 ? Mul(x, x) : Pow(Abs(x), p));
const root = (x: Value, p: number): Value => (p === 1 ? x : p === 2 ? Sqrt(x) : Pow(x, 1 / p));

const spaceAxes = (x: Value): number[] => upTo(x.rank).slice(2);
spelling("GlobalAveragePool", "pooling", 1, "ReduceSum, Mul", "the mean over space, channels first");
/** ONNX GlobalAveragePool: the mean over space, `[N, C, 1, …]`. */
export const GlobalAveragePool = (x: Value): Value => ReduceMean(x, { axes: spaceAxes(x) });
spelling("GlobalMaxPool", "pooling", 1, "ReduceMax", "the largest over space, channels first");
/** ONNX GlobalMaxPool: the largest over space, `[N, C, 1, …]`. */
export const GlobalMaxPool = (x: Value): Value => ReduceMax(x, { axes: spaceAxes(x) });
