// Steps by an optimizer that keeps arrays of its own, over all examples or some at a time. A step may make the loss higher for a
// while; what comes out is the best place of the way, so that it is never worse than the start.
import { constant, scope } from "../core/build.ts";
import { at, zip } from "../core/lists.ts";
import type { Operand, Value } from "../core/value.ts";
import { Add, Div, Min, Mul } from "../ops/arithmetic.ts";
import { Equal, Less, LessOrEqual, Not, Where } from "../ops/comparison.ts";
import { Cast } from "../ops/dtypes.ts";
import { Sqrt } from "../ops/functions.ts";
import { squaredNorm } from "../ops/linear-algebra.ts";
import { Expand } from "../ops/movement.ts";
import type { Held } from "../ops/scan.ts";
import { backOff, type Descent, inRow, type Look } from "./descent.ts";
import { grad } from "./grad.ts";
import { entriesOf, turnsOf, withLast } from "./loop-structure.ts";
import type { Recompute } from "./recomputing.ts";
import { repeated, type Stop } from "./stopping.ts";
import type { OptimizerRule } from "./update-rules.ts";

/** What is descended, over the moved parameters as a list. */
export interface OptimizedProblem {
  readonly start: readonly Value[];
  /** What each rate is multiplied by, as the rule sees it. */
  readonly rates: readonly Operand[];
  /** Values of the types that are remembered; their numbers do not matter. */
  readonly empty: readonly Value[];
  /**
   * The loss over all examples.
   * @param memory of the first look, or `empty`
   * @param first whether this is the first look, bool `[]` where only the run tells
   */
  look(values: readonly Value[], memory: readonly Value[], first: boolean | Value): Look;
  /** The loss that a step goes by, where that is of some of the examples. @param number of the step, int64 from 0 */
  partial?(values: readonly Value[], number: Value): Value;
}

export interface OptimizedOptions {
  readonly rule: OptimizerRule;
  /** The largest norm of all gradients together; longer ones are shortened to it. */
  readonly clip?: number;
  /** Where the steps are a Loop: what ends it before its last turn. */
  readonly stop?: Stop;
}

/** Where the way is, and the best place of it so far. */
interface Standing {
  readonly now: readonly Value[];
  readonly best: readonly Value[];
  readonly slots: readonly Value[];
  readonly memory: readonly Value[];
  /** The loss of the best, and that of the start. */
  readonly loss: Value;
  readonly limit: Value;
  readonly scale: Value;
  /** Updates since the slots were empty, a float. */
  readonly updates: Value;
  readonly number: Value;
  readonly kept: Value;
  readonly refused: Value;
}

/**
 * Where the loss is no number or above that of the start, a turn goes back to the best place with empty slots and a quarter of the
 * rate. With partial losses only the start and the end are looked at with all examples.
 */
