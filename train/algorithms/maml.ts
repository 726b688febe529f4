// Model-agnostic meta-learning.
import { gradientAlgorithm } from "./gradient.ts";

export const maml = gradientAlgorithm({
  name: "maml",
  summary: "every weight moves; the meta-gradient goes through the inner gradients",
  paper: "Finn et al. 2017, Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks",
  order: 2,
  moves: () => true,
  bodyMoves: true,
  head: "learned",
});
