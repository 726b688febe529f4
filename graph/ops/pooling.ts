// Pooling. Channels last inside; the ONNX operators, channels first, are spelled out of these.
import { spend } from "../core/budget.ts";
import { type Dim, multiplyDims, type Shape, sizeOf } from "../core/dims.ts";
import { apply1, define, type Operator, spelling, unfit } from "../core/operator.ts";
import { type Attributes, constant, fixed, type Value } from "../core/value.ts";
import {
  channelsFirst,
  channelsLast,
  resolveWindow,
  type Window,
  type WindowOptions,
  windowOf,
  windowOutput,
} from "./convolution.ts";
import { Add, Mul, Relu } from "./elementwise.ts";
import { appendZero, Expand, Gather, Reshape } from "./movement.ts";
import { ReduceMax, ReduceMean, ReduceSum } from "./reduction.ts";

/** For each tap and each output place, the input place it reads; places outside read the entry after the last. */
export function windowTable(
  space: readonly number[],
  window: Omit<Window, "groups">,
): { table: number[][]; padded: boolean } {
  const out = windowOutput(space, window);
  const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
  const outside = size(space);
  spend("numbers", size(window.kernel) * size(out));
  let padded = false;
  const table = Array.from({ length: size(window.kernel) }, (_, tap) =>
    Array.from({ length: size(out) }, (_, place) => {
      let at = 0;
      for (let i = 0, k = size(window.kernel), p = size(out); i < space.length; i++) {
        k /= window.kernel[i]!;
        p /= out[i]!;
        const where =
          (Math.floor(place / p) % out[i]!) * window.strides[i]! -
          window.before[i]! +
          (Math.floor(tap / k) % window.kernel[i]!) * window.dilations[i]!;
        if (where < 0 || where >= space[i]!) {
          padded = true;
          return outside;
        }
        at = at * space[i]! + where;
      }
      return at;
    }),
  );
  return { table, padded };
}

const spaceOf = (x: Shape, window: { readonly kernel: readonly number[] }): number[] =>
  x.slice(x.length - window.kernel.length - 1, -1).map((dim) => fixed(dim, "pooling"));
const leadOf = (x: Shape, window: { readonly kernel: readonly number[] }): Shape =>
  x.slice(0, x.length - window.kernel.length - 1);

/** Folds a task axis into the examples, runs the operator, and unfolds it: no pool mixes examples. */
const foldTasks =
  (operator: Operator) =>
  (inputs: readonly Value[], flags: readonly boolean[], attributes: Attributes): Value[] => {
    const tasks = inputs[flags.indexOf(true)]!.shape[0]!;
    const full = inputs.map((x, i) => (flags[i] ? x : Expand(x, [tasks, ...x.shape])));
    const y = apply1(
      operator,
      full.map((x) => Reshape(x, [multiplyDims(tasks, x.shape[1]!), ...x.shape.slice(2)])),
      attributes,
    );
    return [Reshape(y, [tasks, full[0]!.shape[1]!, ...y.shape.slice(1)])];
  };

/** The place that each window's first largest entry has among the taps. */
function choices(
  x: Float64Array,
  shape: readonly number[],
  window: Window,
): { rows: number; channels: number; table: number[][]; chosen: Int32Array } {
  const channels = shape.at(-1)!;
  const space = spaceOf(shape, window);
  const { table } = windowTable(space, window);
  const rows = shape[0]!;
  const places = table[0]!.length;
  const inputs = space.reduce((a, b) => a * b, 1);
  const chosen = new Int32Array(rows * places * channels);
  for (let n = 0; n < rows; n++)
    for (let p = 0; p < places; p++)
      for (let c = 0; c < channels; c++) {
        let best = Number.NEGATIVE_INFINITY;
        for (const tap of table) {
          const at = tap[p]!;
          if (at === inputs) continue;
          const value = x[(n * inputs + at) * channels + c]!;
          if (value > best || best === Number.NEGATIVE_INFINITY) {
            best = value;
            chosen[(n * places + p) * channels + c] = (n * inputs + at) * channels + c;
          }
        }
      }
  return { rows, channels, table, chosen };
}

function pooledShape(x: Value, window: Window): Dim[] {
  const out = windowOutput(spaceOf(x.shape, window), window);
  if (out.some((size) => size < 1))
    throw unfit("MaxPooling", [x], `the kernel [${window.kernel}] is larger than the padded input.`);
  return [...leadOf(x.shape, window), ...out, x.shape.at(-1)!];
}

const maxPooling: Operator = define({
  name: "MaxPooling",
  family: "pooling",
  summary: "the largest in each window, channels last; the first of equals has the derivative",
  infer: ([x], attributes) => [{ dtype: x!.dtype, shape: pooledShape(x!, windowOf(attributes)) }],
  gradient: ({ inputs: [x], cotangents: [g], attributes }) => [g && apply1(maxPoolingGradient, [x!, g], attributes)],
  batch: (inputs, flags, attributes) => foldTasks(maxPooling)(inputs, flags, attributes),
  evaluate({ inputs: [x], attributes }) {
    const { chosen } = choices(x!.data, x!.shape, windowOf(attributes));
    return [Float64Array.from(chosen, (at) => x!.data[at]!)];
  },
});

