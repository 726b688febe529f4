// The derivative of a repeated body, in place: the turns run once more from the last to the first, over a tape of what they
// were given. Only what a turn hands back to the one before is computed turn by turn. Everything else, which depends on the tape
// alone or on what the sweep found, is computed for all turns at once: the leading axis is then that of turns.
import { constant, constantOf, input } from "../core/build.ts";
import type { Dim } from "../core/dims.ts";
import { at, zip } from "../core/lists.ts";
import { isFlat, isFloat } from "../core/operator.ts";
import { type Node, operandsOf, type Value } from "../core/value.ts";
import { dependencies, dependents, inOrder, topological } from "../core/walk.ts";
import { Expand } from "../ops/movement.ts";
import { withJoinedFactors } from "./factors.ts";
import { cotangents } from "./grad.ts";
import { rewrite } from "./rewrite.ts";
import { simplify } from "./simplify.ts";
import { dependOn } from "./subgraph.ts";
import { summedOverTurns } from "./turns.ts";
import { batchOutputs } from "./vmap.ts";

/** A body that is repeated: its parameters, and its results by what becomes of them. */
export interface Turn {
  /** What a turn is handed, and hands on as `next`. */
  readonly states: readonly Value[];
  readonly next: readonly Value[];
  /** What of each turn is kept, in a stack. */
  readonly collected: readonly Value[];
  /** Entries of stacks, one for each turn. */
  readonly slices: readonly Value[];
  /** What is the same in every turn. */
  readonly captured: readonly Value[];
  /** The turn's number, and whatever else is known of it only while it runs. */
  readonly others?: readonly Value[];
}

/** Repeats a turn over stacks; as `Scan` does. */
export type Repeat = (
  initial: readonly Value[],
  stacks: readonly Value[],
  reverse: boolean,
  turn: (
    states: readonly Value[],
    slices: readonly Value[],
  ) => {
    readonly next: readonly Value[];
    readonly collected: readonly Value[];
  },
) => { readonly final: readonly Value[]; readonly stacks: readonly Value[] };

export interface Backward {
  readonly turn: Turn;
  /** From outside: a stack for each slice, and what is captured. */
  readonly stacks: readonly Value[];
  readonly captured: readonly Value[];
  readonly length: Dim;
  /** A stack with an entry for each turn, whatever it holds. */
  readonly over: () => Value;
  /** Whether turns went from the end of the stacks to their start. */
  readonly reverse: boolean;
  /** Stacks of what turns were given or found inside: states before each turn, and products. */
  readonly tape: (inside: readonly Value[]) => readonly Value[];
  /** Whether the tape has products too; else they are computed again, for all turns at once. */
  readonly products: boolean;
  readonly repeat: Repeat;
}

/** Cotangents of what a repeated body gives; absent ones are zero. */
export interface Seeds {
  readonly final: readonly (Value | undefined)[];
  readonly collected: readonly (Value | undefined)[];
}

/** Cotangents of what it was given. */
export interface Slopes {
  readonly initial: readonly (Value | undefined)[];
  readonly stacks: readonly (Value | undefined)[];
  readonly captured: readonly (Value | undefined)[];
}

/** Which of these are wanted. */
export interface Wanted {
  readonly initial: readonly boolean[];
  readonly stacks: readonly boolean[];
  readonly captured: readonly boolean[];
}

/** What is known outside of values of the body, for all turns. */
export class Outside {
  readonly stacks: Map<Value, Value>;
  readonly #same: ReadonlyMap<Value, Value>;
  readonly #length: Dim;

  constructor(stacks: ReadonlyMap<Value, Value>, same: ReadonlyMap<Value, Value>, length: Dim) {
    this.stacks = new Map(stacks);
    this.#same = same;
    this.#length = length;
  }

