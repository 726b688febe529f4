// Omniglot (Lake et al. 2015) from its two original archives, or their unpacked folders.
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { finish, type Resize, resizer } from "@innerloop/runtime/input";
import { type ImagePreprocessing, InnerloopError, mistaken } from "@innerloop/schemas";
import { decode } from "fast-png";
import { type UnzipFileInfo, unzipSync } from "fflate";
import { turn } from "../episodes/pixels.ts";
import { PooledTasks } from "../episodes/pooled-tasks.ts";
import type { ClassPool } from "../episodes/sampling.ts";
import type { Split } from "../episodes/task.ts";
import { isSystemFile } from "../files/walk.ts";
import { characterPreprocessing } from "./characters.ts";
import { findImages } from "./image-folders.ts";
import { pathOf } from "./place.ts";
import type { OpenTasksOptions, Reader } from "./reader.ts";

const side = 28;
const pixelCount = side * side;

/** Of the background alphabets in order of their names, every sixth one is held back for `val`: 5 of the 30. */
const heldBackEvery = 6;

/**
 * What an archive of drawings may be at most, so that a small file does not become gigabytes. The original ones have 20,000
 * files of some 200 bytes and 105×105 pixels.
 */
const limits = { archive: 2 ** 28, files: 100_000, drawing: 2 ** 16, pixels: 2 ** 20 };

/** Options of {@link Omniglot}. */
export type OmniglotOptions = Pick<OpenTasksOptions, "rotations" | "turnHeldBack">;

/** A split, decoded: the images of all its characters one after the other. */
interface Characters {
  readonly names: readonly string[];
  /** `starts[i]` is the first image of character i; one entry more than characters. */
  readonly starts: readonly number[];
  readonly pixels: Uint8Array;
}

/**
 * Handwritten characters of 50 alphabets, 28×28×1 by area averaging from 105×105, ink 1 on 0.
 *
 * The background archive is `train` and `val`: every sixth alphabet by name is `val`, whatever the seed: Balinese, Early_Aramaic,
 * Inuktitut, Mkhedruli (Georgian) and Tifinagh, of the 30. The
 * evaluation archive is `test`. In `train` a character turned by 90°, 180° or 270° is a class of its own
 * (Santoro et al. 2016), unless `rotations` is false. An archive is read and decoded when a split of it is first used.
 *
 * @throws {InnerloopError} `data-missing` (status 2) where the folder or an archive is missing, `data-broken` where an
 *   archive or an image in it cannot be read
 */
export class Omniglot extends PooledTasks {
  readonly name: string;
  readonly inputShape: readonly number[] = [side, side, 1];
  readonly preprocessing: ImagePreprocessing = characterPreprocessing(side);

  readonly #folder: string;
  readonly #turned: Readonly<Record<Split, boolean>>;
  readonly #pools = new Map<Split, ClassPool>();

  constructor(place: string, { rotations = true, turnHeldBack = false }: OmniglotOptions = {}) {
    super();
    const folder = pathOf(place);
    this.name = `omniglot:${folder}`;
    this.#folder = folder;
    this.#turned = { train: rotations, val: turnHeldBack, test: turnHeldBack };
    if (!archiveAt(folder, "images_background") && !archiveAt(folder, "images_evaluation"))
      throw new InnerloopError(
        "data-missing",
        `No Omniglot in ${folder}${existsSync(folder) ? "" : ", which does not exist"}; expected ` +
          "images_background.zip and images_evaluation.zip, or their unpacked folders. " +
          "Get both from https://github.com/brendenlake/omniglot (folder python)",
        { exitStatus: 2 },
      );
  }

