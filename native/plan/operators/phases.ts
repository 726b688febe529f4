// Convolutions whose places differ in the taps that they read: transposed ones with strides, of which each phase reads others, and columns beside each other that are
// taken as filters of one window.
import { sizeOf } from "@innerloop/schemas/bundle";
import { enter } from "../lists.ts";
import type { Plan } from "../plan.ts";
import { deepest, expanded, permuted, reshaped, type Shape, sliced, type Value, withOnes } from "../views.ts";
import { channelsLast, channelsSecond } from "./channels.ts";
import type { Along } from "./channelwise.ts";
import { convolved, mostTogether } from "./convolved.ts";
import { shapedAs } from "./parts.ts";
import { tapsOf, tuplesOf } from "./windows.ts";

/** Numbers that kernels take at once. */
const besides = 16;
/** Filters from which on what they give lies together. */
const enough = 8;

/**
 * With few filters, those of as many columns beside each other as kernels take numbers at once are filters of one window over all that these columns read; nothing, where
 * more is read then than is saved.
 */
export function besideEachOther(axes: readonly Along[], filters: number): Along[][] | undefined {
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

/** Places of the result of a transposed convolution along an axis by what they read: each phase reads at steps of one with some of the taps. */
export function phasesOf(kernel: number, stride: number, dilation: number, before: number, out: number): Along[] {
  return Array.from({ length: Math.min(stride, out) }, (_, start) => {
    const taps = Array.from(
      { length: kernel },
      (__, tap) => [(start + before - tap * dilation) / stride, tap] as const,
    );
    const count = Math.ceil((out - start) / stride);
    return { start, apart: stride, count, step: 1, taps: taps.filter(([offset]) => Number.isInteger(offset)) };
  });
}

export interface Phased {
  /** [N, C, …space] */
  readonly x: Value;
  /** [C, M, …kernel] */
  readonly weight: Value;
  readonly bias: Value | undefined;
  readonly out: Shape;
  readonly axes: readonly (readonly Along[])[];
}

/** A transposed convolution with strides by phases: no tap is computed with where it falls between places of the input. */
export function apart(plan: Plan, phased: Phased): Value {
  const [, filters = 0] = phased.weight.shape;
  const all = phased.axes.reduce((count, phases) => count * phases.length, 1);
  return filters * all <= mostTogether ? asChannels(plan, phased) : byReads(plan, phased);
}

/** All phases of few filters are filters of one convolution, with zeros where a phase has no tap. */
export function asChannels(plan: Plan, phased: Phased): Value {
  const { weight, out, axes } = phased;
  const [filters, rank] = [weight.shape[1]!, out.length];
  const [grid, phases] = [axes.map(([first]) => first!.count), axes.map(({ length }) => length)];
  const made = phasesTogether(plan, phased, false);
  const examples = made.shape[0]!;
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
  const from = permuted(parts, [0, 1 + rank, ...grid.flatMap((_, axis) => [2 + rank + axis, 1 + axis])]);
  plan.copy(from, reshaped(whole, from.shape)!);
  return out.reduce((value, size, axis) => sliced(value, axis + 2, 0, size), whole);
}

/**
 * Phases as filters of one convolution, each with its filters side by side, or each filter with its phases: [N, phases · filters, …grid], or [N, filters · phases, …grid].
 * Taps that a phase does not have are zeros.
 */
function phasesTogether(plan: Plan, { x, weight, bias, axes }: Omit<Phased, "out">, byFilters: boolean): Value {
  const [, channels = 0, ...space] = x.shape;
  const [, filters = 0, ...kernel] = weight.shape;
  const offsets = axes.map((phases) => [...new Set(phases.flatMap(({ taps }) => taps.map(([offset]) => offset)))]);
  const [grid, phases] = [axes.map(([first]) => first!.count), axes.map(({ length }) => length)];
  const window = offsets.map(({ length }) => length);
  const taps = tapsOf(
    plan,
    space,
    { out: grid, kernel: window },
    (axis, place, tap) => place * axes[axis]![0]!.step + offsets[axis]![tap]!,
  );
  // Which tap of the kernel each phase has at each offset; one more than there are is zeros.
  const none = sizeOf(kernel);
  const order = tuplesOf(phases).flatMap((phase) =>
    tuplesOf(window).map((tap) =>
      tap.reduce((flat, at, axis) => {
        const own = axes[axis]![phase[axis]!]!.taps.find(([offset]) => offset === offsets[axis]![at]!);
        return own && flat < none ? flat * kernel[axis]! + own[1] : none;
      }, 0),
    ),
  );
  const [all, size] = [sizeOf(phases), sizeOf(window)];
  const flat = shapedAs(plan, weight, [channels, filters, none]);
  const zeros = expanded(plan.constant([0], [1, 1, 1]), [channels, filters, 1]);
  const some = order.includes(none) ? plan.pending.joined([flat, zeros], 2) : flat;
  const isWhole = order.length === none && order.every((tap, i) => tap === i);
  const taken = isWhole ? flat : plan.pending.gathered(some, 2, order);
  const spread = shapedAs(plan, taken, [channels, filters, all, size]);
  const filled = shapedAs(plan, permuted(spread, byFilters ? [1, 2, 0, 3] : [2, 1, 0, 3]), [
    ...[1, all * filters, channels, size],
  ]);
  const repeated = bias && (byFilters ? expanded(withOnes(bias, [1]), [filters, all]) : expanded(bias, [all, filters]));
  const added = repeated && shapedAs(plan, repeated, [all * filters]);
  return convolved(plan, { x, taps, groups: 1, weight: filled, bias: added, out: grid });
}

/** Phases that read alike, along one axis: they have their taps at the same offsets, and equally many places. */
function alike(phases: readonly Along[]): Along[][] {
  const groups = new Map<string, Along[]>();
  for (const phase of phases) {
    const name = `${phase.count}: ${phase.taps.map(([offset]) => offset).join()}`;
    enter(groups, name, phase);
  }
  return [...groups.values()];
}

/** Phases of a list, as many after each other as are equally far apart: from which one on, and how many. */
function runsOf(phases: readonly Along[]): { readonly first: number; readonly count: number; readonly step: number }[] {
  const runs: { first: number; count: number; step: number }[] = [];
  phases.forEach(({ start }, i) => {
    const last = runs.at(-1);
    const step = i === 0 ? 1 : start - phases[i - 1]!.start;
    if (last && (last.count === 1 || last.step === step)) Object.assign(last, { count: last.count + 1, step });
    else runs.push({ first: i, count: 1, step: 1 });
  });
  return runs;
}

/** The phases that read alike are filters of one convolution. */
function byReads(plan: Plan, { x, weight, bias, out, axes }: Phased): Value {
  const [examples = 0] = x.shape;
  const [, filters = 0] = weight.shape;
  const [depth, rank] = [deepest(x, weight, bias), out.length];
  const byFilters = filters < enough;
  const whole = byFilters
    ? plan.room([examples, filters, ...out], "float32", depth)
    : permuted(plan.room([examples, ...out, filters], "float32", depth), channelsSecond(rank + 2));
  const groups = axes.map(alike);
  for (const group of tuplesOf(groups.map(({ length }) => length))) {
    const own = group.map((place, axis) => groups[axis]![place]!);
    const [grid, phases] = [own.map(([first]) => first!.count), own.map(({ length }) => length)];
    const reads = own.every(([first]) => first!.taps.length > 0);
    const nothing = bias ? expanded(withOnes(bias, [0, 2]), [1, filters, 1]) : plan.constant([0], [1, 1, 1]);
    const made = reads
      ? shapedAs(plan, phasesTogether(plan, { x, weight, bias, axes: own }, byFilters), [
          ...[examples, ...(byFilters ? [filters, ...phases] : [...phases, filters]), ...grid],
        ])
      : nothing;
    // [N, M, …(grid, phase)]
    const axisOfPhase = byFilters ? 2 : 1;
    const parts = reads
      ? permuted(made, [
          0,
          byFilters ? 1 : 1 + rank,
          ...grid.flatMap((_, axis) => [2 + rank + axis, axisOfPhase + axis]),
        ])
      : undefined;
    const runs = own.map(runsOf);
    for (const run of tuplesOf(runs.map(({ length }) => length))) {
      const taken = run.map((place, axis) => runs[axis]![place]!);
      const to = taken.reduceRight(
        (value, { first, count, step }, axis) => placesOfRun(value, axis + 2, own[axis]![first]!, count, step),
        whole,
      );
      const from = parts
        ? taken.reduce((value, { first, count }, axis) => sliced(value, 3 + 2 * axis, first, count), parts)
        : expanded(shapedAs(plan, nothing, [1, nothing.shape[1]!, ...to.shape.slice(2).map(() => 1)]), to.shape);
      plan.copy(from, to);
    }
  }
  return whole;
}

/** Places of an axis as two: those of a phase, and phases from that one on. */
function placesOfRun(
  value: Value,
  axis: number,
  { start, apart: far, count: places }: Along,
  count: number,
  step: number,
): Value {
  const stride = value.strides[axis]!;
  return {
    ...value,
    offset: value.offset + start * stride,
    shape: value.shape.toSpliced(axis, 1, places, count),
    strides: value.strides.toSpliced(axis, 1, far * stride, step * stride),
  };
}
