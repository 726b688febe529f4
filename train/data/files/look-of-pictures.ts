// What pictures look like, some of them seen: how large they are, whether they have colours, and which way around light and dark are.
import { finish, type Picture, resized } from "@innerloop/runtime/input";
import type { ExamplesConfig, ImagePreprocessing } from "@innerloop/schemas";
import type { Chosen } from "./file-kind.ts";

/**
 * Sides that examples have where nobody says another: the largest that is no larger than most pictures. The smallest is what
 * characters are trained at, and the largest is what two cores train on in minutes.
 */
const sides = [28, 32, 48, 64];

/** Pixels of the shorter side of a picture as it is looked at: enough for the largest size to be chosen. */
const sketchSide = 64;

/** Pixels across that are one as colours are looked at: compression keeps colours more coarsely than light and dark. */
const colourStep = 4;

/** Bytes that colours are away from the tint of all pictures, in the mean, for them to be colours: compression alone makes 1 to 3. */
const leastColour = 6;

/** Grey values that a light border has at least, and that drawings differ from it by. */
const [light, ink] = [170, 48];

/** A picture in little, with the same channels. */
export function sketch(picture: Picture): Picture {
  const shorter = Math.min(picture.width, picture.height);
  return shorter > sketchSide ? smaller(picture, sketchSide / shorter) : picture;
}

function smaller(picture: Picture, scale: number): Picture {
  const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * scale))) as [
    number,
    number,
  ];
  const channels = picture.data.length === picture.width * picture.height ? 1 : 3;
  const to: ImagePreprocessing = { kind: "image", width, height, channels, invert: false, mean: 0, std: 1 };
  return { data: finish(resized(picture, to)), width, height };
}

/** How pictures become examples: what settings say, and for what they leave open what most of some pictures suggest. */
export function choosePictures(pictures: readonly Picture[], settings: ExamplesConfig): Chosen<ImagePreprocessing> {
  const reasons: string[] = [];
  const [width, height] = sizeOf();
  const channels = settings.channels === undefined ? channelsOf() : settings.channels === 3 ? 3 : 1;
  const invert = settings.invert ?? invertOf();
  return { preprocessing: { kind: "image", width, height, channels, invert, mean: 0, std: 1 }, reasons };

  function sizeOf(): [number, number] {
    if (typeof settings.size === "number") return [settings.size, settings.size];
    if (settings.size) return [settings.size[0]!, settings.size[1]!];
    const shorter = pictures.map((each) => Math.min(each.width, each.height)).sort((a, b) => a - b);
    const usual = shorter[Math.floor(shorter.length / 2)] ?? sides[0]!;
    const side = sides.findLast((each) => each <= usual) ?? sides[0]!;
    reasons.push(
      `${side}×${side} pixels, ${side <= usual ? "as most pictures have at least as many" : "though most pictures have fewer"}`,
    );
    return [side, side];
  }

  function channelsOf(): 1 | 3 {
    const colour = colourOf(pictures.map((each) => smaller(each, 1 / colourStep))) > leastColour;
    reasons.push(
      colour ? "in colour, since colours differ by more than a tint" : "grey, since there is no colour beyond a tint",
    );
    return colour ? 3 : 1;
  }

  function invertOf(): boolean {
    const dark =
      channels === 1 && pictures.length > 0 && pictures.filter(isDarkOnLight).length >= 0.9 * pictures.length;
    if (dark) reasons.push("inverted, since they are dark on light, so that what is drawn is light on 0");
    return dark;
  }
}

/** Calls `see` with red, green and blue of each pixel. */
function eachPixel(
  { data, width, height }: Picture,
  see: (red: number, green: number, blue: number, at: number) => void,
): void {
  const step = data.length / (width * height);
  for (let pixel = 0, at = 0; pixel < width * height; pixel++, at += step) {
    if (step < 3) see(data[at]!, data[at]!, data[at]!, pixel);
    else if (step === 4 && data[at + 3]! < 255) {
      const [alpha, white] = [data[at + 3]! / 255, 255 - data[at + 3]!];
      see(data[at]! * alpha + white, data[at + 1]! * alpha + white, data[at + 2]! * alpha + white, pixel);
    } else see(data[at]!, data[at + 1]!, data[at + 2]!, pixel);
  }
}

const greyOf = (red: number, green: number, blue: number): number => 0.299 * red + 0.587 * green + 0.114 * blue;

/**
 * How far colours are from what grey and one tint explain, in bytes: the root mean square of what a line through the differences
 * of blue and red to grey, as a function of grey, leaves over all pixels. A yellowed page with ink on it lies on such a line.
 */
function colourOf(pictures: readonly Picture[]): number {
  return Math.sqrt(beyondTint(pictures, (_, __, blue) => blue) + beyondTint(pictures, (red) => red));
}

/** The variance of a colour's difference to grey that a line through it leaves. Each picture counts alike, however large. */
function beyondTint(
  pictures: readonly Picture[],
  colour: (red: number, green: number, blue: number) => number,
): number {
  let [n, g, gg, c, cc, gc] = [0, 0, 0, 0, 0, 0];
  for (const picture of pictures) {
    const weight = 1 / (picture.width * picture.height);
    eachPixel(picture, (red, green, blue) => {
      const grey = greyOf(red, green, blue);
      const difference = colour(red, green, blue) - grey;
      n += weight;
      g += weight * grey;
      gg += weight * grey * grey;
      c += weight * difference;
      cc += weight * difference * difference;
      gc += weight * grey * difference;
    });
  }
  if (n === 0) return 0;
  const [ofGrey, ofColour, together] = [gg / n - (g / n) ** 2, cc / n - (c / n) ** 2, gc / n - (g * c) / n ** 2];
  return Math.max(0, ofColour - (ofGrey > 1e-6 ? together ** 2 / ofGrey : 0));
}

/** Whether a picture is of something dark on an even, light ground, as ink on paper is. */
function isDarkOnLight(picture: Picture): boolean {
  const { width, height } = picture;
  const grey = new Float32Array(width * height);
  eachPixel(picture, (red, green, blue, at) => {
    grey[at] = greyOf(red, green, blue);
  });
  const border = [...grey.keys()].filter((at) => {
    const [x, y] = [at % width, Math.floor(at / width)];
    return x === 0 || y === 0 || x === width - 1 || y === height - 1;
  });
  const ground = Float32Array.from(border, (at) => grey[at]!).sort()[Math.floor(border.length / 2)]!;
  if (ground < light) return false;
  const near = grey.filter((value) => Math.abs(value - ground) < ink).length;
  return near > grey.length / 2 && near < grey.length && !grey.some((value) => value > ground + ink);
}
