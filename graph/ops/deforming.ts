// Convolution that reads at places of its own, and columns of windows put back where they came from.
import { spend } from "../core/budget.ts";
import { constant } from "../core/build.ts";
import { type Dim, multiplyDims } from "../core/dims.ts";
import { at, upTo } from "../core/lists.ts";
import { spelling, unfit } from "../core/operator.ts";
import { fixed, sizeOf } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { resolveWindow, type WindowOptions, windowTable } from "../core/windows.ts";
import { Add, Mul } from "./arithmetic.ts";
import { Gather } from "./indexing.ts";
import { insideOnly, linearTaps, sampled } from "./internal/looking-up.ts";
import { appendZero, cut } from "./internal/slicing.ts";
import { MatMul } from "./linear-algebra.ts";
import { Reshape } from "./movement.ts";
import { ReduceSum } from "./reduction.ts";

/** Options of a deformable convolution, as ONNX names them. */
export interface DeformOptions extends WindowOptions {
  readonly group?: number;
  readonly offsetGroup?: number;
  readonly bias?: Value;
  /** What each number that is read is multiplied by, `[batch, offsetGroup·taps, …places]`. */
  readonly mask?: Value;
}

spelling(
  "DeformConv",
  "convolution",
  22,
  "Floor, Gather, Mul, MatMul",
  "convolution that reads at places of its own, channels first",
);
/**
 * ONNX DeformConv (arXiv 1703.06211, 1811.11168).
 * @param x `[batch, channels, …space]`
 * @param w `[filters, channels/group, ...kernel]`
 * @param offset from the window's own places, `[batch, offsetGroup·taps·axes, …places]`
 */
export function DeformConv(x: Value, w: Value, offset: Value, options: DeformOptions = {}): Value {
  const { group = 1, offsetGroup = 1, bias, mask, ...window } = options;
  const [batch = 1, channels = 1, ...open] = x.shape;
  const [filters = 1, , ...taps] = w.shape;
  const misfit = (what: string) => unfit("DeformConv", [x, w, offset], what);
  if (x.rank < 3 || w.rank !== x.rank || offset.rank !== x.rank) throw misfit("needs x, w and offset of as many axes.");
  const space = open.map((dim) => fixed(dim, "DeformConv"));
  const kernel = taps.map((dim) => fixed(dim, "DeformConv"));
  const { strides, dilations, before } = resolveWindow(space, kernel, window);
  const places = offset.shape.slice(2).map((dim) => fixed(dim, "DeformConv"));
  const [tapCount, placeCount] = [sizeOf(kernel), sizeOf(places)];
  const perOffset = fixed(channels, "DeformConv") / offsetGroup;
  const perGroup = fixed(channels, "DeformConv") / group;
  if (!Number.isInteger(perOffset) || !Number.isInteger(perGroup))
    throw misfit("the channels do not fall into these groups.");
  const maps = multiplyDims(batch, offsetGroup);
  const moved = Reshape(offset, [maps, tapCount, space.length, placeCount]);
  const coordinates = space.map((size, axis) => {
    const own = ownPlaces(
      kernel,
      places,
      axis,
      (tap, step) => step * at(strides, axis) - at(before, axis) + tap * at(dilations, axis),
    );
    const by = Reshape(cut(moved, 2, axis, axis + 1), [maps, tapCount * placeCount]);
    return linearTaps(Add(by, constant(own, [own.length], x.dtype))).map((tap) => insideOnly(tap, size));
  });
  const read = sampled(Reshape(x, [maps, perOffset, ...space]), coordinates);
  const weighed = mask ? Mul(read, Reshape(mask, [maps, 1, tapCount * placeCount])) : read;
  const columns = Reshape(weighed, [batch, group, perGroup * tapCount, placeCount]);
  const rows = Reshape(w, [1, group, fixed(filters, "DeformConv") / group, perGroup * tapCount]);
  const y = Reshape(MatMul(rows, columns), [batch, filters, ...places]);
  return bias ? Add(y, Reshape(bias, [-1, ...places.map(() => 1)])) : y;
}

/** Where a window reads along an axis, for each tap and each place. */
function ownPlaces(
  kernel: readonly number[],
  places: readonly number[],
  axis: number,
  read: (tap: number, step: number) => number,
): number[] {
  spend("numbers", sizeOf(kernel) * sizeOf(places));
  const along = (sizes: readonly number[]) => {
    const inner = sizeOf(sizes.slice(axis + 1));
    return upTo(sizeOf(sizes)).map((n) => Math.floor(n / inner) % at(sizes, axis));
  };
  const steps = along(places);
  return along(kernel).flatMap((tap) => steps.map((step) => read(tap, step)));
}

spelling("Col2Im", "movement", 18, "Gather, ReduceSum", "columns of windows summed where they came from");
/**
 * ONNX Col2Im: the reverse of taking windows out of an image.
 * @param x `[batch, channels·taps, places]`
 * @param image the sizes of the axes of space
 * @param kernel the sizes of a window
 */
export function Col2Im(
  x: Value,
  image: readonly number[],
  kernel: readonly number[],
  options: WindowOptions = {},
): Value {
  const window = resolveWindow(image, kernel, options);
  const { table } = windowTable(image, window);
  const [batch = 1, rows = 1, places] = x.shape;
  const taps = table.length;
  const channels = fixed(rows, "Col2Im") / taps;
  if (x.rank !== 3 || places !== table[0]?.length || !Number.isInteger(channels))
    throw unfit("Col2Im", [x], `needs [batch, channels·${taps}, ${table[0]?.length}] for these windows.`);
  const readers: number[][] = upTo(sizeOf(image)).map(() => []);
  for (const [n, place] of table.flat().entries()) readers[place]?.push(n);
  const most = Math.max(1, ...readers.map((list) => list.length));
  const nothing = taps * Number(places);
  spend("numbers", readers.length * most);
  const order = readers.flatMap((list) => [...list, ...new Array<number>(most - list.length).fill(nothing)]);
  const flat: readonly Dim[] = [batch, channels, nothing];
  const read = Gather(appendZero(Reshape(x, flat), 2), constant(order, [readers.length, most], "int64"), 2);
  return Reshape(ReduceSum(read, { axes: [3], keepdims: false }), [batch, channels, ...image]);
}