  protected pool(split: Split): ClassPool {
    let pool = this.#pools.get(split);
    if (!pool) {
      pool = poolOf(readSplit(this.#folder, split), this.#turned[split] ? 4 : 1, `the ${split} split of ${this.name}`);
      this.#pools.set(split, pool);
    }
    return pool;
  }
}

function poolOf({ names, starts, pixels }: Characters, turns: number, title: string): ClassPool {
  const counts = names.map((_, i) => starts[i + 1]! - starts[i]!);
  const examples = Math.min(...counts);
  return {
    title,
    inputShape: [side, side, 1],
    classCount: names.length * turns,
    smallest: { name: names[counts.indexOf(examples)]!, examples },
    advice: "check that the archives are complete",
    className: (index) => {
      const quarters = index % turns;
      return `${names[Math.floor(index / turns)]}${quarters === 0 ? "" : `@${90 * quarters}`}`;
    },
    exampleCount: (index) => counts[Math.floor(index / turns)]!,
    copy: (index, example, target, offset) => {
      const image = starts[Math.floor(index / turns)]! + example;
      turn(pixels, image * pixelCount, side, 1, index % turns, target, offset);
    },
  };
}

function archiveAt(folder: string, archive: string): string | undefined {
  return [join(folder, `${archive}.zip`), join(folder, archive)].find((path) => existsSync(path));
}

function readSplit(folder: string, split: Split): Characters {
  const archive = split === "test" ? "images_evaluation" : "images_background";
  const path = archiveAt(folder, archive);
  if (!path)
    throw new InnerloopError(
      "data-missing",
      `${archive}.zip is not in ${folder}; the ${split} split is drawn from it. Put it beside the other archive`,
      { exitStatus: 2 },
    );
  const files = statSync(path).isDirectory() ? folderFiles(path) : zipFiles(path);
  const alphabets = [...new Set(files.map(({ alphabet }) => alphabet))].sort();
  const wanted = new Set(
    alphabets.filter((_, i) => {
      const heldBack = i % heldBackEvery === heldBackEvery - 1;
      return split === "test" || heldBack === (split === "val");
    }),
  );
  const chosen = files.filter(({ alphabet }) => wanted.has(alphabet)).sort((a, b) => (a.name < b.name ? -1 : 1));
  if (chosen.length === 0)
    throw new InnerloopError(
      "data-missing",
      `${path} holds no images for the ${split} split; expected ${archive}/ALPHABET/CHARACTER/*.png`,
      { exitStatus: 2 },
    );
  return decodeAll(chosen);
}

/** A PNG in an archive or a folder; `name` is its path, which sorts by alphabet, character and drawer. */
interface File {
  readonly name: string;
  readonly alphabet: string;
  readonly character: string;
  read(): Uint8Array;
}

function fileAt(name: string, parts: readonly string[], read: () => Uint8Array): File {
  const [alphabet, character] = parts.slice(-3) as [string, string, string];
  return { name, alphabet, character: `${alphabet}/${character}`, read };
}

function zipFiles(path: string): File[] {
  const broken = (what: string, cause?: unknown): InnerloopError =>
    new InnerloopError("data-broken", `${path} ${what}. Fetch it again`, { cause });
  const { size } = statSync(path);
  if (size > limits.archive) throw broken(`has ${size} bytes; at most ${limits.archive} were expected`);
  const bytes = readFileSync(path);
  const other = mistaken(bytes);
  if (other !== undefined) throw new InnerloopError("data-broken", `${path}: ${other}`);
  const names = new Set<string>();
  let unpacked = 0;
  const wanted = ({ name, originalSize }: UnzipFileInfo): boolean => {
    if (!isPlain(name)) throw broken(`names a file outside of itself, ${JSON.stringify(name)}`);
    if (names.has(name)) throw broken(`holds ${JSON.stringify(name)} twice`);
    if (names.add(name).size > limits.files) throw broken(`holds more than ${limits.files} files`);
    if (!isImage(name)) return false;
    if (originalSize > limits.drawing)
      throw broken(`unpacks ${name} to ${originalSize} bytes; drawings of at most ${limits.drawing} were expected`);
    unpacked += originalSize;
    if (unpacked > limits.archive) throw broken(`unpacks to more than ${limits.archive} bytes`);
    return true;
  };
  try {
    const entries = unzipSync(bytes, { filter: wanted });
    return Object.entries(entries).map(([name, bytes]) => fileAt(`${path}/${name}`, name.split("/"), () => bytes));
  } catch (cause) {
    if (cause instanceof InnerloopError) throw cause;
    throw broken(`cannot be unpacked (${(cause as Error).message}); it may be cut short`, cause);
  }
}

/** Whether a name in an archive stays in it: relative, with slashes, and no step up. */
const isPlain = (name: string): boolean => !/^\/|^[a-z]:|\\|\0/i.test(name) && !name.split("/").includes("..");

function folderFiles(folder: string): File[] {
  return findImages(folder).classes.flatMap(({ name, files }) => {
    const parts = name.split("/");
    const drawings = parts.length < 2 ? [] : files.filter((path) => /\.png$/i.test(path));
    return drawings.map((path) => fileAt(path, [...parts, path], () => drawing(path)));
  });
}

function drawing(path: string): Uint8Array {
  const { size } = statSync(path);
  if (size > limits.drawing) throw new RangeError(`it has ${size} bytes; at most ${limits.drawing} were expected`);
  return readFileSync(path);
}

/** Only alphabet/character/image.png; archives made on a Mac hold shadow files beside the real ones. */
function isImage(name: string): boolean {
  const parts = name.split("/");
  return parts.length >= 3 && /\.png$/i.test(name) && !parts.some(isSystemFile);
}

function decodeAll(files: readonly File[]): Characters {
  const names: string[] = [];
  const starts: number[] = [];
  const pixels = new Uint8Array(files.length * pixelCount);
  let resize: Resize | undefined;
  let resizeFrom = "";
  files.forEach((file, index) => {
    if (names.at(-1) !== file.character) {
      names.push(file.character);
      starts.push(index);
    }
    const image = decodeGrey(file);
    const from = `${image.width}×${image.height}`;
    if (!resize || from !== resizeFrom) {
      resize = resizer(image, { width: side, height: side, channels: 1 });
      resizeFrom = from;
    }
    const paper = finish(resize(image.grey));
    for (let i = 0; i < pixelCount; i++) pixels[index * pixelCount + i] = 255 - paper[i]!;
  });
  return { names, starts: [...starts, files.length], pixels };
}

/** Looks at the size in a PNG's header (ISO/IEC 15948, 11.2.2) before memory is taken for it. @throws RangeError */
function checkSize(bytes: Uint8Array): void {
  if (bytes.length < 24) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  if (width * height > limits.pixels)
    throw new RangeError(`it has ${width}×${height} pixels; at most ${limits.pixels} were expected`);
}

/** Decodes a one-bit or 8-bit grey PNG to bytes; ink is black. */
function decodeGrey(file: File): { width: number; height: number; grey: Uint8Array } {
  const broken = (reason: string, cause?: unknown): InnerloopError =>
    new InnerloopError(
      "data-broken",
      `${file.name} cannot be read (${reason}); expected a grey PNG. Fetch the archive again`,
      { cause },
    );
  let png: ReturnType<typeof decode>;
  try {
    const bytes = file.read();
    checkSize(bytes);
    png = decode(bytes);
  } catch (cause) {
    throw broken((cause as Error).message, cause);
  }
  const { width, height, depth, channels, data } = png;
  if (channels !== 1 || png.palette || (depth !== 1 && depth !== 8))
    throw broken(`${channels} channels of ${depth} bits`);
  if (depth === 8) return { width, height, grey: data as Uint8Array };
  const grey = new Uint8Array(width * height);
  const rowBytes = Math.ceil(width / 8);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const bit = (data[row * rowBytes + (column >> 3)]! >> (7 - (column & 7))) & 1;
      grey[row * width + column] = 255 * bit;
    }
  }
  return { width, height, grey };
}

export const omniglot: Reader = {
  spec: "omniglot:DIR",
  summary: "Omniglot's two archives, or their folders",
  kind: "classification",
  ownSplits: true,
  rotations: true,
  open: (folder, options) => new Omniglot(folder, options),
};
