// A convolution and its input gradient by the convolutions of the provider, ONNX Conv and ConvTranspose.
import { multiplyDims } from "../core/dims.ts";
import { at, upTo, zip } from "../core/lists.ts";
import { apply1 } from "../core/operator.ts";
import { fixed, type Shape } from "../core/shapes.ts";
import type { One, Operator, Two, Value } from "../core/value.ts";
import { transposedSize, type Window, windowAxes, windowOutput } from "../core/windows.ts";
import { Convolution } from "../ops/convolution.ts";
import { ConvolutionInputGradient, convolutionParts } from "../ops/internal/convolving.ts";
import { Reshape, Transpose } from "../ops/movement.ts";
import { convolutionAsColumns } from "./columns.ts";
import { type Lowering, lowering } from "./lower.ts";

/** A window as ONNX has it, which takes the kernel from the weights. */
export type LoweredWindow = Omit<Window, "kernel" | "groups"> & { readonly group: number };

const sizes = (shape: Shape): number[] => shape.slice(2).map((dim) => fixed(dim, "Conv"));

/** ONNX Conv as a node: x `[N, C, …]`, w `[O, C/group, ...kernel]`. Only lowering makes it. */
const conv: Operator<LoweredWindow, Two, One> = {
  name: "Conv",
  family: "convolution",
  summary: "convolution, channels first",
  writtenAs: "Conv",
  traits: { float16: "product" },
  infer: ([x, w], window) => [
    {
      dtype: x.dtype,
      shape: [at(x.shape, 0), at(w.shape, 0), ...windowOutput(sizes(x.shape), { ...window, kernel: sizes(w.shape) })],
    },
  ],
};

/** ONNX ConvTranspose as a node: x `[N, C, …]`, w `[C, O/group, ...kernel]`. Only lowering makes it. */
const convTranspose: Operator<LoweredWindow & { readonly outputPadding: readonly number[] }, Two, One> = {
  name: "ConvTranspose",
  family: "convolution",
  summary: "transposed convolution, channels first",
  writtenAs: "ConvTranspose",
  traits: { float16: "product" },
  infer([x, w], { outputPadding, ...window }) {
    const axes = windowAxes(sizes(x.shape), { ...window, kernel: sizes(w.shape) });
    const space = zip(axes, outputPadding, (axis, extra) => transposedSize(axis) + extra);
    return [{ dtype: x.dtype, shape: [at(x.shape, 0), multiplyDims(at(w.shape, 1), window.group), ...space] }];
  },
};

/** By which the nodes of these are known. */
export const LoweredConv = { operator: conv };
export const LoweredConvTranspose = { operator: convTranspose };

const axesFrom = (count: number, from: number): number[] => upTo(count).map((i) => from + i);

/** `[T?, N, …space, C]` as `[N, T·C, …space]`: tasks become groups of channels. */
function imagesFirst(x: Value, spatial: number): Value {
  if (x.rank === spatial + 2) return Transpose(x, [0, spatial + 1, ...axesFrom(spatial, 1)]);
  const moved = Transpose(x, [1, 0, spatial + 2, ...axesFrom(spatial, 2)]);
  const [examples, tasks, channels, ...space] = moved.shape;
  return Reshape(moved, [examples ?? 1, multiplyDims(tasks ?? 1, channels ?? 1), ...space]);
}

/** Back from `[N, T·C, …space]` to the shape `[T?, N, …space, C]`. */
function imagesLast(y: Value, shape: Shape, spatial: number): Value {
  if (shape.length === spatial + 2) return Transpose(y, [0, ...axesFrom(spatial, 2), 1]);
  const split = Reshape(y, [at(shape, 1), at(shape, 0), at(shape, -1), ...shape.slice(2, -1)]);
  return Transpose(split, [1, 0, ...axesFrom(spatial, 3), 2]);
}

