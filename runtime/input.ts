// The door `@innerloop/runtime/input`: raw input becomes an example without a learner, and what training shares of that.
// The learner itself loads it when it first makes an example.
import type { Manifest, Preprocessing, TextPreprocessing } from "@innerloop/schemas/bundle";
import { host } from "#host";
import { refuseAborted } from "./adaptation.ts";
import { isBytes, ownBytes } from "./bytes.ts";
import { isPicture, preprocessingOf, samplesIn, unknownInput } from "./given.ts";
import type { Bounds } from "./host.ts";
import type { PictureDecoder } from "./hosts/host.ts";
import { rest } from "./lifetime.ts";
import { type Picture, resized, standardized } from "./pictures.ts";
import { type ReadOptions, reading } from "./reading.ts";
import { tooLarge } from "./refusal.ts";
import type { Row } from "./rows.ts";
import type { Samples, Sound } from "./samples.ts";
import { windowOf } from "./windows.ts";

export { finish, type Picture, type Resize, resized, resizer, standardize, standardized } from "./pictures.ts";
export { exampleOf, preprocess, type RawInput } from "./preprocessing.ts";
export type { Cell, Row } from "./rows.ts";
export type { Samples, Sound } from "./samples.ts";
export { loadTokenizers, type TokenizersLibrary, useTokenizers } from "./texts.ts";

/** More than this is no photograph. */
const mostOfImage = 2 ** 28;

/** A class of a page, where there are pages. */
type Global<Name extends string> = typeof globalThis extends Record<Name, { prototype: infer T }> ? T : never;

/**
 * What a picture can be given as. Everywhere: decoded, `{ data, width, height }`, such as ImageData. In Node: a path, a
 * `file:` URL or an address, or the bytes of an image file. In a page: an image or video element, a canvas, an ImageBitmap, a
 * VideoFrame, an address, or an image file's bytes or Blob.
 */
export type PictureSource =
  | Picture
  | string
  | URL
  | Uint8Array
  | ArrayBuffer
  | Blob
  | Global<"HTMLImageElement">
  | Global<"HTMLVideoElement">
  | Global<"HTMLCanvasElement">
  | Global<"OffscreenCanvas">
  | Global<"ImageBitmap">
  | Global<"VideoFrame">;

/** What {@link Learner.example} takes: a picture, samples of a sensor or sound, a row of a table, a text, or the bytes of a file, whichever the bundle says. */
export type Input = PictureSource | Samples | Sound | Row;

// Loaded by who has such input, so that a page that takes pictures stays small.
const sounds = () => import("./sounds.ts");
const rows = () => import("./rows.ts");
const texts = () => import("./texts.ts");
const bytes = () => import("./raw-bytes.ts");

/** Loads what a bundle's raw input takes, where that is not here yet. */
export async function prepareInput({ input }: Pick<Manifest, "input">): Promise<void> {
  const kind = input.preprocessing?.kind;
  if (kind === "sound") await sounds();
  if (kind === "row") await rows();
  if (kind === "text") await (await texts()).loadTokenizers();
  if (kind === "bytes") await bytes();
  if (kind === "image") await host.pictures?.();
}

/**
 * Turns raw input into an example, decoding it where need be; long work gives way to others in between.
 *
 * @returns float32, the numbers of `input.shape`
 * @throws InnerloopError as {@link Learner.example}
 */
export async function readExample(
  manifest: Pick<Manifest, "input">,
  input: Input,
  options?: ReadOptions,
): Promise<Float32Array> {
  return readInput(preprocessingOf(manifest), input, options);
}

/** As {@link readExample}, by the preprocessing alone. */
export async function readInput(how: Preprocessing, input: Input, options?: ReadOptions): Promise<Float32Array> {
  if (how.kind === "window") return windowOf(how, samplesIn(input));
  if (how.kind === "sound") return inTurns((await sounds()).soundOf(how, samplesIn(input)));
  if (how.kind === "row") return (await rows()).rowOf(how, input as Row);
  if (how.kind === "text") return textIn(how, input);
  if (how.kind === "bytes") return (await bytes()).numbersOfBytes(how, await contentOf(input));
  return withPicture(input, options, async (picture) => standardized(await inTurns(resized(picture, how)), how));
}

