// Transforms of whole models, each from a model to a model.

export { arithmetic, costOf, type ModelCost, type OperatorCost, type RunCost } from "./cost.ts";
export {
  type DerivativeOptions,
  grad,
  hvp,
  type JacobianOptions,
  jacobian,
  jvp,
  type ScalarOptions,
  valueAndGrad,
  vjp,
} from "./derivatives.ts";
export { type DerivativeBy, reach } from "./reach.ts";
export { openSizes, specialize, type VmapOptions, vmap } from "./sizes.ts";
