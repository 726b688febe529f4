// Kinds of files of which each is one example and each folder a class: how these are found.
import { relative } from "node:path";
import { pathOf } from "../readers/place.ts";
import type { FileItem, FileKind } from "./file-kind.ts";
import { placedClasses } from "./split-folders.ts";
import { findFiles, findFolders, type Wanted } from "./walk.ts";

/** What a kind of files that lie in folders, one a class, does to find them. */
export const inFolders = (wanted: Wanted): Pick<FileKind<FileItem>, "takes" | "find" | "items"> => ({
  takes: wanted.takes,
  async find(place) {
    const folder = pathOf(place);
    const found = findFolders(folder, wanted);
    const placed = placedClasses(found.classes);
    const itemOf = (file: string): FileItem => ({ name: relative(folder, file), file });
    return {
      classes: placed.classes.map(({ files, ...rest }) => ({ ...rest, items: files.map(itemOf) })),
      leftOut: found.leftOut,
      notes: [...found.notes, ...placed.notes],
    };
  },
  async items(place) {
    return findFiles(pathOf(place), wanted).map((file) => ({ name: file, file }));
  },
});
