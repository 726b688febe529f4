// An example's values as a small picture: shades of a symbol's colour, or a picture's own colours.
import type { ImagePreprocessing } from "@innerloop/schemas/bundle";
import { el } from "../../dom.ts";

/**
 * Values in [0, 1] as shades of the colour that the picture is given where it stands.
 *
 * @param at of a column and a row, from the top left
 */
export function shades(width: number, height: number, at: (x: number, y: number) => number): HTMLElement {
  const picture = painted(width, height, (x, y) => [0, 0, 0, 255 * at(x, y)]);
  // As a mask, it has whatever colour the theme and the symbol say.
  const mask = `url(${picture.toDataURL()})`;
  const element = el("span", { class: "thumb shades", "aria-hidden": "true" });
  element.style.maskImage = mask;
  element.style.webkitMaskImage = mask;
  return element;
}

/** A picture as the bundle sees it: ink in a symbol's colour where it was grey, its own colours where it has some. */
export function pixels(values: Float32Array, how: ImagePreprocessing): HTMLElement {
  const { width, height, channels, invert, mean, std } = how;
  const at = (x: number, y: number, channel: number): number =>
    values[(y * width + x) * channels + channel]! * std + mean;
  if (channels === 1 && invert) return shades(width, height, (x, y) => at(x, y, 0));
  const byte = (x: number, y: number, channel: number): number => {
    const value = at(x, y, Math.min(channel, channels - 1));
    return 255 * (invert ? 1 - value : value);
  };
  const picture = painted(width, height, (x, y) => [byte(x, y, 0), byte(x, y, 1), byte(x, y, 2), 255]);
  return el("img", { class: "thumb picture", src: picture.toDataURL(), alt: "", width, height });
}

type Rgba = readonly [number, number, number, number];

function painted(width: number, height: number, colour: (x: number, y: number) => Rgba): HTMLCanvasElement {
  const canvas = el("canvas", { width, height });
  const image = new ImageData(width, height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) image.data.set(colour(x, y), 4 * (y * width + x));
  canvas.getContext("2d")!.putImageData(image, 0, 0);
  return canvas;
}
