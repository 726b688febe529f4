// Windows over the space of an array [N, C, …space]: where their taps lie.
import type { Node } from "../../read.ts";
import { Once } from "../once.ts";
import type { Plan } from "../plan.ts";
import { refused } from "../refusal.ts";
import { type Shape, sliced, type Value } from "../views.ts";
import { intOf, intsOf, textOf } from "./parts.ts";

export interface Window {
  readonly kernel: Shape;
  readonly strides: Shape;
  readonly dilations: Shape;
  readonly before: Shape;
  readonly after: Shape;
  /** How many places the result has along each axis. */
  readonly out: Shape;
}

const reach = (kernel: number, dilation: number): number => (kernel - 1) * dilation + 1;

/** The attributes of a convolution or a pool over this space. */
export function windowOf(node: Node, space: Shape, kernel: Shape): Window {
  const rank = space.length;
  const list = (name: string): Shape => intsOf(node, name) ?? new Array<number>(rank).fill(1);
  const [strides, dilations] = [list("strides"), list("dilations")];
  const reaches = kernel.map((size, i) => reach(size, dilations[i]!));
  const auto = textOf(node, "auto_pad", "NOTSET");
  if (auto === "SAME_UPPER" || auto === "SAME_LOWER") {
    const out = space.map((size, i) => Math.ceil(size / strides[i]!));
    const all = out.map((size, i) => Math.max(0, (size - 1) * strides[i]! + reaches[i]! - space[i]!));
    const half = all.map((size) => (auto === "SAME_UPPER" ? Math.floor(size / 2) : Math.ceil(size / 2)));
    return { kernel, strides, dilations, before: half, after: all.map((size, i) => size - half[i]!), out };
  }
  const pads = (auto === "NOTSET" && intsOf(node, "pads")) || new Array<number>(2 * rank).fill(0);
  const [before, after] = [pads.slice(0, rank), pads.slice(rank)];
  const ceil = intOf(node, "ceil_mode", 0) === 1;
  const out = space.map((size, i) => {
    const steps = (size + before[i]! + after[i]! - reaches[i]!) / strides[i]!;
    const count = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    // No window begins beyond the input and what is before it.
    return ceil && (count - 1) * strides[i]! >= size + before[i]! ? count - 1 : count;
  });
  if (out.some((size) => size < 0)) throw refused(`a window [${kernel}] over [${space}]`);
  return { kernel, strides, dilations, before, after, out };
}

/** How much windows read after the end of each axis; below zero, what none of them reads there. */
export const spaceAfter = ({ kernel, strides, dilations, before, out }: Window, space: Shape): number[] =>
  out.map((size, axis) => {
    const read = (size - 1) * strides[axis]! + reach(kernel[axis]!, dilations[axis]!);
    return read - space[axis]! - before[axis]!;
  });

/** What one tap of all windows reads, of an array that has what they need around it, and whose space begins with axis `first`. */
export const readBy = (tap: Shape, { strides, dilations, out }: Window, around: Value, first = 2): Value =>
  tap.reduce((view, at, axis) => sliced(view, first + axis, at * dilations[axis]!, out[axis]!, strides[axis]!), around);

/** All tuples of places of some axes, the last axis fastest. */
export function tuplesOf(sizes: Shape): number[][] {
  return sizes.reduce<number[][]>(
    (found, size) => found.flatMap((tuple) => Array.from({ length: size }, (_, i) => [...tuple, i])),
    [[]],
  );
}

/** Taps that a plan has, by the sizes and places that they are told by: layers often are alike. */
const known = new Once<Plan, Int32Array>();

/** For each place of the result and each tap the place that is read, or −1. The same array for the same windows of a plan. */
export function tapsOf(
  plan: Plan,
  space: Shape,
  { out, kernel }: { readonly out: Shape; readonly kernel: Shape },
  read: (axis: number, place: number, tap: number) => number,
): Int32Array {
  const along = space.map((size, axis) => {
    const wide = kernel[axis]!;
    return Int32Array.from({ length: out[axis]! * wide }, (_, i) => {
      const at = read(axis, Math.floor(i / wide), i % wide);
      return Number.isInteger(at) && at >= 0 && at < size ? at : -1;
    });
  });
  return known.of(plan, [space, kernel, ...along].join(";"), () => crossed(space, kernel, along));
}

/** Axis by axis: what is outside along one of them is outside. */
function crossed(space: Shape, kernel: Shape, along: readonly Int32Array[]): Int32Array {
  let table: Int32Array = Int32Array.of(0);
  let taps = 1;
  for (const [axis, size] of space.entries()) {
    table = withAxis({ table, taps }, { size, wide: kernel[axis]!, along: along[axis]! });
    taps *= kernel[axis]!;
  }
  return table;
}

// A function of its own, which is small: the first plan of a process is made while it is compiled.
function withAxis(
  { table, taps }: { readonly table: Int32Array; readonly taps: number },
  { size, wide, along }: { readonly size: number; readonly wide: number; readonly along: Int32Array },
): Int32Array {
  const next = new Int32Array(table.length * along.length);
  let i = 0;
  for (let first = 0; first < table.length; first += taps)
    for (let own = 0; own < along.length; own += wide)
      for (let tap = first; tap < first + taps; tap++) {
        const before = table[tap]!;
        for (let at = own; at < own + wide; at++)
          next[i++] = before < 0 || along[at]! < 0 ? -1 : before * size + along[at]!;
      }
  return next;
}
