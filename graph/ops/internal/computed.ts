// Parts, borders, repetition and axes that are computed while a graph runs. What moves numbers has its derivative by where each
// number came from: the same movement of the places tells that.
import { placesOf, stridesOf } from "../../core/arrays.ts";
import { constant } from "../../core/build.ts";
import { addDims } from "../../core/dims.ts";
import { at, upTo, zip } from "../../core/lists.ts";
import { apply1, define, unfit } from "../../core/operator.ts";
import { fixed, normalizeAxis, type Shape, sizeOf } from "../../core/shapes.ts";
import { freshSizes } from "../../core/told.ts";
import type { EvaluationContext, Inputs, NumberArray, One, Operator, Value } from "../../core/value.ts";
import { Expand, Reshape } from "./broadcasting.ts";
import { counted } from "./counting.ts";
import { ScatterElements } from "./scattering.ts";
import { sizeNumber } from "./sizes.ts";
import { cut } from "./slicing.ts";

/** The shape that comes out, with names for the sizes that only data tell. */
export type Computed = { readonly shape: Shape; readonly fresh: readonly string[] };

type Operands = readonly [Value, ...(Value | undefined)[]];
type Arrays = EvaluationContext<Computed, Operands, One>["inputs"];

/** Says what the sizes are that only data told. */
export function bindShape(
  { shape, fresh }: Computed,
  sizes: readonly number[],
  bind: (symbol: string, size: number) => void,
): void {
  shape.forEach((dim, axis) => {
    if (typeof dim === "string" && fresh.includes(dim)) bind(dim, at(sizes, axis));
  });
}

/** A shape in which some axes, all unless they are known, have sizes that only data tell. */
export function computedShape(
  what: string,
  shape: Shape,
  operands: Inputs,
  isOpen: (axis: number) => boolean = () => true,
  more = shape.join(),
): Computed {
  const names = freshSizes(what, operands, shape.length, more);
  const computed = shape.map((dim, axis) => (isOpen(axis) ? at(names, axis) : dim));
  return { shape: computed, fresh: names.filter((_, axis) => isOpen(axis)) };
}

/** Which place of `x` each number of the result has; its numbers are `x`'s, and after them what fills the rest. */
type Moved = { readonly shape: readonly number[]; readonly places: Float64Array };

interface Movement<A extends Computed> {
  readonly summary: string;
  readonly writtenAs: string;
  /** Whether an input of one number fills what has no place in `x`; it is the third. */
  readonly fills?: boolean;
  move(x: NumberArray, operands: Arrays, attributes: A): Moved;
}

/** An operator that moves numbers by what it computes of its other operands. */
function movement<A extends Computed>(name: string, { summary, writtenAs, fills = false, move }: Movement<A>) {
  const operator: Operator<A, Operands, One> = define({
    name,
    family: "movement",
    summary,
    writtenAs,
    traits: { float16: "movement" },
    infer: ([x], { shape }) => [{ dtype: x.dtype, shape }],
    gradient({ inputs, cotangents: [g], attributes, needs }) {
      const [x, ...others] = inputs;
      const size = sizeOf(x.shape);
      const whole = fills ? addDims(size, 1) : size;
      const rest = fills ? others.with(1, sizeNumber(size)) : others;
      const from = apply1(operator, [Reshape(counted(size), x.shape), ...rest], attributes);
      const blank = Expand(constant(0, [], x.dtype), [whole]);
      const added = ScatterElements(blank, Reshape(from, [-1]), Reshape(g, [-1]), 0, "add");
      if (!fills) return [Reshape(added, x.shape)];
      const fill = needs(2) ? Reshape(cut(added, 0, size, whole), []) : undefined;
      return [Reshape(cut(added, 0, 0, size), x.shape), undefined, fill];
    },
    batch(inputs) {
      throw unfit(name, inputs, "parts that are computed cannot differ from task to task; give constant ones.");
    },
    evaluate({ inputs, attributes, bind }) {
      const [x, , fill] = inputs;
      const { shape, places } = move(x, inputs, attributes);
      bindShape(attributes, shape, bind);
      const value = fills ? (fill?.data[0] ?? 0) : 0;
      return [places.map((place) => (place < 0 ? value : at(x.data, place)))];
    },
  });
  return operator;
}

