// Things that are chosen by a name: algorithms, models, heads. A name that none of them has is an error that lists those there
// are, with the nearest one.
import { InnerloopError, plain, suggest } from "@innerloop/schemas";

/** What can be looked up. */
export interface Named {
  readonly name: string;
}

/** Things by their names, in an order of their own. */
export interface Registry<T extends Named> {
  readonly all: readonly T[];
  readonly names: readonly string[];
  /** The one of that name, if there is one. */
  find(name: string): T | undefined;
  /** @throws InnerloopError `unknown-option` (status 2) listing the names, with the nearest one */
  named(name: string): T;
}

/** @param kind what each of them is, for the error: "algorithm" */
export function registry<T extends Named>(kind: string, all: readonly T[]): Registry<T> {
  const byName = new Map(all.map((entry) => [entry.name, entry]));
  if (byName.size < all.length)
    throw new Error(`two things are called the same ${kind}: ${all.map((entry) => entry.name)}`);
  const names = [...byName.keys()];
  return {
    all,
    names,
    find: (name) => byName.get(name),
    named(name) {
      const found = byName.get(name);
      if (found) return found;
      const nearest = suggest(String(name), names);
      throw new InnerloopError(
        "unknown-option",
        `There is no ${kind} "${plain(String(name), 80)}"${nearest ? `; did you mean "${nearest}"?` : "."} There are ${names.join(", ")}.`,
        { exitStatus: 2 },
      );
    },
  };
}

/** `"a"`, `"a" or "b"`, `"a", "b" or "c"`: what one of several texts is to be, for errors. */
export const oneOf = (names: readonly string[]): string =>
  inWords(
    names.map((name) => JSON.stringify(name)),
    "or",
  );

/** `a`, `a or b`, `a, b or c`. */
export const inWords = (parts: readonly string[], last: "and" | "or"): string =>
  parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} ${last} ${parts.at(-1)}`;
