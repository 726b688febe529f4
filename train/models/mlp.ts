// Layers of ReLU units, for examples of any shape.
import { Flatten, type LayerLike, Linear, ReLU, Residual, ReZero } from "./layers.ts";
import { type InputName, inputLayers, type NamedModel } from "./named.ts";
import { type NormName, normalization } from "./norms.ts";
import { type Model, sequential } from "./sequential.ts";

export interface MlpOptions {
  /** The width of each hidden layer. */
  readonly hidden?: readonly number[];
  /** Normalization after each hidden layer. */
  readonly norm?: NormName;
  /** What is made of each example first. */
  readonly input?: InputName;
  /** Each hidden layer adds to a linear map of what it sees, so that distances of the input are there from the start. */
  readonly residual?: boolean;
}

/** Layers of ReLU units (Finn et al. 2017, §5.1: two of 40 for sinusoids). */
export function mlp(
  inputShape: readonly number[],
  outputs: number,
  { hidden = [40, 40], norm = "none", input = "raw", residual = false }: MlpOptions = {},
): Model {
  const flatten: LayerLike[] = inputShape.length > 1 ? [Flatten] : [];
  const layersOf = (width: number): LayerLike[] => [Linear(width), ...normalization(norm), ReLU];
  const unit = (width: number): LayerLike[] =>
    residual ? [Residual([...layersOf(width), ReZero], [Linear(width)])] : layersOf(width);
  const layers = [...inputLayers(input), ...flatten, ...hidden.flatMap(unit), Linear(outputs)];
  return sequential(inputShape, layers, { name: "mlp", norm });
}

export const namedMlp: NamedModel = {
  name: "mlp",
  summary: "layers of ReLU units",
  options: { hidden: "40,40", norm: "none", input: "raw", residual: "off" },
  takes: "examples of any shape",
  accepts: () => true,
  suited: () => ({ hidden: [256], norm: "layer", input: "raw", residual: true }),
  build: mlp,
};
