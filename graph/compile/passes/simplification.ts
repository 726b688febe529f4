// The pass `simplify`: the same numbers from fewer and cheaper nodes.
import { simplify } from "../../transforms/simplify.ts";
import type { Pass } from "../pass.ts";

export const simplification: Pass = {
  name: "simplify",
  why: "Derivatives and decompositions leave sums with zeros, factors of one, reshapes of reshapes and constants of constants. No engine folds all of them, and each is a node that every run pays for; so they go here, by one rule an operator, and again after each pass that may leave more of them.",
  everywhere: true,
  run: (outputs) => simplify(outputs),
};
