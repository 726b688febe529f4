// The inner loop of MAML (Finn et al. 2017, algorithm 1, lines 5–6) as a transform of a loss: K steps of gradient
// descent, unrolled so that they can be differentiated, or as one ONNX Loop so that the caller chooses K.
import { InnerloopError, show } from "@innerloop/schemas";
import { constant, scope } from "../core/build.ts";
import { at, zip } from "../core/lists.ts";
import type { Operand, Value } from "../core/value.ts";
import { Add, Mul, Sub } from "../ops/arithmetic.ts";
import { LessOrEqual, Where } from "../ops/comparison.ts";
import { Loop } from "../ops/control.ts";
import { Reciprocal } from "../ops/functions.ts";
import { stopGradient } from "../ops/graph.ts";
import { Unsqueeze } from "../ops/movement.ts";
import { Concat } from "../ops/parts.ts";
import { ReduceSum } from "../ops/reduction.ts";
import { grad } from "./grad.ts";

/** Values by the name of the parameter. */
export type Parameters = Readonly<Record<string, Value>>;

/** How steps are taken: see {@link InnerLoopOptions.loop}. */
export type LoopKind = "guarded" | "plain";

export interface InnerLoopOptions {
  /** A number: unrolled. An int64 scalar: a Loop, which has no derivative. */
  readonly steps: number | Value;
  /** The inner learning rate of each moved parameter; a parameter without one stays as it is. */
  readonly rates: Readonly<Record<string, Operand>>;
  /**
   * `plain` takes every step, as the papers do. `guarded`, the default, takes back a step after which the objective is
   * higher or no number, and goes on from where it was with a quarter of the rate: what comes out is never worse than
   * the start, whatever the rate and the data.
   */
  readonly loop?: LoopKind;
  /**
   * λ of the objective that guarded steps descend: loss(θ) + λ/2 · Σ ‖θ − θ₀‖², θ₀ being the start; 0 unless given. Its
   * value is the loss at the start and never below the loss, so that the guard holds for the loss as well.
   */
  readonly decay?: number;
  /** 2: derivatives go through the inner gradient (MAML). 1: they do not (first-order MAML). */
  readonly order?: 1 | 2;
  /** A scalar that the loss is multiplied by while its derivatives are taken, and these divided by: for float16. */
  readonly lossScale?: Value;
}

/** What a guarded loop says of itself. */
export interface Guard {
  /** The step whose result was kept, int64 `[]`: 0 is the start. */
  readonly kept: Value;
  /** How many steps were taken back, int64 `[]`. */
  readonly refused: Value;
  /** What the rates are multiplied by in the end, `[]`: ¼ for each step that was taken back. */
  readonly scale: Value;
}

export interface InnerLoopResult {
  /** θ after the last step: the moved parameters. */
  readonly adapted: Parameters;
  /** Support loss before each step and after the last: `[steps + 1]`. Guarded: of what is kept at that time. */
  readonly losses: Value;
  /** The moved parameters after each step, first the start; only where the loop is unrolled. */
  readonly path: readonly Parameters[];
  /** Only of a guarded loop. */
  readonly guard?: Guard;
}

/** So many copies of a model's gradient are more than anything runs; a value as the number of steps makes a loop. */
const mostUnrolled = 256;

/**
 * θ ← θ − α ∇θ loss(θ), `steps` times, for the parameters that have a rate.
 * @param loss the support loss, a scalar, as a function of all parameters
 * @param parameters where the loop starts
 */
export function innerLoop(
  loss: (parameters: Parameters) => Value,
  parameters: Parameters,
  { steps, rates, loop = "guarded", decay = 0, order = 2, lossScale }: InnerLoopOptions,
): InnerLoopResult {
  if (typeof steps === "number" && !(Number.isInteger(steps) && steps >= 0 && steps <= mostUnrolled))
    throw new InnerloopError(
      "bad-argument",
      `innerLoop cannot unroll ${show(steps)} steps; a whole number from 0 to ${mostUnrolled}, or an int64 value, was expected.`,
      { exitStatus: 2 },
    );
  const moved = Object.entries(rates).flatMap(([name, rate]) => {
    const start = parameters[name];
    return start ? [{ name, rate, start }] : [];
  });
  const named = (values: readonly Value[]): Parameters =>
    Object.fromEntries(zip(moved, values, ({ name }, value) => [name, value]));
  const problem: Problem = {
    start: moved.map(({ start }) => start),
    rates: moved.map(({ rate }) => rate),
    loss: (values) => loss({ ...parameters, ...named(values) }),
    slopes(value, values) {
      const slopes = lossScale
        ? grad(Mul(value, lossScale), values).map((slope) => Mul(slope, Reciprocal(lossScale)))
        : grad(value, values);
      return order === 1 ? slopes.map(stopGradient) : slopes;
    },
  };
  const { adapted, losses, path, guard } =
    loop === "plain" || moved.length === 0 ? plainSteps(problem, steps) : guardedSteps(problem, steps, decay);
  const result = { adapted: named(adapted), losses, path: path.map(named) };
  return guard ? { ...result, guard: { kept: guard.kept, refused: guard.refused, scale: guard.scale } } : result;
}

