// Rules by which arrays follow their gradients, as graphs: what the outer loop of a training and the inner one of a device share.
import { constant } from "../core/build.ts";
import type { Value } from "../core/value.ts";
import { Add, Div, Mul, Sub } from "../ops/arithmetic.ts";
import { Pow, Sqrt } from "../ops/functions.ts";

/** One update rule for one array. */
export interface OptimizerRule {
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

/** A parameter after decoupled weight decay (Loshchilov and Hutter 2019). */
const decayed = (parameter: Value, rate: Value, weightDecay: number): Value =>
  weightDecay === 0 ? parameter : Mul(parameter, Sub(1, Mul(rate, weightDecay)));

/** Stochastic gradient descent, with momentum (Sutskever et al. 2013; as PyTorch has it) where it is not 0. */
export const sgd = ({ momentum = 0, weightDecay = 0 } = {}): OptimizerRule => ({
  slots: momentum === 0 ? [] : ["velocity"],
  update(parameter, gradient, [velocity], rate) {
    const speed = velocity ? Add(Mul(momentum, velocity), gradient) : gradient;
    return {
      parameter: Sub(decayed(parameter, rate, weightDecay), Mul(rate, speed)),
      slots: velocity ? [speed] : [],
    };
  },
});

/**
 * Adam (Kingma and Ba 2015, algorithm 1), with decoupled weight decay (Loshchilov and Hutter 2019) where it is not 0.
 */
export const adam = ({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = {}): OptimizerRule => ({
  slots: ["m", "v"],
  update(parameter, gradient, [m, v], rate, step) {
    const mean = Add(Mul(beta1, m!), Mul(1 - beta1, gradient));
    const square = Add(Mul(beta2, v!), Mul(1 - beta2, Mul(gradient, gradient)));
    const correction = (beta: number) => Sub(1, Pow(constant(beta, [], step.dtype), step));
    const size = Div(rate, correction(beta1));
    const root = Add(Sqrt(Div(square, correction(beta2))), epsilon);
    return {
      parameter: Sub(decayed(parameter, rate, weightDecay), Mul(size, Div(mean, root))),
      slots: [mean, square],
    };
  },
});