/** Weights `[T?, ...kernel, C/g, O]` as `[T·O, C/g, ...kernel]`. */
function filtersFirst(w: Value, spatial: number): Value {
  const lead = w.rank - spatial - 2;
  const moved = Transpose(w, [...axesFrom(lead, 0), lead + spatial + 1, lead + spatial, ...axesFrom(spatial, lead)]);
  if (lead === 0) return moved;
  return Reshape(moved, [multiplyDims(at(moved.shape, 0), at(moved.shape, 1)), ...moved.shape.slice(2)]);
}

const tasksOf = (x: Value, spatial: number): number =>
  x.rank === spatial + 3 ? fixed(at(x.shape, 0), "tasks as groups of a convolution") : 1;
/** A window of a convolution as ONNX has it. */
export const onnxWindow = ({ strides, dilations, before, after }: Window, group: number): LoweredWindow => ({
  strides,
  dilations,
  before,
  after,
  group,
});

/**
 * Whether ONNX's operators are taken: of images alone. ONNX Runtime 1.30 gets strided ones of series wrong on WebGPU, and has no
 * transposed ones of volumes there.
 */
const isOfImages = ({ kernel }: Window): boolean => kernel.length === 2;

/** Whether weights have a task axis, so that tasks are groups of channels. */
const hasTasks = (w: Value, { kernel }: Window): boolean => w.rank === kernel.length + 3;

const forward = lowering(Convolution, ([x, w], window, [y]) => {
  if (!isOfImages(window)) return convolutionAsColumns.forward.lower([x, w], window, [y]);
  const spatial = window.kernel.length;
  const group = window.groups * tasksOf(x, spatial);
  const result = apply1(conv, [imagesFirst(x, spatial), filtersFirst(w, spatial)], onnxWindow(window, group));
  return [imagesLast(result, y.shape, spatial)];
});

const inputGradient = lowering(ConvolutionInputGradient, ([g, w], attributes, [x]) => {
  const { space, ...window } = attributes;
  const axes = windowAxes(convolutionParts(g.shape, window).space, window);
  const outputPadding = zip(space, axes, (size, axis) => size - transposedSize(axis));
  const fits = axes.every(({ stride, dilation }, i) => {
    const extra = at(outputPadding, i);
    return extra >= 0 && (extra < stride || extra < dilation);
  });
  if (!fits || !isOfImages(window)) return convolutionAsColumns.inputGradient.lower([g, w], attributes, [x]);
  const spatial = window.kernel.length;
  const group = window.groups * tasksOf(g, spatial);
  const settings = { ...onnxWindow(window, group), outputPadding };
  const result = apply1(convTranspose, [imagesFirst(g, spatial), filtersFirst(w, spatial)], settings);
  return [imagesLast(result, x.shape, spatial)];
});

/**
 * ONNX Conv and ConvTranspose, with columns where these do not fit. Tasks with weights of their own are groups of channels.
 *
 * Weight gradients are columns all the same. ONNX has no operator for them, and as a Conv they have a kernel of the size of
 * the image, which providers are slow at, and which the WebGPU provider of ONNX Runtime 1.30 computes wrongly.
 */
export const nativeConvolution = { forward, inputGradient };

/** The same as a list, with the weight gradients. */
export const convolutionAsConv: readonly Lowering[] = [forward, inputGradient, convolutionAsColumns.weightGradient];

/** The same where all tasks share their weights, and columns where they have their own: products in a batch in the place of groups. */
export const convolutionAsSharedConv: readonly Lowering[] = [
  lowering(Convolution, ([x, w], window, outputs) =>
    (hasTasks(w, window) ? convolutionAsColumns.forward : forward).lower([x, w], window, outputs),
  ),
  lowering(ConvolutionInputGradient, ([g, w], window, outputs) =>
    (hasTasks(w, window) ? convolutionAsColumns.inputGradient : inputGradient).lower([g, w], window, outputs),
  ),
  convolutionAsColumns.weightGradient,
];
