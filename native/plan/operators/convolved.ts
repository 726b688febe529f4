// A convolution as a product whose left factor is looked up: columns are never written.
import { sizeOf } from "@innerloop/schemas/bundle";
import { Once } from "../once.ts";
import type { Plan } from "../plan.ts";
import { accessOf, deepest, permuted, type Shape, type Value } from "../views.ts";
import { channelsLast, channelsSecond } from "./channels.ts";
import { shapedAs } from "./parts.ts";

/** Columns that kernels take at once. */
export const mostTogether = 64;

/** Entries up to which a table has the places of all examples. */
const mostEntries = 2 ** 18;
/** Channels below which numbers are looked up one by one rather than be brought together. */
export const fewChannels = 4;

interface Convolved {
  /** [N, C, …space] */
  readonly x: Value;
  /** The place that each tap reads for each place of the result, or −1. */
  readonly taps: Int32Array;
  readonly groups: number;
  /** [groups, M / groups, C / groups, taps]; of one group there may be more channels, those of places that follow. */
  readonly weight: Value;
  readonly bias: Value | undefined;
  readonly out: Shape;
}

/** [N, M, …out], of which the channels lie together. */
export function convolved(plan: Plan, { x, taps, groups, weight, bias, out }: Convolved): Value {
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
  const grid = together ? { kernel, wide: 1, step: channels, apart: 0 } : { kernel, wide: own, step: 1, apart: size };
  const looked = { ...grid, examples: joined, each: size * channels };
  const table = tables.of(taps, Object.values(looked).join(), () => tableOf(taps, looked));
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
    // Windows of a transposed convolution may meet no taps at all: then there is nothing to look up, and a bias alone.
    ...(pieces > 0 ? { lookup: { table, taps: pieces, segment, by: "rows" } } : {}),
    right: { ...accessOf(plan.real(right)), strides: [...ofBatch(0, groupStride, panelStride), ...matrix] },
    out: { store: result.store, offset: 0, strides: [...ofBatch(places * all, filters, n), all, 1] },
    ...(added ? { added: { ...added, strides: [...ofBatch(0, filters * one, n * one), 0, one] } } : {}),
    ...{ alpha: 1, beta: 1, relu: false },
  });
  return final;
}

/** Where the pieces of a table lie. */
interface Grid {
  /** Taps of a window. */
  readonly kernel: number;
  /** Channels that are looked up one by one, and how far they are apart. */
  readonly wide: number;
  readonly apart: number;
  /** How far places are apart. */
  readonly step: number;
  readonly examples: number;
  /** Numbers of an example. */
  readonly each: number;
}

/** Of the same taps: so the same table for layers that are alike. */
const tables = new Once<Int32Array, Int32Array>();

// What goes over tables is in functions of its own, which are small: the first plan of a process is made while they are compiled.

function tableOf(taps: Int32Array, { kernel, wide, apart, step, examples, each }: Grid): Int32Array {
  const size = taps.length * wide;
  const table = new Int32Array(examples * size);
  let i = 0;
  for (let first = 0; first < taps.length; first += kernel)
    for (let channel = 0; channel < wide; channel++)
      for (let tap = first; tap < first + kernel; tap++)
        table[i++] = taps[tap]! < 0 ? -1 : channel * apart + taps[tap]! * step;
  for (let example = 1; example < examples; example++) shift(table, example * size, size, example * each);
  return table;
}

/** A piece of a table is its first one, elsewhere. */
function shift(table: Int32Array, to: number, size: number, by: number): void {
  for (let i = 0; i < size; i++) table[to + i] = table[i]! < 0 ? -1 : table[i]! + by;
}
