// What pictures look like, some of them seen: how large they are, whether they have colours, and which way around light and dark are.
import { finish, type Picture, resized } from "@innerloop/runtime/input";
import type { ExamplesConfig, ImagePreprocessing } from "@innerloop/schemas";
import type { Chosen } from "./file-kind.ts";
import { groundFor } from "./suited-pictures.ts";

/**
 * Sides that examples have where nobody says another: the largest that is no larger than most pictures. The smallest is what
 * characters are trained at, and other drawings with them, and the largest is what two cores train on in minutes:
 * in the time of 40 iterations at 28 and 30 at 32, they do 16 at 48, and tell coloured things apart by 9 points less.
 */
const sides = [28, 32];

/** Pixels of the shorter side of a picture as it is looked at: more than the largest size that is chosen. */
const sketchSide = 64;

/** Pixels across that are one as colours are looked at: compression keeps colours more coarsely than light and dark. */
const colourStep = 4;

/** Bytes that colours are away from the tint of all pictures, in the mean, for them to be colours: compression alone makes 1 to 3. */
const leastColour = 6;

/** Grey values that a light ground has at least, and that what is drawn differs from the ground by. */
const [light, ink] = [170, 48];

/** The share of a drawing that is ground, at least. */
const leastGround = 0.75;

/** The share of pictures that have to be alike for something to be said of all. */
const most = 0.9;

/** A picture in little, with the same channels. */
export function sketch(picture: Picture): Picture {
  const shorter = Math.min(picture.width, picture.height);
  return shorter > sketchSide ? smaller(picture, sketchSide / shorter, channelsIn(picture) === 1 ? 1 : 3) : picture;
}

const channelsIn = ({ data, width, height }: Picture): number => data.length / (width * height);

/** A picture by averages over areas, laid on white, as examples are made. */
function smaller(picture: Picture, scale: number, channels: 1 | 3): Picture {
  const [width = 1, height = 1] = [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * scale)));
  const to: ImagePreprocessing = { kind: "image", width, height, channels, invert: false, mean: 0, std: 1 };
  return { data: finish(resized(picture, to)), width, height };
}

/** How pictures become examples: what settings say, and for what they leave open what most of some pictures suggest. */
export function choosePictures(pictures: readonly Picture[], settings: ExamplesConfig): Chosen<ImagePreprocessing> {
  const { size, channels: given, margin = 0, invert: inverted } = settings;
  const colour = given === undefined ? hasColours(pictures) : given === 3;
  const grounds = colour ? [] : pictures.map(groundOf);
  const areMostly = (of: (ground: Ground) => boolean): boolean =>
    grounds.length > 0 && grounds.filter(of).length >= most * grounds.length;
  const dark = areMostly(({ value, share, lightest }) => value >= light && share > 0.5 && lightest <= value + ink);
  const { side, why } = sideOf(
    pictures,
    areMostly(({ share }) => share >= leastGround),
  );
  const [width = side, height = width] = typeof size === "number" ? [size] : (size ?? []);
  const invert = inverted ?? dark;
  const reasons = [
    ...(size === undefined ? [`${side}×${side} pixels, ${why}`] : []),
    ...(given !== undefined
      ? []
      : [
          colour
            ? "in colour, since colours differ by more than a tint"
            : "grey, since there is no colour beyond a tint",
        ]),
    ...(inverted === undefined && dark
      ? ["inverted, since they are dark on light, so that what is drawn is light on 0"]
      : []),
  ];
  const channels = colour ? 3 : 1;
  const how: ImagePreprocessing = { kind: "image", width, height, channels, invert, mean: 0, std: 1 };
  return { preprocessing: margin > 0 ? { ...how, margin, ...groundFor(pictures, how) } : how, reasons };
}

function sideOf(pictures: readonly Picture[], drawings: boolean): { side: number; why: string } {
  const [smallest = 1] = sides;
  const shorter = pictures.map((each) => Math.min(each.width, each.height)).sort((a, b) => a - b);
  const usual = shorter[Math.floor(shorter.length / 2)] ?? smallest;
  if (usual < smallest) return { side: smallest, why: "though most pictures have fewer" };
  if (drawings) return { side: smallest, why: "as much as characters and other drawings on an even ground need" };
  const side = sides.findLast((each) => each <= usual)!;
  const isLargest = side === sides.at(-1) && usual > side;
  return {
    side,
    why: isLargest
      ? "as many as two cores train on in minutes, though most pictures have more"
      : "as most pictures have at least as many",
  };
}

/**
 * Whether colours are more than grey and one tint: by the root mean square, over all pixels, of what a line leaves of the
 * differences of blue and red to grey as a function of grey. A yellowed page with ink on it lies on such a line.
 */
function hasColours(pictures: readonly Picture[]): boolean {
  const coarse = pictures.map((each) => smaller(each, 1 / colourStep, 3));
  return Math.sqrt(beyondTint(coarse, 0) + beyondTint(coarse, 2)) > leastColour;
}

/** The variance of a channel's difference to grey that a line through it leaves. Each picture counts alike, however large. */
function beyondTint(pictures: readonly Picture[], channel: 0 | 2): number {
  let [n, g, gg, c, cc, gc] = [0, 0, 0, 0, 0, 0];
  for (const { data, width, height } of pictures) {
    const weight = 1 / (width * height);
    for (let at = 0; at < data.length; at += 3) {
      const grey = 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
      const difference = data[at + channel]! - grey;
      n += weight;
      g += weight * grey;
      gg += weight * grey * grey;
      c += weight * difference;
      cc += weight * difference * difference;
      gc += weight * grey * difference;
    }
  }
  if (n === 0) return 0;
  const [ofGrey, ofColour, together] = [gg / n - (g / n) ** 2, cc / n - (c / n) ** 2, gc / n - (g * c) / n ** 2];
  return Math.max(0, ofColour - (ofGrey > 1e-6 ? together ** 2 / ofGrey : 0));
}

/** What a picture of something has around it. */
interface Ground {
  /** Its grey value: the median of the border. */
  readonly value: number;
  /** The share of pixels that are like it; 0 where all are, since nothing is there then. */
  readonly share: number;
  /** The lightest grey value anywhere. */
  readonly lightest: number;
}

function groundOf(picture: Picture): Ground {
  const { data: grey, width, height } = smaller(picture, 1, 1);
  const border = grey.filter((_, at) => {
    const [x, y] = [at % width, Math.floor(at / width)];
    return x === 0 || y === 0 || x === width - 1 || y === height - 1;
  });
  const value = border.sort()[Math.floor(border.length / 2)]!;
  let [near, lightest] = [0, 0];
  for (const each of grey) {
    if (Math.abs(each - value) < ink) near++;
    lightest = Math.max(lightest, each);
  }
  return { value, share: near === grey.length ? 0 : near / grey.length, lightest };
}
