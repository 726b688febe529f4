// The largest number, or the mean, of windows.
import { sizeOf } from "@innerloop/schemas/bundle";
import { type Compute, mostExact, type Plan } from "../plan.ts";
import { refused } from "../refusal.ts";
import type { Operand } from "../steps.ts";
import { naturalStrides, permuted, type Shape, type Value } from "../views.ts";
import { channelsAreTogether, channelsLast, channelsSecond } from "./channels.ts";
import { isChannelwise, largestOf } from "./channelwise.ts";
import { padded } from "./movement.ts";
import { computed, intOf, intsOf, present, scaled } from "./parts.ts";
import { reduce } from "./reductions.ts";
import { readBy, spaceAfter, tuplesOf, type Window, windowOf } from "./windows.ts";

/** Taps among which a step says which is the largest. */
const mostTold = 64;
/** Taps that one step reads each by itself; more are axes that it goes along. */
const mostTaps = 16;

/** All taps of each window together, over [N, C, …space] that has what it needs around it. */
function pooled(plan: Plan, value: Value, window: Window, how: "max" | "sum"): Value {
  const { kernel, dilations } = window;
  const taps = tuplesOf(kernel);
  // What lies together stays so: of channels that come last the result's come last.
  const last = channelsAreTogether(value);
  const first = last ? 1 : 2;
  const seen = last ? permuted(value, channelsLast(value.shape.length)) : value;
  const read = (tap: Shape): Value => readBy(tap, window, seen, first);
  const back = (made: Value): Value => (last ? permuted(made, channelsSecond(value.shape.length)) : made);
  if (taps.length <= mostTaps) {
    const name = how === "max" ? "maximum" : "add";
    const made = computed(plan, taps.map(read), value.dtype, (code, x, ...rest) =>
      rest.reduce((so, y) => code.call(name, so, y), x!),
    );
    return back(made);
  }
  const begin = read(kernel.map(() => 0));
  const all = {
    ...begin,
    shape: [...begin.shape, ...kernel],
    strides: [...begin.strides, ...kernel.map((_, axis) => seen.strides[first + axis]! * dilations[axis]!)],
  };
  const rank = begin.shape.length;
  const made = reduce(
    plan,
    [all],
    kernel.map((_, axis) => rank + axis),
    how,
  );
  return back({ ...made, shape: made.shape.slice(0, rank), strides: made.strides.slice(0, rank) });
}

/** Windows without the taps that are beyond the array for each of them: of one that is to take in all, whatever its size, most are. */
function within(space: Shape, window: Window): Window {
  const { kernel, strides, dilations, before, out } = window;
  const first = kernel.map((size, axis) => {
    const [apart, start] = [dilations[axis]!, before[axis]!];
    const least = Math.ceil((start - Math.max(0, out[axis]! - 1) * strides[axis]!) / apart);
    return Math.max(0, Math.min(least, size - 1, Math.floor(start / apart)));
  });
  const ends = kernel.map((size, axis) => Math.min(size, Math.ceil((space[axis]! + before[axis]!) / dilations[axis]!)));
  return {
    ...window,
    kernel: ends.map((end, axis) => Math.max(1, end - first[axis]!)),
    before: before.map((size, axis) => size - first[axis]! * dilations[axis]!),
  };
}

/** With what windows read around an array: as much after it as the last window needs. */
function surrounded(plan: Plan, value: Value, window: Window, filling: number): Value {
  const { before } = window;
  const real = plan.real(value);
  const after = spaceAfter(window, value.shape.slice(2)).map((size) => Math.max(0, size));
  if ([...before, ...after].every((size) => size === 0)) return real;
  const last = channelsAreTogether(real);
  const rank = real.shape.length;
  const [start, end] = [before, after].map((list) => (last ? [0, ...list, 0] : [0, 0, ...list])) as [
    number[],
    number[],
  ];
  const seen = last ? permuted(real, channelsLast(rank)) : real;
  const around = padded(plan, seen, start, end, plan.constant([filling], [], real.dtype));
  return last ? permuted(around, channelsSecond(rank)) : around;
}

