// Windows over a space of which some sizes are open, and whose padding follows from the sizes: zeros that keep a size over its stride
// (SAME), and the end that a last, partial window needs. A graph that runs computes these, and pads by them.
import { constant } from "../../core/build.ts";
import { at, upTo } from "../../core/lists.ts";
import { isFloat } from "../../core/operator.ts";
import { fixed, isKnown } from "../../core/shapes.ts";
import type { Value } from "../../core/value.ts";
import { reachOf, resolveWindow, type Window, type WindowOptions, windowAxes } from "../../core/windows.ts";
import { Add, Div, Max, Mul, Sub } from "../arithmetic.ts";
import { Less } from "../comparison.ts";
import { Cast } from "../dtypes.ts";
import { Reshape } from "./broadcasting.ts";
import { PadBy } from "./computed.ts";
import { openPlaces, sizeNumber } from "./sizes.ts";
import { Concat } from "./slicing.ts";

/** Options of a pool, as ONNX names them. */
export interface PoolOptions extends WindowOptions {
  readonly ceilMode?: boolean;
}

/** A window with its ends padded so that a last, partial window counts too where `ceilMode` asks for it. */
export function poolWindow(
  space: readonly number[],
  kernel: readonly number[],
  { ceilMode = false, ...options }: PoolOptions,
  groups = 1,
): Window {
  const window = resolveWindow(space, kernel, options, groups);
  if (!ceilMode) return window;
  const after = windowAxes(space, window).map((axis) => {
    const free = axis.size + axis.before + axis.after - reachOf(axis);
    const steps = Math.ceil(free / axis.stride);
    const starts = steps * axis.stride < axis.size + axis.before;
    return starts ? axis.after + steps * axis.stride - free : axis.after;
  });
  return { ...window, after };
}

/** A window, and what it moves over: arrays that have been padded by what the sizes ask for. */
interface Over {
  readonly window: Window;
  /** Pads an array of the same space. @param fill what stands around it */
  readonly pad: (x: Value, fill: number) => Value;
}

/**
 * The window that options describe over the space of an array, channels first.
 * @param what the operator, for messages
 */
export function windowOver(x: Value, kernel: readonly number[], options: PoolOptions, what: string, groups = 1): Over {
  const space = x.shape.slice(2);
  const asIs = (value: Value): Value => value;
  if (isKnown(space)) return { window: poolWindow(space, kernel, options, groups), pad: asIs };
  const same = options.autoPad === "SAME_UPPER" || options.autoPad === "SAME_LOWER";
  const follows = upTo(space.length).filter(
    (i) => (same || options.ceilMode) && typeof space[i] !== "number" && (options.strides?.[i] ?? 1) !== 1,
  );
  if (!isFloat(x.dtype)) for (const i of follows) fixed(at(space, i), what);
  const some = poolWindow(
    space.map((dim) => (typeof dim === "number" ? dim : 1)),
    kernel,
    options,
    groups,
  );
  const declared = options.pads ?? kernel.flatMap(() => [0, 0]);
  const own = (pads: readonly number[], from: number) =>
    pads.map((n, i) => (follows.includes(i) ? (same ? 0 : at(declared, from + i)) : n));
  const window = { ...some, before: own(some.before, 0), after: own(some.after, kernel.length) };
  if (follows.length === 0) return { window: { ...window, ...openPlaces(space, window) }, pad: asIs };
  const amounts = follows.map((i) => (same ? samePads(x, window, i, options.autoPad) : [0, lastPad(x, window, i)]));
  const pads = Concat(
    [0, 1].flatMap((side) => amounts.map((pair) => listed(at(pair, side)))),
    0,
  );
  const axes = follows.map((i) => i + 2);
  const pad = (value: Value, fill: number): Value =>
    PadBy(value, pads, "constant", constant(fill, [], value.dtype), constant(axes, [axes.length], "int64"), axes);
  // Its places are counted where it has been padded.
  const padded = pad(x, 0).shape.slice(2);
  return { window: { ...window, ...openPlaces(padded, window) }, pad };
}

const listed = (amount: Value | number): Value =>
  typeof amount === "number" ? constant(amount, [1], "int64") : Reshape(amount, [1]);

/** How far the places of a window lie apart and what each reads, along one axis. */
const along = ({ kernel, strides, dilations }: Window, i: number) => ({
  stride: at(strides, i),
  reach: reachOf({ kernel: at(kernel, i), dilation: at(dilations, i) }),
});

/** How often a stride goes into a size, the last time in part. */
const steps = (size: Value, stride: number): Value => Div(Add(size, stride - 1), stride);

/** Pads that leave as many places as the stride goes into the size. */
function samePads(x: Value, window: Window, i: number, autoPad: WindowOptions["autoPad"]): readonly Value[] {
  const { stride, reach } = along(window, i);
  const size = sizeNumber(at(x.shape, i + 2));
  const total = Max(Add(Mul(Sub(steps(size, stride), 1), stride), Sub(reach, size)), 0);
  const small = Div(total, 2);
  const large = Sub(total, small);
  return autoPad === "SAME_UPPER" ? [small, large] : [large, small];
}

/** What a last window lacks that begins within the array or before it. */
function lastPad(x: Value, window: Window, i: number): Value {
  const { stride, reach } = along(window, i);
  const size = sizeNumber(at(x.shape, i + 2));
  const free = Add(size, at(window.before, i) + at(window.after, i) - reach);
  const way = Mul(steps(free, stride), stride);
  return Mul(Sub(way, free), Cast(Less(way, Add(size, at(window.before, i))), "int64"));
}
