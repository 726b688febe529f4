// What of a loss's way is kept for its derivatives and what is computed again. The way is cut into stretches; when the reverse walk gets to
// one, what it needs of it and was not kept is computed again, of what was. So what is there at a time is what is kept of this stretch and
// those before it, and what was computed again of this one.
import { constantOf, isInput } from "../core/build.ts";
import type { Dim } from "../core/dims.ts";
import { at, upTo } from "../core/lists.ts";
import { likelyBytes, likelySize } from "../core/shapes.ts";
import { toldBy } from "../core/told.ts";
import { is, type Node, operandsOf, type Value } from "../core/value.ts";
import { bodiesOf } from "../core/walk.ts";
import { Reshape } from "../ops/movement.ts";
import { flopsOf } from "./arithmetic.ts";

/** What a reverse walk goes back over. */
export interface Way {
  /** The nodes that derivatives go through and what these need, each after what it needs. */
  readonly order: readonly Node[];
  /** What is in the place of nodes without a derivative. */
  readonly parts: ReadonlyMap<Node, readonly Value[]>;
  /** What derivatives read of the way, and of what lies beside it. */
  readonly reads: ReadonlySet<Value>;
}

/** What is computed again. */
export interface Recomputed {
  /** For each node the number of its stretch. */
  readonly stretchOf: ReadonlyMap<Node, number>;
  /** The stretches of which something is computed again. */
  readonly within: ReadonlySet<number>;
  /** The nodes whose values are kept. */
  readonly kept: ReadonlySet<Node>;
}

/** A choice of what is kept, and what comes of it. */
interface Plan {
  /** The places that are kept if they are needed. */
  readonly keep: ReadonlySet<number>;
  /** The most bytes that are there at a time, of what is kept and what was computed again. */
  readonly peak: number;
  /** About how long it takes to compute again what is. */
  readonly work: number;
  /** 1 at each place that is kept in the end. */
  readonly held: Uint8Array;
  /** 1 at each that is computed again. */
  readonly again: Uint8Array;
}

/** A way with all that choices go by. */
interface Planner {
  readonly way: Way;
  /** Bytes that are kept where nothing is computed again. */
  readonly all: number;
  /** Ways to cut, from few stretches to many. */
  readonly cuts: readonly (readonly number[])[];
  /** Places by what it takes to compute them again for each of their bytes, the dearest first. */
  readonly dearest: readonly number[];
  plan(ends: readonly number[], keep: ReadonlySet<number>): Plan;
}

/** The most stretches that are tried. */
const mostStretches = 64;

/** So many additions and multiplications of a product take as long as writing a number. */
const flopsOfNumber = 50;

const known = (dim: Dim): number => likelySize([dim]);

/** How long a node takes, in numbers that are written. Where a graph inside has a stack to go over, that says how often it is run. */
const workOf = (node: Node): number =>
  node.outputs.reduce((sum, { shape }) => sum + likelySize(shape), 0) +
  flopsOf(node, {
    known,
    turns: (scan) => Math.max(1, ...operandsOf(scan).map(({ shape: [lead = 1] }) => known(lead))),
  }) /
    flopsOfNumber;

/** What is not made twice: what chance draws, what tells sizes, and what has a body that reads what lies around it. */
const isMadeOnce = (node: Node): boolean =>
  node.inputs.length === 0 ||
  node.operator.traits?.random === true ||
  toldBy(node).length > 0 ||
  bodiesOf(node).length > 0;

