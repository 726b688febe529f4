// Folders of files, one folder a class: what every door that takes a folder finds in one, passes over and tells.
import { type Dirent, existsSync, readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { basename, extname, join, resolve, sep } from "node:path";
import { InnerloopError } from "@innerloop/schemas";
import type { LeftOut } from "./file-kind.ts";
import { leftOut, listed } from "./left-out.ts";
import { splitNamed } from "./split-names.ts";

/** What systems keep beside people's files: previews, bins, the shadows of files in archives. */
const notData =
  /^(\..*|@eaDir|@Recycle|@Recently-Snapshot|#recycle|#snapshot|\$RECYCLE\.BIN|System Volume Information|lost\+found|__MACOSX|thumbs\.db|ehthumbs\.db|desktop\.ini|Icon\r)$/i;

/** Whether a file or folder of this name is a system's and not its user's. */
export const isSystemFile = (name: string): boolean => notData.test(name);

/** What is looked for in a folder. */
export interface Wanted {
  /** One of it and several, as messages call them: `["image", "images"]`. */
  readonly noun: readonly [one: string, several: string];
  /** Its files, as messages name them: "PNG or JPEG files". */
  readonly formats: string;
  /** Whether a file of this name is one. */
  takes(name: string): boolean;
}

/** A class found in a folder. */
export interface FolderClass {
  /** The folder's path below the place, with `/`, in Unicode's form NFC; the place's own name if it holds files itself. */
  readonly name: string;
  /** Paths of its files, sorted by name. */
  readonly files: readonly string[];
}

/** What a folder holds. */
export interface FoundFolders {
  readonly classes: readonly FolderClass[];
  readonly leftOut: readonly LeftOut[];
  readonly notes: readonly string[];
}

/** A folder as it was found, with what is in it. */
interface Folder {
  readonly name: string;
  readonly path: string;
  readonly files: string[];
  /** How many there are of each ending that is not taken. */
  readonly others: Map<string, number>;
  readonly inside: Folder[];
}

/**
 * Finds the classes in a folder: every folder at or below it that directly holds files that are wanted, sorted by name. Links are
 * followed, each folder once. Files beside the folders of classes are of no class: in the place itself, in `train`, `val` and
 * `test`, and a single one anywhere.
 *
 * @param everything takes these too, for whom classes are nothing
 * @throws {InnerloopError} `data-missing` (status 2) where the folder is missing, is a file, or holds nothing that is wanted
 */
export function findFolders(folder: string, wanted: Wanted, { everything = false } = {}): FoundFolders {
  const [one, several] = wanted.noun;
  const { top, leftOut: passed } = walk(folder, wanted);
  const classes = new Map<string, string[]>();
  const strays: string[] = [];
  const [empty, mixed, spelt]: [string[], string[], Set<string>] = [[], [], new Set()];
  let unread = 0;
  const visit = (at: Folder): void => {
    const place = at === top ? basename(resolve(folder)).normalize() : at.name;
    const own = at.files.length > 0;
    const alone = at === top || (!at.name.includes("/") && splitNamed(at.name) !== undefined) || at.files.length === 1;
    if (own && !everything && alone && at.inside.some(holdsFiles)) strays.push(...at.files);
    else if (own) {
      const there = classes.get(place);
      if (there) spelt.add(place);
      classes.set(place, [...(there ?? []), ...at.files]);
    }
    const others = [...at.others].map(([ending, count]) => `${count} ${ending}`).join(", ");
    const told = others === "" ? place : `${place} (${others})`;
    const isClass = own || at === top || at.inside.length > 0;
    if (isClass && others !== "") {
      mixed.push(told);
      for (const count of at.others.values()) unread += count;
    }
    if (!isClass) empty.push(told);
    for (const inner of at.inside) visit(inner);
  };
  visit(top);
  if (classes.size === 0) {
    const other = [...mixed, ...empty];
    throw new InnerloopError(
      "data-missing",
      `${folder} holds no ${several}; expected one sub-folder a class with ${wanted.formats}` +
        (other.length > 0 ? `. There is nothing that is read in ${listed(other)}` : ""),
      { exitStatus: 2 },
    );
  }
  const notes: string[] = [];
  if (empty.length > 0) notes.push(`No class, since they hold no ${one} that is read: ${listed(empty)}`);
  if (spelt.size > 0)
    notes.push(`Folders whose names differ in how Unicode spells them are one class: ${listed([...spelt])}`);
  return {
    classes: [...classes].map(([name, files]) => ({ name, files })),
    leftOut: [
      ...passed,
      ...leftOut("files of formats that are not read", mixed, unread),
      ...leftOut(`${several} beside the folders of classes`, strays),
    ],
    notes,
  };
}

/** All files at a place that are wanted, whatever their classes; a file is itself. @throws InnerloopError as {@link findFolders} */
export function findFiles(place: string, wanted: Wanted): readonly string[] {
  if (statSync(place, { throwIfNoEntry: false })?.isFile()) return [place];
  return findFolders(place, wanted, { everything: true }).classes.flatMap(({ files }) => files);
}

const holdsFiles = ({ files, inside }: Folder): boolean => files.length > 0 || inside.some(holdsFiles);

/** Reads the tree of folders. Those that are there themselves come before links to them, and no folder is read twice. */
function walk(folder: string, { noun, takes }: Wanted): { top: Folder; leftOut: LeftOut[] } {
  const info = statSync(folder, { throwIfNoEntry: false });
  if (!info?.isDirectory())
    throw new InnerloopError(
      "data-missing",
      `${folder} ${existsSync(folder) ? "is a file" : "does not exist"}; expected a folder with one sub-folder of ${noun[1]} a class`,
      { exitStatus: 2 },
    );
  const names = new Map<string, string>();
  const links: { readonly path: string; readonly name: string; readonly parent: Folder }[] = [];
  const [again, broken, special]: [string[], string[], string[]] = [[], [], []];
  const unreadable: string[] = [];

  const read = (path: string, name: string): Folder => {
    const at: Folder = { name, path, files: [], others: new Map(), inside: [] };
    names.set(realpathSync(path), name || folder);
    for (const entry of entriesOf(path, unreadable)) {
      const [inner, innerName] = [join(path, entry.name), name ? `${name}/${entry.name}` : entry.name];
      const isLink = entry.isSymbolicLink();
      const target = isLink ? targetOf(inner) : entry;
      if (target === undefined) broken.push(innerName);
      else if (target.isDirectory()) {
        if (isLink) links.push({ path: inner, name: innerName.normalize(), parent: at });
        else at.inside.push(read(inner, innerName.normalize()));
      } else if (!target.isFile()) special.push(innerName);
      else if (takes(entry.name)) at.files.push(inner);
      else {
        const ending = extname(entry.name).toLowerCase() || "without an ending";
        at.others.set(ending, (at.others.get(ending) ?? 0) + 1);
      }
    }
    return at;
  };

  const root = realpathSync(folder);
  const top = read(folder, "");
  for (let link = links.shift(); link; link = links.shift()) {
    const real = realpathSync(link.path);
    // One to a folder that the place lies in would lead through everything beside it, too.
    const there = names.get(real) ?? (root.startsWith(join(real, sep)) ? real : undefined);
    if (there !== undefined) again.push(`${link.name} (as ${there})`);
    else {
      link.parent.inside.push(read(link.path, link.name));
      link.parent.inside.sort((a, b) => (a.name < b.name ? -1 : 1));
    }
  }
  return {
    top,
    leftOut: [
      ...leftOut("links to folders that are read already", again),
      ...leftOut("links to nothing", broken),
      ...leftOut("things that are neither files nor folders", special),
      ...leftOut("folders that cannot be read", unreadable),
    ],
  };
}

/** What a link leads to; nothing where that is not there, or the link leads to itself. */
function targetOf(link: string): Stats | undefined {
  try {
    return statSync(link, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** What is in a folder but for a system's own files, sorted by name. */
function entriesOf(path: string, unreadable: string[]): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter(({ name }) => !isSystemFile(name))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (cause) {
    unreadable.push(`${path} (${(cause as NodeJS.ErrnoException).code})`);
    return [];
  }
}
