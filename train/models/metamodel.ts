// Two convolutions and a dense layer.
import { Conv2d, Flatten, Linear, MaxPool2d, ReLU } from "./layers.ts";
import { images, type NamedModel } from "./named.ts";
import { type Model, sequential } from "./sequential.ts";

/** 3×3 convolution of 32 filters, pool, of 64, pool, 128 dense units, the head; images of any size. */
export const metamodel = (inputShape: readonly number[], ways: number): Model =>
  sequential(
    inputShape,
    [Conv2d(32), ReLU, MaxPool2d(2), Conv2d(64), ReLU, MaxPool2d(2), Flatten, Linear(128), ReLU, Linear(ways)],
    { name: "metamodel" },
  );

export const namedMetamodel: NamedModel = {
  name: "metamodel",
  summary: "two convolutions with pools, and a dense layer",
  options: {},
  ...images,
  build: metamodel,
};
