// What a kind of files is to training, to commands and to people: how its examples are found, read, and made what a model sees.

import type { RawInput } from "@innerloop/runtime/input";
import type { ExamplesConfig, Preprocessing } from "@innerloop/schemas";
import type { Split } from "../episodes/task.ts";
import type { PictureContent } from "./content-of-pictures.ts";

/** An example as it lies on disk, unread: a picture, a recording, a row of a table. */
export interface FileItem {
  /** What messages call it: its path below the place that was given, or the file and the row, as `readings.csv:3`. */
  readonly name: string;
  /** The file that it is in. */
  readonly file: string;
}

/** A class with its examples as they lie on disk. */
export interface FoundClass<Item extends FileItem = FileItem> {
  readonly name: string;
  /** The split that its place says, as a folder `train`, `val` or `test` above it does. */
  readonly split?: Split;
  readonly items: readonly Item[];
}

/** Why something is no example, and how much of it there is. */
export interface LeftOut {
  /** What they are, in words that "are left out" or "are kept" goes after: "pictures of one colour all over". */
  readonly why: string;
  readonly count: number;
  /** The first of them, or where they are. */
  readonly names: readonly string[];
}

/** What there is at a place, before any of it is decoded. */
export interface Found<Item extends FileItem = FileItem> {
  /** In the order of their names. */
  readonly classes: readonly FoundClass<Item>[];
  readonly leftOut: readonly LeftOut[];
  /** What was put together or taken for something, one sentence each. */
  readonly notes: readonly string[];
}

/** How examples are made, and why so, in words that follow "examples are". */
export interface Chosen<How extends Preprocessing = Preprocessing> {
  readonly preprocessing: How;
  /** One sentence for each choice that the data decided, as "64×64 in colour, since classes differ in it". */
  readonly reasons: readonly string[];
}

/**
 * One kind of files. Training goes through `find`, `read` of some for `choose`, then `read` and `examples` of all; a command that
 * adapts or predicts goes through `find` or `items`, `read`, and the runtime's own preprocessing, to the same numbers.
 *
 * @typeParam Raw what a file is once it is decoded, and what the runtime takes as well
 * @typeParam Kept what is held of an example in memory, such as bytes of pixels
 */
export interface FileKind<
  Item extends FileItem = FileItem,
  Raw extends RawInput = RawInput,
  Kept = unknown,
  How extends Preprocessing = Preprocessing,
> {
  /** Of the preprocessing that its examples go through; a bundle that has it takes these files. */
  readonly kind: How["kind"];
  /** What one example is, and its files, in words: "pictures (PNG, JPEG, WebP, GIF, TIFF, AVIF)". */
  readonly what: string;
  /** The settings of `examples` in a run config that it takes. */
  readonly settings: readonly (keyof ExamplesConfig)[];
  /** Whether a file of this name may be one. */
  takes(file: string): boolean;
  /**
   * The classes at a place.
   * @param how of the bundle that they are for, where there is one: what it takes of a table is not what tells classes
   * @throws InnerloopError `data-missing` (status 2) where nothing is there that is read
   */
  find(place: string, settings: ExamplesConfig, how?: How): Promise<Found<Item>>;
  /**
   * The examples in a file, or in a folder whatever their classes.
   * @throws InnerloopError as `find`
   */
  items(place: string, settings: ExamplesConfig): Promise<readonly Item[]>;
  /** @throws InnerloopError status 1, naming the file, for one that cannot be read or holds something else */
  read(item: Item): Promise<Raw>;
  /** A decoded file in little, as `choose` is given it, where whole ones would take much memory. */
  sketch?(raw: Raw): Raw;
  /**
   * Chooses what settings leave open, by some of the examples.
   * @param read examples with the classes that they are of
   * @throws InnerloopError (status 2) where no choice suits all, as with different numbers of channels
   */
  choose(
    read: readonly { readonly item: Item; readonly label: string; readonly raw: Raw }[],
    settings: ExamplesConfig,
  ): Chosen<How>;
  /** A bundle's preprocessing with what of it makes these examples look like those that it was trained on; what settings say stays. */
  suit?(content: PictureContent, read: readonly Raw[], preprocessing: How, settings: ExamplesConfig): Chosen<How>;
  /**
   * What training keeps of an example; a recording may be several.
   * @throws InnerloopError (status 1) naming the item, for what can be no example, as where numbers are missing in it
   */
  examples(item: Item, raw: Raw, preprocessing: How, settings: ExamplesConfig): readonly Kept[];
  /**
   * What an example is from which nothing can be learned, in the words of {@link LeftOut}; nothing where it is sound. Such are left
   * out, but where a class has nothing else: then they may well mean something.
   */
  flaw?(kept: Kept, preprocessing: How): string | undefined;
  /** Writes float32 numbers of `preprocessedShape(preprocessing)` into `target` from `offset` on. */
  write(kept: Kept, preprocessing: How, target: Float32Array, offset: number): void;
}
