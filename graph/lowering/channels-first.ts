// The gradients of convolutions, channels first, in the forms that measure best on ONNX Runtime's processor: by kernel, stride,
// groups and sizes.
import { constant, constantOf, inputName, isInput } from "../core/build.ts";
import { addDims, multiplyDims } from "../core/dims.ts";
import { at, upTo, zip } from "../core/lists.ts";
import { apply1 } from "../core/operator.ts";
import { type Shape, sizeOf } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { topological } from "../core/walk.ts";
import { reachOf, type Window } from "../core/windows.ts";
import { Mul } from "../ops/arithmetic.ts";
import { Gather } from "../ops/indexing.ts";
import { ConvInputGradient, ConvWeightGradient, type SpacedFirst } from "../ops/internal/channels-first.ts";
import { transposeLast } from "../ops/internal/transpose.ts";
import { MatMul } from "../ops/linear-algebra.ts";
import { Reshape, Transpose } from "../ops/movement.ts";
import { Concat, Pad, Slice } from "../ops/parts.ts";
import { ReduceSum } from "../ops/reduction.ts";
import { type Lowering, lowering } from "./lower.ts";
import { LoweredConv, LoweredConvTranspose, onnxWindow } from "./native-convolution.ts";
import { cutSteps } from "./slices.ts";

const places = (indices: readonly number[]): Value => constant(indices, [indices.length], "int64");
const every = (list: readonly number[], number: number): boolean => list.every((entry) => entry === number);
const isKnown = (shape: Shape): shape is readonly number[] => shape.every((dim) => typeof dim === "number");

/** Tells what a file has for good, or computes of nothing else: a runtime works it out once. */
export type IsFixed = (value: Value) => boolean;

/** By the names of the inputs whose numbers a file has for good. */
export function fixedBy(names: ReadonlySet<string>): IsFixed {
  const known = new Map<Value, boolean>();
  return (value) => {
    const before = known.get(value);
    if (before !== undefined) return before;
    const fixed = topological([value]).every(
      ({ outputs: [y], inputs }) =>
        inputs.length > 0 || constantOf(y) !== undefined || (isInput(y) && names.has(inputName(y))),
    );
    known.set(value, fixed);
    return fixed;
  };
}

/** Weights `[O, C/g, ...kernel]` for the way back, `[C, O/g, ...kernel]`: the last tap first. */
function turned(w: Value, { kernel, groups }: Window): Value {
  const [filters = 1, perGroup = 1] = w.shape;
  const taps = sizeOf(kernel);
  const flat = Gather(Reshape(w, [filters, perGroup, taps]), places(upTo(taps).reverse()), 2);
  const split = Reshape(flat, [groups, Number(filters) / groups, perGroup, taps]);
  return Reshape(Transpose(split, [0, 2, 1, 3]), [multiplyDims(perGroup, groups), Number(filters) / groups, ...kernel]);
}

/**
 * A convolution with turned weights where the stride is 1 and the weights are fixed, since the runtime's blocked convolutions take
 * those; ConvTranspose otherwise, and where there are few channels.
 */
function inputGradient(g: Value, w: Value, { space, ...window }: SpacedFirst, isFixed: IsFixed): Value | undefined {
  const { kernel, strides, dilations, before, after, groups } = window;
  const reaches = kernel.map((taps, i) => reachOf({ kernel: taps, dilation: at(dilations, i) }));
  const around = (pads: readonly number[]) => zip(reaches, pads, (reach, pad) => reach - 1 - pad);
  const pads = { before: around(before), after: around(after) };
  const [filters = 1, perGroup = 1] = w.shape;
  const wide = Number(perGroup) >= 8 || (perGroup === 1 && groups >= 8 && filters === groups);
  const inside = [...pads.before, ...pads.after].every((pad) => pad >= 0);
  if (every(strides, 1) && sizeOf(kernel) > 1 && wide && inside && isFixed(w))
    return apply1(LoweredConv.operator, [g, turned(w, window)], onnxWindow({ ...window, ...pads }, groups));
  const out = g.shape.slice(2);
  const differences = zip(space, out, (size, places, i) => {
    const given = addDims(multiplyDims(addDims(places, -1), at(strides, i)), at(reaches, i));
    return addDims(size, multiplyDims(addDims(given, -at(before, i) - at(after, i)), -1));
  });
  const known = differences.filter((size) => typeof size === "number");
  const extra = known.length === differences.length ? known : every(strides, 1) ? strides.map(() => 0) : undefined;
  const fits = extra?.every(
    (more, i) => more === 0 || (more > 0 && (more < at(strides, i) || more < at(dilations, i))),
  );
  if (!extra || !fits) return undefined;
  return apply1(LoweredConvTranspose.operator, [g, w], { ...onnxWindow(window, groups), outputPadding: extra });
}

/** Above as many places, the columns of all taps are not gathered at once, whose table would be large. */
const mostGathered = 256;