async function textIn(how: TextPreprocessing, input: Input): Promise<Float32Array> {
  const { loadTokenizers, textOf } = await texts();
  await loadTokenizers();
  return textOf(how, input);
}

/** What a Blob or an ArrayBuffer holds; anything else is what it is. */
async function contentOf(input: Input): Promise<unknown> {
  const kind = classOf(input);
  if (kind === "Blob" || kind === "File") return new Uint8Array(await (input as Blob).arrayBuffer());
  return kind === "ArrayBuffer" ? new Uint8Array(input as ArrayBuffer) : input;
}

/**
 * Decodes a picture; of files and their bytes only a few at a time, however many are asked for.
 *
 * @throws InnerloopError `image-broken`, `image-too-large`, `image-unscaled`, `image-unreadable`, `sharp-missing`, `bad-input`,
 *   and what reading files throws
 */
export async function readPicture(input: unknown, options?: ReadOptions): Promise<Picture> {
  return withPicture(input, options, async (picture) => picture);
}

/** Decodes a picture, and keeps its place among the few that are there at a time until it was used. */
async function withPicture<T>(
  input: unknown,
  options: ReadOptions = {},
  use: (picture: Picture) => Promise<T>,
): Promise<T> {
  if (isPicture(input)) return use(input);
  return reading(options, mostOfImage, async (bounds) => {
    refuseAborted(bounds.signal);
    const decoder = await host.pictures?.();
    if (decoder === undefined) throw unknownInput(`${decodedPicture},`);
    const kind = classOf(input);
    // A place on the network may answer late or never, and nobody else waits for that.
    const far = placeTypes.test(kind) && (host.remote || /^https?:/i.test(String(input)));
    const fetched = far ? await bytesOf(input, bounds) : undefined;
    const work = async () => use(await decode(decoder, fetched ?? (await bytesOf(input, bounds))));
    // What a page shows, such as a video's frame, is another picture a moment later.
    return encoded.test(kind) ? inQueue(work) : work();
  });
}

const decodedPicture = "a decoded picture, { data, width, height } such as ImageData";
const placeTypes = /^(String|URL)$/;
const encoded = /^(String|URL|Uint8Array|ArrayBuffer|Blob|File)$/;

/** What the platform calls the class of something, whichever realm's it is. */
function classOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

async function decode(decoder: PictureDecoder, [source, name]: Awaited<ReturnType<typeof bytesOf>>): Promise<Picture> {
  const picture = typeof source === "object" && source !== null ? await decoder.decode(source, name) : undefined;
  if (picture) return picture;
  const also = decoder.takes === undefined ? "" : `${decoder.takes}, `;
  throw unknownInput(`${decodedPicture}, ${also}or an image file by its place, bytes or Blob`);
}

/** The bytes of an image file, where that is what was given, and how messages name it. */
async function bytesOf(input: unknown, bounds: Bounds): Promise<[source: unknown, name: string]> {
  const kind = classOf(input);
  if (placeTypes.test(kind)) return [await host.read(input as string | URL, "an image", bounds), String(input)];
  let bytes = input;
  if (kind === "Blob" || kind === "File") {
    const blob = input as Blob;
    if (blob.size > bounds.limit) throw tooLarge("the given Blob", "an image", blob.size, bounds.limit);
    bytes = new Uint8Array(await blob.arrayBuffer());
  }
  if (kind === "ArrayBuffer") bytes = new Uint8Array(input as ArrayBuffer);
  return isBytes(bytes) ? [ownBytes(bytes), `${bytes.length} bytes`] : [bytes, "the picture"];
}

/** Files that are open, and pictures that are decoded and not yet used, at a time. */
const atOnce = 4;

let running = 0;
const queue: (() => void)[] = [];

async function inQueue<T>(work: () => Promise<T>): Promise<T> {
  if (running < atOnce) running++;
  else await new Promise<void>((start) => queue.push(start));
  try {
    return await work();
  } finally {
    // The place goes to the next one, or is free.
    const next = queue.shift();
    if (next) next();
    else running--;
  }
}

/** Does work that gives way, so that nobody waits for it longer than a moment. */
async function inTurns<T>(work: Generator<void, T>): Promise<T> {
  let since = performance.now();
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    if (performance.now() - since < 5) continue;
    await rest();
    since = performance.now();
  }
}
