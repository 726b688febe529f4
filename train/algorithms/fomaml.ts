// First-order MAML: the inner gradients count as constants in the meta-gradient.
import { gradientAlgorithm } from "./gradient.ts";

export const fomaml = gradientAlgorithm({
  name: "fomaml",
  summary: "as maml, with inner gradients that count as constants",
  paper: "Finn et al. 2017, Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks, §5.2",
  order: 1,
  moves: () => true,
  bodyMoves: true,
  head: "learned",
});
