// Residual blocks: a larger body.
import { Conv2d, Flatten, type LayerLike, Linear, MaxPool2d, ReLU, Residual } from "./layers.ts";
import { images, mostPools, type NamedModel } from "./named.ts";
import { filtersOf, type NormName, normalization } from "./norms.ts";
import { type Model, sequential } from "./sequential.ts";

export interface Resnet12Options {
  /** Filters of the blocks: a list with one for each, or one number for four blocks alike. */
  readonly filters?: number | readonly number[];
  readonly norm?: NormName;
}

/**
 * Four residual blocks of three 3×3 convolutions, each block pooled to half the size (Oreshkin et al. 2018; filters of Lee et
 * al. 2019). Images that have fewer than 16 pixels a side are pooled as often as they can be.
 */
export function resnet12(inputShape: readonly number[], ways: number, options: Resnet12Options = {}): Model {
  const { filters = [64, 160, 320, 640], norm = "layer" } = options;
  const unit = (width: number, kernel = 3): LayerLike[] => [
    Conv2d(width, { kernel, bias: norm === "none" }),
    ...normalization(norm),
  ];
  const pools = mostPools(inputShape);
  const block = (width: number, at: number): LayerLike[] => [
    Residual([...unit(width), ReLU, ...unit(width), ReLU, ...unit(width)], unit(width, 1)),
    ReLU,
    ...(at < pools ? [MaxPool2d(2)] : []),
  ];
  const widths = filtersOf("resnet12", filters, typeof filters === "number" ? 4 : filters.length);
  return sequential(inputShape, [...widths.flatMap(block), Flatten, Linear(ways)], { name: "resnet12", norm });
}

export const namedResnet12: NamedModel = {
  name: "resnet12",
  summary: "four residual blocks of three convolutions",
  options: { filters: "64,160,320,640", norm: "layer" },
  ...images,
  build: resnet12,
};
