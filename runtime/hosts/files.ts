// Writing to a disk so that a file is there whole or not at all, whenever the work stops; and clearing away what killed
// processes left. Whoever keeps something (a personal file, a checkpoint, a bundle) writes through this.
import { randomBytes } from "node:crypto";
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
} from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { isOver, ownerOf, self, tagOf } from "./processes.ts";

/** Readable by their owner alone: what was learned from somebody's examples. */
export const ownerOnly = 0o600;

const temporary = /^\.innerloop-([0-9a-f]{8}-\d+-\d*)-[0-9a-f]{12}\.tmp$/;

/** What cannot be told to belong to a process of this machine is left alone for so long. */
const patience = 24 * 3600 * 1000;

/** A new name in a folder for what is being made; {@link sweep} knows it. */
export const temporaryIn = (folder: string): string =>
  join(folder, `.innerloop-${tagOf(self())}-${randomBytes(6).toString("hex")}.tmp`);

/** Clears away what processes that are over were making in a folder. */
export async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const tag = temporary.exec(name)?.[1];
    if (tag === undefined) continue;
    const path = join(folder, name);
    const owner = ownerOf(tag);
    const left = owner?.pid === process.pid ? tag !== tagOf(self()) : owner && isOver(owner);
    if (left || (await ageOf(path)) > patience) await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

const ageOf = (path: string): Promise<number> =>
  lstat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  );

/** A folder and those above it, the innermost first, as far as they are not there. */
export async function missingFolders(path: string): Promise<string[]> {
  const missing: string[] = [];
  const isThere = (folder: string) =>
    stat(folder).then(
      () => true,
      () => false,
    );
  for (let at = resolve(path); !(await isThere(at)) && dirname(at) !== at; at = dirname(at)) missing.push(at);
  return missing;
}

/**
 * Makes a folder with those above it that are missing, one by one: Node's own way to do that never ends where the system
 * says of a folder that is there that it is not, as in /proc.
 *
 * @returns those that were missing, the innermost first, for {@link removeEmpty}
 * @throws what the system says; what was made by then is taken away again
 */
export async function makeFolder(path: string): Promise<string[]> {
  const missing = await missingFolders(path);
  try {
    for (const folder of missing.toReversed())
      await mkdir(folder).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code !== "EEXIST") throw cause;
      });
  } catch (cause) {
    await removeEmpty(missing);
    throw cause;
  }
  return missing;
}

/** Takes folders away that were made, the innermost first, as far as they are empty. */
export async function removeEmpty(folders: readonly string[]): Promise<void> {
  for (const folder of folders) await rmdir(folder).catch(() => undefined);
}

/**
 * Writes a file so that a reader sees the old one or the new one, whole, after a power cut as well. One that is there keeps
 * its mode and its owner; a link stays, and what it leads to is replaced.
 *
 * @param mode of a new file
 * @throws what the system says; what was there before is unchanged then
 */
export async function replaceFile(path: string, bytes: Uint8Array, mode = 0o666): Promise<void> {
  const target = await behindLinks(path);
  const there = await stat(target).catch(ifMissing);
  if (there && !there.isFile()) throw new Error(`${target} is no ordinary file`);
  const folder = dirname(target);
  await sweep(folder);
  const staged = temporaryIn(folder);
  try {
    const file = await open(staged, "wx", there ? ownerOnly : mode);
    try {
      await file.writeFile(bytes);
      if (there) await keep(file, there);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(staged, target);
  } catch (cause) {
    await rm(staged, { force: true }).catch(() => undefined);
    throw cause;
  }
  await syncFolder(folder);
}

/** Gives a file the owner and mode of another; only root may give files away, so that is tried. */
async function keep(file: FileHandle, { uid, gid, mode }: { uid: number; gid: number; mode: number }): Promise<void> {
  const written = await file.stat();
  if (written.uid !== uid || written.gid !== gid) await file.chown(uid, gid).catch(() => undefined);
  if ((written.mode & 0o7777) !== (mode & 0o7777)) await file.chmod(mode & 0o7777);
}

/** Makes a rename in a folder last; not every system lets a folder be opened. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/** Where a path leads through links, the last of which may lead to what is not there yet. */
export async function behindLinks(path: string): Promise<string> {
  let at = resolve(path);
  for (let links = 0; links < 40; links++) {
    const there = await realpath(at).catch(ifMissing);
    if (there !== undefined) return there;
    const next = await readlink(at).catch(() => undefined);
    if (next === undefined) return at;
    at = resolve(dirname(at), next);
  }
  return at;
}

/**
 * Finds out whether a file could be written, before the work whose result it is to hold.
 * @throws what the system says
 */
export async function tryFile(path: string): Promise<void> {
  const target = await behindLinks(path);
  const there = await stat(target).catch(ifMissing);
  if (there && !there.isFile()) throw new Error(`${target} is no ordinary file`);
  await tryFolder(dirname(target));
}

/** The same for new files in a folder that is there. */
export async function tryFolder(folder: string): Promise<void> {
  const probe = temporaryIn(folder);
  try {
    await (await open(probe, "wx", ownerOnly)).close();
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
}

function ifMissing(cause: unknown): undefined {
  if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
}
