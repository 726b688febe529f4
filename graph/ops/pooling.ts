// Pooling. Channels last inside; the ONNX operators, channels first, are spelled out of these.
import { spend } from "../core/budget.ts";
import { constant } from "../core/build.ts";
import { at, upTo } from "../core/lists.ts";
import { apply1, applying, spelling, unfit } from "../core/operator.ts";
import { sizeOf } from "../core/shapes.ts";
import { madeBy, type Value } from "../core/value.ts";
import {
  reachOf,
  resolveWindow,
  type Window,
  type WindowOptions,
  windowAxes,
  windowOutput,
  windowTable,
} from "../core/windows.ts";
import { Add, Mul } from "./arithmetic.ts";
import { Relu } from "./functions.ts";
import { Gather } from "./indexing.ts";
import { leadOf, maxPooling, spaceOf } from "./internal/max-pooling.ts";
import { appendZero } from "./internal/slicing.ts";
import { channelsFirst, channelsLast } from "./internal/transpose.ts";
import { Reshape } from "./movement.ts";
import { ReduceMax, ReduceMean, ReduceSum } from "./reduction.ts";

/** Options of a pool, as ONNX names them. */
export interface PoolOptions extends WindowOptions {
  readonly ceilMode?: boolean;
}

/** A window with its ends padded so that a last, partial window counts too where `ceilMode` asks for it. */
function poolWindow(
  space: readonly number[],
  kernel: readonly number[],
  { ceilMode = false, ...options }: PoolOptions,
): Window {
  const window = resolveWindow(space, kernel, options);
  if (!ceilMode) return window;
  const after = windowAxes(space, window).map((axis) => {
    const free = axis.size + axis.before + axis.after - reachOf(axis);
    const steps = Math.ceil(free / axis.stride);
    const starts = steps * axis.stride < axis.size + axis.before;
    return starts ? axis.after + steps * axis.stride - free : axis.after;
  });
  return { ...window, after };
}

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
  const outside = sizeOf(space);
  const counts = countIncludePad
    ? coveredTaps(space, window, resolveWindow(space, kernel, options))
    : upTo(sizeOf(places)).map((place) => reads.table.filter((tap) => tap[place] !== outside).length);
  const shares = counts.map((count) => 1 / count);
  return Mul(sum, constant(shares, [...places, 1], x.dtype));
}

/** For each output place, how many taps of its window lie in the input or in its declared padding. */
function coveredTaps(space: readonly number[], window: Window, declared: Window): number[] {
  const perAxis = windowAxes(space, window).map(({ size, kernel, stride, dilation, before }, i) => {
    const end = size + at(declared.after, i);
    const taps = upTo(kernel).map((tap) => tap * dilation - before);
    return upTo(at(windowOutput(space, window), i)).map(
      (place) => taps.filter((tap) => place * stride + tap < end).length,
    );
  });
  return perAxis.reduce((counts, axis) => counts.flatMap((count) => axis.map((n) => count * n)), [1]);
}

spelling("MaxPool", "pooling", 12, "Transpose, MaxPooling", "the largest in each window, channels first");
/** ONNX MaxPool, channels first. */
export const MaxPool = (x: Value, kernelShape: readonly number[], options?: PoolOptions): Value =>
  channelsFirst(MaxPooling(channelsLast(x), kernelShape, options));
spelling("AveragePool", "pooling", 19, "Transpose, Gather, ReduceSum, Mul", "the mean of each window, channels first");
/** ONNX AveragePool, channels first. */
export const AveragePool = (
  x: Value,
  kernelShape: readonly number[],
  options?: PoolOptions & { readonly countIncludePad?: boolean },
): Value => channelsFirst(AveragePooling(channelsLast(x), kernelShape, options));

const spaceAxes = (x: Value): number[] => upTo(x.rank).slice(2);
spelling("GlobalAveragePool", "pooling", 1, "ReduceSum, Mul", "the mean over space, channels first");
/** ONNX GlobalAveragePool: the mean over space, `[N, C, 1, …]`. */
export const GlobalAveragePool = (x: Value): Value => ReduceMean(x, { axes: spaceAxes(x) });
spelling("GlobalMaxPool", "pooling", 1, "ReduceMax", "the largest over space, channels first");
/** ONNX GlobalMaxPool: the largest over space, `[N, C, 1, …]`. */
export const GlobalMaxPool = (x: Value): Value => ReduceMax(x, { axes: spaceAxes(x) });
