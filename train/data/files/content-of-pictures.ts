// How much of a picture the thing on it takes, where that lies on an even ground. Photographs have no such ground, and nothing is said
// of them.
import type { Picture } from "@innerloop/runtime/input";
import { type ImagePreprocessing, type Manifest, sizeOf } from "@innerloop/schemas";
import type { Split, TaskSource } from "../episodes/task.ts";

/** What pictures on an even ground look like, as a manifest has it: the share of a side that is drawn on, and the ground from 0 to 1. */
export type PictureContent = NonNullable<Manifest["input"]["content"]>;

/** The same of some pictures, and whether their grounds are alike. */
export interface MeasuredContent extends PictureContent {
  readonly alike: boolean;
}

/** Grey values that what is drawn differs from the ground by, at least, and those that an even border differs by at most. */
const [ink, unevenness] = [48, 24];

/** The share of a border that is even, at least, and that of a picture that is ground; photographs have less. */
const [leastEven, leastGround] = [0.5, 0.25];

/** The share of pictures that have to have a ground. */
const most = 0.9;

/** The share of what is drawn that may lie outside of its box on each side: specks are no part of it. */
const specks = 0.01;

/** Grey bytes, row by row. */
export type Grey = Pick<Picture, "data" | "width" | "height">;

/** @returns undefined where most of the pictures have no even ground with something on it */
export function contentOf(pictures: readonly Grey[]): MeasuredContent | undefined {
  const measured = pictures.map(measure).filter((each) => each !== undefined);
  if (measured.length === 0 || measured.length < most * pictures.length) return undefined;
  const ground = median(measured.map((each) => each.ground));
  const near = measured.filter((each) => Math.abs(each.ground - ground) <= unevenness / 255).length;
  return { extent: median(measured.map(({ extent }) => extent)), ground, alike: near >= most * measured.length };
}

function measure({ data, width, height }: Grey): PictureContent | undefined {
  const border = Array.from(data).filter((_, at) => {
    const [x, y] = [at % width, Math.floor(at / width)];
    return x === 0 || y === 0 || x === width - 1 || y === height - 1;
  });
  const ground = median(border);
  const even = border.filter((value) => Math.abs(value - ground) <= unevenness).length;
  const [across, down] = [new Uint32Array(width), new Uint32Array(height)];
  let drawn = 0;
  data.forEach((value, at) => {
    if (Math.abs(value - ground) < ink) return;
    drawn++;
    across[at % width]!++;
    down[Math.floor(at / width)]!++;
  });
  const free = 1 - drawn / data.length;
  if (drawn === 0 || free < leastGround || even < leastEven * border.length) return undefined;
  const extent = Math.max(span(across, specks * drawn) / width, span(down, specks * drawn) / height);
  return { extent, ground: ground / 255 };
}

/** How many cells there are from the first to the last, less those at the ends that together hold no more than is left out. */
function span(counts: Uint32Array, leftOut: number): number {
  const within = (inOrder: Uint32Array): number => {
    let sum = 0;
    return inOrder.findIndex((count) => {
      sum += count;
      return sum > leftOut;
    });
  };
  return counts.length - within(counts) - within(counts.toReversed());
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1]!;
}

/** @param examples float32 `[height · width · channels]` each, as `how` makes them */
export function contentOfExamples(
  examples: readonly Float32Array[],
  how: ImagePreprocessing,
): PictureContent | undefined {
  const found = contentOf(examples.map((example) => greyOf(example, how)));
  return found && { extent: rounded(found.extent), ground: rounded(found.ground) };
}

function greyOf(example: Float32Array, { width, height, channels, mean, std }: ImagePreprocessing): Grey {
  const byte = (at: number) => 255 * Math.min(1, Math.max(0, example[at]! * std + mean));
  const data = Uint8Array.from({ length: width * height }, (_, i) =>
    Math.round(channels === 1 ? byte(i) : 0.299 * byte(3 * i) + 0.587 * byte(3 * i + 1) + 0.114 * byte(3 * i + 2)),
  );
  return { data, width, height };
}

/** Tasks whose examples tell what pictures look like. */
const looked = 20;

/** Some pictures of a part of data, as they are trained on; none of data of another kind, and of a part without classes. */
export function somePictures(tasks: TaskSource, split: Split): Float32Array[] {
  const ways = Math.min(5, tasks.classCount(split));
  if (tasks.preprocessing?.kind !== "image" || ways < 1) return [];
  const size = sizeOf(tasks.inputShape);
  return Array.from({ length: looked }, (_, i) => {
    const { data } = tasks.episode(split, 0, i, { ways, shots: 1, queries: 1 }).support.x;
    return Array.from({ length: ways }, (_, way) => (data as Float32Array).slice(way * size, (way + 1) * size));
  }).flat();
}

/** What the pictures look like that data train on; nothing for data of another kind, and for photographs. */
export function contentOfTasks(tasks: TaskSource): PictureContent | undefined {
  const how = tasks.preprocessing;
  return how?.kind === "image" ? contentOfExamples(somePictures(tasks, "train"), how) : undefined;
}

/** A share as it is written. */
export const rounded = (value: number): number => Number(value.toFixed(3));