function weightGradient(x: Value, g: Value, window: Window): Value | undefined {
  const { kernel, strides, groups } = window;
  const [examples = 1, filters = 1, ...out] = g.shape;
  const channels = at(x.shape, 1);
  if (typeof channels !== "number" || typeof filters !== "number") return undefined;
  const taps = sizeOf(kernel);
  const perGroup = channels / groups;
  const known = isKnown(out) && isKnown(x.shape.slice(2));
  if (known && perGroup === 1 && filters === groups && taps > 1) {
    const large = examples === 1 && sizeOf(out) > 1024 && !every(strides, 1);
    return large ? swapped(x, g, window) : byTapsOfEach(x, g, window, out);
  }
  if (!known || groups > 1 || (perGroup <= 4 && taps > 1)) return swapped(x, g, window);
  const rows = Reshape(g, [examples, filters, sizeOf(out)]);
  const summed = (products: Value): Value =>
    examples === 1 ? Reshape(products, products.shape.slice(1)) : ReduceSum(products, { axes: [0], keepdims: false });
  if (taps === 1) {
    const [read = x] = shifted(x, window, out, 2);
    const products = MatMul(rows, transposeLast(Reshape(read, [examples, channels, sizeOf(out)])));
    return Reshape(summed(products), [filters, channels, ...kernel]);
  }
  const last = Transpose(padded(x, window, 2), [0, ...upTo(x.rank).slice(2), 1]);
  if (sizeOf(out) <= mostGathered) {
    const columns = Reshape(gathered(last, window, out), [examples, sizeOf(out), taps * channels]);
    const products = Reshape(summed(MatMul(rows, columns)), [filters, taps, channels]);
    return Reshape(Transpose(products, [0, 2, 1]), [filters, channels, ...kernel]);
  }
  const products = cuts(last, window, out, 1).map((read) =>
    Reshape(summed(MatMul(rows, Reshape(read, [examples, sizeOf(out), channels]))), [1, filters, channels]),
  );
  const [first = x, ...others] = products;
  return Reshape(Transpose(Concat([first, ...others], 0), [1, 2, 0]), [filters, channels, ...kernel]);
}

/** Zeros put around space, which starts at an axis. */
function padded(x: Value, { before, after }: Window, axis: number): Value {
  const rest = new Array<number>(x.rank - axis - before.length).fill(0);
  const lead = new Array<number>(axis).fill(0);
  return Pad(x, [...lead, ...before, ...rest, ...lead, ...after, ...rest]);
}

const digits = (n: number, shape: readonly number[]): number[] =>
  shape.map((size, i) => Math.floor(n / sizeOf(shape.slice(i + 1))) % size);

/** For each tap, what it reads of something padded, one entry an output place. */
function cuts(x: Value, { kernel, strides, dilations }: Window, out: readonly number[], axis: number): Value[] {
  return upTo(sizeOf(kernel)).map((tap) => {
    const starts = zip(digits(tap, kernel), dilations, (place, dilation) => place * dilation);
    const ends = zip(starts, out, (start, size, i) => start + (size - 1) * at(strides, i) + 1);
    return cutSteps(x, { starts, ends, axes: upTo(kernel.length).map((i) => axis + i), steps: strides });
  });
}

const shifted = (x: Value, window: Window, out: readonly number[], axis: number): Value[] =>
  cuts(padded(x, window, axis), window, out, axis);

/** `[N, …space, C]`, padded, as `[N, places · taps, C]`. */
function gathered(x: Value, { kernel, strides, dilations }: Window, out: readonly number[]): Value {
  const space = x.shape.slice(1, -1).map(Number);
  const indices = upTo(sizeOf(out)).flatMap((place) => {
    const starts = zip(digits(place, out), strides, (n, stride) => n * stride);
    return upTo(sizeOf(kernel)).map((tap) =>
      digits(tap, kernel).reduce((total, n, i) => total * at(space, i) + at(starts, i) + n * at(dilations, i), 0),
    );
  });
  return Gather(
    Reshape(x, [at(x.shape, 0), sizeOf(space), at(x.shape, -1)]),
    constant(indices, [indices.length], "int32"),
    1,
  );
}

/** Of filters for one channel each: a sum of products for each tap. */
function byTapsOfEach(x: Value, g: Value, window: Window, out: readonly number[]): Value {
  const axes = upTo(x.rank).filter((axis) => axis !== 1);
  const sums = shifted(x, window, out, 2).map((read) =>
    Reshape(ReduceSum(Mul(read, g), { axes, keepdims: false }), [1, -1]),
  );
  const [first = x, ...others] = sums;
  return Reshape(Transpose(Concat([first, ...others], 0), [1, 0]), [at(g.shape, 1), 1, ...window.kernel]);
}

/** A convolution of the input whose kernel is the cotangent: examples and channels change places, strides and dilations as well. */
function swapped(x: Value, g: Value, { kernel, strides, dilations, before, after, groups }: Window): Value {
  const [examples = 1, channels = 1, ...space] = x.shape;
  const [, filters = 1, ...out] = g.shape;
  const [perGroup, each] = [Number(channels) / groups, Number(filters) / groups];
  const axes = upTo(space.length);
  const images = Transpose(Reshape(x, [examples, groups, perGroup, ...space]), [2, 1, 0, ...axes.map((i) => i + 3)]);
  const filtersOf = Transpose(Reshape(g, [examples, groups, each, ...out]), [1, 2, 0, ...axes.map((i) => i + 3)]);
  const all = multiplyDims(groups, examples);
  const product = apply1(
    LoweredConv.operator,
    [Reshape(images, [perGroup, all, ...space]), Reshape(filtersOf, [filters, examples, ...out])],
    { strides: dilations, dilations: strides, before, after, group: groups },
  );
  // Where strides leave some of the input out, there are more places than taps.
  const taps = Slice(
    product,
    kernel.map(() => 0),
    kernel,
    axes.map((i) => i + 2),
  );
  return Transpose(taps, [1, 0, ...axes.map((i) => i + 2)]);
}

/** How the convolutions of models that were read are computed beside those that are kept as they were. */
export function channelsFirst(isFixed: IsFixed): readonly Lowering[] {
  const isDouble = ({ dtype }: Value) => dtype !== "float32";
  return [
    lowering(ConvInputGradient, ([g, w], window) => {
      const result = isDouble(g) ? undefined : inputGradient(g, w, window, isFixed);
      return result && [result];
    }),
    lowering(ConvWeightGradient, ([x, g], window) => {
      const result = isDouble(g) ? undefined : weightGradient(x, g, window);
      return result && [result];
    }),
  ];
}
