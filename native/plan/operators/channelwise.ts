// Windows of each channel by itself: convolutions with a filter a channel, and largest numbers with their places. Channels come last.
import { sizeOf } from "@innerloop/schemas/bundle";
import { Once } from "../once.ts";
import type { Plan } from "../plan.ts";
import { type Access, mostTaps, type Store, type Windows } from "../steps.ts";
import { accessOf, deepest, permuted, reshaped, type Shape, type Value } from "../views.ts";
import { channelsLast, channelsSecond } from "./channels.ts";
import { tuplesOf } from "./windows.ts";

/** Channels below which vectors of them would be mostly empty. */
const fewestChannels = 4;

/** A window along one axis: how far its places are apart in the field, and where its taps lie from there, each with its number in the kernel. */
export interface Along {
  /** Places of the result that these windows are for: from `start` on, `apart` from each other. */
  readonly start: number;
  readonly apart: number;
  readonly count: number;
  readonly step: number;
  readonly taps: readonly (readonly [offset: number, tap: number])[];
}

/** Rows and columns of an array with one axis or two between examples and channels. */
const planeOf = ({ shape }: Value): [number, number] => (shape.length === 4 ? [shape[1]!, shape[2]!] : [1, shape[1]!]);

/** An array [example, …space, channel] as a step has it. */
function gridOf(value: Value): Access {
  const { strides } = value;
  const own = strides.length === 4 ? strides.slice(0, 3) : [strides[0]!, 0, strides[1]!];
  return { ...accessOf(value), strides: own };
}

/** [N, …space, C] of [N, C, …space], its channels together. */
function withChannelsLast(plan: Plan, value: Value): Value {
  const last = permuted(plan.real(value), channelsLast(value.shape.length));
  return last.strides.at(-1) === 1 ? last : plan.written(last);
}

interface Filters {
  /** [N, C, …space] */
  readonly x: Value;
  /** [C, taps] */
  readonly weight: Value;
  readonly bias: Value | undefined;
  readonly kernel: Shape;
  readonly out: Shape;
  /** Of each axis, the windows of which each place of the result has one. */
  readonly axes: readonly (readonly Along[])[];
}

/** A filter for each channel: [N, C, …out]. */
export function channelwise(plan: Plan, { x, weight, bias, kernel, out, axes }: Filters): Value {
  const [examples = 0, channels = 0] = x.shape;
  const depth = deepest(x, weight, bias);
  const result = plan.room([examples, ...out, channels], "float32", depth);
  const field = withChannelsLast(plan, x);
  const weights = plan.written(permuted(weight, [1, 0]));
  const added = bias && plan.written(bias);
  const width = kernel.at(-1)!;
  const [inRows, inColumns] = [...(axes.length === 2 ? [] : [[whole]]), ...axes] as [Along[], Along[]];
  for (const rows of inRows)
    for (const columns of inColumns) {
      const { offset, strides, ...others } = gridOf(result);
      const [example = 0, row = 0, column = 0] = strides;
      plan.step(depth, {
        ...{ kind: "windows", what: "sums", examples, channels, rows: rows.count, columns: columns.count },
        steps: [rows.step, columns.step],
        size: planeOf(field),
        taps: rows.taps.flatMap(([y, r]) => columns.taps.map(([c, t]) => [y, c, r * width + t] as const)),
        field: gridOf(field),
        out: {
          ...others,
          offset: offset + rows.start * row + columns.start * column,
          strides: [example, row * rows.apart, column * columns.apart],
        },
        weight: { ...accessOf(weights), strides: [channels] },
        ...(added ? { bias: { ...accessOf(added), strides: [1] } } : {}),
      });
    }
  return permuted(result, channelsSecond(x.shape.length));
}

/** The one row of what has columns alone. */
const whole: Along = { start: 0, apart: 1, count: 1, step: 1, taps: [[0, 0]] };

