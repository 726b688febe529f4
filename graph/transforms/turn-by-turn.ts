// The derivative of a repeated body, turn by turn: each backward turn computes what it needs of its own turn again, from what the
// turn was given, and hands on the cotangents. So what is held is that of one turn, however many there are, and the
// nodes are those of one turn. The other way, all turns at once, is in recurrence.ts.
import { constant, input } from "../core/build.ts";
import { at, zip } from "../core/lists.ts";
import type { Value } from "../core/value.ts";
import { dependents } from "../core/walk.ts";
import { Add } from "../ops/arithmetic.ts";
import { Expand } from "../ops/movement.ts";
import { cotangents } from "./grad.ts";
import { type Backward, liveStates, type Seeds, type Slopes, taped, type Wanted } from "./recurrence.ts";
import { rewrite } from "./rewrite.ts";
import { simplify } from "./simplify.ts";

const zerosLike = ({ dtype, shape }: Value): Value => Expand(constant(0, [], dtype), shape);

/**
 * The derivative of a repeated body. Cotangents of what is the same in every turn are added up from turn to turn.
 * @param problem with `products`, those of a turn are on the tape, so that only what is cheap is computed again; without them the
 *   states alone
 */
export function turnByTurn(problem: Backward, seeds: Seeds, wanted: Wanted): Slopes {
  const { turn } = problem;
  const live = liveStates(turn, seeds, wanted);
  const next = live.map((i) => at(turn.next, i));
  const carried = next.map(({ shape, dtype }, i) => input(`cotangent${i}`, shape, dtype));
  const given = seeds.collected.flatMap((seed, i) => {
    const value = at(turn.collected, i);
    return seed ? [{ seed, value, slice: input(`seed${i}`, value.shape, value.dtype) }] : [];
  });
  const sources = {
    states: live.map((i) => at(turn.states, i)),
    slices: turn.slices.filter((_, i) => wanted.stacks[i]),
    captured: turn.captured.filter((_, i) => wanted.captured[i]),
  };
  const found = tidied(
    cotangents(
      [...next, ...given.map(({ value }) => value)],
      [...carried, ...given.map(({ slice }) => slice)],
      [...sources.states, ...sources.slices, ...sources.captured],
    ),
  );
  const handed = zip(carried, found, (value, slope) => slope ?? zerosLike(value));
  const ofSlices = found.slice(live.length, live.length + sources.slices.length);
  const ofCaptured = found.slice(live.length + sources.slices.length);
  const initial = zip(live, next, (i, value) => seeds.final[i] ?? zerosLike(value));

  const slopes = (
    states: readonly Value[],
    stacks: readonly (Value | undefined)[],
    totals: readonly (Value | undefined)[],
  ): Slopes => ({
    initial: turn.states.map((_, i) => (wanted.initial[i] ? states[live.indexOf(i)] : undefined)),
    stacks: inPlace(wanted.stacks, stacks),
    captured: inPlace(wanted.captured, totals),
  });
  // Where turns hand cotangents on as they are, nothing has to be run.
  const others = [...ofSlices, ...ofCaptured].filter((value) => value !== undefined);
  if (others.length === 0 && handed.every((value, i) => value === carried[i])) return slopes(initial, [], []);

  const results = [...handed, ...others];
  const later = dependents(results, [...carried, ...given.map(({ slice }) => slice)]);
  const tape = taped(problem, results, (node) => later.has(node));
  const entries = [
    ...zip(turn.slices, problem.stacks, (slice, stack) => [slice, stack] as const),
    ...given.map(({ slice, seed }) => [slice, seed] as const),
    ...tape,
  ];
  const read = dependents(
    results,
    entries.map(([leaf]) => leaf),
  );
  // There is something to go over in any case.
  const over = entries.filter(([leaf]) => read.has(leaf.node));
  const stacks = over.length > 0 ? over.map(([, stack]) => stack) : [problem.over()];
  const same = zip(turn.captured, problem.captured, (value, outer) => [value, outer] as const);
  const totals = ofCaptured.filter((value) => value !== undefined);
  const run = problem.repeat([...initial, ...totals.map(zerosLike)], stacks, !problem.reverse, (states, slices) => {
    const replaced = new Map([
      ...zip(carried, states, (from, to) => [from, to] as const),
      ...zip(over, slices, ([from], to) => [from, to] as const),
      ...same,
    ]);
    const now = rewrite(results, () => undefined, replaced);
    const added = zip(totals, states.slice(live.length), (_, before, i) =>
      Add(before, at(now, results.length - totals.length + i)),
    );
    return {
      next: [...now.slice(0, live.length), ...added],
      collected: now.slice(live.length, now.length - totals.length),
    };
  });
  const [collected, summed] = [[...run.stacks], run.final.slice(live.length)];
  return slopes(
    run.final.slice(0, live.length),
    ofSlices.map((value) => value && collected.shift()),
    inPlace(ofCaptured, summed),
  );
}

/** Values, in order, where something is wanted or was there before. */
function inPlace(
  places: readonly (Value | boolean | undefined)[],
  values: readonly (Value | undefined)[],
): (Value | undefined)[] {
  let next = 0;
  return places.map((place) => (place ? values[next++] : undefined));
}

function tidied(found: readonly (Value | undefined)[]): (Value | undefined)[] {
  return inPlace(found, simplify(found.filter((value) => value !== undefined)));
}
