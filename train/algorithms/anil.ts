// Almost no inner loop: only the head moves.
import { gradientAlgorithm, isHead } from "./gradient.ts";

export const anil = gradientAlgorithm({
  name: "anil",
  summary: "only the head moves",
  paper: "Raghu et al. 2020, Rapid Learning or Feature Reuse? Towards Understanding the Effectiveness of MAML",
  order: 2,
  moves: isHead,
  bodyMoves: false,
  head: "prototypes",
});
