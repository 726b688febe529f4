// The weights that a training starts with, of a bundle: those that fit, while the rest begins anew and is told.
import type { Learner } from "@innerloop/graph";
import { InnerloopError, type Tensor } from "@innerloop/schemas";
import type { StartBundle } from "./bundle.ts";

type Weights = Readonly<Record<string, Tensor>>;

/**
 * @param anew the learner's weights where nothing is known
 * @returns its weights with those of the bundle, and what began anew, one sentence each
 * @throws InnerloopError `bad-start` (status 2) where an array of the body does not fit
 */
export function firstWeights(
  learner: Learner,
  anew: Weights,
  { manifest, weights }: StartBundle,
): { readonly weights: Weights; readonly notes: readonly string[] } {
  const fitting: Record<string, Tensor> = {};
  const missing: string[] = [];
  for (const [name, { shape, bounds }] of Object.entries(learner.parameters)) {
    const own = weights[name];
    if (own && own.shape.join() === shape.join()) fitting[name] = bounds ? within(own, bounds) : own;
    else if (name.startsWith("head.") || name.startsWith("rate/")) missing.push(name);
    else
      throw new InnerloopError(
        "bad-start",
        `The bundle "${manifest.name}" was trained on examples [${manifest.input.shape}], and its ${name} ` +
          `${own ? `is [${own.shape}] where [${shape}] is needed` : "is missing"} for examples [${learner.inputShape}]; give data of its kind, or train from nothing.`,
        { exitStatus: 2 },
      );
  }
  const heads = missing.filter((name) => name.startsWith("head."));
  const rates = missing.filter((name) => name.startsWith("rate/"));
  return {
    weights: { ...anew, ...fitting },
    notes: [
      ...(heads.length > 0 ? [`The head starts anew: that of "${manifest.name}" is for other classes`] : []),
      ...(rates.length > 0 ? [`Inner rates start anew: "${manifest.name}" has none for ${rates.join(", ")}`] : []),
    ],
  };
}

/** Inner rates within what the run lets them be. */
function within(tensor: Tensor, [least, most]: readonly [number, number]): Tensor {
  const data = Float32Array.from(tensor.data as Float32Array, (value) => Math.min(most, Math.max(least, value)));
  return { ...tensor, data };
}
