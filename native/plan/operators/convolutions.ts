// Convolutions as products whose left factor is looked up: columns are never written.
import { sizeOf } from "@innerloop/schemas";
import type { Node } from "../../read.ts";
import type { Compute, Plan } from "../plan.ts";
import { refused } from "../refusal.ts";
import { accessOf, deepest, expanded, permuted, reshaped, type Shape, sliced, type Value, withOnes } from "../views.ts";
import { channelsLast, channelsSecond } from "./channels.ts";
import { type Along, channelwise, isChannelwise } from "./channelwise.ts";
import { intOf, intsOf, present, shapedAs, textOf } from "./parts.ts";
import { tapsOf, tuplesOf, windowOf } from "./windows.ts";

/** Entries up to which a table has the places of all examples. */
const mostEntries = 2 ** 18;
/** Channels below which numbers are looked up one by one rather than be brought together. */
const fewChannels = 4;

/** Filters of all phases up to which they are taken together: as many as the columns that kernels take at once. */
const mostTogether = 64;

/** Numbers that kernels take at once. */
const besides = 16;

interface Convolved {
  /** [N, C, …space] */
  readonly x: Value;
  /** The place that each tap reads for each place of the result, or −1. */
  readonly taps: Int32Array;
  readonly groups: number;
  /** [groups, M / groups, C / groups, taps] */
  readonly weight: Value;
  readonly bias: Value | undefined;
  readonly out: Shape;
}

/** [N, M, …out], of which the channels lie together. */
function convolved(plan: Plan, { x, taps, groups, weight, bias, out }: Convolved): Value {
  const [examples = 0, channels = 0, ...space] = x.shape;
  const [, filters = 0, own = 0, kernel = 0] = weight.shape;
  const [size, places] = [sizeOf(space), sizeOf(out)];
  const depth = deepest(x, weight, bias);
  const result = plan.room([examples, ...out, groups * filters], "float32", depth);
  const final = permuted(result, channelsSecond(out.length + 2));
  if (result.store.size === 0) return final;
  const together = own >= fewChannels;
  const first = plan.written(together ? permuted(x, channelsLast(x.shape.length)) : x);
  const [segment, pieces] = together ? [own, kernel] : [1, own * kernel];
  // One table for all examples, unless it were too large.
  const joined = examples * places * pieces <= mostEntries ? examples : 1;
  const table = new Int32Array(joined * places * pieces);
  let i = 0;
  for (let example = 0; example < joined; example++) {
    const begin = example * size * channels;
    for (let place = 0; place < places; place++)
      for (let channel = 0; channel < (together ? 1 : own); channel++)
        for (let tap = 0; tap < kernel; tap++) {
          const at = taps[place * kernel + tap]!;
          table[i++] = at < 0 ? -1 : begin + (together ? at * channels : channel * size + at);
        }
  }
  // Rows of many filters are as far apart as there are: those that kernels take at once are brought together.
  const n = filters > mostTogether && filters % mostTogether === 0 ? mostTogether : filters;
  const panels = filters / n;
  const split = shapedAs(plan, weight, [groups, panels, n, own, kernel]);
  const right = shapedAs(plan, permuted(split, together ? [0, 1, 4, 3, 2] : [0, 1, 3, 4, 2]), [
    ...[groups, panels, own * kernel, n],
  ]);
  const [groupStride, panelStride, ...matrix] = plan.real(right).strides as [number, number, number, number];
  const added = bias && accessOf(plan.real(bias));
  const [all, one] = [groups * filters, added?.strides[0] ?? 0];
  const ofBatch = (perExample: number, perGroup: number, perPanel: number): number[] => [
    perExample,
    perGroup,
    perPanel,
  ];
  plan.step(depth, {
    ...{ kind: "product", batch: [examples / joined, groups, panels], m: joined * places, n, k: own * kernel },
    left: {
      ...{ store: first.store, offset: first.offset },
      strides: [...ofBatch(size * channels, together ? own : own * size, 0), 0, 0],
    },
    lookup: { table, taps: pieces, segment, by: "rows" },
    right: { ...accessOf(plan.real(right)), strides: [...ofBatch(0, groupStride, panelStride), ...matrix] },
    out: { store: result.store, offset: 0, strides: [...ofBatch(places * all, filters, n), all, 1] },
    ...(added ? { added: { ...added, strides: [...ofBatch(0, filters * one, n * one), 0, one] } } : {}),
    ...{ alpha: 1, beta: 1, relu: false },
  });
  return final;
}

