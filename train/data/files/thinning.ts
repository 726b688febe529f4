// Which of many files are looked at: as many of each class as there is room for, spread over those that there are.
import { statSync } from "node:fs";
import type { FileItem, FoundClass } from "./file-kind.ts";

/** So many of a list, at equal distances. */
export function spread<T>(list: readonly T[], count: number): T[] {
  if (list.length <= count) return [...list];
  return Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)]!);
}

/** Files whose sizes tell those of all. */
const weighed = 64;

/**
 * The classes with some of their files, the same ones every time. Small classes keep all, so that what is left out of large ones goes
 * to them; where there are more classes than files may be read, some keep none.
 *
 * @param size numbers of an example
 */
export function thinned<Item extends FileItem>(
  classes: readonly FoundClass<Item>[],
  size: number,
  most: { readonly files: number; readonly bytes: number; readonly numbers: number },
): FoundClass<Item>[] {
  const first = within(classes, Math.max(1, Math.min(most.files, Math.floor(most.numbers / size))));
  const items = first.flatMap(({ items }) => items);
  // The rows of a table share its file, which is read as a whole.
  const sizes = new Map(
    spread(items, weighed).map(({ file }) => [file, statSync(file, { throwIfNoEntry: false })?.size ?? 0]),
  );
  if (sizes.size < Math.min(weighed, items.length)) return first;
  const mean = [...sizes.values()].reduce((a, b) => a + b, 0) / Math.max(1, sizes.size);
  const fitting = Math.floor(most.bytes / Math.max(1, mean));
  return fitting < items.length ? within(first, Math.max(fitting, 2)) : first;
}

function within<Item extends FileItem>(classes: readonly FoundClass<Item>[], most: number): FoundClass<Item>[] {
  if (classes.length > most) {
    const kept = new Set(spread(classes, most));
    return classes.map((each) => ({ ...each, items: kept.has(each) ? each.items.slice(0, 1) : [] }));
  }
  let [low, high] = [1, Math.max(1, ...classes.map(({ items }) => items.length))];
  const total = (each: number) => classes.reduce((sum, { items }) => sum + Math.min(items.length, each), 0);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (total(middle) <= most) low = middle;
    else high = middle - 1;
  }
  return classes.map((each) => ({ ...each, items: spread(each.items, low) }));
}