export function optimizedSteps(
  { start, rates, empty: nothing, look, partial }: OptimizedProblem,
  steps: number | Value,
  { rule, clip, stop }: OptimizedOptions,
  recompute: Recompute,
  holds?: Held,
): Descent {
  const { dtype } = at(start, 0);
  const whole = (n: number) => constant(n, [], "int64");
  const number = (n: number) => constant(n, [], dtype);
  const kinds = rule.slots.length;
  const infinite = number(Number.POSITIVE_INFINITY);
  const empty = (values: readonly Value[]): Value[] =>
    values.flatMap((value) => rule.slots.map(() => Expand(constant(0, [], dtype), value.shape)));

  /** The place as it is known to be now: the best of the way, and whether it goes on from here. */
  const judged = (from: Standing, value: Value): Standing & { astray: Value } => {
    const better = LessOrEqual(value, from.loss);
    const choose = (now: Value, before: Value) => Where(better, now, before);
    const limit = Where(Less(from.limit, infinite), from.limit, value);
    return {
      ...from,
      limit,
      best: zip(from.now, from.best, choose),
      loss: choose(value, from.loss),
      kept: choose(from.number, from.kept),
      // Whatever is no number is not below anything either.
      astray: Not(LessOrEqual(value, limit)),
    };
  };

  /** A look from a standing, which begins where the first look places it. */
  const lookFrom = (from: Standing, known?: boolean): { from: Standing; value: Value } => {
    const first = known ?? ((typeof steps !== "number" || holds !== undefined) && Equal(from.number, whole(0)));
    const { loss: value, memory, placed } = look(from.now, from.memory, first);
    const best = zip(placed, from.now, (value, before, i) =>
      value === before || first === false
        ? at(from.best, i)
        : first === true
          ? value
          : Where(first, value, at(from.best, i)),
    );
    return { from: { ...from, now: placed, best, memory }, value };
  };

  /** @returns as well where the step was taken from */
  const step = (before: Standing, first?: boolean): { next: Standing; loss: Value; from: readonly Value[] } => {
    const own = partial?.(before.now, before.number);
    const { from, value } = own ? { from: before, value: own } : lookFrom(before, first);
    const seen = own ? { ...from, astray: Not(LessOrEqual(own, infinite)) } : judged(from, value);
    const { astray } = seen;
    const slopes = shortened(grad(value, from.now, { recompute }), clip);
    const updates = Add(from.updates, number(1));
    const moved = zip(from.now, slopes, (parameter, slope, i) =>
      rule.update(
        parameter,
        slope,
        from.slots.slice(i * kinds, (i + 1) * kinds),
        scaled(at(rates, i), from.scale),
        updates,
      ),
    );
    const back = (there: Value, otherwise: Value) => Where(astray, there, otherwise);
    const next: Standing = {
      ...seen,
      now: zip(moved, seen.best, ({ parameter }, best) => back(best, parameter)),
      slots: zip(
        moved.flatMap(({ slots }) => slots),
        empty(from.now),
        (slot, none) => back(none, slot),
      ),
      updates: back(number(0), updates),
      scale: back(Mul(from.scale, backOff), from.scale),
      number: Add(from.number, whole(1)),
      refused: Add(from.refused, Cast(astray, "int64")),
    };
    return { next, loss: seen.loss, from: from.now };
  };

  const known = partial ? scope("start", () => look(start, nothing, true).loss) : infinite;
  const beginning: Standing = {
    now: start,
    best: start,
    slots: empty(start),
    memory: nothing,
    loss: known,
    limit: known,
    scale: number(1),
    updates: number(0),
    number: whole(0),
    kept: whole(0),
    refused: whole(0),
  };
  const ended = (standing: Standing, first?: boolean): Standing =>
    scope("adapted", () => {
      const { from, value } = lookFrom(standing, first);
      return judged(from, value);
    });

  if (typeof steps !== "number") {
    const { carried, collected } = scope("inner_loop", () =>
      repeated(
        steps,
        listed(beginning),
        (values) => {
          const from = standing(values, start.length, kinds, nothing.length);
          const { next, loss: reached } = step(from);
          return {
            carried: listed(next),
            collected: [reached],
            reached: { loss: reached, number: from.number, kept: next.kept },
          };
        },
        stop,
      ),
    );
    const last = ended(standing(carried, start.length, kinds, nothing.length));
    return {
      adapted: last.best,
      losses: withLast(at(collected, 0), last.loss),
      path: [],
      guard: last,
      memory: last.memory,
    };
  }
  if (holds) {
    const { carried, collected } = scope("inner_loop", () =>
      turnsOf(
        steps,
        listed(beginning),
        (values) => {
          const { next, loss: reached, from } = step(standing(values, start.length, kinds, nothing.length));
          return { carried: listed(next), collected: [reached, next.kept, ...from] };
        },
        holds,
      ),
    );
    const place = standing(carried, start.length, kinds, nothing.length);
    const last = ended(place, false);
    return {
      adapted: last.best,
      losses: withLast(at(collected, 0), last.loss),
      path: [...entriesOf(collected.slice(2), steps), place.now],
      guard: { ...last, keptAt: withLast(at(collected, 1), last.kept) },
      memory: last.memory,
    };
  }
  let last = beginning;
  const losses: Value[] = [];
  const kept: Value[] = [];
  const path: (readonly Value[])[] = [start];
  for (let k = 0; k < steps; k++) {
    const { next, loss: reached, from } = scope(`step${k + 1}`, () => step(last, k === 0));
    if (k === 0) path[0] = from;
    losses.push(reached);
    kept.push(next.kept);
    path.push(next.now);
    last = next;
  }
  last = ended(last, steps === 0);
  if (steps === 0) path[0] = last.now;
  losses.push(last.loss);
  kept.push(last.kept);
  const guard = { ...last, keptAt: inRow(kept) };
  return { adapted: last.best, losses: inRow(losses), path, guard, memory: last.memory };
}

const scaled = (rate: Operand, scale: Value): Value => (typeof rate === "number" ? Mul(scale, rate) : Mul(rate, scale));

/** Gradients whose norm, all of them together, is no larger than a number. */
function shortened(slopes: readonly Value[], clip: number | undefined): readonly Value[] {
  if (clip === undefined) return slopes;
  const factor = Min(1, Div(clip, Add(Sqrt(squaredNorm(slopes)), 1e-12)));
  return slopes.map((slope) => Mul(slope, factor));
}

/** As a Loop carries it. */
const listed = ({ now, best, slots, memory, ...others }: Standing): Value[] => {
  const { loss, limit, scale, updates, number, kept, refused } = others;
  return [...now, ...best, ...slots, ...memory, loss, limit, scale, updates, number, kept, refused];
};

function standing(values: readonly Value[], count: number, kinds: number, remembered: number): Standing {
  const arrays = count * (2 + kinds);
  const scalar = (i: number) => at(values, arrays + remembered + i);
  return {
    ...{ now: values.slice(0, count), best: values.slice(count, 2 * count), slots: values.slice(2 * count, arrays) },
    memory: values.slice(arrays, arrays + remembered),
    ...{ loss: scalar(0), limit: scalar(1), scale: scalar(2), updates: scalar(3) },
    ...{ number: scalar(4), kept: scalar(5), refused: scalar(6) },
  };
}
