// Image files: one folder a class.
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { finish, readPicture, resized, standardize, standardized } from "@innerloop/runtime/input";
import { type ImagePreprocessing, InnerloopError } from "@innerloop/schemas";
import { type ClassPool, drawEpisode, episodeRandom } from "./sampling.ts";
import { splitClasses } from "./split.ts";
import type { Episode, EpisodeShape, Split, TaskSource } from "./task.ts";

/** File names that are taken for images. */
const IMAGE_FILE = /\.(png|jpe?g|webp|gif|tiff?|avif)$/i;

/** Of the classes, how many are held back; the shares of mini-ImageNet (Ravi and Larochelle 2017). */
const HELD_BACK = { val: 0.16, test: 0.2 };

const SPLITS: readonly Split[] = ["train", "val", "test"];

/**
 * An image file, or its bytes, as the numbers a model sees: the first frame, upright (EXIF), and then what
 * `learner.example` makes of it on a device, by the same code.
 *
 * @returns float32 `[height · width · channels]`, channels-last
 * @throws {InnerloopError} `image-broken` for what is not a readable image, naming the file
 */
export async function loadImage(file: string | Uint8Array, preprocessing: ImagePreprocessing): Promise<Float32Array> {
  return standardized(await loadPixels(file, preprocessing), preprocessing);
}

/** As {@link loadImage}, before inversion and standardization: bytes `[height · width · channels]`. */
async function loadPixels(file: string | Uint8Array, preprocessing: ImagePreprocessing): Promise<Uint8Array> {
  return finish(resized(await readPicture(file), preprocessing));
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

/** A class found in a folder. */
export interface ImageClass {
  /** The folder's path below the data folder, with `/`; the data folder's own name if it holds images itself. */
  readonly name: string;
  /** Paths of its images, sorted by name. */
  readonly files: readonly string[];
}

/**
 * Every folder at or below `folder` that directly holds images, sorted by name. Hidden files and folders are passed
 * over.
 *
 * @throws {InnerloopError} `data-missing` (status 2) where the folder is missing, is a file, or holds no image
 */
export function listImageClasses(folder: string): ImageClass[] {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new InnerloopError(
      "data-missing",
      `${folder} ${existsSync(folder) ? "is a file" : "does not exist"}; expected a folder with one sub-folder of images a class`,
      { exitStatus: 2 },
    );
  }
  const classes: ImageClass[] = [];
  const visit = (path: string, name: string): void => {
    const entries = readdirSync(path, { withFileTypes: true })
      .filter((entry) => !entry.name.startsWith("."))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const files = entries.filter((entry) => !entry.isDirectory() && IMAGE_FILE.test(entry.name));
    if (files.length > 0) {
      classes.push({ name: name || basename(resolve(path)), files: files.map((file) => join(path, file.name)) });
    }
    for (const entry of entries) {
      if (entry.isDirectory()) visit(join(path, entry.name), name ? `${name}/${entry.name}` : entry.name);
    }
  };
  visit(folder, "");
  if (classes.length === 0) {
    throw new InnerloopError(
      "data-missing",
      `${folder} holds no images; expected one sub-folder a class with PNG, JPEG, WebP, GIF, TIFF or AVIF files`,
      { exitStatus: 2 },
    );
  }
  return classes;
}

/** Options of {@link openImages}. */
export interface ImagesOptions {
  /** How files become examples. Default: 28×28, grey, not inverted, mean 0, std 1. */
  readonly preprocessing?: Partial<Omit<ImagePreprocessing, "kind">>;
  /** Fractions of the classes that are held back; default 0.16 for val and 0.2 for test. Folder splits need none. */
  readonly heldBack?: { readonly val: number; readonly test: number };
}

/**
 * Few-shot tasks from image files; every folder that directly holds images is a class.
 *
 * If all classes lie below folders `train`, `val` or `test`, those are the splits. Otherwise classes are held back
 * by a hash of their names: 16 % for `val` and 20 % for `test`. All images are decoded here, and kept as bytes
 * (width·height·channels each).
 *
 * @throws {InnerloopError} `data-missing` (status 2); `image-broken` with the file's name
 */
export async function openImages(folder: string, options: ImagesOptions = {}): Promise<TaskSource> {
  const preprocessing: ImagePreprocessing = {
    kind: "image",
    width: 28,
    height: 28,
    channels: 1,
    invert: false,
    mean: 0,
    std: 1,
    ...options.preprocessing,
  };
  const classes = listImageClasses(folder);
  const images = new Map<string, readonly Uint8Array[]>();
  for (const { name, files } of classes) {
    images.set(name, await Promise.all(files.map((file) => loadPixels(file, preprocessing))));
  }
  return new Images(`images:${folder}`, preprocessing, images, splitOf(classes, options.heldBack ?? HELD_BACK));
}

function splitOf(
  classes: readonly ImageClass[],
  heldBack: { readonly val: number; readonly test: number },
): Record<Split, string[]> {
  const names = classes.map(({ name }) => name);
  const below = (split: Split): string[] => names.filter((name) => name.startsWith(`${split}/`));
  const [train, val, test] = SPLITS.map(below) as [string[], string[], string[]];
  const bySplitFolder = train.length + val.length + test.length === names.length;
  return bySplitFolder ? { train, val, test } : splitClasses(names, heldBack);
}

class Images implements TaskSource {
  readonly name: string;
  readonly kind = "classification";
  readonly inputShape: readonly number[];
  readonly preprocessing: ImagePreprocessing;
  readonly #pools: Record<Split, ClassPool>;

  constructor(
    name: string,
    preprocessing: ImagePreprocessing,
    images: ReadonlyMap<string, readonly Uint8Array[]>,
    split: Record<Split, readonly string[]>,
  ) {
    this.name = name;
    this.preprocessing = preprocessing;
    this.inputShape = [preprocessing.height, preprocessing.width, preprocessing.channels];
    const poolOf = (which: Split): ClassPool => {
      const names = split[which];
      const sizes = names.map((each) => ({ name: each, examples: images.get(each)!.length }));
      const smallest = sizes.reduce<ClassPool["smallest"]>(
        (least, each) => (least && least.examples <= each.examples ? least : each),
        undefined,
      );
      return {
        title: `the ${which} split of ${name} (${images.size} classes in all)`,
        inputShape: this.inputShape,
        classCount: names.length,
        ...(smallest && { smallest }),
        advice: "add folders of images",
        className: (index) => names[index]!,
        exampleCount: (index) => sizes[index]!.examples,
        copy: (index, example, target, offset) =>
          standardize(images.get(names[index]!)![example]!, 0, preprocessing, target, offset),
      };
    };
    this.#pools = { train: poolOf("train"), val: poolOf("val"), test: poolOf("test") };
  }

  classCount(split: Split): number {
    return this.#pools[split].classCount;
  }

  episode(split: Split, seed: number, index: number, shape: EpisodeShape): Episode {
    return drawEpisode(this.#pools[split], episodeRandom(split, seed, index), shape);
  }
}
