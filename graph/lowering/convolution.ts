// Two ways to compute a convolution and its two gradients: as gathered columns times a matrix, which shares the
// columns between a convolution and its weight gradient and wastes nothing on strides; or by the convolutions of the
// provider, ONNX Conv and ConvTranspose.
import { type Dim, multiplyDims, type Shape } from "../core/dims.ts";
import { apply1, type Operator } from "../core/operator.ts";
import { constant, fixed, type Value } from "../core/value.ts";
import { convolutionParts, type Window, windowOf, windowOutput } from "../ops/convolution.ts";
import { MatMul } from "../ops/linear-algebra.ts";
import { appendZero, Concat, cut, Expand, Gather, Reshape, Transpose, transposeLast } from "../ops/movement.ts";
import { windowTable } from "../ops/pooling.ts";
import type { Lowering } from "./lower.ts";

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const table = (indices: readonly number[]): Value => constant(indices, [indices.length], "int32");
const isIdentity = (indices: readonly number[], size: number): boolean =>
  indices.length === size && indices.every((at, i) => at === i);

/** Looks up places along the last but one axis of `[…, places, C]`; the place after the last is zero. */
function lookUp(x: Value, indices: readonly number[], places: number): Value {
  if (isIdentity(indices, places)) return x;
  const axis = x.rank - 2;
  return Gather(indices.includes(places) ? appendZero(x, axis) : x, table(indices), axis);
}

/** Runs a one-group lowering on each group of channels and joins what comes out. */
function byGroups(
  window: Window,
  operands: readonly Value[],
  run: (parts: Value[], window: Window) => Value,
  join: number,
): Value {
  const one = { ...window, groups: 1 };
  if (window.groups === 1) return run([...operands], one);
  const part = (x: Value, group: number) => {
    const size = fixed(x.shape.at(-1)!, "a grouped convolution") / window.groups;
    return cut(x, x.rank - 1, group * size, (group + 1) * size);
  };
  return Concat(
    Array.from({ length: window.groups }, (_, group) =>
      run(
        operands.map((x) => part(x, group)),
        one,
      ),
    ),
    operands[0]!.rank + join,
  );
}

/** `x [T?, N, …space, C]` as rows of columns `[T?, N·places, taps·C]`. */
function columns(x: Value, window: Window): Value {
  const { tasks, examples, space, channels } = convolutionParts(x.shape, window);
  const lead: Dim[] = tasks === undefined ? [] : [tasks];
  const { table: taps } = windowTable(space, window);
  const places = taps[0]!.length;
  const order = Array.from(
    { length: places * taps.length },
    (_, i) => taps[i % taps.length]![Math.floor(i / taps.length)]!,
  );
  const flat = Reshape(x, [...lead, examples, product(space), channels]);
  return Reshape(lookUp(flat, order, product(space)), [
    ...lead,
    multiplyDims(examples, places),
    taps.length * channels,
  ]);
}

const columnsForward: Lowering = ([x, w], attributes, [y]) => [
  byGroups(
    windowOf(attributes),
    [x!, w!],
    ([x, w], window) => {
      const { tasks } = convolutionParts(x!.shape, window);
      const lead: Dim[] = tasks === undefined ? [] : [tasks];
      const weights = Reshape(w!, [...lead, -1, w!.shape.at(-1)!]);
      return Reshape(MatMul(columns(x!, window), weights), [...y!.shape.slice(0, -1), w!.shape.at(-1)!]);
    },
    -1,
  ),
];

const columnsWeightGradient: Lowering = ([x, g], attributes) => [
  byGroups(
    windowOf(attributes),
    [x!, g!],
    ([x, g], window) => {
      const { tasks, channels } = convolutionParts(x!.shape, window);
      const lead: Dim[] = tasks === undefined ? [] : [tasks];
      const rows = Reshape(g!, [...lead, -1, g!.shape.at(-1)!]);
      return Reshape(MatMul(transposeLast(columns(x!, window)), rows), [
        ...lead,
        ...window.kernel,
        channels,
        g!.shape.at(-1)!,
      ]);
    },
    -1,
  ),
];

