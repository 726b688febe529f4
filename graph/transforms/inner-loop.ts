// The inner loop of MAML (Finn et al. 2017, algorithm 1, lines 5–6) as a transform of a loss: K steps of gradient
// descent that can be differentiated, one after another or as turns of one body, or as one ONNX Loop so that the caller chooses K.
import { InnerloopError, show } from "@innerloop/schemas";
import { scope, uniformOf } from "../core/build.ts";
import { at, zip } from "../core/lists.ts";
import { madeBy, type Operand, type Value } from "../core/value.ts";
import { Mul, Sub } from "../ops/arithmetic.ts";
import { Loop } from "../ops/control.ts";
import { Reciprocal } from "../ops/functions.ts";
import { stopGradient } from "../ops/graph.ts";
import type { Held } from "../ops/scan.ts";
import { type Descent, type Guard, inRow, type Problem } from "./descent.ts";
import { grad } from "./grad.ts";
import { guardedSteps } from "./guarded-steps.ts";
import { entriesOf, heldBy, type LoopStructure, turnsOf, withLast } from "./loop-structure.ts";
import { type OptimizedOptions, optimizedSteps } from "./optimized-steps.ts";
import type { Recompute } from "./recomputing.ts";
import type { Stop } from "./stopping.ts";

/** Values by the name of the parameter. */
export type Parameters = Readonly<Record<string, Value>>;

/** How steps are taken: see {@link InnerLoopOptions.loop}. */
export type LoopKind = "guarded" | "plain";

export interface InnerLoopOptions {
  /** A number, which derivatives go through. An int64 scalar: a Loop, which has no derivative. */
  readonly steps: number | Value;
  /** How a number of steps is laid out in the graph, with the same numbers: `unrolled` unless given. */
  readonly structure?: LoopStructure;
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
  /** In which coordinates the steps are taken; the parameters' own numbers unless given. */
  readonly coordinates?: Coordinates;
  /**
   * A rule that keeps arrays of its own, in the place of plain descent: what comes out is then the best place of the way.
   * `decay` and `loop` have no part in it.
   */
  readonly optimizer?: OptimizedOptions;
  /** Of a guarded loop whose steps are a Loop: what ends it before its last turn. An optimizer has its own. */
  readonly stop?: Stop;
  /** The loss that a step of an optimizer goes by, where that is not of all examples. @param number of the step, int64 from 0 */
  readonly partial?: (parameters: Parameters, number: Value) => Value;
  /** Of an optimizer: the loss in the place of the other, where its first look finds out something for all that follow. */
  readonly remembering?: Remembering;
  /** 2: derivatives go through the inner gradient (MAML). 1: they do not (first-order MAML). */
  readonly order?: 1 | 2;
  /** How much of the loss's way a step computes again for its derivatives, as `grad` does: less memory for more time. */
  readonly recompute?: Recompute;
  /** A scalar that the loss is multiplied by while its derivatives are taken, and these divided by: for float16. */
  readonly lossScale?: Value;
}

/**
 * Other coordinates of the moved parameters, in which descent is the same: where a parameter moves along a few directions only, its way
 * is a few numbers. `parameters` of the loop then holds coordinates.
 */
export interface Coordinates {
  /** The coordinates of the gradient of a loss at a place, by the names of what moves. */
  slopes(loss: Value, parameters: Parameters): Parameters;
  /** The squared length of a way, of which coordinates are given. */
  squared(way: Value, name: string): Value;
}

/**
 * A loss whose first look finds out something for all that follow, as how features are scaled and where a head on them starts, so that nobody
 * runs a model for it before the loop.
 */
export interface Remembering {
  /** Values of the types that are remembered; their numbers do not matter. */
  readonly empty: readonly Value[];
  /**
   * @param memory of the first look, or `empty`
   * @param first whether this is the first look: bool `[]` where only the run tells
   * @returns the loss, what is remembered, and by their names the parameters that it begins with in the place of those given; at
   *   a later look these are the ones given
   */
  look(
    parameters: Parameters,
    memory: readonly Value[],
    first: boolean | Value,
  ): { readonly loss: Value; readonly memory: readonly Value[]; readonly placed: Parameters };
}