const conv: Compute = (plan, [a, b, bias], node) => {
  const [x, w] = [present(a, node), present(b, node)];
  const groups = intOf(node, "group", 1);
  const [filters = 0, own = 0, ...kernel] = w.shape;
  const space = x.shape.slice(2);
  const window = windowOf(node, space, kernel);
  const { strides, dilations, before, out } = window;
  const along = kernel.map(
    (size, axis): Along => ({
      ...{ start: 0, apart: 1, count: out[axis]!, step: strides[axis]! },
      taps: Array.from({ length: size }, (_, tap) => [tap * dilations[axis]! - before[axis]!, tap] as const),
    }),
  );
  if (own === 1 && filters === groups && groups > 1 && isChannelwise(x, kernel) && sizeOf(out) > 0) {
    const axes = along.map((one) => [one]);
    return [channelwise(plan, { x, weight: shapedAs(plan, w, [groups, sizeOf(kernel)]), bias, kernel, out, axes })];
  }
  if (groups === 1 && strides.every((stride) => stride === 1)) {
    const axes = besideEachOther(along, filters);
    const weight = permuted(w, [1, 0, ...kernel.map((_, axis) => axis + 2)]);
    if (axes) return [asChannels(plan, { x, weight, bias, out, axes })];
  }
  const taps = tapsOf(
    space,
    out,
    kernel,
    (axis, place, tap) => place * strides[axis]! + tap * dilations[axis]! - before[axis]!,
  );
  const weight = shapedAs(plan, w, [groups, filters / groups, own, sizeOf(kernel)]);
  return [convolved(plan, { x, taps, groups, weight, bias, out })];
};

/** What is before each axis of the result of a transposed convolution, and how long they are. */
function transposedSizes(node: Node, space: Shape, reaches: Shape, strides: Shape) {
  const more = intsOf(node, "output_padding") ?? space.map(() => 0);
  const full = space.map((size, i) => (size - 1) * strides[i]! + more[i]! + reaches[i]!);
  const auto = textOf(node, "auto_pad", "NOTSET");
  const wanted = intsOf(node, "output_shape")?.slice(-space.length);
  const same = auto === "SAME_UPPER" || auto === "SAME_LOWER";
  if (wanted || same) {
    const out = wanted ?? space.map((size, i) => size * strides[i]!);
    const all = full.map((size, i) => Math.max(0, size - out[i]!));
    return { out, before: all.map((size) => (auto === "SAME_UPPER" ? Math.floor(size / 2) : Math.ceil(size / 2))) };
  }
  const pads = (auto === "NOTSET" && intsOf(node, "pads")) || new Array<number>(2 * space.length).fill(0);
  const before = pads.slice(0, space.length);
  return { out: full.map((size, i) => size - before[i]! - pads[space.length + i]!), before };
}

/** Places of the result of a transposed convolution along an axis by what they read: each phase reads at steps of one with some of the taps. */
function phases(kernel: number, stride: number, dilation: number, before: number, out: number): Along[] {
  return Array.from({ length: Math.min(stride, out) }, (_, start) => {
    const taps = Array.from(
      { length: kernel },
      (__, tap) => [(start + before - tap * dilation) / stride, tap] as const,
    );
    const count = Math.ceil((out - start) / stride);
    return { start, apart: stride, count, step: 1, taps: taps.filter(([offset]) => Number.isInteger(offset)) };
  });
}

/**
 * With few filters, those of as many columns beside each other as kernels take numbers at once are filters of one window over all that these columns read; nothing, where
 * more is read then than is saved.
 */
