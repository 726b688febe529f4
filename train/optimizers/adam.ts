// Adam: each number moves by its mean gradient over the root of its mean square.
import { adam } from "@innerloop/graph";
import type { Optimizer } from "./optimizer.ts";

export const namedAdam: Optimizer = {
  name: "adam",
  summary: "steps of a size that each number's past gradients set",
  paper: "Kingma and Ba 2015, Adam: A Method for Stochastic Optimization",
  options: ["weightDecay"],
  without: "adam has moments of its own",
  rule: ({ weightDecay = 0 }) => adam({ weightDecay }),
};