const listOf = (array: NumberArray | undefined): number[] => [...(array?.data ?? [])];

/** The axes that are named, or all. */
const axesOf = (array: NumberArray | undefined, rank: number, name: string): number[] =>
  array ? listOf(array).map((axis) => normalizeAxis(axis, rank, name)) : upTo(rank);

const sliceBy = movement<Computed>("SliceBy", {
  summary: "Slice by starts, ends, axes and steps that are computed",
  writtenAs: "Slice",
  move(x, [, starts, ends, axes, steps]) {
    const [from, to] = [listOf(starts), listOf(ends)];
    const along = axesOf(axes, x.shape.length, "Slice").slice(0, from.length);
    const strides = stridesOf(x.shape);
    const [shape, walk] = [[...x.shape], [...strides]];
    let first = 0;
    along.forEach((axis, i) => {
      const [size, step] = [at(x.shape, axis), steps ? at(steps.data, i) : 1];
      const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
      const clamp = (place: number, least: number) => Math.min(Math.max(place < 0 ? place + size : place, least), high);
      const [start, end] = [clamp(at(from, i), Math.max(low, 0)), clamp(at(to, i), low)];
      shape[axis] = Math.max(0, Math.ceil((end - start) / step));
      walk[axis] = step * at(strides, axis);
      first += start * at(strides, axis);
    });
    return { shape, places: placesOf(shape, walk, first) };
  },
});
/** ONNX Slice by computed starts and ends; axes are known where they are constants. */
export function SliceBy(x: Value, starts: Value, ends: Value, axes?: Value, steps?: Value, known?: readonly number[]) {
  const along = known?.map((axis) => normalizeAxis(axis, x.rank, "Slice"));
  const isOpen = (axis: number) => !along || along.includes(axis);
  const operands = [starts, ends, axes, steps];
  return apply1(sliceBy, [x, ...operands], computedShape("slice", x.shape, operands, isOpen));
}

type PadMode = "constant" | "reflect" | "edge" | "wrap";

/** The place that one before or behind an axis reads, or −1 for what is filled. */
function mirrored(place: number, size: number, mode: PadMode): number {
  if (place >= 0 && place < size) return place;
  if (mode === "constant") return -1;
  if (mode === "edge") return Math.min(Math.max(place, 0), size - 1);
  if (mode === "wrap") return ((place % size) + size) % size;
  const period = Math.max(1, 2 * (size - 1));
  const folded = ((place % period) + period) % period;
  return folded < size ? folded : period - folded;
}

const padBy = movement<Computed & { readonly mode: PadMode }>("PadBy", {
  summary: "Pad by pads that are computed",
  writtenAs: "Pad",
  fills: true,
  move(x, [, pads, , axes], { mode }) {
    const along = axesOf(axes, x.shape.length, "Pad");
    const amounts = listOf(pads);
    const reads = x.shape.map((size, axis) => {
      const i = along.indexOf(axis);
      const [before, after] = i < 0 ? [0, 0] : [at(amounts, i), at(amounts, i + along.length)];
      return upTo(Math.max(0, size + before + after)).map((n) => mirrored(n - before, size, mode));
    });
    const strides = stridesOf(x.shape);
    let places = [0];
    reads.forEach((read, axis) => {
      const stride = at(strides, axis);
      places = places.flatMap((place) => read.map((n) => (place < 0 || n < 0 ? -1 : place + n * stride)));
    });
    return { shape: reads.map((read) => read.length), places: Float64Array.from(places) };
  },
});
/** ONNX Pad by computed pads. */
export function PadBy(
  x: Value,
  pads: Value,
  mode: PadMode,
  value?: Value,
  axes?: Value,
  known?: readonly number[],
): Value {
  const along = known?.map((axis) => normalizeAxis(axis, x.rank, "Pad"));
  const computed = computedShape("pad", x.shape, [pads, axes], (axis) => !along || along.includes(axis));
  const fill = value ?? constant(0, [], x.dtype);
  return apply1(padBy, [x, pads, fill, axes], { ...computed, mode });
}

