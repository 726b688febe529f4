// The inner loop of MAML (Finn et al. 2017, algorithm 1, lines 5–6) as a transform of a loss: K steps of gradient
// descent, unrolled so that it can be differentiated, or as one ONNX Loop so that the caller chooses K.

import { Loop } from "../ops/control.ts";
import { Mul, Reciprocal, Sub } from "../ops/elementwise.ts";
import { Concat, Unsqueeze } from "../ops/movement.ts";
import { stopGradient } from "../ops/reduction.ts";
import { type Operand, scope, type Value } from "../value.ts";
import { grad } from "./grad.ts";

/** Values by the name of the parameter. */
export type Parameters = Readonly<Record<string, Value>>;

export interface InnerLoopOptions {
  /** A number: unrolled. An int64 scalar: a Loop, which has no derivative. */
  readonly steps: number | Value;
  /** The inner learning rate of each moved parameter; a parameter without one stays as it is. */
  readonly rates: Readonly<Record<string, Operand>>;
  /** 2: derivatives go through the inner gradient (MAML). 1: they do not (first-order MAML). */
  readonly order?: 1 | 2;
  /** A scalar that the loss is multiplied by while its derivatives are taken, and these divided by: for float16. */
  readonly lossScale?: Value;
}

export interface InnerLoopResult {
  /** θ after the last step: the moved parameters. */
  readonly adapted: Parameters;
  /** Support loss before each step and after the last: `[steps + 1]`. */
  readonly losses: Value;
  /** The moved parameters after each step, first the start; only where the loop is unrolled. */
  readonly path: readonly Parameters[];
}

/**
 * θ ← θ − α ∇θ loss(θ), `steps` times, for the parameters that have a rate.
 * @param loss the support loss, a scalar, as a function of all parameters
 * @param parameters where the loop starts
 */
export function innerLoop(
  loss: (parameters: Parameters) => Value,
  parameters: Parameters,
  { steps, rates, order = 2, lossScale }: InnerLoopOptions,
): InnerLoopResult {
  const moved = Object.keys(rates).filter((name) => parameters[name] !== undefined);
  const whole = (values: readonly Value[]): Parameters => ({ ...parameters, ...named(values) });
  const named = (values: readonly Value[]): Parameters =>
    Object.fromEntries(moved.map((name, i) => [name, values[i]!]));
  const step = (values: readonly Value[]): { next: Value[]; before: Value } => {
    const before = loss(whole(values));
    const slopes = lossScale
      ? grad(Mul(before, lossScale), values).map((slope) => Mul(slope, Reciprocal(lossScale)))
      : grad(before, values);
    const next = values.map((value, i) => {
      const slope = order === 1 ? stopGradient(slopes[i]!) : slopes[i]!;
      return Sub(value, Mul(rates[moved[i]!]!, slope));
    });
    return { next, before };
  };
  const start = moved.map((name) => parameters[name]!);
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
    const last = scope("adapted", () => loss(whole(carried)));
    return { adapted: named(carried), losses: Concat([collected[0]!, Unsqueeze(last, [0])], 0), path: [] };
  }
  const losses: Value[] = [];
  const path: Parameters[] = [named(start)];
  let values = start;
  for (let k = 0; k < steps; k++) {
    const { next, before } = scope(`step${k + 1}`, () => step(values));
    losses.push(Unsqueeze(before, [0]));
    values = next;
    path.push(named(values));
  }
  losses.push(
    Unsqueeze(
      scope("adapted", () => loss(whole(values))),
      [0],
    ),
  );
  return { adapted: named(values), losses: Concat(losses, 0), path };
}
