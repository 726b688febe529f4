// Stochastic gradient descent.
import { sgd } from "@innerloop/graph";
import type { Optimizer } from "./optimizer.ts";

export const namedSgd: Optimizer = {
  name: "sgd",
  summary: "steps along the gradient, with momentum where it is given",
  paper: "Sutskever et al. 2013, On the importance of initialization and momentum in deep learning",
  options: ["momentum", "weightDecay"],
  rule: ({ momentum = 0, weightDecay = 0 }) => sgd({ momentum, weightDecay }),
};
