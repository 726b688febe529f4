// What is the same of all data sets of characters: what an image file becomes.
import type { ImagePreprocessing } from "@innerloop/schemas";

/** Dark ink on light paper becomes ink 1 on 0, `[side, side, 1]`. */
export const characterPreprocessing = (side: number): ImagePreprocessing => ({
  kind: "image",
  width: side,
  height: side,
  channels: 1,
  invert: true,
  mean: 0,
  std: 1,
});
