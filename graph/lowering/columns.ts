// A convolution and its two gradients as gathered columns times a matrix, which shares the columns between a convolution and its
// weight gradient and wastes nothing on strides.
import { constant } from "../core/build.ts";
import { multiplyDims } from "../core/dims.ts";
import { at, upTo, zip } from "../core/lists.ts";
import { fixed, sameShape, sizeOf } from "../core/shapes.ts";
import type { Two, Value } from "../core/value.ts";
import { type Window, windowAxes, windowTable } from "../core/windows.ts";
import { Add } from "../ops/arithmetic.ts";
import { Convolution } from "../ops/convolution.ts";
import { Gather } from "../ops/indexing.ts";
import { ConvolutionInputGradient, ConvolutionWeightGradient, convolutionParts } from "../ops/internal/convolving.ts";
import { appendZero, cut } from "../ops/internal/slicing.ts";
import { transposeLast } from "../ops/internal/transpose.ts";
import { MatMul } from "../ops/linear-algebra.ts";
import { Expand, Reshape } from "../ops/movement.ts";
import { Concat } from "../ops/parts.ts";
import { partsOf, reordered } from "./interleaved.ts";
import { type Lowering, lowering } from "./lower.ts";

const table = (indices: readonly number[]): Value => constant(indices, [indices.length], "int32");
const isIdentity = (indices: readonly number[], size: number): boolean =>
  indices.length === size && indices.every((place, i) => place === i);

/** Looks up places along the last but one axis of `[…, places, C]`; the place after the last is zero. */
function lookUp(x: Value, indices: readonly number[], places: number): Value {
  const inner = reordered(x);
  if (inner && sameShape(x.shape, inner.source.shape))
    return lookUp(
      inner.source,
      indices.map((index) => (index === places ? places : at(inner.indices, index))),
      places,
    );
  if (isIdentity(indices, places)) return x;
  const axis = x.rank - 2;
  return Gather(indices.includes(places) ? appendZero(x, axis) : x, table(indices), axis);
}

/** Runs a one-group lowering on each group of channels and joins what comes out. */
function byGroups(window: Window, [a, b]: Two, run: (operands: Two, window: Window) => Value): Value {
  const one = { ...window, groups: 1 };
  if (window.groups === 1) return run([a, b], one);
  const part = (x: Value, group: number) => {
    const size = fixed(at(x.shape, -1), "a grouped convolution") / window.groups;
    return cut(x, x.rank - 1, group * size, (group + 1) * size);
  };
  const parts = upTo(window.groups).map((group) => run([part(a, group), part(b, group)], one));
  return Concat(parts, a.rank - 1);
}

/** `x [T?, N, …space, C]` as rows of columns `[T?, N·places, taps·C]`, of all places of the result unless some are given. */
function columns(x: Value, window: Window, some?: readonly number[]): Value {
  const { tasks, examples, space, channels } = convolutionParts(x.shape, window);
  const { table: taps } = windowTable(space, window);
  const places = some ?? upTo(at(taps, 0).length);
  const order = places.flatMap((place) => taps.map((tap) => at(tap, place)));
  const flat = Reshape(x, [...tasks, examples, sizeOf(space), channels]);
  return Reshape(lookUp(flat, order, sizeOf(space)), [
    ...tasks,
    multiplyDims(examples, places.length),
    taps.length * channels,
  ]);
}

const forward = lowering(Convolution, (operands, window, [y]) => [
  byGroups(window, operands, ([x, w], one) => {
    const { tasks } = convolutionParts(x.shape, one);
    const filters = at(w.shape, -1);
    const weights = Reshape(w, [...tasks, -1, filters]);
    return Reshape(MatMul(columns(x, one), weights), [...y.shape.slice(0, -1), filters]);
  }),
]);

