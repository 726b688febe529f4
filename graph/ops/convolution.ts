// Convolution: channels last, as graphs have it inside, and channels first, as ONNX has it.
import { addDims, type Dim, multiplyDims } from "../core/dims.ts";
import { at, zip } from "../core/lists.ts";
import { apply1, applying, spelling, unfit } from "../core/operator.ts";
import { fixed } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { checkWindow, reachOf, resolveWindow, splitPads, type WindowOptions } from "../core/windows.ts";
import { Add } from "./arithmetic.ts";
import { conv, convInputGradient } from "./internal/channels-first.ts";
import { convolution } from "./internal/convolving.ts";
import { windowOver } from "./internal/open-windows.ts";
import { Reshape } from "./movement.ts";

export type { WindowOptions } from "../core/windows.ts";

/**
 * Convolution, channels last.
 * @param x `[N, …space, C]`
 * @param w `[...kernel, C/groups, O]`
 * @returns `[N, …space, O]`
 */
export const Convolution = applying(
  convolution,
  (x: Value, w: Value, options: WindowOptions & { readonly groups?: number } = {}): Value => {
    const spatial = x.rank - 2;
    if (w.rank !== spatial + 2)
      throw unfit("Convolution", [x, w], "needs x [N, …space, C] and w [...kernel, C/groups, O].");
    const kernel = w.shape.slice(0, spatial).map((dim) => fixed(dim, "Convolution"));
    const space = x.shape.slice(1, -1).map((dim) => fixed(dim, "Convolution"));
    return apply1(convolution, [x, w], resolveWindow(space, kernel, options, options.groups));
  },
);

/** ONNX Conv: channels first, weights `[O, C/group, ...kernel]`, bias `[O]`. Sizes of space may be open where the stride leaves them whole. */
export const Conv = applying(
  conv,
  (
    x: Value,
    w: Value,
    b?: Value,
    { group = 1, ...options }: WindowOptions & { readonly group?: number } = {},
  ): Value => {
    if (x.rank < 3 || w.rank !== x.rank)
      throw unfit("Conv", [x, w], "needs x [N, channels, …space] and w [filters, channels/group, ...kernel].");
    const kernel = w.shape.slice(2).map((dim) => fixed(dim, "Conv"));
    const { window, pad } = windowOver(x, kernel, options, "Conv", group);
    return apply1(conv, [pad(x, 0), w, b], window);
  },
);

/** Options of a transposed convolution, as ONNX names them. */
export interface TransposedOptions extends WindowOptions {
  readonly group?: number;
  readonly outputPadding?: readonly number[];
  readonly outputShape?: readonly number[];
}

spelling("ConvTranspose", "convolution", 11, "ConvInputGradient, Add", "transposed convolution, channels first");
/** ONNX ConvTranspose: channels first, weights `[C, O/group, ...kernel]`, bias `[O]`. */
export function ConvTranspose(
  x: Value,
  w: Value,
  b?: Value,
  { group = 1, outputPadding, outputShape, ...options }: TransposedOptions = {},
): Value {
  if (x.rank < 3 || w.rank !== x.rank || x.shape[1] !== w.shape[0] || x.dtype !== w.dtype)
    throw unfit("ConvTranspose", [x, w], "needs x [N, channels, …space] and w [channels, filters/group, ...kernel].");
  const [c, o, ...kernel] = w.shape.map((dim) => fixed(dim, "ConvTranspose"));
  const space = x.shape.slice(2);
  const strides = options.strides ?? kernel.map(() => 1);
  const dilations = options.dilations ?? kernel.map(() => 1);
  const pads = options.pads ?? kernel.flatMap(() => [0, 0]);
  checkWindow({ kernel, strides, dilations }, group);
  if (c === undefined || o === undefined || [strides, dilations].some((list) => list.length !== kernel.length))
    throw unfit("ConvTranspose", [x, w], `needs ${kernel.length} strides and dilations.`);
  if (pads.length !== 2 * kernel.length) throw unfit("ConvTranspose", [x, w], `needs ${2 * kernel.length} pads.`);
  const full = zip(space, kernel, (size, taps, i) => {
    const reach = reachOf({ kernel: taps, dilation: at(dilations, i) });
    return addDims(multiplyDims(addDims(size, -1), at(strides, i)), (outputPadding?.[i] ?? 0) + reach);
  });
  const same = options.autoPad === "SAME_UPPER" || options.autoPad === "SAME_LOWER";
  const known = (dim: Dim) => fixed(dim, "ConvTranspose to an output of a given size");
  const asked = (size: Dim, i: number): number => outputShape?.[i] ?? known(size) * at(strides, i);
  const { before, after } =
    outputShape || same
      ? splitPads(
          zip(full, space, (most, size, i) => Math.max(0, known(most) - asked(size, i))),
          options.autoPad,
        )
      : { before: pads.slice(0, kernel.length), after: pads.slice(kernel.length) };
  // What is asked for beyond the windows' reach is zeros after the end.
  const out = zip(full, before, (size, low, i) =>
    outputShape || same ? asked(at(space, i), i) : addDims(size, -low - at(after, i)),
  );
  const window = { kernel, strides, dilations, before, after, groups: group };
  const y = apply1(convInputGradient, [x, w], { ...window, space: out });
  return b ? Add(y, Reshape(b, [-1, ...kernel.map(() => 1)])) : y;
}
