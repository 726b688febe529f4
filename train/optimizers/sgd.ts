// Stochastic gradient descent.
import { op } from "@innerloop/graph";
import { decayed, type Optimizer, type OptimizerRule } from "./optimizer.ts";

/** Stochastic gradient descent, with momentum (Sutskever et al. 2013; as PyTorch has it) where it is not 0. */
export const sgd = ({ momentum = 0, weightDecay = 0 } = {}): OptimizerRule => ({
  slots: momentum === 0 ? [] : ["velocity"],
  update(parameter, gradient, [velocity], rate) {
    const speed = velocity ? op.Add(op.Mul(momentum, velocity), gradient) : gradient;
    return {
      parameter: op.Sub(decayed(parameter, rate, weightDecay), op.Mul(rate, speed)),
      slots: velocity ? [speed] : [],
    };
  },
});

export const namedSgd: Optimizer = {
  name: "sgd",
  summary: "steps along the gradient, with momentum where it is given",
  paper: "Sutskever et al. 2013, On the importance of initialization and momentum in deep learning",
  options: ["momentum", "weightDecay"],
  rule: ({ momentum = 0, weightDecay = 0 }) => sgd({ momentum, weightDecay }),
};
