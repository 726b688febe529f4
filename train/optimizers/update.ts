// An update as a graph: new parameters and new state from parameters, gradients and state, by any rule. Any engine runs it.
import { input, type OptimizerRule, op, type ParameterSpec, type Parameters, type Value } from "@innerloop/graph";
import { sizeOf, type Tensor } from "@innerloop/schemas";
import { next, optimizerArray } from "../names.ts";
import { random } from "../random.ts";

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
export function initialState(
  rule: OptimizerRule,
  parameters: Readonly<Record<string, ParameterSpec>>,
): Record<string, Tensor> {
  const entries = Object.entries(parameters).flatMap(([name, { shape }]) =>
    rule.slots.map((slot): [string, Tensor] => [
      optimizerArray(slot, name),
      { dtype: "float32", shape, data: new Float32Array(sizeOf(shape)) },
    ]),
  );
  return Object.fromEntries(entries);
}

export interface UpdateOptions {
  readonly rule: OptimizerRule;
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
