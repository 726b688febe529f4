// A picture of random bytes, and how the tests of raw input take pictures.
import type { ImagePreprocessing } from "@innerloop/schemas";
import { uniformNumbers } from "../support/numbers.ts";

export const image: ImagePreprocessing = {
  kind: "image",
  width: 5,
  height: 4,
  channels: 1,
  invert: false,
  mean: 0,
  std: 1,
};

export function picture(width: number, height: number, channels: number, seed = 1) {
  const next = uniformNumbers(seed);
  const data = Uint8ClampedArray.from({ length: width * height * channels }, () => Math.floor(next() * 256));
  return { data, width, height };
}
