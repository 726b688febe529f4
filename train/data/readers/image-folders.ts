// Which images a folder holds, and of which classes: one folder a class. Folders come from cameras, file servers and other
// systems, so what is not an image is passed over, links are followed, and whatever is left out is told.
import { type Dirent, existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, join, resolve, sep } from "node:path";
import { InnerloopError } from "@innerloop/schemas";
import { pathOf } from "./place.ts";

/** File names that are taken for images. */
const imageFile = /\.(png|jpe?g|webp|gif|tiff?|avif)$/i;

/** Pictures and drawings that are not read. */
const unreadFile =
  /\.(hei[cf]|bmp|svgz?|pdf|eps|ai|ps|psd|jp2|j2k|jxl|ico|tga|pp?[gbn]m|exr|hdr|dcm|dng|cr[23]|nef|arw|orf|rw2|raw|fits?|npy|mat)$/i;

/** What systems keep beside people's files: previews, bins, the shadows of files in archives. */
const notData =
  /^(\..*|@eaDir|@Recycle|@Recently-Snapshot|#recycle|#snapshot|\$RECYCLE\.BIN|System Volume Information|lost\+found|__MACOSX|thumbs\.db|ehthumbs\.db|desktop\.ini|Icon\r)$/i;

/** Whether a file or folder of this name is a system's and not its user's. */
export const isSystemFile = (name: string): boolean => notData.test(name);

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

/** A folder as it was found, with what is in it. */
interface Folder {
  readonly name: string;
  readonly path: string;
  readonly files: string[];
  /** How many there are of each ending that is not read. */
  readonly unread: Map<string, number>;
  readonly inside: Folder[];
}

/**
 * Finds the classes in a folder: every folder at or below it that directly holds images, sorted by name. Links are followed,
 * each folder once. Images beside the folders of classes are of no class: in the data folder, in `train`, `val` and `test`,
 * and a single one anywhere.
 *
 * @param everything takes these too, for whom classes are nothing
 * @throws {InnerloopError} `data-missing` (status 2) where the folder is missing, is a file, or holds no image
 */
export function findImages(place: string, { everything = false } = {}): FoundImages {
  const folder = pathOf(place);
  const { top, notes } = walk(folder);
  const classes = new Map<string, string[]>();
  const strays: string[] = [];
  const [empty, mixed, spelt]: [string[], string[], Set<string>] = [[], [], new Set()];
  const visit = (at: Folder): void => {
    const place = at === top ? basename(resolve(folder)).normalize() : at.name;
    const own = at.files.length > 0;
    const alone = at === top || /^(train|val|test)$/.test(at.name) || at.files.length === 1;
    if (own && !everything && alone && at.inside.some(holdsImages)) strays.push(...at.files);
    else if (own) {
      const there = classes.get(place);
      if (there) spelt.add(place);
      classes.set(place, [...(there ?? []), ...at.files]);
    }
    const unread = [...at.unread].map(([ending, count]) => `${count} .${ending}`).join(", ");
    const told = unread === "" ? place : `${place} (${unread})`;
    if (own && unread !== "") mixed.push(told);
    if (!own && (unread !== "" || (at !== top && at.inside.length === 0))) empty.push(told);
    for (const inner of at.inside) visit(inner);
  };
  visit(top);
  if (classes.size === 0)
    throw new InnerloopError(
      "data-missing",
      `${folder} holds no images; expected one sub-folder a class with PNG, JPEG, WebP, GIF, TIFF or AVIF files` +
        (empty.length > 0 ? `. There is nothing that is read in ${listed(empty)}` : ""),
      { exitStatus: 2 },
    );
  const told = (entries: readonly string[], words: (list: string) => string): void => {
    if (entries.length > 0) notes.push(words(listed(entries)));
  };
  told(empty, (list) => `No class, since they hold no image that is read: ${list}`);
  told(mixed, (list) => `Files of formats that are not read are left out: ${list}`);
  told(strays, (list) => `Images beside the folders of classes are of no class and left out: ${list}`);
  told([...spelt], (list) => `Folders whose names differ in how Unicode spells them are one class: ${list}`);
  return { classes: [...classes].map(([name, files]) => ({ name, files })), notes };
}

/** The classes of {@link findImages}. @throws {InnerloopError} as there */
export function listImageClasses(folder: string): readonly ImageClass[] {
  return findImages(folder).classes;
}

const holdsImages = ({ files, inside }: Folder): boolean => files.length > 0 || inside.some(holdsImages);

/** The first of many, as notes name them. */
export function listed(entries: readonly string[]): string {
  const shown = entries.slice(0, 6).join(", ");
  return entries.length > 6 ? `${shown} and ${entries.length - 6} more` : shown;
}

/** Reads the tree of folders. Those that are there themselves come before links to them, and no folder is read twice. */
function walk(folder: string): { top: Folder; notes: string[] } {
  const info = statSync(folder, { throwIfNoEntry: false });
  if (!info?.isDirectory())
    throw new InnerloopError(
      "data-missing",
      `${folder} ${existsSync(folder) ? "is a file" : "does not exist"}; expected a folder with one sub-folder of images a class`,
      { exitStatus: 2 },
    );
  const names = new Map<string, string>();
  const links: { readonly path: string; readonly name: string; readonly parent: Folder }[] = [];
  const [again, broken, special]: [string[], string[], string[]] = [[], [], []];
  const unreadable: string[] = [];

  const read = (path: string, name: string): Folder => {
    const at: Folder = { name, path, files: [], unread: new Map(), inside: [] };
    names.set(realpathSync(path), name || folder);
    for (const entry of entriesOf(path, unreadable)) {
      const [inner, innerName] = [join(path, entry.name), name ? `${name}/${entry.name}` : entry.name];
      const isLink = entry.isSymbolicLink();
      const target = isLink ? statSync(inner, { throwIfNoEntry: false }) : entry;
      if (target === undefined) broken.push(innerName);
      else if (target.isDirectory()) {
        if (isLink) links.push({ path: inner, name: innerName.normalize(), parent: at });
        else at.inside.push(read(inner, innerName.normalize()));
      } else if (!target.isFile()) special.push(innerName);
      else if (imageFile.test(entry.name)) at.files.push(inner);
      else {
        const ending = unreadFile.exec(entry.name)?.[1]?.toLowerCase();
        if (ending !== undefined) at.unread.set(ending, (at.unread.get(ending) ?? 0) + 1);
      }
    }
    return at;
  };

  const root = realpathSync(folder);
  const top = read(folder, "");
  for (let link = links.shift(); link; link = links.shift()) {
    const real = realpathSync(link.path);
    // One to a folder that the data folder lies in would lead through everything beside it, too.
    const there = names.get(real) ?? (root.startsWith(join(real, sep)) ? real : undefined);
    if (there !== undefined) again.push(`${link.name} (as ${there})`);
    else {
      link.parent.inside.push(read(link.path, link.name));
      link.parent.inside.sort((a, b) => (a.name < b.name ? -1 : 1));
    }
  }
  const notes: string[] = [];
  if (again.length > 0) notes.push(`Links to folders that are read already are left out: ${listed(again)}`);
  if (broken.length > 0) notes.push(`Links to nothing are left out: ${listed(broken)}`);
  if (special.length > 0) notes.push(`What is neither a file nor a folder is left out: ${listed(special)}`);
  if (unreadable.length > 0) notes.push(`Folders that cannot be read are left out: ${listed(unreadable)}`);
  return { top, notes };
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
