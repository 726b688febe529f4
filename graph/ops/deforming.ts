// Convolution that reads at places of its own, and columns of windows put back where they came from.
import { spend } from "../core/budget.ts";
import { constant } from "../core/build.ts";
import { addDims, type Dim, multiplyDims } from "../core/dims.ts";
import { at, upTo, zip } from "../core/lists.ts";
import { spelling, unfit } from "../core/operator.ts";
import { fixed, sizeOf } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { resolveWindow, type WindowOptions, windowTable } from "../core/windows.ts";
import { Add, Div, Mul, Sub } from "./arithmetic.ts";
import { And, GreaterOrEqual, Less, Where } from "./comparison.ts";
import { Gather, Range, ScatterElements } from "./indexing.ts";
import { insideOnly, linearTaps, sampled } from "./internal/looking-up.ts";
import { sizeNumber, sizesOf } from "./internal/sizes.ts";
import { appendZero, cut } from "./internal/slicing.ts";
import { MatMul } from "./linear-algebra.ts";
import { Expand, Reshape, Unsqueeze } from "./movement.ts";
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
export function Col2Im(x: Value, image: readonly Dim[], kernel: readonly Dim[], options: WindowOptions = {}): Value {
  const [batch = 1, rows = 1, places = 1] = x.shape;
  const [space, window] = [known(image), known(kernel)];
  if (x.rank !== 3) throw unfit("Col2Im", [x], "needs [batch, channels·taps, places].");
  if (!space || !window || typeof places !== "number") return putBack(x, image, kernel, options);
  const resolved = resolveWindow(space, window, options);
  const { table } = windowTable(space, resolved);
  const taps = table.length;
  const channels = fixed(rows, "Col2Im") / taps;
  if (places !== table[0]?.length || !Number.isInteger(channels))
    throw unfit("Col2Im", [x], `needs [batch, channels·${taps}, ${table[0]?.length}] for these windows.`);
  const readers: number[][] = upTo(sizeOf(space)).map(() => []);
  for (const [n, place] of table.flat().entries()) readers[place]?.push(n);
  const most = Math.max(1, ...readers.map((list) => list.length));
  const nothing = taps * places;
  spend("numbers", readers.length * most);
  const order = readers.flatMap((list) => [...list, ...new Array<number>(most - list.length).fill(nothing)]);
  const flat: readonly Dim[] = [batch, channels, nothing];
  const read = Gather(appendZero(Reshape(x, flat), 2), constant(order, [readers.length, most], "int64"), 2);
  return Reshape(ReduceSum(read, { axes: [3], keepdims: false }), [batch, channels, ...space]);
}

const known = (dims: readonly Dim[]): number[] | undefined => {
  const numbers = dims.filter((dim) => typeof dim === "number");
  return numbers.length === dims.length ? numbers : undefined;
};

/** The same where sizes only come out when the graph runs: each number is added at a place that is computed. */
function putBack(x: Value, image: readonly Dim[], kernel: readonly Dim[], options: WindowOptions): Value {
  const [batch = 1, rows = 1, places = 1] = x.shape;
  const { strides = image.map(() => 1), dilations = image.map(() => 1), pads = image.flatMap(() => [0, 0]) } = options;
  const number = (dims: readonly Dim[]) => dims.map(sizeNumber);
  const [sizes, taps] = [number(image), number(kernel)];
  const blocks = zip(sizes, taps, (size, tap, i) => {
    const free = Sub(Add(size, at(pads, i) + at(pads, i + image.length)), Add(Mul(Sub(tap, 1), at(dilations, i)), 1));
    return Add(Div(free, at(strides, i)), 1);
  });
  const tapCount = sizeNumber(sizeOf(kernel));
  const row = Unsqueeze(Range(rows), [1]);
  const channel = Div(row, tapCount);
  const tap = alongEach(Sub(row, Mul(channel, tapCount)), taps);
  const block = alongEach(Unsqueeze(Range(places), [0]), blocks);
  const where = zip(block, tap, (step, n, i) =>
    Sub(Add(Mul(step, at(strides, i)), Mul(n, at(dilations, i))), at(pads, i)),
  );
  const inside = zip(where, sizes, (place, size) => And(GreaterOrEqual(place, 0), Less(place, size)));
  const flat = where.reduce((outer, place, i) => (i === 0 ? place : Add(Mul(outer, at(sizes, i)), place)));
  const area = sizeOf(image);
  const [channels = 1] = sizesOf(Div(sizeNumber(rows), tapCount));
  const whole = multiplyDims(channels, area);
  const target = Where(
    inside.reduce<Value>(And, at(inside, 0)),
    Add(Mul(channel, sizeNumber(area)), flat),
    sizeNumber(whole),
  );
  const count = multiplyDims(rows, places);
  const blank = Expand(constant(0, [], x.dtype), [batch, addDims(whole, 1)]);
  const indices = Expand(Reshape(target, [1, count]), [batch, count]);
  const added = ScatterElements(blank, indices, Reshape(x, [batch, count]), 1, "add");
  return Reshape(cut(added, 1, 0, whole), [batch, channels, ...image]);
}

/** The index along each of some axes of one that goes over all of them. */
function alongEach(index: Value, sizes: readonly Value[]): Value[] {
  let left = index;
  return sizes
    .toReversed()
    .map((size) => {
      const outer = Div(left, size);
      const own = Sub(left, Mul(outer, size));
      left = outer;
      return own;
    })
    .reverse();
}
