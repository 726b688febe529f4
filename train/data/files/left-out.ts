// What is left out of data, as it is told.
import type { LeftOut } from "./file-kind.ts";

/** The first of many, as notes name them. */
export function listed(entries: readonly string[], count = entries.length): string {
  const shown = entries.slice(0, 6);
  return count > shown.length ? `${shown.join(", ")} and ${count - shown.length} more` : shown.join(", ");
}

/** Names that a {@link LeftOut} carries at most, so that a hundred thousand of them take no room. */
const namesAtMost = 20;

/** A sentence: "Links to nothing are left out: a, b"; the number stands where not all are named. */
export function sentenceOf({ why, count, names }: LeftOut, what = "are left out"): string {
  const number = count > Math.min(6, names.length) ? ` (${count})` : "";
  // Fewer names than it could carry are those of folders.
  const entries = names.length < Math.min(count, namesAtMost) ? names.length : count;
  return `${why.charAt(0).toUpperCase()}${why.slice(1)} ${what}${number}: ${listed(names, entries)}`;
}

/** @returns none for no names */
export function leftOut(why: string, names: readonly string[], count = names.length): LeftOut[] {
  return names.length === 0 ? [] : [{ why, count, names: names.slice(0, namesAtMost) }];
}
