// Which place of one walk goes with which of another: two steps name the same numbers of a store by axes of their own.
import { sizeOf } from "@innerloop/schemas/bundle";
import type { Access, Chain } from "../steps.ts";

/** Places of one walk as a sum over the axes of another: along axis a it goes `steps[a]`, from `starts`. */
export interface Course {
  readonly starts: readonly number[];
  readonly steps: readonly (readonly number[])[];
  /** It goes along the same axes: most do. */
  readonly same?: true;
}

/** An axis that has to be two, of which the inner one has `inner` places, before there is a course. */
export interface Split {
  readonly axis: number;
  readonly inner: number;
}

interface Walked {
  readonly shape: readonly number[];
  readonly access: Access;
}

interface Axis {
  readonly axis: number;
  readonly size: number;
  readonly stride: number;
}

/** Axes with the longest distance first; nothing where two places of them may be one number of the store. */
function apart({ shape, access }: Walked): Axis[] | undefined {
  const axes: Axis[] = [];
  for (let axis = 0; axis < shape.length; axis++) {
    const size = shape[axis]!;
    const stride = access.strides[axis]!;
    if (size <= 1) continue;
    // Few axes, and mostly in this order.
    let at = axes.length;
    while (at > 0 && axes[at - 1]!.stride < stride) at--;
    axes.splice(at, 0, { axis, size, stride });
  }
  let span = 1;
  for (let i = axes.length - 1; i >= 0; i--) {
    const { size, stride } = axes[i]!;
    if (stride < span) return undefined;
    span += (size - 1) * stride;
  }
  return axes;
}

/** Whether each place is a number of its own. */
export const distinct = (walked: Walked): boolean => apart(walked) !== undefined;

/** A distance in places of axes. */
function inAxes(distance: number, axes: readonly Axis[], rank: number): number[] | undefined {
  if (distance < 0) return undefined;
  const along: number[] = [];
  for (let i = 0; i < rank; i++) along.push(0);
  let left = distance;
  for (let i = 0; i < axes.length; i++) {
    const { axis, stride } = axes[i]!;
    along[axis] = Math.floor(left / stride);
    left -= along[axis]! * stride;
  }
  return left === 0 ? along : undefined;
}

/** Along which course of `from` the numbers lie that `to` names; nothing, where some are none of its numbers or lie otherwise. */
export function courseOf(from: Walked, to: Walked): Course | Split | undefined {
  const axes = apart(from);
  if (!axes) return undefined;
  const rank = from.shape.length;
  if (axes.length === rank && goesAlong(from, to)) return sameAxes(rank);
  const starts = inAxes(to.access.offset - from.access.offset, axes, rank);
  if (!starts) return undefined;
  const ends = starts.slice();
  const steps: number[][] = [];
  for (let axis = 0; axis < to.shape.length; axis++) {
    const size = to.shape[axis]!;
    const step = inAxes(size > 1 ? to.access.strides[axis]! : 0, axes, rank);
    if (!step) return undefined;
    for (let i = 0; i < rank; i++) ends[i]! += (size - 1) * step[i]!;
    steps.push(step);
  }
  const beyond = axes.find(({ axis, size }) => ends[axis]! >= size);
  if (!beyond) return { starts, steps };
  // What runs through several axes of the other is as many axes.
  for (const [axis, step] of steps.entries()) {
    const by = step[beyond.axis]!;
    const inner = beyond.size / by;
    const size = to.shape[axis]!;
    if (by > 0 && Number.isInteger(inner) && inner > 1 && inner < size && size % inner === 0) return { axis, inner };
  }
  return undefined;
}

/** Whether two walks go from number to number alike. */
const goesAlong = (from: Walked, to: Walked): boolean =>
  from.access.offset === to.access.offset &&
  sameNumbers(from.shape, to.shape) &&
  sameNumbers(from.access.strides, to.access.strides);

const courses: Course[] = [];

/** The course along the same axes, each of more than one place. */
function sameAxes(rank: number): Course {
  courses[rank] ??= {
    starts: new Array<number>(rank).fill(0),
    steps: Array.from({ length: rank }, (_, axis) =>
      Array.from({ length: rank }, (_, other) => Number(axis === other)),
    ),
    same: true,
  };
  return courses[rank];
}

export function sameCourse(a: Course, b: Course): boolean {
  if (a === b) return true;
  return (
    sameNumbers(a.starts, b.starts) &&
    a.steps.length === b.steps.length &&
    a.steps.every((step, axis) => sameNumbers(step, b.steps[axis]!))
  );
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** An access by the axes of the walk that a course is of. */
export function followed<A extends Access>(access: A, { starts, steps, same }: Course): A {
  if (same) return access;
  const strides: number[] = [];
  for (let axis = 0; axis < steps.length; axis++) strides.push(distance(steps[axis]!, access.strides));
  return { ...access, offset: access.offset + distance(starts, access.strides), strides };
}

function distance(along: readonly number[], strides: readonly number[]): number {
  let total = 0;
  for (let i = 0; i < along.length; i++) total += along[i]! * strides[i]!;
  return total;
}

/** A chain with two axes for one. */
export function split(chain: Chain, { axis, inner }: Split): Chain {
  const strided = <A extends Access>(access: A): A => {
    const stride = access.strides[axis]!;
    return { ...access, strides: access.strides.toSpliced(axis, 1, stride * inner, stride) };
  };
  return {
    ...chain,
    shape: chain.shape.toSpliced(axis, 1, chain.shape[axis]! / inner, inner),
    reads: chain.reads.map(strided),
    writes: chain.writes.map(strided),
  };
}

/** Whether all accesses go from an axis to the next as if both were one. */
function areOne(accesses: readonly Access[], outer: number, inner: number, size: number): boolean {
  for (let i = 0; i < accesses.length; i++) {
    const { strides } = accesses[i]!;
    if (strides[outer] !== strides[inner]! * size) return false;
  }
  return true;
}

/** Whether there is an axis of one place, or two that are as one. */
function isLong({ shape, reads, writes }: Chain): boolean {
  for (let axis = 0; axis < shape.length; axis++) {
    const size = shape[axis]!;
    if (size === 1) return true;
    if (axis > 0 && areOne(reads, axis - 1, axis, size) && areOne(writes, axis - 1, axis, size)) return true;
  }
  return shape.length === 0;
}

/** A chain over as few axes as all its accesses allow. */
export function joined(chain: Chain): Chain {
  if (!isLong(chain)) return chain;
  // Of each axis that is left, the last of those that it is.
  const [shape, last]: [number[], number[]] = [[], []];
  for (let axis = 0; axis < chain.shape.length; axis++) {
    const size = chain.shape[axis]!;
    if (size === 1) continue;
    const before = last.at(-1);
    if (before !== undefined && areOne(chain.reads, before, axis, size) && areOne(chain.writes, before, axis, size)) {
      shape[shape.length - 1]! *= size;
      last[last.length - 1] = axis;
    } else {
      shape.push(size);
      last.push(axis);
    }
  }
  const along = (strides: readonly number[]) => (last.length === 0 ? [0] : last.map((axis) => strides[axis]!));
  return {
    ...chain,
    shape: shape.length === 0 ? [1] : shape,
    reads: chain.reads.map((access) => ({ ...access, strides: along(access.strides) })),
    writes: chain.writes.map((access) => ({ ...access, strides: along(access.strides) })),
  };
}

/** Whether the two walks have the same places, each once. */
export const whole = (from: readonly number[], to: Walked): boolean =>
  sizeOf(from) === sizeOf(to.shape) && distinct(to);
