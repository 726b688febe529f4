// Which door opens what somebody has, by the files that are there: for `innerloop data DIR`, and for errors that name the other door.
import { type Dirent, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { pathOf } from "../readers/place.ts";
import type { FileKind } from "./file-kind.ts";
import { isSystemFile } from "./walk.ts";

/** A reader of data, as far as guessing goes. */
interface Door {
  readonly name: string;
  readonly spec: string;
  readonly files?: FileKind;
  readonly meant?: { by(text: string): boolean };
}

/** Files that a door takes. */
export interface DoorCount {
  /** The name of the door: `images`. */
  readonly door: string;
  /** What the files are, in words: "pictures (PNG, JPEG, …)". */
  readonly what: string;
  readonly count: number;
  /** The first of them, below the place. */
  readonly first: string;
}

/** What is at a place, and which door takes most of it. */
export interface GuessedDoor {
  readonly is: "folder" | "file" | "nothing";
  /** As a SPEC: `images:DIR`; absent where no door takes anything. */
  readonly spec?: string;
  /** Of all doors that take something, the one with most files first. Each file counts once. */
  readonly counts: readonly DoorCount[];
  /** Files that no door takes. */
  readonly others: number;
  /** Whether there is more than was looked at. */
  readonly more: boolean;
}

/** Names that are looked at, at most: a moment's work. */
const mostNames = 100_000;

/**
 * Where several take a file, the first of these has it: a .wav is a sound, which is rarely one of the windows of a sensor, and a table in a
 * folder a recording.
 */
const preferred = ["images", "sound", "windows", "rows", "arrays"];

const rank = ({ name }: Door): number => (preferred.indexOf(name) + preferred.length + 1) % (preferred.length + 1);

/** Looks at what is at a place. Nothing is opened but folders. */
export function guessAmong(doors: readonly Door[], place: string): GuessedDoor {
  const path = pathOf(place);
  const info = statSync(path, { throwIfNoEntry: false });
  if (!info) return { is: "nothing", counts: [], others: 0, more: false };
  const byPreference = [...doors].sort((a, b) => rank(a) - rank(b));
  return info.isDirectory() ? ofFolder(byPreference, path) : ofFile(byPreference, path);
}

const takes = ({ files, meant, spec }: Door, name: string): boolean =>
  files?.takes(name) ?? (spec.endsWith(":FILE") && meant?.by(name) === true);

const whatOf = ({ files, name }: Door): string => files?.what ?? name;

function ofFile(doors: readonly Door[], path: string): GuessedDoor {
  const found = doors.filter((door) => takes(door, path));
  const whole = found.find(({ spec }) => spec.endsWith(":FILE"));
  const counts = (whole ? [whole] : found.slice(0, 1)).map((door) => ({
    door: door.name,
    what: whatOf(door),
    count: 1,
    first: basename(path),
  }));
  return {
    is: "file",
    ...(whole ? { spec: `${whole.name}:${path}` } : {}),
    counts,
    others: counts.length === 0 ? 1 : 0,
    more: false,
  };
}

interface Tally {
  count: number;
  readonly first: string;
  /** Of these, how many lie in the folder itself. */
  direct: number;
}

function ofFolder(doors: readonly Door[], path: string): GuessedDoor {
  const tallies = new Map<Door, Tally>();
  const { names, more } = namesIn(path);
  let others = 0;
  for (const name of names) {
    const door = doors.find((each) => takes(each, name));
    if (!door) {
      others++;
      continue;
    }
    const tally = tallies.get(door) ?? { count: 0, first: name, direct: 0 };
    tally.count++;
    if (!name.includes("/")) tally.direct++;
    tallies.set(door, tally);
  }
  const found = [...tallies].sort(([, a], [, b]) => b.count - a.count);
  const [best] = found;
  const counts = found.map(([door, { count, first }]) => ({ door: door.name, what: whatOf(door), count, first }));
  const omniglot = doors.find(({ name }) => name === "omniglot");
  const spec =
    omniglot && names.some((name) => /^images_background(\.zip|\/)/.test(name))
      ? `${omniglot.name}:${path}`
      : best && specOf(doors, best, path);
  return { is: "folder", ...(spec === undefined ? {} : { spec }), counts, others, more };
}

/** A door of files wants one of them; tables that lie in no folder of a class have a row an example. */
function specOf(doors: readonly Door[], [door, { count, direct, first }]: [Door, Tally], path: string): string {
  if (door.spec.endsWith(":FILE")) return `${door.name}:${join(path, first)}`;
  const rows = direct === count && count === 1 && doors.find((each) => each.name === "rows" && takes(each, first));
  return rows ? `${rows.name}:${join(path, first)}` : `${door.name}:${path}`;
}

/** Names of files below a folder, with `/`; each folder once, whatever links lead to it. */
function namesIn(top: string): { names: string[]; more: boolean } {
  const names: string[] = [];
  const seen = new Set<string>();
  const folders = [""];
  for (let at = folders.shift(); at !== undefined; at = folders.shift()) {
    for (const entry of entriesOf(join(top, at))) {
      const name = at === "" ? entry.name : `${at}/${entry.name}`;
      const target = entry.isSymbolicLink() ? statSync(join(top, name), { throwIfNoEntry: false }) : entry;
      if (target?.isFile()) names.push(name);
      else if (target?.isDirectory() && isNew(join(top, name), seen)) folders.push(name);
      if (names.length >= mostNames) return { names, more: true };
    }
  }
  return { names, more: false };
}

function isNew(folder: string, seen: Set<string>): boolean {
  const { dev, ino } = statSync(folder);
  const key = `${dev}:${ino}`;
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}

/** What is in a folder but for a system's own files; nothing where it cannot be read. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !isSystemFile(name));
  } catch {
    return [];
  }
}
