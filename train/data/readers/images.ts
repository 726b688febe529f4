// Image files: one folder a class.
import { relative } from "node:path";
import { finish, readPicture, resized, standardize, standardized } from "@innerloop/runtime/input";
import type { ImagePreprocessing } from "@innerloop/schemas";
import pMap from "p-map";
import { poolOf } from "../episodes/pool.ts";
import { ofSplits, PooledTasks } from "../episodes/pooled-tasks.ts";
import type { ClassPool } from "../episodes/sampling.ts";
import { type SplitClasses, type SplitRule, splitOf } from "../episodes/split.ts";
import { type Split, splits, type TaskSource } from "../episodes/task.ts";
import { findImages, type ImageClass, listed } from "./image-folders.ts";
import { pathOf } from "./place.ts";
import type { OpenTasksOptions, Reader } from "./reader.ts";

/** Images that are asked for at a time; fewer of them are decoded at once, by their size. */
const atOnce = 8;

/**
 * An image file, or its bytes, as the numbers a model sees: the first frame, upright (EXIF), and then what
 * `learner.example` makes of it on a device, by the same code.
 *
 * @returns float32 `[height · width · channels]`, channels-last
 * @throws {InnerloopError} `image-broken` for what is not a readable image, `image-too-large`, `image-unscaled`, naming the file
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

/** Options of {@link openImages}. */
export type ImagesOptions = Pick<OpenTasksOptions, "preprocessing" | "heldBack" | "split">;

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
  const folder = pathOf(place);
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
  const { classes, notes } = findImages(folder);
  const images = new Map<string, readonly Uint8Array[]>();
  const blank: string[] = [];
  for (const { name, files } of classes) {
    const read = await pMap(files, (file) => loadPixels(file, preprocessing), { concurrency: atOnce });
    images.set(name, read);
    blank.push(
      ...files.filter((_, i) => isBlank(read[i]!, preprocessing.channels)).map((file) => relative(folder, file)),
    );
  }
  const count = classes.reduce((sum, { files }) => sum + files.length, 0);
  const told =
    blank.length === 0
      ? []
      : [
          `${blank.length} of ${count} images are of one colour all over, or nearly, so that nothing can be learned from them: ${listed(blank)}`,
        ];
  const split = splitBy(classes, { ...options.split, heldBack: options.heldBack });
  const all = [...notes, ...besideSplits(classes), ...split.notes, ...told];
  return new Images(`images:${folder}`, preprocessing, images, split, all);
}

/** Bytes that the darkest and the lightest pixel of a picture differ by at least, for there to be something in it. */
const leastContrast = 16;

/** Whether there is hardly a difference between pixels: one colour, or a mask whose numbers are 0 and 1. */
function isBlank(pixels: Uint8Array, channels: number): boolean {
  for (let channel = 0; channel < channels; channel++) {
    let [least, most] = [255, 0];
    for (let i = channel; i < pixels.length; i += channels) {
      least = Math.min(least, pixels[i]!);
      most = Math.max(most, pixels[i]!);
    }
    if (most - least >= leastContrast) return false;
  }
  return true;
}

function splitBy(classes: readonly ImageClass[], rule: SplitRule): SplitClasses {
  const placed = classes.map(({ name }) => ({ name, split: splits.find((split) => name.startsWith(`${split}/`)) }));
  const bySplitFolder = placed.every(({ split }) => split !== undefined);
  return splitOf(bySplitFolder ? placed : classes.map(({ name }) => ({ name })), rule);
}

/** That folders with the names of splits are none, where there are other classes beside them. */
function besideSplits(classes: readonly ImageClass[]): string[] {
  const isInSplit = ({ name }: ImageClass): boolean => splits.some((split) => name.startsWith(`${split}/`));
  const beside = classes.filter((each) => !isInSplit(each)).map(({ name }) => name);
  if (beside.length === 0 || beside.length === classes.length) return [];
  return [
    `Classes are held back by their names, and the folders train, val and test are no splits, since others lie beside them: ${listed(beside)}`,
  ];
}

class Images extends PooledTasks {
  readonly name: string;
  readonly inputShape: readonly number[];
  readonly preprocessing: ImagePreprocessing;
  readonly notes: readonly string[];
  readonly split: SplitClasses["record"];
  readonly #pools: Readonly<Record<Split, ClassPool>>;

  constructor(
    name: string,
    preprocessing: ImagePreprocessing,
    images: ReadonlyMap<string, readonly Uint8Array[]>,
    { classes, record }: SplitClasses,
    notes: readonly string[],
  ) {
    super();
    this.name = name;
    this.notes = notes;
    this.split = record;
    this.preprocessing = preprocessing;
    this.inputShape = [preprocessing.height, preprocessing.width, preprocessing.channels];
    const pool = (which: Split): ClassPool =>
      poolOf(
        {
          title: `the ${which} split of ${name} (${images.size} classes in all)`,
          inputShape: this.inputShape,
          classes: classes[which].map((each) => ({ name: each, examples: images.get(each)! })),
          advice: "add folders of images",
        },
        (pixels, target, offset) => standardize(pixels, 0, preprocessing, target, offset),
      );
    this.#pools = ofSplits(pool);
  }

  protected pool(split: Split): ClassPool {
    return this.#pools[split];
  }
}

export const images: Reader = {
  spec: "images:DIR",
  summary: "image files, one folder a class",
  kind: "classification",
  meant: { what: "A folder of images", by: (text) => !/\.\w{2,}$/.test(text) },
  open: openImages,
};
