// Which place of one walk goes with which of another: two steps name the same numbers of a store by axes of their own.
import { sizeOf } from "@innerloop/schemas";
import type { Access, Chain } from "../steps.ts";

/** Places of one walk as a sum over the axes of another: along axis a it goes `steps[a]`, from `starts`. */
export interface Course {
  readonly starts: readonly number[];
  readonly steps: readonly (readonly number[])[];
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
  const axes = shape
    .map((size, axis) => ({ axis, size, stride: access.strides[axis]! }))
    .filter(({ size }) => size > 1)
    .sort((a, b) => b.stride - a.stride);
  let span = 1;
  for (const { size, stride } of axes.toReversed()) {
    if (stride < span) return undefined;
    span += (size - 1) * stride;
  }
  return axes;
}

/** Whether each place is a number of its own. */
export const distinct = (walked: Walked): boolean => apart(walked) !== undefined;

/** Along which course of `from` the numbers lie that `to` names; nothing, where some are none of its numbers or lie otherwise. */
export function courseOf(from: Walked, to: Walked): Course | Split | undefined {
  const axes = apart(from);
  if (!axes) return undefined;
  const rank = from.shape.length;
  const inAxes = (distance: number): number[] | undefined => {
    const along = new Array<number>(rank).fill(0);
    let left = distance;
    if (left < 0) return undefined;
    for (const { axis, stride } of axes) {
      along[axis] = Math.floor(left / stride);
      left -= along[axis]! * stride;
    }
    return left === 0 ? along : undefined;
  };
  const starts = inAxes(to.access.offset - from.access.offset);
  if (!starts) return undefined;
  const ends = [...starts];
  const steps: number[][] = [];
  for (const [axis, size] of to.shape.entries()) {
    const step = size > 1 ? inAxes(to.access.strides[axis]!) : new Array<number>(rank).fill(0);
    if (!step) return undefined;
    for (const [i, by] of step.entries()) ends[i]! += (size - 1) * by;
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

export function sameCourse(a: Course, b: Course): boolean {
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
export function followed<A extends Access>(access: A, { starts, steps }: Course): A {
  const sum = (along: readonly number[]) => along.reduce((total, by, i) => total + by * access.strides[i]!, 0);
  return { ...access, offset: access.offset + sum(starts), strides: steps.map(sum) };
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
function areOne(accesses: readonly Access[], outer: number, size: number): boolean {
  for (let i = 0; i < accesses.length; i++) {
    const { strides } = accesses[i]!;
    if (strides[outer] !== strides[outer + 1]! * size) return false;
  }
  return true;
}

/** Whether there is an axis of one place, or two that are as one. */
function isLong({ shape, reads, writes }: Chain): boolean {
  for (let axis = 0; axis < shape.length; axis++) {
    const size = shape[axis]!;
    if (size === 1) return true;
    if (axis > 0 && areOne(reads, axis - 1, size) && areOne(writes, axis - 1, size)) return true;
  }
  return shape.length === 0;
}

/** A chain over as few axes as all its accesses allow. */
export function joined(chain: Chain): Chain {
  if (!isLong(chain)) return chain;
  const accesses: readonly Access[] = [...chain.reads, ...chain.writes];
  const shape: number[] = [];
  const strides: number[][] = accesses.map(() => []);
  for (const [axis, size] of chain.shape.entries()) {
    if (size === 1) continue;
    const before = shape.length - 1;
    const one = before >= 0 && accesses.every((access, i) => strides[i]![before] === access.strides[axis]! * size);
    if (one) shape[before]! *= size;
    else shape.push(size);
    for (const [i, access] of accesses.entries()) {
      if (one) strides[i]!.pop();
      strides[i]!.push(access.strides[axis]!);
    }
  }
  if (shape.length === 0) {
    shape.push(1);
    for (const each of strides) each.push(0);
  }
  if (shape.length === chain.shape.length) return chain;
  const { length } = chain.reads;
  return {
    ...chain,
    shape,
    reads: chain.reads.map((access, i) => ({ ...access, strides: strides[i]! })),
    writes: chain.writes.map((access, i) => ({ ...access, strides: strides[length + i]! })),
  };
}

/** Whether the two walks have the same places, each once. */
export const whole = (from: readonly number[], to: Walked): boolean =>
  sizeOf(from) === sizeOf(to.shape) && distinct(to);
