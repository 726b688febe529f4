// Folders `train`, `val` and `test`: what they say of the classes in them.
import type { Split } from "../episodes/task.ts";
import { listed } from "./left-out.ts";
import { splitNamed } from "./split-names.ts";
import type { FolderClass } from "./walk.ts";

/** A class with the split that its place says. */
export interface PlacedClass extends FolderClass {
  readonly split?: Split;
}

/**
 * The splits that folders say. Where all classes lie below `train`, `val` or `test`, or names like these, they are the splits, and a class keeps the
 * whole path as its name, which no other has. Where a class is in more than one of them, they divide examples and not classes:
 * then folders of the same name are one class, without the split in its name.
 */
export function placedClasses(classes: readonly FolderClass[]): { classes: readonly PlacedClass[]; notes: string[] } {
  const splitIn = ({ name }: FolderClass): Split | undefined => (name.includes("/") ? splitNamed(name) : undefined);
  const beside = classes.filter((each) => splitIn(each) === undefined).map(({ name }) => name);
  if (beside.length === classes.length) return { classes, notes: [] };
  if (beside.length > 0)
    return {
      classes,
      notes: [
        `Classes are held back by their names, and the folders train, val and test are no splits, since others lie beside them: ${listed(beside)}`,
      ],
    };
  const together = new Map<string, { files: string[]; folders: number }>();
  for (const { name, files } of classes) {
    const bare = name.slice(name.indexOf("/") + 1);
    const there = together.get(bare) ?? { files: [], folders: 0 };
    there.files.push(...files);
    there.folders++;
    together.set(bare, there);
  }
  const shared = [...together].filter(([, { folders }]) => folders > 1).map(([name]) => name);
  if (shared.length === 0) return { classes: classes.map((each) => ({ ...each, split: splitIn(each)! })), notes: [] };
  return {
    classes: [...together].map(([name, { files }]) => ({ name, files })).sort((a, b) => (a.name < b.name ? -1 : 1)),
    notes: [
      `The folders train, val and test have classes in common, so that they divide examples; each class is put together from them, and classes are held back by their names: ${listed(shared)}`,
    ],
  };
}