interface Pool {
  readonly kernel: Shape;
  readonly strides: Shape;
  readonly dilations: Shape;
  readonly before: Shape;
  readonly out: Shape;
}

/** Largest numbers of an array, and where windows found them: in the order of the array [N, C, …space]. */
interface Largest {
  readonly most: Value;
  readonly where: Value;
  readonly space: Shape;
  readonly windows: Windows;
}

/** By the array and the window: derivatives ask once more for what the forward pass has. */
const foundOf = new Once<Value, Largest>();
const foundIn = new WeakMap<Store, Largest>();

/** Whose places these are, in their order, if those of an array as large as this one of zeros. */
export function largestBy(plan: Plan, places: Value, zeros: Value): Largest | undefined {
  const seen = plan.pending.before(places) ?? places;
  const found = foundIn.get(seen.store);
  if (!found || sizeOf(seen.shape) !== sizeOf(found.where.shape) || !plan.pending.isZeros(zeros)) return undefined;
  const { shape, strides, offset } = found.where;
  const all = shape[0]! * shape[1]! * sizeOf(found.space) === sizeOf(zeros.shape) && zeros.shape.length === 1;
  const same = reshaped(seen, shape);
  const lies =
    same?.offset === offset && shape.every((size, axis) => size === 1 || same.strides[axis] === strides[axis]);
  return all && lies ? found : undefined;
}

/** The largest number of each window over [N, C, …space] in each channel, and its place. */
export function largestOf(plan: Plan, x: Value, pool: Pool): Largest {
  const { kernel, strides, dilations, before, out } = pool;
  return foundOf.of(x, [kernel, strides, dilations, before, out].join(" "), () => largest(plan, x, pool));
}

function largest(plan: Plan, x: Value, { kernel, strides, dilations, before, out }: Pool): Largest {
  const [examples = 0, channels = 0] = x.shape;
  const field = withChannelsLast(plan, x);
  const [most, where] = (["float32", "int64"] as const).map((dtype) =>
    plan.room([examples, ...out, channels], dtype, x.depth),
  ) as [Value, Value];
  const two = <Of>(list: readonly Of[], other: Of): [Of, Of] =>
    list.length === 2 ? [list[0]!, list[1]!] : [other, list[0]!];
  const offsets = tuplesOf(kernel).map((tap) => tap.map((at, axis) => at * dilations[axis]! - before[axis]!));
  const [rows, columns] = two(out, 1);
  const step: Windows = {
    ...{ kind: "windows", what: "maxima", examples, channels, rows, columns },
    steps: two(strides, 1),
    size: planeOf(field),
    taps: offsets.map((tap) => [...two(tap, 0), 0] as const),
    ...{ field: gridOf(field), out: gridOf(most), where: gridOf(where) },
  };
  plan.step(x.depth, step);
  const [seen, places] = [most, where].map((value) => permuted(value, channelsSecond(x.shape.length))) as [
    Value,
    Value,
  ];
  const result = { most: seen, where: places, space: x.shape.slice(2), windows: step };
  foundIn.set(where.store, result);
  return result;
}

/** What each window found, brought to where it found it: [N, C, …space]. */
export function broughtBack(plan: Plan, { where, space, windows }: Largest, numbers: Value): Value {
  const [examples = 0, channels = 0] = numbers.shape;
  const depth = deepest(where, numbers);
  const field = plan.room([examples, ...space, channels], "float32", depth);
  const { examples: _, ...others } = windows;
  plan.step(depth, {
    ...{ ...others, what: "back", examples },
    field: gridOf(field),
    out: gridOf(withChannelsLast(plan, numbers)),
  });
  return permuted(field, channelsSecond(numbers.shape.length));
}

/** Whether windows over this space may be taken channel by channel. */
export const isChannelwise = (x: Value, kernel: Shape): boolean =>
  kernel.length <= 2 &&
  kernel.length > 0 &&
  sizeOf(x.shape) > 0 &&
  sizeOf(kernel) <= mostTaps &&
  x.shape[1]! >= fewestChannels;