/** What is descended, over the moved parameters as a list. */
interface Problem {
  readonly start: readonly Value[];
  readonly rates: readonly Operand[];
  loss(values: readonly Value[]): Value;
  /** The derivatives of a loss. */
  slopes(loss: Value, values: readonly Value[]): Value[];
}

interface Descent extends Omit<InnerLoopResult, "adapted" | "path"> {
  readonly adapted: readonly Value[];
  readonly path: readonly (readonly Value[])[];
}

function plainSteps({ start, rates, loss, slopes }: Problem, steps: number | Value): Descent {
  const step = (values: readonly Value[]): { next: Value[]; before: Value } => {
    const before = loss(values);
    const slope = slopes(before, values);
    return { next: zip(values, slope, (value, g, i) => Sub(value, Mul(at(rates, i), g))), before };
  };
  if (typeof steps !== "number") {
    const { carried, collected } = scope("inner_loop", () =>
      Loop(
        steps,
        start,
        (...values) => {
          const { next, before } = step(values);
          return { carried: next, collected: [before] };
        },
        "steps",
      ),
    );
    const last = scope("adapted", () => loss(carried));
    return { adapted: carried, losses: Concat([...collected, Unsqueeze(last, [0])], 0), path: [] };
  }
  const losses: Value[] = [];
  let adapted = start;
  const path = [start];
  for (let k = 0; k < steps; k++) {
    const { next, before } = scope(`step${k + 1}`, () => step(adapted));
    losses.push(before);
    path.push(next);
    adapted = next;
  }
  losses.push(scope("adapted", () => loss(adapted)));
  return { adapted, losses: inRow(losses), path };
}

/** What a refused step leaves of the rate. */
const backOff = 0.25;

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

/**
 * Each turn judges the step of the turn before and takes the next one from the better of both places. So K steps cost K
 * gradients and a last look at the loss, as plain ones do.
 */
function guardedSteps({ start, rates, loss, slopes }: Problem, steps: number | Value, decay: number): Descent {
  const away = (values: readonly Value[]) => zip(values, start, Sub);
  const objectiveOf = (own: Value, values: readonly Value[]): Value =>
    decay === 0
      ? own
      : away(values).reduce((sum, it) => Add(sum, Mul(decay / 2, ReduceSum(Mul(it, it), { keepdims: false }))), own);
  const directionOf = (own: Value, values: readonly Value[]): readonly Value[] => {
    const slope = slopes(own, values);
    return decay === 0 ? slope : zip(slope, away(values), (g, it) => Add(g, Mul(decay, it)));
  };
  const whole = (n: number) => constant(n, [], "int64");
  const { dtype } = at(start, 0);

  /** The better of the trial and the best; the direction there is only needed for a further step. */
  const judge = (at: Standing, further: boolean): Standing => {
    const own = loss(at.trial);
    const objective = objectiveOf(own, at.trial);
    // What is no number compares with nothing, so a step to nowhere is taken back as well.
    const better = LessOrEqual(objective, at.objective);
    const choose = (now: readonly Value[], before: readonly Value[]) =>
      zip(now, before, (value, other) => Where(better, value, other));
    return {
      ...at,
      best: choose(at.trial, at.best),
      direction: further ? choose(directionOf(own, at.trial), at.direction) : at.direction,
      objective: Where(better, objective, at.objective),
      loss: Where(better, own, at.loss),
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
      Loop(
        steps,
        listed(beginning),
        (...values) => {
          const judged = judge(standing(values), true);
          return { carried: listed(step(judged)), collected: [judged.loss] };
        },
        "steps",
      ),
    );
    const last = scope("adapted", () => judge(standing(carried), false));
    const losses = Concat([...collected, Unsqueeze(last.loss, [0])], 0);
    return { adapted: last.best, losses, path: [], guard: last };
  }
  // The start has nothing to be compared with.
  const unjudged = (): Standing => {
    const own = loss(start);
    return { ...beginning, objective: own, loss: own, ...(steps > 0 ? { direction: directionOf(own, start) } : {}) };
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
    losses: inRow(stands.map((it) => it.loss)),
    path: stands.map(({ best }) => best),
    guard: last,
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

const inRow = (scalars: readonly Value[]): Value =>
  Concat(
    scalars.map((value) => Unsqueeze(value, [0])),
    0,
  );
