// Folders of images, one folder a class.

import { sentenceOf } from "../files/left-out.ts";
import { findFolders, type Wanted } from "../files/walk.ts";
import { pathOf } from "./place.ts";

/** Image files, as folders are searched for them. */
export const imageFiles: Wanted = {
  noun: ["image", "images"],
  formats: "PNG, JPEG, WebP, GIF, TIFF or AVIF files",
  takes: (name) => /\.(png|jpe?g|webp|gif|tiff?|avif)$/i.test(name),
};

/** A class found in a folder. */
export interface ImageClass {
  /**
   * The folder's path below the data folder, with `/`, in Unicode's form NFC; the data folder's own name if it holds images
   * itself.
   */
  readonly name: string;
  /** Paths of its images, sorted by name. */
  readonly files: readonly string[];
}

/** What a data folder holds. */
export interface FoundImages {
  readonly classes: readonly ImageClass[];
  /** What was left out or put together, one sentence each. */
  readonly notes: readonly string[];
}

/**
 * Finds the classes in a folder: every folder at or below it that directly holds images, sorted by name. Links are followed,
 * each folder once. Images beside the folders of classes are of no class: in the data folder, in `train`, `val` and `test`,
 * and a single one anywhere.
 *
 * @param everything takes these too, for whom classes are nothing
 * @throws {InnerloopError} `data-missing` (status 2) where the folder is missing, is a file, or holds no image
 */
export function findImages(place: string, options: { readonly everything?: boolean } = {}): FoundImages {
  const { classes, leftOut, notes } = findFolders(pathOf(place), imageFiles, options);
  return { classes, notes: [...notes, ...leftOut.map((each) => sentenceOf(each))] };
}

/** The classes of {@link findImages}. @throws {InnerloopError} as there */
export function listImageClasses(folder: string): readonly ImageClass[] {
  return findImages(folder).classes;
}