/** Input places that see the same taps (one class for each remainder of the stride), and which output places these read. */
function strideClasses(
  space: readonly number[],
  out: readonly number[],
  window: Window,
): { places: number[]; taps: number[]; reads: number[] }[] {
  const classes = new Map<string, { places: number[]; taps: number[]; reads: number[] }>();
  const digits = (n: number, shape: readonly number[]) => {
    const result = new Array<number>(shape.length);
    for (let i = shape.length - 1; i >= 0; i--) {
      result[i] = n % shape[i]!;
      n = Math.floor(n / shape[i]!);
    }
    return result;
  };
  const kernel = product(window.kernel);
  for (let place = 0; place < product(space); place++) {
    const at = digits(place, space);
    const key = at.map((x, i) => (x + window.before[i]!) % window.strides[i]!).join();
    let entry = classes.get(key);
    if (!entry) {
      const taps = Array.from({ length: kernel }, (_, k) => k).filter((k) =>
        digits(k, window.kernel).every(
          (t, i) => (at[i]! + window.before[i]! - t * window.dilations[i]!) % window.strides[i]! === 0,
        ),
      );
      entry = { places: [], taps, reads: [] };
      classes.set(key, entry);
    }
    entry.places.push(place);
    for (const tap of entry.taps) {
      const read = digits(tap, window.kernel).map(
        (t, i) => (at[i]! + window.before[i]! - t * window.dilations[i]!) / window.strides[i]!,
      );
      const inside = read.every((r, i) => r >= 0 && r < out[i]!);
      entry.reads.push(inside ? read.reduce((total, r, i) => total * out[i]! + r, 0) : product(out));
    }
  }
  return [...classes.values()];
}

const columnsInputGradient: Lowering = ([g, w], attributes) => [
  byGroups(
    windowOf(attributes),
    [g!, w!],
    ([g, w], window) => {
      const { tasks, examples, space: out, channels: filters } = convolutionParts(g!.shape, window);
      const lead: Dim[] = tasks === undefined ? [] : [tasks];
      const space = attributes.space as readonly number[];
      const channels = w!.shape.at(-2)!;
      const flat = Reshape(g!, [...lead, examples, product(out), filters]);
      const turned = Reshape(transposeLast(w!), [...lead, product(window.kernel), filters, channels]);
      const classes = strideClasses(space, out, window);
      const parts = classes.map(({ places, taps, reads }) => {
        if (taps.length === 0) return Expand(constant(0, [], g!.dtype), [...lead, examples, places.length, channels]);
        const rows = Reshape(lookUp(flat, reads, product(out)), [
          ...lead,
          multiplyDims(examples, places.length),
          taps.length * filters,
        ]);
        const used = isIdentity(taps, product(window.kernel)) ? turned : Gather(turned, table(taps), lead.length);
        return Reshape(MatMul(rows, Reshape(used, [...lead, taps.length * filters, channels])), [
          ...lead,
          examples,
          places.length,
          channels,
        ]);
      });
      const order = classes.flatMap((c) => c.places);
      const where = new Array<number>(order.length);
      order.forEach((place, i) => {
        where[place] = i;
      });
      return Reshape(lookUp(Concat(parts, lead.length + 1), where, order.length), [
        ...lead,
        examples,
        ...space,
        channels,
      ]);
    },
    -1,
  ),
];

/** Gathered columns and matrix products. */
export const convolutionAsColumns: Readonly<Record<string, Lowering>> = {
  Convolution: columnsForward,
  ConvolutionInputGradient: columnsInputGradient,
  ConvolutionWeightGradient: columnsWeightGradient,
};

interface ChannelsFirst extends Omit<Window, "kernel" | "groups"> {
  readonly group: number;
  readonly outputPadding?: readonly number[];
}

/** ONNX Conv as a node: x `[N, C, …]`, w `[O, C/group, ...kernel]`. Only lowering makes it. */
const conv: Operator = {
  name: "Conv",
  family: "convolution",
  summary: "convolution, channels first",
  writtenAs: "Conv",
  infer([x, w], attributes) {
    const { group: _, ...window } = attributes as unknown as ChannelsFirst;
    const kernel = w!.shape.slice(2) as number[];
    return [
      {
        dtype: x!.dtype,
        shape: [x!.shape[0]!, w!.shape[0]!, ...windowOutput(x!.shape.slice(2) as number[], { ...window, kernel })],
      },
    ];
  },
};

/** ONNX ConvTranspose as a node: x `[N, C, …]`, w `[C, O/group, ...kernel]`. Only lowering makes it. */
const convTranspose: Operator = {
  name: "ConvTranspose",
  family: "convolution",
  summary: "transposed convolution, channels first",
  writtenAs: "ConvTranspose",
  infer([x, w], attributes) {
    const { strides, dilations, before, after, outputPadding, group } = attributes as unknown as ChannelsFirst;
    const space = x!.shape
      .slice(2)
      .map(
        (dim, i) =>
          strides[i]! * ((dim as number) - 1) +
          outputPadding![i]! +
          ((w!.shape[i + 2] as number) - 1) * dilations[i]! +
          1 -
          before[i]! -
          after[i]!,
      );
    return [{ dtype: x!.dtype, shape: [x!.shape[0]!, (w!.shape[1] as number) * group, ...space] }];
  },
};

