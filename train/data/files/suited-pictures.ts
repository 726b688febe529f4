// The margin and the inversion that make pictures look like those that a bundle was trained on, where both are of something on an even
// ground.
import { finish, type Picture, resized } from "@innerloop/runtime/input";
import { type ExamplesConfig, type ImagePreprocessing, type Manifest, marginOf } from "@innerloop/schemas";
import { contentOf, contentOfExamples, type Grey, type PictureContent, rounded } from "./content-of-pictures.ts";
import type { Chosen } from "./file-kind.ts";

/** Times that a thing is larger than in others' pictures before that is said to be so. */
const larger = 1.08;

/** A picture in grey, in the size of an example and without a margin. */
function plain(picture: Picture, { width, height }: ImagePreprocessing): Grey {
  const to: ImagePreprocessing = { kind: "image", width, height, channels: 1, invert: false, mean: 0, std: 1 };
  return { data: finish(resized(picture, to)), width, height };
}

/** What a margin is filled with: one byte where the grounds of all are alike, and else of each picture what is on its own border. */
export function groundFor(pictures: readonly Picture[], how: ImagePreprocessing): Pick<ImagePreprocessing, "ground"> {
  const own = how.channels === 1 ? contentOf(pictures.map((each) => plain(each, how))) : undefined;
  return own?.alike ? { ground: Math.round(255 * own.ground) } : {};
}

/**
 * A bundle's preprocessing with the margin and the inversion that make pictures look like those that the bundle was trained on, where
 * both are of something on an even ground.
 */
export function suitedTo(
  content: PictureContent,
  pictures: readonly Picture[],
  how: ImagePreprocessing,
  settings: ExamplesConfig,
): Chosen<ImagePreprocessing> {
  const own = contentOf(pictures.map((each) => plain(each, how)));
  const { ground: _, margin: __, ...rest } = how;
  const margin = settings.margin ?? (own ? marginBetween(own, content, how) : (how.margin ?? 0));
  const invert = settings.invert ?? (own ? isInverted(own, content) : how.invert);
  const pixels = marginOf(Math.min(how.width, how.height), margin);
  return {
    preprocessing: { ...rest, invert, ...(margin > 0 ? { margin, ...groundFor(pictures, how) } : {}) },
    reasons: [
      ...(own && settings.margin === undefined && margin > 0
        ? [
            `with a margin of ${pixels} pixel${pixels === 1 ? "" : "s"} (--margin ${margin}), since what is on them fills ${percent(own.extent)} of a side, and ` +
              `${percent(content.extent)} in the pictures of the bundle`,
          ]
        : []),
      ...(own && settings.invert === undefined && invert !== how.invert
        ? [`${invert ? "" : "not "}inverted, unlike the bundle's, so that the ground is as it was there`]
        : []),
    ],
  };
}

/** The share of a side that has to be free at both ends for things to be as large as others; 0 for what is less than a pixel. */
function marginBetween(
  { extent }: PictureContent,
  wanted: PictureContent,
  { width, height }: ImagePreprocessing,
  before = 0,
): number {
  if (extent < larger * wanted.extent) return before;
  const margin = Math.min(0.4, rounded((1 - (1 - 2 * before) * (wanted.extent / extent)) / 2));
  return marginOf(Math.min(width, height), margin) < 1 ? before : margin;
}

const isInverted = ({ ground }: PictureContent, wanted: PictureContent): boolean =>
  Math.abs(1 - ground - wanted.ground) < Math.abs(ground - wanted.ground);

/** What of examples makes them unlike those that a bundle was trained on. */
export interface UnlikePictures {
  /** The share of a side to leave free at both ends, where what is on them is larger. */
  readonly margin?: number;
  /** Whether to invert, where their ground is the other one. */
  readonly invert?: boolean;
  readonly own: PictureContent;
}

/** @returns undefined where they are alike, or nothing tells */
export function unlikePictures(
  examples: readonly Float32Array[],
  { preprocessing: how, content }: Manifest["input"],
): UnlikePictures | undefined {
  if (how?.kind !== "image" || !content) return undefined;
  const own = contentOfExamples(examples, how);
  if (!own) return undefined;
  const margin = marginBetween(own, content, how, how.margin);
  const turned = isInverted(own, content);
  if (!turned && margin === (how.margin ?? 0)) return undefined;
  return {
    own,
    ...(margin === (how.margin ?? 0) ? {} : { margin }),
    ...(turned ? { invert: !how.invert } : {}),
  };
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;