const tileBy = movement<Computed>("TileBy", {
  summary: "Tile by repeats that are computed",
  writtenAs: "Tile",
  move(x, [, repeats]) {
    const times = listOf(repeats);
    const strides = stridesOf(x.shape);
    let places = [0];
    x.shape.forEach((size, axis) => {
      const read = upTo(size * at(times, axis)).map((n) => (n % size) * at(strides, axis));
      places = places.flatMap((place) => read.map((n) => place + n));
    });
    return { shape: zip(x.shape, times, (size, often) => size * often), places: Float64Array.from(places) };
  },
});
/** ONNX Tile by computed repeats. */
export const TileBy = (x: Value, repeats: Value): Value =>
  apply1(tileBy, [x, repeats], computedShape("tile", x.shape, [repeats]));

/** An operator that takes out axes of size 1, or puts them in, where only data tell which. */
const reshapeBy = (
  name: string,
  writtenAs: string,
  summary: string,
  sizes: (shape: number[], axes: number[]) => number[],
) => {
  const operator: Operator<Computed, Operands, One> = define({
    name,
    family: "movement",
    summary,
    writtenAs,
    infer: ([x], { shape }) => [{ dtype: x.dtype, shape }],
    gradient: ({ inputs: [x], cotangents: [g] }) => [Reshape(g, x.shape)],
    batch(inputs) {
      throw unfit(name, inputs, "axes that are computed cannot be batched; give constant ones.");
    },
    evaluate({ inputs: [x, axes], attributes, bind }) {
      bindShape(attributes, sizes([...x.shape], listOf(axes)), bind);
      return [x.data];
    },
  });
  return operator;
};

const squeezeBy = reshapeBy("SqueezeBy", "Squeeze", "Squeeze of axes that are computed", (shape, axes) => {
  const gone = axes.map((axis) => normalizeAxis(axis, shape.length, "Squeeze"));
  return shape.filter((_, axis) => !gone.includes(axis));
});
const unsqueezeBy = reshapeBy("UnsqueezeBy", "Unsqueeze", "Unsqueeze of axes that are computed", (shape, axes) => {
  const rank = shape.length + axes.length;
  for (const axis of axes.map((one) => normalizeAxis(one, rank, "Unsqueeze")).sort((a, b) => a - b))
    shape.splice(axis, 0, 1);
  return shape;
});

/** How many axes a list names. @throws InnerloopError where no array has so many */
function lengthOf(list: Value): number {
  const length = fixed(list.shape[0] ?? 1, "a list of axes");
  if (length <= 64) return length;
  throw unfit("axes", [list], "an array has 64 axes at most.");
}

/** ONNX Squeeze of computed axes. */
export const SqueezeBy = (x: Value, axes: Value): Value =>
  apply1(
    squeezeBy,
    [x, axes],
    computedShape("squeeze", x.shape.slice(lengthOf(axes)), [axes], undefined, x.shape.join()),
  );
/** ONNX Unsqueeze of computed axes. */
export const UnsqueezeBy = (x: Value, axes: Value): Value =>
  apply1(unsqueezeBy, [x, axes], computedShape("unsqueeze", [...upTo(lengthOf(axes)), ...x.shape], [axes]));

/** How the nodes are known that pad by what is computed. */
export const ComputedPad = { operator: padBy };