const maxPoolingGradient: Operator = define({
  name: "MaxPoolingGradient",
  family: "pooling",
  summary: "each window's number put where the window's largest entry is, and summed",
  infer: ([x]) => [{ dtype: x!.dtype, shape: x!.shape }],
  gradient: ({ inputs: [x], cotangents: [c], attributes }) => [
    undefined,
    c && apply1(maxPoolingSelection, [x!, c], attributes),
  ],
  batch: (inputs, flags, attributes) => foldTasks(maxPoolingGradient)(inputs, flags, attributes),
  evaluate({ inputs: [x, g], attributes }) {
    const { chosen } = choices(x!.data, x!.shape, windowOf(attributes));
    const out = new Float64Array(x!.data.length);
    chosen.forEach((at, i) => {
      out[at]! += g!.data[i]!;
    });
    return [out];
  },
});

const maxPoolingSelection: Operator = define({
  name: "MaxPoolingSelection",
  family: "pooling",
  summary: "of a second array, the numbers at the places where the windows' largest entries are",
  infer: ([x], attributes) => [{ dtype: x!.dtype, shape: pooledShape(x!, windowOf(attributes)) }],
  gradient: ({ inputs: [x], cotangents: [g], attributes }) => [
    undefined,
    g && apply1(maxPoolingGradient, [x!, g], attributes),
  ],
  batch: (inputs, flags, attributes) => foldTasks(maxPoolingSelection)(inputs, flags, attributes),
  evaluate({ inputs: [x, t], attributes }) {
    const { chosen } = choices(x!.data, x!.shape, windowOf(attributes));
    return [Float64Array.from(chosen, (at) => t!.data[at]!)];
  },
});

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
  const after = window.after.map((pad, i) => {
    const reach = window.dilations[i]! * (kernel[i]! - 1) + 1;
    const free = space[i]! + window.before[i]! + pad - reach;
    const steps = Math.ceil(free / window.strides[i]!);
    const starts = steps * window.strides[i]! < space[i]! + window.before[i]!;
    return starts ? pad + steps * window.strides[i]! - free : pad;
  });
  return { ...window, after };
}

/**
 * The largest in each window, channels last. A ReLU or a bias per channel in front is applied after it instead: the
 * maximum commutes with both, derivatives included, and there is less to compute.
 * @param x `[N, …space, C]`
 */
export function MaxPooling(x: Value, kernel: readonly number[], options: PoolOptions = {}): Value {
  const { operator, inputs } = x.node;
  if (operator.name === "Relu") return Relu(MaxPooling(inputs[0]!, kernel, options));
  if (operator.name === "Add" && inputs[1]!.rank === 1 && inputs[0]!.rank === x.rank)
    return Add(MaxPooling(inputs[0]!, kernel, options), inputs[1]!);
  const window = poolWindow(spaceOf(x.shape, { kernel }), kernel, options);
  return apply1(maxPooling, [x], { ...window });
}

/** `x [N, …space, C]` as `[N, places, taps, C]`, entries outside being `fill`. */
function windows(
  x: Value,
  window: Window,
  fill: number,
  { table, padded } = windowTable(spaceOf(x.shape, window), window),
): Value {
  const space = spaceOf(x.shape, window);
  spend("numbers", table.length * table[0]!.length);
  const lead = leadOf(x.shape, window);
  const flat = Reshape(x, [...lead, sizeOf(space), x.shape.at(-1)!]);
  const source = padded ? appendZero(flat, lead.length, fill) : flat;
  const places = table[0]!.length;
  const order = Array.from(
    { length: places * table.length },
    (_, i) => table[i % table.length]![Math.floor(i / table.length)]!,
  );
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
  const out = [...leadOf(x.shape, window), ...windowOutput(space, window), x.shape.at(-1)!];
  if (out.some((size) => typeof size === "number" && size < 1))
    throw unfit("AveragePooling", [x], `the kernel [${kernel}] is larger than the padded input.`);
  const reads = windowTable(space, window);
  const sum = Reshape(
    ReduceSum(windows(x, window, 0, reads), { axes: [leadOf(x.shape, window).length + 1], keepdims: false }),
    out,
  );
  const declared = countIncludePad ? resolveWindow(space, kernel, options) : undefined;
  const { table } = reads;
  const places = windowOutput(space, window);
  const outside = sizeOf(space);
  const counts = table[0]!.map((_, place) =>
    declared
      ? coveredBy(place, places, space, window, declared)
      : table.reduce((count, tap) => (tap[place] === outside ? count : count + 1), 0),
  );
  return Mul(
    sum,
    constant(
      counts.map((n) => 1 / n),
      [...places, 1],
      x.dtype,
    ),
  );
}

/** How many taps of a window lie in the input or in its declared padding. */
function coveredBy(
  place: number,
  places: readonly number[],
  space: readonly number[],
  window: Window,
  declared: Window,
): number {
  let count = 1;
  for (let i = space.length - 1, rest = place; i >= 0; i--) {
    const start = (rest % places[i]!) * window.strides[i]! - window.before[i]!;
    rest = Math.floor(rest / places[i]!);
    let inside = 0;
    for (let k = 0; k < window.kernel[i]!; k++)
      if (start + k * window.dilations[i]! < space[i]! + declared.after[i]!) inside++;
    count *= inside;
  }
  return count;
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

const spaceAxes = (x: Value): number[] => [...x.shape.keys()].slice(2);
spelling("GlobalAveragePool", "pooling", 1, "ReduceSum, Mul", "the mean over space, channels first");
/** ONNX GlobalAveragePool: the mean over space, `[N, C, 1, …]`. */
export const GlobalAveragePool = (x: Value): Value => ReduceMean(x, { axes: spaceAxes(x) });
spelling("GlobalMaxPool", "pooling", 1, "ReduceMax", "the largest over space, channels first");
/** ONNX GlobalMaxPool: the largest over space, `[N, C, 1, …]`. */
export const GlobalMaxPool = (x: Value): Value => ReduceMax(x, { axes: spaceAxes(x) });
