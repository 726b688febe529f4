// Optimizers as graphs: new parameters and new state from parameters, gradients and state. Any engine runs them.
import { constant, input, op, type ParameterSpec, type Parameters, type Value } from "@innerloop/graph";
import { InnerloopError, type OptimizerConfig, sizeOf, type Tensor } from "@innerloop/schemas";
import { next, optimizerArray } from "../names.ts";
import { random } from "../random.ts";

/** One update rule for one array. */
interface Rule {
  /** The arrays that it keeps for each parameter, by name; they start at zero. */
  readonly slots: readonly string[];
  /** @param step the number of this update, from 1, a float32 scalar */
  update(
    parameter: Value,
    gradient: Value,
    slots: readonly Value[],
    rate: Value,
    step: Value,
  ): { parameter: Value; slots: readonly Value[] };
}

const decayed = (parameter: Value, rate: Value, weightDecay: number): Value =>
  weightDecay === 0 ? parameter : op.Mul(parameter, op.Sub(1, op.Mul(rate, weightDecay)));

/**
 * Adam (Kingma and Ba 2015, algorithm 1), with decoupled weight decay (Loshchilov and Hutter 2019) where it is not 0.
 */
export const adam = ({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = {}): Rule => ({
  slots: ["m", "v"],
  update(parameter, gradient, [m, v], rate, step) {
    const mean = op.Add(op.Mul(beta1, m!), op.Mul(1 - beta1, gradient));
    const square = op.Add(op.Mul(beta2, v!), op.Mul(1 - beta2, op.Mul(gradient, gradient)));
    const correction = (beta: number) => op.Sub(1, op.Pow(constant(beta), step));
    const size = op.Div(rate, correction(beta1));
    const root = op.Add(op.Sqrt(op.Div(square, correction(beta2))), epsilon);
    return {
      parameter: op.Sub(decayed(parameter, rate, weightDecay), op.Mul(size, op.Div(mean, root))),
      slots: [mean, square],
    };
  },
});

/** Stochastic gradient descent, with momentum (Sutskever et al. 2013; as PyTorch has it) where it is not 0. */
export const sgd = ({ momentum = 0, weightDecay = 0 } = {}): Rule => ({
  slots: momentum === 0 ? [] : ["velocity"],
  update(parameter, gradient, [velocity], rate) {
    const speed = velocity ? op.Add(op.Mul(momentum, velocity), gradient) : gradient;
    return {
      parameter: op.Sub(decayed(parameter, rate, weightDecay), op.Mul(rate, speed)),
      slots: velocity ? [speed] : [],
    };
  },
});

export type OptimizerRule = Rule;

/** The rule that a run config names. */
export function optimizerRule({ kind, momentum = 0, weightDecay = 0 }: OptimizerConfig): Rule {
  if (kind === "adam") return adam({ weightDecay });
  if (kind === "sgd") return sgd({ momentum, weightDecay });
  throw new InnerloopError("unknown-option", `There is no optimizer "${kind}"; use adam or sgd.`, { exitStatus: 2 });
}

/** The first numbers of parameters, drawn from a seed. */
export function initialNumbers(
  parameters: Readonly<Record<string, ParameterSpec>>,
  seed: number,
): Record<string, Tensor> {
  const entries = Object.entries(parameters).map(([name, spec], i): [string, Tensor] => [
    name,
    { dtype: "float32", shape: spec.shape, data: spec.initialize(random(seed, 0, i)) },
  ]);
  return Object.fromEntries(entries);
}

/** The arrays that a rule keeps for a set of parameters, all zero. */
export function initialState(rule: Rule, parameters: Readonly<Record<string, ParameterSpec>>): Record<string, Tensor> {
  const entries = Object.entries(parameters).flatMap(([name, { shape }]) =>
    rule.slots.map((slot): [string, Tensor] => [
      optimizerArray(slot, name),
      { dtype: "float32", shape, data: new Float32Array(sizeOf(shape)) },
    ]),
  );
  return Object.fromEntries(entries);
}

export interface UpdateOptions {
  readonly rule: Rule;
  /** The outer learning rate of this update, a scalar. */
  readonly rate: Value;
  /** The number of this update, from 1, a float32 scalar. */
  readonly step: Value;
  /** The largest norm of all gradients together; longer ones are shortened to it. */
  readonly clip?: number | null;
  /** Whether to take the step, a bool scalar, given the norm of the gradients; where not, everything stays as it was. */
  accept?(norm: Value): Value;
}

/**
 * One update of all parameters.
 * @returns `next/` and the name of each parameter and of each array of the optimizer, and `gradient_norm` (before clipping)
 */
export function update(
  specs: Readonly<Record<string, ParameterSpec>>,
  parameters: Parameters,
  gradients: Parameters,
  { rule, rate, step, clip = null, accept }: UpdateOptions,
): Record<string, Value> {
  const norm = op.Sqrt(op.squaredNorm(Object.values(gradients)));
  const accepted = accept?.(norm);
  const chosen = (after: Value, before: Value): Value => (accepted ? op.Where(accepted, after, before) : after);
  const factor = clip === null ? undefined : op.Min(1, op.Div(clip, op.Add(norm, 1e-12)));
  const outputs: Record<string, Value> = { gradient_norm: norm };
  for (const [name, { shape, bounds, outerRate = 1 }] of Object.entries(specs)) {
    const slots = rule.slots.map((slot) => input(optimizerArray(slot, name), shape));
    const gradient = factor ? op.Mul(gradients[name]!, factor) : gradients[name]!;
    const result = rule.update(
      parameters[name]!,
      gradient,
      slots,
      outerRate === 1 ? rate : op.Mul(outerRate, rate),
      step,
    );
    const held = bounds ? op.Clip(result.parameter, bounds[0], bounds[1]) : result.parameter;
    outputs[next.of(name)] = chosen(held, parameters[name]!);
    rule.slots.forEach((slot, i) => {
      outputs[next.of(optimizerArray(slot, name))] = chosen(result.slots[i]!, slots[i]!);
    });
  }
  return outputs;
}
