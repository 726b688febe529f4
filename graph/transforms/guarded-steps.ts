// Guarded steps: one that raises the objective is taken back, and the loop goes on with a quarter of the rate.
import { constant, scope } from "../core/build.ts";
import { at, zip } from "../core/lists.ts";
import type { Value } from "../core/value.ts";
import { Add, Mul, Sub } from "../ops/arithmetic.ts";
import { LessOrEqual, Where } from "../ops/comparison.ts";
import { ReduceSum } from "../ops/reduction.ts";
import type { Held } from "../ops/scan.ts";
import { backOff, type Descent, inRow, type Problem } from "./descent.ts";
import { entriesOf, turnsOf, withLast } from "./loop-structure.ts";
import { repeated, type Stop } from "./stopping.ts";

/** Where a guarded loop stands: the best place so far, and the next one that is tried. */
interface Standing {
  readonly trial: readonly Value[];
  readonly best: readonly Value[];
  /** The direction of descent at the best. */
  readonly direction: readonly Value[];
  /** The objective and the loss of the best. */
  readonly objective: Value;
  readonly loss: Value;
  readonly scale: Value;
  /** The number of the trial: of the steps that led there. */
  readonly number: Value;
  readonly kept: Value;
  readonly refused: Value;
}

interface GuardedOptions {
  /** λ of the pull towards the start. */
  readonly decay: number;
  /** Where the steps are a Loop: what ends it before its last turn. */
  readonly stop: Stop | undefined;
  /** Where a number of steps is to be turns of one body: what they hold for their derivative. */
  readonly holds: Held | undefined;
}
const sumOfSquares = (distance: Value): Value => ReduceSum(Mul(distance, distance), { keepdims: false });

/**
 * Each turn judges the step of the turn before and takes the next one from the better of both places. So K steps cost K
 * gradients and a last look at the loss, as plain ones do.
 */
export function guardedSteps(
  { start, rates, loss, slopes, squared = sumOfSquares }: Problem,
  steps: number | Value,
  { decay, stop, holds }: GuardedOptions,
): Descent {
  const away = (values: readonly Value[]) => zip(values, start, Sub);
  const objectiveOf = (value: Value, values: readonly Value[]): Value =>
    decay === 0
      ? value
      : away(values).reduce((sum, distance, i) => Add(sum, Mul(decay / 2, squared(distance, i))), value);
  const directionOf = (value: Value, values: readonly Value[]): readonly Value[] => {
    const slope = slopes(value, values);
    return decay === 0 ? slope : zip(slope, away(values), (g, distance) => Add(g, Mul(decay, distance)));
  };
  const whole = (n: number) => constant(n, [], "int64");
  const { dtype } = at(start, 0);

  /** The better of the trial and the best; the direction there is only needed for a further step. */
  const judge = (at: Standing, further: boolean): Standing => {
    const value = loss(at.trial);
    const objective = objectiveOf(value, at.trial);
    // What is no number compares with nothing, so a step to nowhere is taken back as well.
    const better = LessOrEqual(objective, at.objective);
    const choose = (now: readonly Value[], before: readonly Value[]) =>
      zip(now, before, (value, other) => Where(better, value, other));
    return {
      ...at,
      best: choose(at.trial, at.best),
      direction: further ? choose(directionOf(value, at.trial), at.direction) : at.direction,
      objective: Where(better, objective, at.objective),
      loss: Where(better, value, at.loss),
      scale: Where(better, at.scale, Mul(at.scale, backOff)),
      kept: Where(better, at.number, at.kept),
      refused: Where(better, at.refused, Add(at.refused, whole(1))),
    };
  };
  const step = (from: Standing): Standing => ({
    ...from,
    trial: zip(from.best, from.direction, (value, slope, i) => Sub(value, Mul(Mul(at(rates, i), from.scale), slope))),
    number: Add(from.number, whole(1)),
  });
  const beginning: Standing = {
    trial: start,
    best: start,
    direction: away(start),
    objective: constant(Number.POSITIVE_INFINITY, [], dtype),
    loss: constant(Number.POSITIVE_INFINITY, [], dtype),
    scale: constant(1, [], dtype),
    number: whole(0),
    kept: whole(0),
    refused: whole(0),
  };

  if (typeof steps !== "number") {
    const { carried, collected } = scope("inner_loop", () =>
      repeated(
        steps,
        listed(beginning),
        (values) => {
          const judged = judge(standing(values), true);
          return { carried: listed(step(judged)), collected: [judged.loss], reached: judged };
        },
        stop,
      ),
    );
    const last = scope("adapted", () => judge(standing(carried), false));
    const losses = withLast(at(collected, 0), last.loss);
    return { adapted: last.best, losses, path: [], guard: last };
  }
  if (holds) {
    const { carried, collected } = scope("inner_loop", () =>
      turnsOf(
        steps,
        listed(beginning),
        (values) => {
          const judged = judge(standing(values), true);
          return { carried: listed(step(judged)), collected: [judged.loss, judged.kept, ...judged.best] };
        },
        holds,
      ),
    );
    const last = scope("adapted", () => judge(standing(carried), false));
    return {
      adapted: last.best,
      losses: withLast(at(collected, 0), last.loss),
      path: [...entriesOf(collected.slice(2), steps), last.best],
      guard: { ...last, keptAt: withLast(at(collected, 1), last.kept) },
    };
  }
  // The start has nothing to be compared with.
  const unjudged = (): Standing => {
    const value = loss(start);
    const direction = steps > 0 ? directionOf(value, start) : beginning.direction;
    return { ...beginning, objective: value, loss: value, direction };
  };
  const named = (k: number, stand: () => Standing): Standing => scope(k < steps ? `step${k + 1}` : "adapted", stand);
  let last = named(0, unjudged);
  const stands = [last];
  for (let k = 1; k <= steps; k++) {
    const before = last;
    last = named(k, () => judge(step(before), k < steps));
    stands.push(last);
  }
  return {
    adapted: last.best,
    losses: inRow(stands.map((stand) => stand.loss)),
    path: stands.map(({ best }) => best),
    guard: { ...last, keptAt: inRow(stands.map(({ kept }) => kept)) },
  };
}

/** As a Loop carries it. */
const listed = ({ trial, best, direction, objective, loss, scale, number, kept, refused }: Standing): Value[] => [
  ...[trial, best, direction].flat(),
  ...[objective, loss, scale, number, kept, refused],
];

function standing(values: readonly Value[]): Standing {
  const size = (values.length - 6) / 3;
  const part = (i: number) => values.slice(i * size, (i + 1) * size);
  const scalar = (i: number) => at(values, 3 * size + i);
  return {
    ...{ trial: part(0), best: part(1), direction: part(2) },
    ...{ objective: scalar(0), loss: scalar(1), scale: scalar(2) },
    ...{ number: scalar(3), kept: scalar(4), refused: scalar(5) },
  };
}
