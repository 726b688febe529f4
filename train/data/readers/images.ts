// Image files: one folder a class.
import { finish, type Picture, readPicture, resized, standardize, standardized } from "@innerloop/runtime/input";
import { type ExamplesConfig, type ImagePreprocessing, marginOf } from "@innerloop/schemas";
import type { TaskSource } from "../episodes/task.ts";
import type { FileItem, FileKind } from "../files/file-kind.ts";
import { inFolders } from "../files/in-folders.ts";
import { choosePictures, sketch } from "../files/look-of-pictures.ts";
import { openFiles } from "../files/open-files.ts";
import { suitedTo } from "../files/suited-pictures.ts";
import { imageFiles } from "./image-folders.ts";
import type { OpenTasksOptions, Reader } from "./reader.ts";

/**
 * An image file, or its bytes, as the numbers a model sees: the first frame, upright (EXIF), and then what
 * `learner.example` makes of it on a device, by the same code.
 *
 * @returns float32 `[height · width · channels]`, channels-last
 * @throws {InnerloopError} `image-broken` for what is not a readable image, `image-too-large`, `image-unscaled`, naming the file
 */
export async function loadImage(file: string | Uint8Array, preprocessing: ImagePreprocessing): Promise<Float32Array> {
  return standardized(finish(resized(await readPicture(file), preprocessing)), preprocessing);
}

/**
 * The picture that an example is of: the way of {@link loadImage} back, as the bytes of a PNG file.
 *
 * @param example float32 `[height · width · channels]`
 */
export async function imageOf(example: Float32Array, preprocessing: ImagePreprocessing): Promise<Uint8Array> {
  const { width, height, channels, invert, mean, std } = preprocessing;
  // Loaded here, so that who draws no images does not wait for it.
  const { default: sharp } = await import("sharp");
  const pixels = Uint8Array.from(example, (value) => {
    const p = value * std + mean;
    return Math.round(255 * Math.min(1, Math.max(0, invert ? 1 - p : p)));
  });
  return sharp(pixels, { raw: { width, height, channels } }).png().toBuffer();
}

/** Bytes that the darkest and the lightest pixel of a picture differ by at least, for there to be something in it. */
const leastContrast = 16;

/** Whether there is hardly a difference between pixels inside of the margin: one colour, or a mask whose numbers are 0 and 1. */
function isBlank(pixels: Uint8Array, { width, height, channels, margin }: ImagePreprocessing): boolean {
  const [across, down] = [marginOf(width, margin), marginOf(height, margin)];
  for (let channel = 0; channel < channels; channel++) {
    let [least, most] = [255, 0];
    for (let y = down; y < height - down; y++)
      for (let x = across; x < width - across; x++) {
        const value = pixels[(y * width + x) * channels + channel]!;
        least = Math.min(least, value);
        most = Math.max(most, value);
      }
    if (most - least >= leastContrast) return false;
  }
  return true;
}

/** Image files as examples: bytes of pixels are kept, a quarter of the memory of float32. */
const pictures: FileKind<FileItem, Picture, Uint8Array, ImagePreprocessing> = {
  kind: "image",
  what: "images (PNG, JPEG, WebP, GIF, TIFF, AVIF)",
  settings: ["size", "channels", "margin", "invert"],
  ...inFolders(imageFiles),
  read: ({ file }) => readPicture(file),
  sketch,
  choose: (read, settings) =>
    choosePictures(
      read.map(({ raw }) => raw),
      settings,
    ),
  suit: suitedTo,
  examples: (_, picture, preprocessing) => [finish(resized(picture, preprocessing))],
  flaw: (pixels, preprocessing) =>
    isBlank(pixels, preprocessing)
      ? "images of one colour all over, or nearly, from which nothing can be learned,"
      : undefined,
  write: (pixels, preprocessing, target, offset) => standardize(pixels, 0, preprocessing, target, offset),
};

/** Options of {@link openImages}. */
export interface ImagesOptions extends Pick<OpenTasksOptions, "heldBack" | "examples" | "split"> {
  /** How image files become examples; what it leaves open, `examples` says, or it is chosen from the data. */
  readonly preprocessing?: Partial<Omit<ImagePreprocessing, "kind">>;
}

/**
 * Few-shot tasks from image files; every folder that directly holds images is a class ({@link findImages}).
 *
 * If all classes lie below folders `train`, `val` or `test`, those are the splits. What is missing, or all of it otherwise, is held
 * back by a hash of the names. All images are decoded here, and kept as bytes
 * (width·height·channels each).
 *
 * @throws {InnerloopError} `data-missing` (status 2); `image-broken`, `image-too-large`, `image-unscaled` with the file's name
 */
export async function openImages(place: string, options: ImagesOptions = {}): Promise<TaskSource> {
  const { preprocessing = {}, heldBack, examples, split } = options;
  return openFiles("images", partly(preprocessing), place, {
    examples: { ...examples, ...settingsOf(preprocessing) },
    ...(heldBack ? { heldBack } : {}),
    ...(split ? { split } : {}),
  });
}

/** What is fixed of preprocessing, as settings; a side alone is fixed when the other is known. */
function settingsOf({ width, height, channels, margin, invert }: Partial<ImagePreprocessing>): ExamplesConfig {
  const side = width ?? height;
  return {
    ...(side === undefined ? {} : { size: [width ?? side, height ?? side] }),
    ...(channels === undefined ? {} : { channels }),
    ...(margin === undefined ? {} : { margin }),
    ...(invert === undefined ? {} : { invert }),
  };
}

/** The kind with a mean and a deviation that are given. */
const partly = ({ mean = 0, std = 1 }: Partial<ImagePreprocessing>): typeof pictures => ({
  ...pictures,
  choose(read, settings) {
    const { preprocessing, reasons } = pictures.choose(read, settings);
    return { preprocessing: { ...preprocessing, mean, std }, reasons };
  },
});

export const images: Reader = {
  spec: "images:DIR",
  summary: "image files, one folder a class",
  kind: "classification",
  files: pictures,
  meant: { what: "A folder of images", by: (text) => !/\.\w{2,}$/.test(text) },
  open: (place, options) => openFiles("images", pictures, place, options),
};
