// What costs nothing: other views of the same numbers.
import { sizeOf } from "@innerloop/schemas/bundle";
import { refused } from "./refusal.ts";
import type { Access, View } from "./steps.ts";

export type Shape = readonly number[];

/** An array while a plan is made. */
export interface Value extends View {
  /** In which turns it changes, which for what a loop hands out is not when its store does. */
  readonly depth: number;
}

/** Distances of numbers that lie in their order without gaps. */
export function naturalStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let apart = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = apart;
    apart *= shape[axis]!;
  }
  return strides;
}

/** Whether the last axes, from `first` on, lie in their order without gaps. */
export function together({ shape, strides }: Pick<View, "shape" | "strides">, first = 0): boolean {
  let apart = 1;
  for (let axis = shape.length - 1; axis >= first; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== apart) return shape.includes(0);
    apart *= shape[axis]!;
  }
  return true;
}

/** An axis counted from the end, below zero, as one from the begin. */
export function axisOf(axis: number, rank: number): number {
  const counted = axis < 0 ? axis + rank : axis;
  if (counted >= 0 && counted < Math.max(1, rank)) return counted;
  throw refused(`an axis ${axis} of ${rank}`);
}

export function broadcast(shapes: readonly Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map(({ length }) => length));
  const common = new Array<number>(rank).fill(1);
  for (const shape of shapes)
    for (let axis = 0, to = rank - shape.length; axis < shape.length; axis++, to++) {
      const size = shape[axis]!;
      if (size === 1 || size === common[to]) continue;
      if (common[to] !== 1) throw refused(`shapes [${shapes.join("] and [")}] together`);
      common[to] = size;
    }
  return common;
}

/** Repeated along axes of one place, and along new ones before the first. */
export function expanded<Of extends View>(value: Of, shape: Shape): Of {
  const before = shape.length - value.shape.length;
  const strides = shape.map((size, axis) => {
    const own = value.shape[axis - before] ?? 1;
    if (own !== size && own !== 1) throw refused(`[${value.shape}] as [${shape}]`);
    return own === 1 ? 0 : value.strides[axis - before]!;
  });
  return { ...value, shape, strides };
}

export function permuted<Of extends View>(value: Of, order: Shape): Of {
  if (order.length !== value.shape.length) throw refused(`[${value.shape}] in the order [${order}]`);
  const [shape, strides] = [value.shape, value.strides].map((each) => order.map((axis) => each[axis]!));
  return { ...value, shape: shape!, strides: strides! };
}

/** `count` places of an axis, from `start` on, `step` apart. */
export function sliced<Of extends View>(value: Of, axis: number, start: number, count: number, step = 1): Of {
  return {
    ...value,
    offset: value.offset + (count > 0 ? start * value.strides[axis]! : 0),
    shape: value.shape.with(axis, count),
    strides: value.strides.with(axis, value.strides[axis]! * step),
  };
}

/** Without an axis, at one place of it. */
export function at<Of extends View>(value: Of, axis: number, place: number): Of {
  return {
    ...value,
    offset: value.offset + place * value.strides[axis]!,
    shape: value.shape.toSpliced(axis, 1),
    strides: value.strides.toSpliced(axis, 1),
  };
}

/** With axes of one place at these places of the result. */
export function withOnes<Of extends View>(value: Of, axes: Shape): Of {
  const [shape, strides] = [[...value.shape], [...value.strides]];
  for (const axis of [...axes].sort((a, b) => a - b)) {
    shape.splice(axis, 0, 1);
    strides.splice(axis, 0, 0);
  }
  return { ...value, shape, strides };
}

/** The same numbers in another shape; nothing, where they do not lie so. */
export function reshaped<Of extends View>(value: Of, shape: Shape): Of | undefined {
  const size = sizeOf(shape);
  if (size !== sizeOf(value.shape)) throw refused(`[${value.shape}] in the shape [${shape}]`);
  if (size === 0 || together(value)) return { ...value, shape, strides: naturalStrides(shape) };
  const own = value.shape.flatMap((length, axis) => (length === 1 ? [] : [{ length, stride: value.strides[axis]! }]));
  const strides = new Array<number>(shape.length).fill(0);
  let [from, to] = [0, 0];
  while (from < own.length) {
    // As few axes on both sides as have equally many places.
    const [firstFrom, firstTo] = [from, to];
    let [have, want] = [own[from++]!.length, shape[to++]!];
    while (have !== want)
      if (have < want) have *= own[from++]!.length;
      else want *= shape[to++]!;
    for (let i = firstFrom + 1; i < from; i++)
      if (own[i - 1]!.stride !== own[i]!.length * own[i]!.stride) return undefined;
    let apart = own[from - 1]!.stride;
    for (let axis = to - 1; axis >= firstTo; axis--) {
      strides[axis] = apart;
      apart *= shape[axis]!;
    }
  }
  return { ...value, shape, strides };
}

/** Each place of some axes as its distance, in their order. */
export function placesOf({ offset, shape, strides }: Pick<View, "offset" | "shape" | "strides">): Int32Array {
  const places = new Int32Array(sizeOf(shape));
  if (places.length === 0) return places;
  places[0] = offset;
  let filled = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const [length, end, stride] = [filled, filled * shape[axis]!, strides[axis]!];
    for (; filled < end; filled++) places[filled] = places[filled - length]! + stride;
  }
  return places;
}

export const accessOf = ({ store, offset, strides }: Access): Access => ({ store, offset, strides });

export const deepest = (...values: readonly (Value | undefined)[]): number =>
  values.reduce((depth, value) => Math.max(depth, value?.depth ?? 0), 0);