const axesFrom = (count: number, from: number): number[] => Array.from({ length: count }, (_, i) => from + i);

/** `[T?, N, …space, C]` as `[N, T·C, …space]`: tasks become groups of channels. */
function imagesFirst(x: Value, spatial: number): Value {
  if (x.rank === spatial + 2) return Transpose(x, [0, spatial + 1, ...axesFrom(spatial, 1)]);
  const moved = Transpose(x, [1, 0, spatial + 2, ...axesFrom(spatial, 2)]);
  return Reshape(moved, [x.shape[1]!, multiplyDims(x.shape[0]!, x.shape.at(-1)!), ...x.shape.slice(2, -1)]);
}

/** Back from `[N, T·C, …space]` to the shape `[T?, N, …space, C]`. */
function imagesLast(y: Value, shape: Shape, spatial: number): Value {
  if (shape.length === spatial + 2) return Transpose(y, [0, ...axesFrom(spatial, 2), 1]);
  const split = Reshape(y, [shape[1]!, shape[0]!, shape.at(-1)!, ...shape.slice(2, -1)]);
  return Transpose(split, [1, 0, ...axesFrom(spatial, 3), 2]);
}

/** Weights `[T?, ...kernel, C/g, O]` as `[T·O, C/g, ...kernel]`. */
function filtersFirst(w: Value, spatial: number): Value {
  const lead = w.rank - spatial - 2;
  const moved = Transpose(w, [...axesFrom(lead, 0), lead + spatial + 1, lead + spatial, ...axesFrom(spatial, lead)]);
  return lead === 0 ? moved : Reshape(moved, [multiplyDims(moved.shape[0]!, moved.shape[1]!), ...moved.shape.slice(2)]);
}

const tasksOf = (x: Value, spatial: number): number =>
  x.rank === spatial + 3 ? fixed(x.shape[0]!, "tasks as groups of a convolution") : 1;
const onnxWindow = ({ strides, dilations, before, after }: Window, group: number) => ({
  strides,
  dilations,
  before,
  after,
  group,
});

const convForward: Lowering = ([x, w], attributes, [y]) => {
  const window = windowOf(attributes);
  const spatial = window.kernel.length;
  const group = window.groups * tasksOf(x!, spatial);
  const result = apply1(conv, [imagesFirst(x!, spatial), filtersFirst(w!, spatial)], onnxWindow(window, group));
  return [imagesLast(result, y!.shape, spatial)];
};

const convInputGradient: Lowering = ([g, w], attributes, [x]) => {
  const window = windowOf(attributes);
  const spatial = window.kernel.length;
  const space = attributes.space as readonly number[];
  const out = convolutionParts(g!.shape, window).space;
  const outputPadding = space.map(
    (size, i) =>
      size -
      (window.strides[i]! * (out[i]! - 1) +
        (window.kernel[i]! - 1) * window.dilations[i]! +
        1 -
        window.before[i]! -
        window.after[i]!),
  );
  if (outputPadding.some((extra, i) => extra < 0 || (extra >= window.strides[i]! && extra >= window.dilations[i]!)))
    return undefined;
  const group = window.groups * tasksOf(g!, spatial);
  const result = apply1(convTranspose, [imagesFirst(g!, spatial), filtersFirst(w!, spatial)], {
    ...onnxWindow(window, group),
    outputPadding,
  });
  return [imagesLast(result, x!.shape, spatial)];
};

/** Of images alone: ONNX Runtime 1.30 gets strided ones of series wrong on WebGPU, and has no transposed ones of volumes there. */
const forImages =
  (native: Lowering, columns: Lowering): Lowering =>
  (inputs, attributes, outputs) =>
    (windowOf(attributes).kernel.length === 2 ? native(inputs, attributes, outputs) : undefined) ??
    columns(inputs, attributes, outputs);

/**
 * ONNX Conv and ConvTranspose, with columns where these do not fit. Tasks with weights of their own are groups of channels.
 *
 * Weight gradients are columns all the same. ONNX has no operator for them, and as a Conv they have a kernel of the size of
 * the image, which providers are slow at, and which the WebGPU provider of ONNX Runtime 1.30 computes wrongly.
 */
export const convolutionAsConv: Readonly<Record<string, Lowering>> = {
  Convolution: forImages(convForward, columnsForward),
  ConvolutionInputGradient: forImages(convInputGradient, columnsInputGradient),
  ConvolutionWeightGradient: columnsWeightGradient,
};