export interface InnerLoopResult {
  /** θ after the last step: the moved parameters. */
  readonly adapted: Parameters;
  /** Support loss before each step and after the last: `[steps + 1]`. Guarded: of what is kept at that time. */
  readonly losses: Value;
  /** The moved parameters after each step, first the start; only of a number of steps. */
  readonly path: readonly Parameters[];
  /** Only of a guarded loop. */
  readonly guard?: Guard;
  /** What was remembered of the first look at the loss. */
  readonly memory?: readonly Value[];
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
  {
    steps,
    rates,
    loop = "guarded",
    decay = 0,
    order = 2,
    lossScale,
    optimizer,
    partial,
    remembering,
    stop,
    structure = "unrolled",
    coordinates,
    recompute = false,
  }: InnerLoopOptions,
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
  const holds = steps === 0 ? undefined : heldBy[structure];
  const derived = (value: Value, values: readonly Value[]): Value[] => {
    if (!coordinates) return grad(value, values, { recompute });
    const slopes = coordinates.slopes(value, { ...parameters, ...named(values) });
    return zip(moved, values, ({ name }, at) => slopes[name] ?? Mul(at, 0));
  };
  const problem: Problem = {
    start: moved.map(({ start }) => start),
    rates: moved.map(({ rate }) => rate),
    loss: (values) => loss({ ...parameters, ...named(values) }),
    slopes(value, values) {
      const slopes = lossScale
        ? derived(Mul(value, lossScale), values).map((slope) => Mul(slope, Reciprocal(lossScale)))
        : derived(value, values);
      return order === 1 ? slopes.map(stopGradient) : slopes;
    },
    ...(coordinates ? { squared: (way: Value, i: number) => coordinates.squared(way, at(moved, i).name) } : {}),
  };
  const { adapted, losses, path, guard, memory } =
    optimizer && moved.length > 0
      ? optimizedSteps(
          {
            ...problem,
            empty: remembering?.empty ?? [],
            look(values, memory, first) {
              const found = remembering?.look({ ...parameters, ...named(values) }, memory, first);
              if (!found) return { loss: problem.loss(values), memory, placed: values };
              const placed = zip(moved, values, ({ name }, value) => found.placed[name] ?? value);
              return { loss: found.loss, memory: found.memory, placed };
            },
            ...(partial ? { partial: (values, number) => partial({ ...parameters, ...named(values) }, number) } : {}),
          },
          steps,
          optimizer,
          recompute,
          holds,
        )
      : loop === "plain" || moved.length === 0
        ? plainSteps(problem, steps, holds)
        : guardedSteps(problem, steps, { decay, stop, holds });
  const result = { adapted: named(adapted), losses, path: path.map(named), ...(memory ? { memory } : {}) };
  if (!guard) return result;
  const { kept, refused, scale, keptAt } = guard;
  return { ...result, guard: { kept, refused, scale, ...(keptAt ? { keptAt } : {}) } };
}

/**
 * Rates that are numbers times one value, as a device scales them all: that value, which the loss is multiplied by before its
 * derivatives are taken, so that each step multiplies by it once.
 */
function sharedFactor(rates: readonly Operand[]): { readonly factor: Value; readonly numbers: number[] } | undefined {
  let factor: Value | undefined;
  const numbers: number[] = [];
  for (const rate of rates) {
    const [a, b] = (typeof rate !== "number" && madeBy(rate, Mul)?.inputs) || [];
    if (!a || !b || b.rank > 0) return undefined;
    const number = uniformOf(a);
    if (number === undefined || (factor && factor !== b)) return undefined;
    factor = b;
    numbers.push(number);
  }
  return factor && { factor, numbers };
}

function plainSteps({ start, rates, loss, slopes }: Problem, steps: number | Value, holds: Held | undefined): Descent {
  const shared = typeof steps === "number" ? undefined : sharedFactor(rates);
  const step = (values: readonly Value[]): { next: Value[]; before: Value } => {
    const before = loss(values);
    const slope = slopes(shared ? Mul(before, shared.factor) : before, values);
    const scales = shared?.numbers ?? rates;
    return { next: zip(values, slope, (value, g, i) => Sub(value, Mul(at(scales, i), g))), before };
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
    return { adapted: carried, losses: withLast(at(collected, 0), last), path: [] };
  }
  if (holds && start.length > 0) {
    const { carried, collected } = scope("inner_loop", () =>
      turnsOf(
        steps,
        start,
        (values) => {
          const { next, before } = step(values);
          return { carried: next, collected: [before, ...next] };
        },
        holds,
      ),
    );
    const last = scope("adapted", () => loss(carried));
    return {
      adapted: carried,
      losses: withLast(at(collected, 0), last),
      path: [start, ...entriesOf(collected.slice(1), steps)],
    };
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