function besideEachOther(axes: readonly Along[], filters: number): Along[][] | undefined {
  const { count, taps } = axes.at(-1)!;
  let most = Math.min(Math.floor(besides / Math.max(1, filters)), count);
  while (most > 1 && count % most > 0) most--;
  const offsets = taps.map(([offset]) => offset);
  const read = new Set(Array.from({ length: most }, (_, start) => offsets.map((offset) => offset + start)).flat()).size;
  if (most < 2 || 2 * taps.length * most < 3 * read || axes.some((axis) => axis.count * axis.taps.length === 0))
    return undefined;
  const last = Array.from(
    { length: most },
    (_, start): Along => ({
      ...{ start, apart: most, count: count / most, step: most },
      taps: taps.map(([offset, tap]) => [offset + start, tap] as const),
    }),
  );
  return [...axes.slice(0, -1).map((axis) => [axis]), last];
}

interface Phased {
  /** [N, C, …space] */
  readonly x: Value;
  /** [C, M, …kernel] */
  readonly weight: Value;
  readonly bias: Value | undefined;
  readonly out: Shape;
  readonly axes: readonly (readonly Along[])[];
}

/** A transposed convolution with strides by phases: no tap is computed with where it falls between places of the input. */
function apart(plan: Plan, phased: Phased): Value {
  const [, filters = 0] = phased.weight.shape;
  const all = phased.axes.reduce((count, phases) => count * phases.length, 1);
  return filters * all <= mostTogether ? asChannels(plan, phased) : oneByOne(plan, phased);
}

/** All phases of few filters are filters of one convolution, with zeros where a phase has no tap. */
function asChannels(plan: Plan, { x, weight, bias, out, axes }: Phased): Value {
  const [examples = 0, channels = 0, ...space] = x.shape;
  const [, filters = 0, ...kernel] = weight.shape;
  const offsets = axes.map((phases) => [...new Set(phases.flatMap(({ taps }) => taps.map(([offset]) => offset)))]);
  const grid = axes.map(([first]) => first!.count);
  const window = offsets.map(({ length }) => length);
  const taps = tapsOf(space, grid, window, (axis, place, tap) => place * axes[axis]![0]!.step + offsets[axis]![tap]!);
  // Which tap of the kernel each phase has at each offset; one more than there are is zeros.
  const none = sizeOf(kernel);
  const order = tuplesOf(axes.map(({ length }) => length)).flatMap((phase) =>
    tuplesOf(window).map((tap) =>
      tap.reduce((flat, at, axis) => {
        const own = axes[axis]![phase[axis]!]!.taps.find(([offset]) => offset === offsets[axis]![at]!);
        return own && flat < none ? flat * kernel[axis]! + own[1] : none;
      }, 0),
    ),
  );
  const zeros = expanded(plan.constant([0], [1, 1, 1]), [channels, filters, 1]);
  const flat = plan.pending.joined([shapedAs(plan, weight, [channels, filters, none]), zeros], 2);
  const phases = axes.map(({ length }) => length);
  const [all, size] = [sizeOf(phases), sizeOf(window)];
  const spread = shapedAs(plan, plan.pending.gathered(flat, 2, order), [channels, filters, all, size]);
  const filled = shapedAs(plan, permuted(spread, [2, 1, 0, 3]), [1, all * filters, channels, size]);
  const added = bias && shapedAs(plan, expanded(bias, [all, filters]), [all * filters]);
  const made = convolved(plan, { x, taps, groups: 1, weight: filled, bias: added, out: grid });
  const rank = grid.length;
  // Columns beside each other are so in the result too.
  if (
    axes.every(([first, ...more]) => more.length === 0 || first === axes.at(-1)![0]) &&
    sizeOf(out) * examples * filters === made.store.size
  ) {
    const beside = reshaped(permuted(made, channelsLast(rank + 2)), [examples, ...out, filters]);
    if (beside) return permuted(beside, channelsSecond(rank + 2));
  }
  const parts = shapedAs(plan, made, [examples, ...phases, filters, ...grid]);
  const whole = plan.room(
    [examples, filters, ...grid.map((count, axis) => count * phases[axis]!)],
    "float32",
    made.depth,
  );
  const axesOf = (first: number): number[] => grid.map((_, axis) => first + axis);
  const from = permuted(parts, [0, 1 + rank, ...grid.flatMap((_, axis) => [2 + rank + axis, 1 + axis])]);
  plan.copy(from, reshaped(whole, from.shape)!);
  return axesOf(2).reduce((value, axis) => sliced(value, axis, 0, out[axis - 2]!), whole);
}

