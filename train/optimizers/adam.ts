// Adam: each number moves by its mean gradient over the root of its mean square.
import { constant, op } from "@innerloop/graph";
import { decayed, type Optimizer, type OptimizerRule } from "./optimizer.ts";

/**
 * Adam (Kingma and Ba 2015, algorithm 1), with decoupled weight decay (Loshchilov and Hutter 2019) where it is not 0.
 */
export const adam = ({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = {}): OptimizerRule => ({
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

export const namedAdam: Optimizer = {
  name: "adam",
  summary: "steps of a size that each number's past gradients set",
  paper: "Kingma and Ba 2015, Adam: A Method for Stochastic Optimization",
  options: ["weightDecay"],
  without: "adam has moments of its own",
  rule: ({ weightDecay = 0 }) => adam({ weightDecay }),
};