/** The largest numbers of windows over any axes, and where each is among all numbers. */
function found(plan: Plan, value: Value, window: Window): { readonly most: Value; readonly where: Value } {
  const { kernel, strides, dilations, before, out } = window;
  if (sizeOf(kernel) > mostTold) throw refused(`where the largest of ${sizeOf(kernel)} numbers is`);
  const around = surrounded(plan, value, window, Number.NEGATIVE_INFINITY);
  const apart = naturalStrides(value.shape).slice(2);
  const taps = tuplesOf(kernel).map((tap) => ({
    further: tap.reduce((sum, at, axis) => sum + at * dilations[axis]! * apart[axis]!, 0),
    view: readBy(tap, window, around),
  }));
  const views = taps.map(({ view }) => view);
  const most = computed(plan, views, value.dtype, (code, first, ...rest) =>
    rest.reduce((so, x) => code.call("maximum", so, x), first!),
  );
  const [maps, begins] = [sizeOf(value.shape.slice(0, 2)), tuplesOf(out)];
  const begin = begins.map((place) =>
    place.reduce((sum, at, axis) => sum + (at * strides[axis]! - before[axis]!) * apart[axis]!, 0),
  );
  const size = sizeOf(value.shape.slice(2));
  const starts = [
    plan.constant(begin, [1, 1, ...out], "int64"),
    plan.constant(
      Float32Array.from({ length: maps }, (_, map) => map * size),
      [...value.shape.slice(0, 2), ...out.map(() => 1)],
      "int64",
    ),
  ];
  const where = computed(plan, [...starts, most, ...views], "int64", (code, start, map, largest, ...numbers) => {
    const further = numbers.reduceRight<Operand>(
      (so, x, tap) => code.call("where", code.call("equal", x, largest!), { number: taps[tap]!.further }, so),
      { number: 0 },
    );
    return code.call("add", code.call("add", start!, map!), further);
  });
  return { most, where };
}

const maxPool: Compute = (plan, [x], node) => {
  const value = present(x, node);
  const space = value.shape.slice(2);
  const window = within(space, windowOf(node, space, intsOf(node, "kernel_shape") ?? []));
  const places = Boolean(node.outputs[1]);
  const { before, after, kernel, out } = window;
  const around = [...before, ...after].some((size) => size > 0);
  const direct = isChannelwise(value, kernel) && sizeOf(out) > 0;
  if (places || (direct && (around || sizeOf(kernel) > mostTaps))) {
    if (intOf(node, "storage_order", 0) === 1) throw refused("a MaxPool that says where by columns first");
    if (places && sizeOf(value.shape) > mostExact) throw refused("places of an array that are not held exactly");
    const { most, where } = direct ? largestOf(plan, value, window) : found(plan, value, window);
    return [most, where];
  }
  return [pooled(plan, surrounded(plan, value, window, Number.NEGATIVE_INFINITY), window, "max")];
};

/** By how many places of each window's the sum is divided. */
function counts(space: Shape, { kernel, strides, dilations, before, after, out }: Window, padding: boolean): number[] {
  const along = out.map((places, axis) =>
    Array.from({ length: places }, (_, place) => {
      const [least, most] = padding ? [-before[axis]!, space[axis]! + after[axis]!] : [0, space[axis]!];
      const taps = Array.from(
        { length: kernel[axis]! },
        (__, tap) => place * strides[axis]! - before[axis]! + tap * dilations[axis]!,
      );
      return taps.filter((at) => at >= least && at < most).length;
    }),
  );
  return tuplesOf(out).map((place) => place.reduce((count, at, axis) => count * along[axis]![at]!, 1));
}

const averagePool: Compute = (plan, [x], node) => {
  const value = present(x, node);
  const space = value.shape.slice(2);
  const window = windowOf(node, space, intsOf(node, "kernel_shape") ?? []);
  const near = within(space, window);
  const sum = pooled(plan, surrounded(plan, value, near, 0), near, "sum");
  const divisors = counts(space, window, intOf(node, "count_include_pad", 0) === 1);
  const [first = 1] = divisors;
  if (divisors.every((count) => count === first)) return [scaled(plan, sum, 1 / first)];
  const shares = plan.constant(
    divisors.map((count) => 1 / count),
    [1, 1, ...window.out],
  );
  return [computed(plan, [sum, shares], value.dtype, (code, p, q) => code.call("multiply", p!, q!))];
};

const spaceOf = (value: Value): number[] => value.shape.flatMap((_, axis) => (axis < 2 ? [] : [axis]));

export const pooling: Readonly<Record<string, Compute>> = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalMaxPool: (plan, [x], node) => {
    const value = present(x, node);
    return [reduce(plan, [value], spaceOf(value), "max")];
  },
  GlobalAveragePool: (plan, [x], node) => {
    const value = present(x, node);
    const sum = reduce(plan, [value], spaceOf(value), "sum");
    return [scaled(plan, sum, 1 / sizeOf(value.shape.slice(2)))];
  },
};
