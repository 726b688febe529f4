// Shapes of the same numbers in fewer axes: what kernels of TensorFlow.js take their operands in.
import { sizeOf } from "@innerloop/schemas";

type Shape = readonly number[];

/** The size of an axis, which counts from the end where it is negative. */
export function sizeAt(shape: ArrayLike<number>, axis: number): number {
  const size = shape[axis < 0 ? axis + shape.length : axis];
  if (size !== undefined) return size;
  throw new Error(`There is no axis ${axis} of ${shape.length}.`);
}

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i]);

/** Joins neighbouring axes that `together` says behave alike: the sizes of `shape` after that. */
export function joinAxes(shape: Shape, together: (axis: number) => boolean): number[] {
  const joined: number[] = [];
  shape.forEach((size, axis) => {
    joined.push(axis > 0 && together(axis) ? (joined.pop() ?? 1) * size : size);
  });
  return joined;
}

/** The shapes of two operands, and of what comes out of them. */
export interface Broadcast {
  readonly a: Shape;
  readonly b: Shape;
  readonly out: Shape;
}

/** Two operands' shapes with neighbouring axes joined that both repeat, or neither does. */
export function joinBroadcast(a: Shape, b: Shape, out: Shape): Broadcast {
  const padded = (shape: Shape) => [...new Array<number>(out.length - shape.length).fill(1), ...shape];
  // An axis of size 1 behaves as its neighbours do.
  const kept = out.map((_, axis) => axis).filter((axis) => out[axis] !== 1);
  const of = (shape: Shape) => kept.map((axis) => sizeAt(shape, axis));
  const [left, right, whole] = [of(padded(a)), of(padded(b)), of(out)];
  const repeats = (shape: Shape, axis: number) => shape[axis] === 1;
  const together = (axis: number) =>
    repeats(left, axis) === repeats(left, axis - 1) && repeats(right, axis) === repeats(right, axis - 1);
  return { a: joinAxes(left, together), b: joinAxes(right, together), out: joinAxes(whole, together) };
}

/** A shape as what is before an axis, the axis, and what is after it. */
export const sandwich = (shape: Shape, axis: number): [number, number, number] => [
  sizeOf(shape.slice(0, axis)),
  sizeAt(shape, axis),
  sizeOf(shape.slice(axis + 1)),
];
