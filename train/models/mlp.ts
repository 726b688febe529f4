// Layers of ReLU units, for examples of any shape.
import { Flatten, type LayerLike, Linear, ReLU } from "./layers.ts";
import type { NamedModel } from "./named.ts";
import { type Model, sequential } from "./sequential.ts";

/** Layers of ReLU units (Finn et al. 2017, §5.1: two of 40 for sinusoids). */
export function mlp(
  inputShape: readonly number[],
  outputs: number,
  { hidden = [40, 40] }: { readonly hidden?: readonly number[] } = {},
): Model {
  const flatten: LayerLike[] = inputShape.length > 1 ? [Flatten] : [];
  return sequential(
    inputShape,
    [...flatten, ...hidden.flatMap((width): LayerLike[] => [Linear(width), ReLU]), Linear(outputs)],
    { name: "mlp" },
  );
}

export const namedMlp: NamedModel = {
  name: "mlp",
  summary: "layers of ReLU units",
  options: { hidden: "40,40" },
  takes: "examples of any shape",
  accepts: () => true,
  build: mlp,
};
