// Conv and ConvTranspose.
import { sizeOf } from "@innerloop/schemas/bundle";
import type { Node } from "../../read.ts";
import type { Compute, Plan } from "../plan.ts";
import { refused } from "../refusal.ts";
import { at, permuted, type Shape, sliced, type Value } from "../views.ts";
import { channelsLast, channelsSecond } from "./channels.ts";
import { type Along, channelwise, isChannelwise } from "./channelwise.ts";
import { convolved, fewChannels } from "./convolved.ts";
import { padded } from "./movement.ts";
import { intOf, intsOf, present, shapedAs, textOf } from "./parts.ts";
import { apart, asChannels, besideEachOther, phasesOf } from "./phases.ts";
import { readBy, spaceAfter, tapsOf, tuplesOf, type Window, windowOf } from "./windows.ts";

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
  const picked = bias ? undefined : pickedBy(plan, x, w, window);
  if (picked) return [picked];
  if (own === 1 && filters === groups && groups > 1 && isChannelwise(x, kernel) && sizeOf(out) > 0) {
    const axes = along.map((one) => [one]);
    return [channelwise(plan, { x, weight: shapedAs(plan, w, [groups, sizeOf(kernel)]), bias, kernel, out, axes })];
  }
  if (groups === 1 && strides.every((stride) => stride === 1)) {
    const axes = besideEachOther(along, filters);
    const weight = permuted(w, [1, 0, ...kernel.map((_, axis) => axis + 2)]);
    if (axes) return [asChannels(plan, { x, weight, bias, out, axes })];
  }
  const rows = own * (kernel.at(-1) ?? 0);
  if (groups === 1 && own < fewChannels && rows >= fewChannels && rows > own && dilations.at(-1) === 1)
    return [byRows(plan, { x, weight: w, bias, window })];
  const taps = tapsOf(
    plan,
    space,
    { out, kernel },
    (axis, place, tap) => place * strides[axis]! + tap * dilations[axis]! - before[axis]!,
  );
  const weight = shapedAs(plan, w, [groups, filters / groups, own, sizeOf(kernel)]);
  return [convolved(plan, { x, taps, groups, weight, bias, out })];
};

/** What filters give that take one place of their window each, as it is: views of the picture with what is around it. Nothing, where some do otherwise. */
function pickedBy(plan: Plan, x: Value, w: Value, window: Window): Value | undefined {
  const { kernel, before, out } = window;
  const [, channels = 0, ...space] = x.shape;
  const [filters = 0, own = 0] = w.shape;
  if (w.depth > 0 || x.depth === 0 || own !== channels || filters * sizeOf(out) === 0) return undefined;
  const taken: number[] = [];
  for (let filter = 0; filter < filters; filter++) {
    const place = placeTaken(plan.numbers(at(w, 0, filter)));
    if (place < 0) return undefined;
    taken.push(place);
  }
  const after = spaceAfter(window, space);
  const around = padded(plan, x, [0, 0, ...before], [0, 0, ...after], plan.constant([0], [1]));
  const taps = tuplesOf(kernel);
  const parts = taken.map((place) => {
    const tap = place % taps.length;
    return sliced(readBy(taps[tap]!, window, around), 1, (place - tap) / taps.length, 1);
  });
  return plan.pending.joined(parts, 1);
}

/** The place of the only number of a list that is not zero, if it is one; else less than zero. */
function placeTaken(numbers: readonly number[]): number {
  const place = numbers.findIndex((number) => number !== 0);
  return numbers[place] === 1 && numbers.every((number, i) => number === 0 || i === place) ? place : -1;
}

interface Filters {
  /** [N, C, …space] */
  readonly x: Value;
  /** [M, C, …kernel] */
  readonly weight: Value;
  readonly bias: Value | undefined;
  readonly window: Window;
}

/**
 * Of few channels: with what is around the picture written as well, all that a row of a window reads lies together, channels of one place after those of the one before. So
 * a window has as many pieces as rows.
 */
function byRows(plan: Plan, { x, weight, bias, window }: Filters): Value {
  const { kernel, strides, dilations, before, out } = window;
  const [, channels = 0, ...space] = x.shape;
  const [filters, wide, rank] = [weight.shape[0]!, kernel.at(-1)!, kernel.length];
  const after = spaceAfter(window, space);
  const picture = permuted(plan.real(x), channelsLast(rank + 2));
  const around = padded(plan, picture, [0, ...before, 0], [0, ...after, 0], plan.constant([0], [1]));
  const field = permuted(plan.written(around), channelsSecond(rank + 2));
  const taps = tapsOf(plan, field.shape.slice(2), { out, kernel: kernel.with(-1, 1) }, (axis, place, tap) =>
    axis === rank - 1 ? place * strides[axis]! : place * strides[axis]! + tap * dilations[axis]!,
  );
  const order = [0, rank + 1, 1, ...kernel.slice(1).map((_, axis) => axis + 2)];
  const rows = shapedAs(plan, permuted(weight, order), [1, filters, wide * channels, sizeOf(kernel) / wide]);
  return convolved(plan, { x: field, taps, groups: 1, weight: rows, bias, out });
}

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
  const axes = kernel.map((size, axis) => phasesOf(size, strides[axis]!, dilations[axis]!, before[axis]!, out[axis]!));
  if (filters === 1 && channels === groups && groups > 1 && isChannelwise(x, kernel))
    return [channelwise(plan, { x, weight: shapedAs(plan, w, [groups, sizeOf(kernel)]), bias, kernel, out, axes })];
  if (groups === 1 && sizeOf(kernel) > 0) {
    const phased = { x, weight: w, bias, out, axes };
    if (strides.some((stride) => stride > 1)) return [apart(plan, phased)];
    const wide = besideEachOther(axes.flat(), filters);
    if (wide) return [asChannels(plan, { ...phased, axes: wide })];
  }
  const taps = tapsOf(
    plan,
    space,
    { out, kernel },
    (axis, place, tap) => (place + before[axis]! - tap * dilations[axis]!) / strides[axis]!,
  );
  const split = shapedAs(plan, w, [groups, channels / groups, filters, sizeOf(kernel)]);
  return [convolved(plan, { x, taps, groups, weight: permuted(split, [0, 2, 1, 3]), bias, out })];
};

export const convolutions: Readonly<Record<string, Compute>> = { Conv: conv, ConvTranspose: convTranspose };
