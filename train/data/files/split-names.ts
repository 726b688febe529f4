// The names of folders that say a split, as people write them.
import type { Split } from "../episodes/task.ts";

const namesOfSplits: readonly (readonly [split: Split, name: RegExp])[] = [
  ["train", /^train(ing)?$/i],
  ["val", /^(val|valid|validation|dev)$/i],
  ["test", /^test(ing)?$/i],
];

/** The split that a path of folders begins with. */
export function splitNamed(path: string): Split | undefined {
  const [first] = path.split("/", 1);
  return namesOfSplits.find(([, name]) => name.test(first!))?.[0];
}