/** Each phase is a convolution. */
function oneByOne(plan: Plan, { x, weight, bias, out, axes }: Phased): Value {
  const [examples = 0, channels = 0, ...space] = x.shape;
  const [, filters = 0, ...kernel] = weight.shape;
  const whole = permuted(
    plan.room([examples, ...out, filters], "float32", deepest(x, weight, bias)),
    channelsSecond(out.length + 2),
  );
  const flat = shapedAs(plan, weight, [1, channels, filters, sizeOf(kernel)]);
  for (const phase of tuplesOf(axes.map(({ length }) => length))) {
    const own = axes.map((phases, axis) => phases[phase[axis]!]!);
    const grid = own.map(({ count }) => count);
    const window = own.map(({ taps }) => taps.length);
    const order = tuplesOf(window).map((tap) =>
      tap.reduce((so, at, axis) => so * kernel[axis]! + own[axis]!.taps[at]![1], 0),
    );
    const taps = tapsOf(space, grid, window, (axis, place, tap) => place + own[axis]!.taps[tap]![0]);
    const some = permuted(plan.pending.gathered(flat, 3, order), [0, 2, 1, 3]);
    const to = own.reduce(
      (value, { start, count, apart: step }, axis) => sliced(value, axis + 2, start, count, step),
      whole,
    );
    const nothing = bias ? expanded(withOnes(bias, [0, 2]), [1, filters, 1]) : plan.constant([0], [1, 1, 1]);
    const made =
      taps.length > 0
        ? convolved(plan, { x, taps, groups: 1, weight: some, bias, out: grid })
        : expanded(shapedAs(plan, nothing, [1, nothing.shape[1]!, ...grid.map(() => 1)]), to.shape);
    plan.copy(made, to);
  }
  return whole;
}

const convTranspose: Compute = (plan, [a, b, bias], node) => {
  const [x, w] = [present(a, node), present(b, node)];
  const groups = intOf(node, "group", 1);
  const [channels = 0, filters = 0, ...kernel] = w.shape;
  const space = x.shape.slice(2);
  const list = (name: string): Shape => intsOf(node, name) ?? space.map(() => 1);
  const [strides, dilations] = [list("strides"), list("dilations")];
  const reaches = kernel.map((size, i) => (size - 1) * dilations[i]! + 1);
  const { out, before } = transposedSizes(node, space, reaches, strides);
  if (out.some((size) => size < 1)) throw refused("a ConvTranspose of no places");
  const axes = kernel.map((size, axis) => phases(size, strides[axis]!, dilations[axis]!, before[axis]!, out[axis]!));
  if (filters === 1 && channels === groups && groups > 1 && isChannelwise(x, kernel))
    return [channelwise(plan, { x, weight: shapedAs(plan, w, [groups, sizeOf(kernel)]), bias, kernel, out, axes })];
  if (groups === 1 && sizeOf(kernel) > 0) {
    const phased = { x, weight: w, bias, out, axes };
    if (strides.some((stride) => stride > 1)) return [apart(plan, phased)];
    const wide = besideEachOther(axes.flat(), filters);
    if (wide) return [asChannels(plan, { ...phased, axes: wide })];
  }
  const taps = tapsOf(
    space,
    out,
    kernel,
    (axis, place, tap) => (place + before[axis]! - tap * dilations[axis]!) / strides[axis]!,
  );
  const split = shapedAs(plan, w, [groups, channels / groups, filters, sizeOf(kernel)]);
  return [convolved(plan, { x, taps, groups, weight: permuted(split, [0, 2, 1, 3]), bias, out })];
};

export const convolutions: Readonly<Record<string, Compute>> = { Conv: conv, ConvTranspose: convTranspose };
