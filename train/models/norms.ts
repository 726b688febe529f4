// The normalizations that named models may have, and how many filters their blocks have.
import { InnerloopError } from "@innerloop/schemas";
import { BatchNorm, GroupNorm, InstanceNorm, type LayerLike, LayerNorm } from "./layers.ts";

/** `none`: convolutions have a bias instead. */
export type NormName = "layer" | "group" | "batch" | "instance" | "none";

const norms: Readonly<Record<NormName, () => readonly LayerLike[]>> = {
  layer: () => [LayerNorm()],
  group: () => [GroupNorm()],
  batch: () => [BatchNorm()],
  instance: () => [InstanceNorm()],
  none: () => [],
};

/** The layers of a normalization. */
export const normalization = (norm: NormName): readonly LayerLike[] => norms[norm]();

/** The filters of each block. @param filters one number for all of them, or a list with one for each */
export function filtersOf(model: string, filters: number | readonly number[], blocks: number): readonly number[] {
  if (typeof filters === "number") return new Array<number>(blocks).fill(filters);
  if (filters.length === blocks) return filters;
  throw new InnerloopError(
    "bad-model",
    `The model ${model} has ${blocks} blocks, but filters lists ${filters.length} numbers [${filters}]; give one for each block, or a single one for all.`,
    { exitStatus: 2 },
  );
}
