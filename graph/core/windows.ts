// Windows that move over space, of convolutions and pools: how they are described, what comes out, and what each reads.
import { InnerloopError } from "@innerloop/schemas";
import { spend } from "./budget.ts";
import { addDims, type Dim, divideDims } from "./dims.ts";
import { at, upTo, zip } from "./lists.ts";
import { sizeOf } from "./shapes.ts";

/** How a window moves over space; one number for each axis of space. */
export type Window = {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Zeros before and after each axis. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly groups: number;
};

/** Options of a convolution or a pool, as ONNX names them; `pads` holds the begins of all axes, then the ends. */
export interface WindowOptions {
  readonly strides?: readonly number[];
  readonly pads?: readonly number[];
  readonly dilations?: readonly number[];
  readonly autoPad?: "NOTSET" | "SAME_UPPER" | "SAME_LOWER" | "VALID";
}

/** How a window moves over one axis of space. */
export interface WindowAxis {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
}

/** A window over a space, axis by axis. */
export const windowAxes = (space: readonly number[], w: Omit<Window, "groups">): WindowAxis[] =>
  zip(space, w.kernel, (size, kernel, i) => ({
    size,
    kernel,
    stride: at(w.strides, i),
    dilation: at(w.dilations, i),
    before: at(w.before, i),
    after: at(w.after, i),
  }));

/** From the first place that a kernel reads to the last. */
export const reachOf = ({ kernel, dilation }: Pick<WindowAxis, "kernel" | "dilation">): number =>
  dilation * (kernel - 1) + 1;

/** The sizes of a window's output for an input of the sizes given. */
export const windowOutput = (space: readonly number[], w: Omit<Window, "groups">): number[] =>
  windowAxes(space, w).map(
    (axis) => Math.floor((axis.size + axis.before + axis.after - reachOf(axis)) / axis.stride) + 1,
  );

/** The same along one axis whose size may be open; undefined where the stride does not divide it evenly. */
export function placesAlong(
  size: Dim,
  { kernel, strides, dilations, before, after }: Window,
  axis: number,
): Dim | undefined {
  const reach = reachOf({ kernel: at(kernel, axis), dilation: at(dilations, axis) });
  const free = addDims(size, at(before, axis) + at(after, axis) - reach);
  const stride = at(strides, axis);
  const steps = typeof free === "number" ? Math.floor(free / stride) : stride === 1 ? free : divideDims(free, stride);
  return steps === undefined ? undefined : addDims(steps, 1);
}

/** The size along one axis that a transposed convolution gives, by the size that it gets. */
export const transposedSize = ({ size, stride, before, after, ...axis }: WindowAxis): number =>
  stride * (size - 1) + reachOf(axis) - before - after;

/**
 * For each tap and each output place, the input place it reads; places outside read the entry after the last.
 * @param out the sizes of the output, where they are not all that fit: a transposed convolution may leave some out
 */
export function windowTable(
  space: readonly number[],
  window: Omit<Window, "groups">,
  out: readonly number[] = windowOutput(space, window),
): { table: number[][]; padded: boolean } {
  const outside = sizeOf(space);
  spend("numbers", sizeOf(window.kernel) * sizeOf(out));
  let table = [[0]];
  windowAxes(space, window).forEach(({ size, kernel, stride, dilation, before }, i) => {
    const placeOf = (row: number, tap: number, step: number): number => {
      const where = step * stride - before + tap * dilation;
      return row < 0 || where < 0 || where >= size ? -1 : row * size + where;
    };
    const steps = upTo(at(out, i));
    table = table.flatMap((rows) =>
      upTo(kernel).map((tap) => rows.flatMap((row) => steps.map((step) => placeOf(row, tap, step)))),
    );
  });
  const padded = table.some((places) => places.includes(-1));
  return { table: table.map((places) => places.map((place) => (place < 0 ? outside : place))), padded };
}

/** @throws InnerloopError for a window that covers nothing, does not move, or moves backwards */
export function checkWindow(lists: Readonly<Record<string, readonly number[]>>, groups: number): void {
  for (const [name, list] of Object.entries({ ...lists, groups: [groups] })) {
    const least = name === "pads" ? 0 : 1;
    if (list.every((n) => Number.isSafeInteger(n) && n >= least)) continue;
    throw new InnerloopError("bad-window", `The ${name} of a window are [${list}]; give whole numbers from ${least}.`, {
      exitStatus: 2,
    });
  }
}

/** Zeros in two parts, the larger one after (SAME_UPPER) or before (SAME_LOWER). */
export function splitPads(
  total: readonly number[],
  autoPad: WindowOptions["autoPad"],
): Pick<Window, "before" | "after"> {
  const small = total.map((n) => Math.floor(n / 2));
  const large = total.map((n) => n - Math.floor(n / 2));
  return autoPad === "SAME_UPPER" ? { before: small, after: large } : { before: large, after: small };
}

/** The window that ONNX options describe (ONNX Conv: auto_pad, dilations, pads, strides). */
export function resolveWindow(
  space: readonly number[],
  kernel: readonly number[],
  options: WindowOptions,
  groups = 1,
): Window {
  const strides = options.strides ?? kernel.map(() => 1);
  const dilations = options.dilations ?? kernel.map(() => 1);
  const pads = options.pads ?? kernel.flatMap(() => [0, 0]);
  if ([strides, dilations].some((list) => list.length !== kernel.length) || pads.length !== 2 * kernel.length)
    throw new InnerloopError(
      "bad-window",
      `A kernel [${kernel}] needs ${kernel.length} strides and dilations and ${2 * kernel.length} pads.`,
      { exitStatus: 2 },
    );
  checkWindow({ kernel, strides, dilations, pads }, groups);
  const base = { kernel, strides, dilations, groups };
  const declared = { before: pads.slice(0, kernel.length), after: pads.slice(kernel.length) };
  if (options.autoPad !== "SAME_UPPER" && options.autoPad !== "SAME_LOWER") return { ...base, ...declared };
  const total = windowAxes(space, { ...base, ...declared }).map((axis) =>
    Math.max(0, (Math.ceil(axis.size / axis.stride) - 1) * axis.stride + reachOf(axis) - axis.size),
  );
  return { ...base, ...splitPads(total, options.autoPad) };
}