const weightGradient = lowering(ConvolutionWeightGradient, (operands, window) => [
  byGroups(window, operands, ([x, g], one) => {
    const { tasks, channels } = convolutionParts(x.shape, one);
    const filters = at(g.shape, -1);
    const product = (value: Value, places?: readonly number[]): Value =>
      MatMul(transposeLast(columns(x, one, places)), Reshape(value, [...tasks, -1, filters]));
    const parts = tasks.length === 0 ? partsOf(g) : undefined;
    const products = parts ? parts.map(({ value, places }) => product(value, places)) : [product(g)];
    return Reshape(
      products.reduce((sum, part) => Add(sum, part)),
      [...tasks, ...one.kernel, channels, filters],
    );
  }),
]);

/** A number as the digits of an index into a shape. */
const digits = (n: number, shape: readonly number[]): number[] =>
  shape.map((size, i) => Math.floor(n / sizeOf(shape.slice(i + 1))) % size);

/** Input places that see the same taps, one class for each remainder of the stride. */
interface StrideClass {
  readonly places: number[];
  readonly taps: readonly { readonly tap: number; readonly index: readonly number[] }[];
  /** Which output places these read, tap by tap for each place. */
  readonly reads: number[];
}

function strideClasses(space: readonly number[], out: readonly number[], window: Window): StrideClass[] {
  const axes = windowAxes(space, window);
  const classes = new Map<string, StrideClass>();
  const taps = upTo(sizeOf(window.kernel)).map((tap) => ({ tap, index: digits(tap, window.kernel) }));
  for (const place of upTo(sizeOf(space))) {
    const shifted = zip(digits(place, space), axes, (x, { before }) => x + before);
    /** Where an output starts that reads this place with a tap; between two outputs where it is no whole number. */
    const starts = (index: readonly number[]) =>
      zip(axes, index, ({ dilation, stride }, tap, i) => (at(shifted, i) - tap * dilation) / stride);
    const key = zip(shifted, axes, (x, { stride }) => x % stride).join();
    const entry = classes.get(key) ?? {
      places: [],
      taps: taps.filter(({ index }) => starts(index).every(Number.isInteger)),
      reads: [],
    };
    classes.set(key, entry);
    entry.places.push(place);
    for (const { index } of entry.taps) {
      const read = starts(index);
      const inside = read.every((r, i) => r >= 0 && r < at(out, i));
      entry.reads.push(inside ? read.reduce((total, r, i) => total * at(out, i) + r, 0) : sizeOf(out));
    }
  }
  return [...classes.values()];
}

const inputGradient = lowering(ConvolutionInputGradient, (operands, { space, ...window }) => [
  byGroups(window, operands, ([g, w], one) => {
    const { tasks, examples, space: out, channels: filters } = convolutionParts(g.shape, one);
    const channels = at(w.shape, -2);
    const kernel = sizeOf(one.kernel);
    const flat = Reshape(g, [...tasks, examples, sizeOf(out), filters]);
    const turned = Reshape(transposeLast(w), [...tasks, kernel, filters, channels]);
    const classes = strideClasses(space, out, one);
    const parts = classes.map(({ places, taps, reads }) => {
      const shape = [...tasks, examples, places.length, channels];
      if (taps.length === 0) return Expand(constant(0, [], g.dtype), shape);
      const read = lookUp(flat, reads, sizeOf(out));
      // What other classes are beside keeps the examples apart; one by itself is a product of matrices.
      const split = tasks.length === 0 && classes.length > 1;
      const count = split ? [examples, places.length] : [...tasks, multiplyDims(examples, places.length)];
      const rows = Reshape(read, [...count, taps.length * filters]);
      const order = taps.map(({ tap }) => tap);
      const used = isIdentity(order, kernel) ? turned : Gather(turned, table(order), tasks.length);
      return Reshape(MatMul(rows, Reshape(used, [...tasks, taps.length * filters, channels])), shape);
    });
    const order = classes.flatMap(({ places }) => places);
    const where = new Array<number>(order.length);
    order.forEach((place, i) => {
      where[place] = i;
    });
    const whole = lookUp(Concat(parts, tasks.length + 1), where, order.length);
    return Reshape(whole, [...tasks, examples, ...space, channels]);
  }),
]);

/** Gathered columns and matrix products. */
export const convolutionAsColumns = { forward, inputGradient, weightGradient } satisfies Record<string, Lowering>;
