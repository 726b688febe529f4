// What each tap of a window reads of an input, channels first, in few passes over memory.
import { at, upTo, zip } from "../core/lists.ts";
import { sizeOf } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import type { Window } from "../core/windows.ts";
import { Pad } from "../ops/parts.ts";
import { Phases } from "./blocks.ts";
import { cutSteps } from "./slices.ts";

/** The digits of a number, each with a base of its own. */
const digits = (n: number, shape: readonly number[]): number[] =>
  shape.map((size, i) => Math.floor(n / sizeOf(shape.slice(i + 1))) % size);

/** A window's taps over a space: where each starts, in the padded input. */
export const startsOf = ({ kernel, dilations }: Pick<Window, "kernel" | "dilations">): number[][] =>
  upTo(sizeOf(kernel)).map((tap) => zip(digits(tap, kernel), dilations, (place, dilation) => place * dilation));

/** `[A, B, …space]` with something put around space. */
export const padded = (x: Value, before: readonly number[], after: readonly number[], fill = 0): Value =>
  Pad(x, [0, 0, ...before, 0, 0, ...after], "constant", fill);

/**
 * For each tap, what it reads of `[A, B, …space]`: `[A, B, …out]`. Steps of two go over the phases of space, so that rows of memory are
 * copied and not every other number.
 */
export function readsOf(x: Value, window: Window, out: readonly number[], fill = 0): Value[] {
  const { kernel, strides, before, after } = window;
  const starts = startsOf(window);
  const axes = upTo(kernel.length).map((i) => i + 2);
  const inTwos = kernel.length === 2 && strides.every((stride) => stride === 2) && sizeOf(kernel) > 1;
  const channels = at(x.shape, 1);
  if (!inTwos || typeof channels !== "number") {
    const whole = padded(x, before, after, fill);
    return starts.map((first) => {
      const ends = zip(first, out, (start, size, i) => start + (size - 1) * at(strides, i) + 1);
      return cutSteps(whole, { starts: first, ends, axes, steps: strides });
    });
  }
  const space = x.shape.slice(2).map(Number);
  const last = at(starts, -1);
  const needed = zip(space, out, (size, places, i) =>
    Math.max(size + at(before, i), (places - 1) * 2 + at(last, i) + 1),
  );
  const even = needed.map((size) => size + (size % 2));
  const phases = Phases(
    padded(
      x,
      before,
      zip(even, space, (size, inside, i) => size - inside - at(before, i)),
      fill,
    ),
  );
  return starts.map((first) => {
    const phase = first.reduce((total, start) => total * 2 + (start % 2), 0);
    const from = first.map((start) => Math.floor(start / 2));
    return cutSteps(phases, {
      starts: [phase * channels, ...from],
      ends: [(phase + 1) * channels, ...zip(from, out, (start, size) => start + size)],
      axes: [1, ...axes],
      steps: [1, 1, 1],
    });
  });
}
