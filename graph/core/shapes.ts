// Arithmetic with whole shapes: how many numbers they hold, how they broadcast, how far apart neighbours lie.
import { bytesOf, type DType, InnerloopError, sizeOf as product } from "@innerloop/schemas";
import { type Dim, multiplyDims, termsOf } from "./dims.ts";
import { isTold } from "./fresh.ts";

/** The sizes of a value's axes, outermost first; `[]` is a scalar. */
export type Shape = readonly Dim[];

/** Whether every size is a number. */
export const isKnown = (shape: Shape): shape is readonly number[] => shape.every((dim) => typeof dim === "number");

/** The product of all sizes: how many numbers a value of this shape has. */
export function sizeOf(shape: readonly number[]): number;
export function sizeOf(shape: Shape): Dim;
export function sizeOf(shape: Shape): Dim {
  return isKnown(shape) ? product(shape) : shape.reduce(multiplyDims, 1);
}

/** How many numbers a shape holds, each size that is open taken for a handful. */
export function likelySize(shape: Shape): number {
  const terms = termsOf(sizeOf(shape));
  return terms.reduce((total, [coefficient, symbols]) => total + coefficient * 8 ** symbols.length, 0);
}

/** About how many bytes a value takes. */
export const likelyBytes = ({ dtype, shape }: { readonly dtype: DType; readonly shape: Shape }): number =>
  bytesOf(dtype, likelySize(shape));

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export const showShape = (shape: Shape): string => `[${shape.join(", ")}]`;

/**
 * NumPy broadcasting of two shapes (ONNX, "Multidirectional broadcasting"); undefined where they do not fit. A size that only data
 * tell is 1 or the other one.
 */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const out: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const da = a[i - rank + a.length] ?? 1;
    const db = b[i - rank + b.length] ?? 1;
    if (da === db || db === 1) out.push(da);
    else if (da === 1 || isTold(da)) out.push(db);
    else if (isTold(db)) out.push(da);
    else return undefined;
  }
  return out;
}

/** The shape that all of some values broadcast to; undefined where they do not fit. */
export const broadcastAll = (values: readonly { readonly shape: Shape }[]): Shape | undefined =>
  values.reduce<Shape | undefined>((shape, value) => shape && broadcastShapes(shape, value.shape), []);

/** A possibly negative axis as one in 0…rank-1. */
export function normalizeAxis(axis: number, rank: number, name: string): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normal < 0 || normal >= rank)
    throw new InnerloopError(
      "bad-axis",
      `${name}: axis ${axis} is not an axis of an array with ${rank} axes; give ${-rank} to ${rank - 1}.`,
      { exitStatus: 2 },
    );
  return normal;
}

/** A size that is known by now. @throws InnerloopError where it is symbolic */
export function fixed(dim: Dim, what: string): number {
  if (typeof dim === "number") return dim;
  throw new InnerloopError(
    "open-dim",
    `${what} needs a size that is known when the graph is built, but got "${dim}"; give a number.`,
  );
}