  /** Values of the body for every turn: a stack where they vary, and where they do not, the one value. */
  all(values: readonly Value[]): { readonly value: Value; readonly varies: boolean }[] {
    const leaves = [...this.stacks.keys()].map((leaf) => [leaf, leaf] as const);
    const here = rewrite(values, () => undefined, new Map([...this.#same, ...leaves]));
    const varies = dependOn(here, [...this.stacks.keys()]);
    const different = here.filter((_, i) => varies[i]);
    const stacked = new Map(
      zip(different, batchOutputs(different, this.stacks, this.#length), (one, all) => [one, all]),
    );
    return here.map((value, i) => ({ value: stacked.get(value) ?? value, varies: varies[i] === true }));
  }

  /** A value of the body as a stack. */
  stack(value: Value): Value {
    const [all] = this.all([value]);
    if (!all) throw new RangeError("A value has no stack.");
    return all.varies ? all.value : Expand(all.value, [this.#length, ...all.value.shape]);
  }
}

/** Repeats a turn of which all but `states` is known outside; what does not depend on these is computed there. */
export function sweep(
  turn: Pick<Turn, "states" | "next" | "collected">,
  initial: readonly Value[],
  outside: Outside,
  repeat: Repeat,
  reverse: boolean,
  turns: () => Value,
): { readonly final: readonly Value[]; readonly stacks: readonly Value[] } {
  const results = [...turn.next, ...turn.collected];
  const live = dependents(results, turn.states);
  const known = new Set<Value>();
  const stop = (value: Value): boolean => {
    if (live.has(value.node)) return false;
    if (!constantOf(value)) known.add(value);
    return true;
  };
  inOrder(results, stop, operandsOf);
  const values = [...known];
  const all = outside.all(values);
  const varying = values.filter((_, i) => all[i]?.varies);
  const stacks = all.flatMap(({ value, varies }) => (varies ? [value] : []));
  // There is something to go over in any case.
  const over = stacks.length > 0 ? stacks : [turns()];
  const same = zip(values, all, (value, known) => [value, known] as const).filter(([, { varies }]) => !varies);
  return repeat(initial, over, reverse, (states, slices) => {
    const replaced = new Map([
      ...zip(turn.states, states, (from, to) => [from, to] as const),
      ...zip(varying, slices, (from, to) => [from, to] as const),
      ...same.map(([from, { value }]) => [from, value] as const),
    ]);
    const given = rewrite(results, () => undefined, replaced);
    return { next: given.slice(0, turn.next.length), collected: given.slice(turn.next.length) };
  });
}

/** The derivative of a repeated body. */
export function backward(problem: Backward, seeds: Seeds, wanted: Wanted): Slopes {
  const { turn } = problem;
  const live = liveStates(turn, seeds, wanted);
  const carried = live.map((i) => input(`cotangent${i}`, at(turn.next, i).shape, at(turn.next, i).dtype));
  const given = seeds.collected.map((seed, i) => {
    const { shape, dtype } = at(turn.collected, i);
    return seed && { seed, slice: input(`seed${i}`, shape, dtype) };
  });
  const slices = turn.slices.filter((_, i) => wanted.stacks[i]);
  const captured = turn.captured.filter((_, i) => wanted.captured[i]);
  const states = live.map((i) => at(turn.states, i));
  const found = tidied(
    cotangents(
      [...live.map((i) => at(turn.next, i)), ...turn.collected],
      [...carried, ...given.map((one) => one?.slice)],
      [...states, ...slices, ...captured],
    ),
    carried,
  );
  const [handed, others] = [found.slice(0, live.length), found.slice(live.length)];
  const next = zip(carried, handed, (value, slope) => slope ?? Expand(constant(0, [], value.dtype), value.shape));
  const afterwards = others.filter((value) => value !== undefined);

  // What the sweep computes, and what of it is needed afterwards.
  const dependent = dependents([...next, ...afterwards], carried);
  const swept = new Set<Node>(carried.map(({ node }) => node));
  for (const node of inOrder(next, (value) => !dependent.has(value.node), operandsOf)) swept.add(node);
  const kept = new Set<Value>();
  const free = new Set<Value>();
  inOrder(
    afterwards,
    (value) => {
      if (swept.has(value.node)) kept.add(value);
      else if (!dependent.has(value.node)) free.add(value);
      else return false;
      return true;
    },
    operandsOf,
  );

  const stacks = new Map<Value, Value>([
    ...zip(turn.slices, problem.stacks, (slice, stack) => [slice, stack] as const),
    ...given.flatMap((one) => (one ? [[one.slice, one.seed] as const] : [])),
  ]);
  const seeded = dependents(
    [...next, ...afterwards],
    given.flatMap((one) => (one ? [one.slice] : [])),
  );
  const isLater = (node: Node): boolean => dependent.has(node) || seeded.has(node);
  for (const [leaf, stack] of taped(problem, [...next, ...afterwards], isLater)) stacks.set(leaf, stack);
  const same = new Map(zip(turn.captured, problem.captured, (value, outer) => [value, outer] as const));
  const outside = new Outside(stacks, same, problem.length);
  const initial = live.map((i) => {
    const { dtype, shape } = at(turn.next, i);
    return seeds.final[i] ?? Expand(constant(0, [], dtype), shape);
  });
  const run =
    live.length === 0
      ? { final: [], stacks: [] }
      : sweep(
          { states: carried, next, collected: [...kept] },
          initial,
          outside,
          problem.repeat,
          !problem.reverse,
          problem.over,
        );
  zip([...kept], run.stacks, (value, stack) => outside.stacks.set(value, stack));

  const slopes = others.map((value, i) => {
    if (!value) return undefined;
    return i < slices.length ? outside.stack(value) : summedOverTurns(value, outside, problem.length);
  });
  const place = <T>(flags: readonly boolean[], list: readonly T[]): (T | undefined)[] => {
    let next = 0;
    return flags.map((flag) => (flag ? list[next++] : undefined));
  };
  return {
    initial: turn.states.map((_, i) => {
      const found = live.indexOf(i);
      return wanted.initial[i] && found >= 0 ? run.final[found] : undefined;
    }),
    stacks: place(wanted.stacks, slopes.slice(0, slices.length)),
    captured: place(wanted.captured, slopes.slice(slices.length)),
  };
}

/** Cotangents of a turn in few nodes, since each is computed at every turn. */
function tidied(found: readonly (Value | undefined)[], carried: readonly Value[]): (Value | undefined)[] {
  const simple = withJoinedFactors(simplify(found.filter((value) => value !== undefined)), carried);
  return found.map((value) => value && simple.shift());
}

/** The states that a cotangent reaches and that something wanted goes into, so that the sweep carries their cotangents. */
export function liveStates(
  { states, next, collected, slices, captured }: Turn,
  seeds: Seeds,
  wanted: Wanted,
): number[] {
  const sources = [...slices.filter((_, i) => wanted.stacks[i]), ...captured.filter((_, i) => wanted.captured[i])];
  const moved = grown(
    states.map((_, i) => wanted.initial[i] === true),
    (known) => derivesFrom(next, [...sources, ...states.filter((_, i) => known[i])]),
  );
  const read = (results: readonly Value[]): boolean[] =>
    states.map((state) => derivesFrom(results, [state]).includes(true));
  const seeded = read(collected.filter((_, i) => seeds.collected[i]));
  const reached = grown(
    states.map((_, i) => seeds.final[i] !== undefined || seeded[i] === true),
    (known) => read(next.filter((_, i) => known[i])),
  );
  return states.flatMap((state, i) => (moved[i] && reached[i] && isFloat(state.dtype) ? [i] : []));
}

/** Whether results have derivatives by way of some values: one answer for each result. */
function derivesFrom(results: readonly Value[], sources: readonly Value[]): boolean[] {
  const found = new Set<Node>(sources.map(({ node }) => node));
  for (const node of topological(results))
    if (!isFlat(node.operator) && dependencies(node).some((value) => found.has(value.node))) found.add(node);
  return results.map((value) => found.has(value.node));
}

/** Flags, with those that follow from the ones that are set, until there are no more. */
function grown(start: boolean[], follow: (known: readonly boolean[]) => readonly boolean[]): readonly boolean[] {
  let known: readonly boolean[] = start;
  for (;;) {
    const before = known;
    const more = follow(before);
    known = before.map((flag, i) => flag || more[i] === true);
    if (known.every((flag, i) => flag === before[i])) return known;
  }
}

/**
 * Stacks of what values of the body need of the turns themselves.
 * @param isLater whether a node needs cotangents, which the turns do not have yet
 */
export function taped(
  { turn, tape, products }: Backward,
  results: readonly Value[],
  isLater: (node: Node) => boolean,
): (readonly [Value, Value])[] {
  const own = new Set([...turn.states, ...(turn.others ?? [])]);
  const ofTurns = dependents(results, own);
  const needed = new Set<Value>();
  const stop = (value: Value): boolean => {
    if (isLater(value.node)) return false;
    const product = products && value.node.operator.traits?.float16 === "product" && ofTurns.has(value.node);
    if (!own.has(value) && !product) return false;
    needed.add(value);
    return true;
  };
  inOrder(results, stop, operandsOf);
  const leaves = [...needed];
  return leaves.length === 0 ? [] : zip(leaves, tape(leaves), (leaf, stack) => [leaf, stack] as const);
}
