// The largest number, or the mean, of windows.
import { sizeOf } from "@innerloop/schemas";
import { type Compute, mostExact, type Plan } from "../plan.ts";
import { refused } from "../refusal.ts";
import { permuted, type Shape, sliced, type Value } from "../views.ts";
import { channelsAreTogether, channelsLast, channelsSecond } from "./channels.ts";
import { isChannelwise, largestOf } from "./channelwise.ts";
import { padded } from "./movement.ts";
import { computed, intOf, intsOf, present, scaled } from "./parts.ts";
import { reduce } from "./reductions.ts";
import { tuplesOf, type Window, windowOf } from "./windows.ts";

/** Taps that one step reads each by itself; more are axes that it goes along. */
const mostTaps = 16;

/** All taps of each window together, over [N, C, …space] that has what it needs around it. */
function pooled(plan: Plan, value: Value, { kernel, strides, dilations, out }: Window, how: "max" | "sum"): Value {
  const taps = tuplesOf(kernel);
  // What lies together stays so: of channels that come last the result's come last.
  const last = channelsAreTogether(value);
  const first = last ? 1 : 2;
  const seen = last ? permuted(value, channelsLast(value.shape.length)) : value;
  const window = (tap: Shape): Value =>
    tap.reduce((view, at, axis) => sliced(view, first + axis, at * dilations[axis]!, out[axis]!, strides[axis]!), seen);
  const back = (made: Value): Value => (last ? permuted(made, channelsSecond(value.shape.length)) : made);
  if (taps.length <= mostTaps) {
    const name = how === "max" ? "maximum" : "add";
    const made = computed(plan, taps.map(window), value.dtype, (code, x, ...rest) =>
      rest.reduce((so, y) => code.call(name, so, y), x!),
    );
    return back(made);
  }
  const begin = window(kernel.map(() => 0));
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

/** With what windows read around an array: as much after it as the last window needs. */
function surrounded(
  plan: Plan,
  value: Value,
  { kernel, strides, dilations, before, out }: Window,
  filling: number,
): Value {
  const real = plan.real(value);
  const after = out.map((size, i) => {
    const end = (size - 1) * strides[i]! + (kernel[i]! - 1) * dilations[i]! + 1;
    return Math.max(0, end - value.shape[i + 2]! - before[i]!);
  });
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

const maxPool: Compute = (plan, [x], node) => {
  const value = present(x, node);
  const window = windowOf(node, value.shape.slice(2), intsOf(node, "kernel_shape") ?? []);
  const places = Boolean(node.outputs[1]);
  const { before, after, kernel, out } = window;
  const around = [...before, ...after].some((size) => size > 0);
  const direct = isChannelwise(value, kernel) && sizeOf(out) > 0;
  if (places || (direct && (around || sizeOf(kernel) > mostTaps))) {
    if (!direct || intOf(node, "storage_order", 0) === 1) throw refused("a MaxPool that says where");
    if (places && sizeOf(value.shape) > mostExact) throw refused("places of an array that are not held exactly");
    const { most, where } = largestOf(plan, value, window);
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
  const sum = pooled(plan, surrounded(plan, value, window, 0), window, "sum");
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