export function planner(way: Way): Planner {
  const { order, parts, reads } = way;
  const place = new Map(order.map((node, i) => [node, i] as const));
  /** The place of the array that a value is, where it is made on the way: another shape, or a whole of parts, is the same array. */
  const placeOf = (value: Value): number | undefined => {
    for (let now = value; ; ) {
      const found = place.get(now.node);
      if (found === undefined) return undefined;
      const within = parts.get(now.node)?.[now.index] ?? (is(now.node, Reshape) ? now.node.inputs[0] : undefined);
      if (!within) return found;
      now = within;
    }
  };
  const isArray = (node: Node): boolean => !parts.has(node) && !is(node, Reshape);
  const placesOf = (values: readonly Value[]): number[] => [
    ...new Set(values.flatMap((value) => placeOf(value) ?? [])),
  ];
  const needs = order.map((node) => (isArray(node) ? placesOf(operandsOf(node)) : []));
  const read = new Uint8Array(order.length);
  for (const i of placesOf([...reads])) read[i] = 1;
  const bytes = order.map((node) => node.outputs.reduce((sum, value) => sum + likelyBytes(value), 0));
  const work = order.map((node) => (isArray(node) ? workOf(node) : 0));
  const once = order.map(isMadeOnce);
  /** What lies beside the way is kept in any case. */
  const beside = [...reads].reduce(
    (sum, value) => sum + (place.has(value.node) || isInput(value) || constantOf(value) ? 0 : likelyBytes(value)),
    0,
  );

  const plan = (ends: readonly number[], keep: ReadonlySet<number>): Plan => {
    const last = ends.length;
    const stretch = stretchesOf(order.length, ends);
    const [held, again, wanted] = [0, 1, 2].map(() => new Uint8Array(order.length)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    /** Bytes that are kept until the walk was in a stretch, and those computed again in it: for good, and for a moment. */
    const [until, remade, passing] = [0, 1, 2].map(() => new Float64Array(last + 1)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const lowest = new Int32Array(order.length).fill(-1);
    let total = 0;
    const hold = (i: number, where: number) => {
      held[i] = 1;
      lowest[i] = where;
    };
    // From the end, so that what later stretches keep is known: it is not computed again.
    for (let i = order.length - 1; i >= 0; i--) {
      const here = stretch[i]!;
      for (const need of needs[i]!) if (read[need] && stretch[need] !== here) hold(need, here);
      if (read[i] || wanted[i]) {
        if (here === last || held[i] || once[i] || keep.has(i)) hold(i, here);
        else {
          again[i] = 1;
          total += work[i]!;
          if (read[i]) remade[here] = remade[here]! + bytes[i]!;
          else passing[here] = Math.max(passing[here]!, bytes[i]!);
          for (const need of needs[i]!)
            if (stretch[need] === here) wanted[need] = 1;
            else hold(need, here);
        }
      }
    }
    for (let i = 0; i < order.length; i++) if (held[i]) until[lowest[i]!] = until[lowest[i]!]! + bytes[i]!;
    let [peak, alive] = [0, beside];
    for (let s = 0; s <= last; s++) {
      alive += until[s]!;
      peak = Math.max(peak, alive + remade[s]! + passing[s]!);
    }
    return { keep, peak, work: total, held, again };
  };

  const sizes = bytes.map((size, i) => (read[i] ? size : 0));
  const whole = sizes.reduce((sum, size) => sum + size, 0);
  const crossing = crossings(needs, bytes);
  const cuts = new Map<string, readonly number[]>();
  for (let count = 2; count <= mostStretches; count++) {
    const ends = cutInto(sizes, crossing, whole / count);
    cuts.set(ends.join(), ends);
  }
  const worth = (i: number): number => work[i]! / Math.max(1, bytes[i]!);
  const dearest = upTo(order.length)
    .filter((i) => work[i]! > 0 && !once[i])
    .sort((a, b) => worth(b) - worth(a));
  return { way, all: whole + beside, cuts: [...cuts.values()], dearest, plan };
}

/** The number of the stretch of each place. */
function stretchesOf(length: number, ends: readonly number[]): Int32Array {
  const stretches = new Int32Array(length);
  let now = 0;
  for (let i = 0; i < length; i++) {
    stretches[i] = now;
    if (i === ends[now]) now++;
  }
  return stretches;
}

const nothing: ReadonlySet<number> = new Set();

/** The fewest bytes that are there at a time by any plan. */
export const leastBytes = ({ all, cuts, plan }: Planner): number =>
  Math.min(all, ...cuts.map((ends) => plan(ends, nothing).peak));

/** The plan by which the least is computed again, of those by which no more than some bytes are there at a time; undefined where that is nothing. */
export function cheapest(planner: Planner, bytes: number): Recomputed | undefined {
  const { order } = planner.way;
  if (planner.all <= bytes) return undefined;
  const plans = planner.cuts
    .map((ends) => ({ ends, ...planner.plan(ends, nothing) }))
    .filter(({ peak }) => peak <= bytes)
    .map((plan) => ({ ...plan, ...filled(planner, plan, bytes) }));
  const [first, ...others] = plans;
  if (!first) return undefined;
  const best = others.reduce((best, each) => (each.work < best.work ? each : best), first);
  const stretches = stretchesOf(order.length, best.ends);
  return {
    stretchOf: new Map(order.map((node, i) => [node, at(stretches, i)])),
    within: new Set([...stretches].filter((_, i) => best.again[i])),
    kept: new Set(order.filter((node, i) => best.held[i] || isMadeOnce(node))),
  };
}

/** How often what is left is gone through for more that fits. */
const rounds = 4;

/** A plan by which more is kept, the dearest first, as far as it fits. */
function filled({ dearest, plan }: Planner, from: Plan & { readonly ends: readonly number[] }, bytes: number): Plan {
  let best: Plan = from;
  let left = dearest;
  for (let round = 0; round < rounds; round++) {
    left = left.filter((i) => best.again[i]);
    let [fits, length] = [0, left.length];
    while (fits < length) {
      const middle = Math.ceil((fits + length) / 2);
      const tried = plan(from.ends, new Set([...best.keep, ...left.slice(0, middle)]));
      if (tried.peak <= bytes) fits = middle;
      else length = middle - 1;
    }
    if (fits > 0) best = plan(from.ends, new Set([...best.keep, ...left.slice(0, fits)]));
    // The next one is too large, and something smaller may not be.
    left = left.slice(fits + 1);
  }
  return best;
}

/** Places after which a way is cut, so that no stretch is longer than a size, each where least is kept of the second half of it. */
function cutInto(sizes: readonly number[], kept: readonly number[], size: number): number[] {
  const ends: number[] = [];
  for (let start = 0; start < sizes.length; ) {
    let [length, end] = [0, -1];
    let i = start;
    for (; i < sizes.length && (length + sizes[i]! <= size || i === start); i++) {
      length += sizes[i]!;
      if (length >= size / 2 && (end < 0 || kept[i]! <= kept[end]!)) end = i;
    }
    if (i === sizes.length) break;
    ends.push(end < 0 ? i - 1 : end);
    start = at(ends, -1) + 1;
  }
  return ends;
}

/** Bytes that are made up to each place of a way and read after it. */
function crossings(needs: readonly (readonly number[])[], bytes: readonly number[]): number[] {
  const changes = new Float64Array(needs.length + 1);
  const lastRead = new Int32Array(needs.length).fill(-1);
  needs.forEach((each, i) => {
    for (const need of each) lastRead[need] = i;
  });
  lastRead.forEach((until, i) => {
    if (until < 0) return;
    changes[i] = changes[i]! + bytes[i]!;
    changes[until] = changes[until]! - bytes[i]!;
  });
  let sum = 0;
  return needs.map((_, i) => (sum += changes[i]!));
}
