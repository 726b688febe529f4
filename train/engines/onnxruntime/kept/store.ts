// Files that a process leaves for later ones, so that they need not compute again what they hold: found by a key, whole or not at
// all, bounded in size and age. Whatever is wrong with one, it counts as not there.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { sweep, temporaryIn } from "@innerloop/runtime/files";
import { isClaim } from "./claims.ts";

/** The most bytes that are kept, and for how long what nobody asks for. */
const [mostBytes, longest] = [256 * 2 ** 20, 30 * 24 * 3600 * 1000];

/** What is kept: models of ONNX Runtime, and programs of our own kernels. */
export type Kind = "onnx" | "program";

/** `<key>.<digest of the content>.<kind>`: the name tells whether the content is what was written. */
const kept = /^([0-9a-f]{32})\.([0-9a-f]{16})\.(onnx|program)$/;

const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex").slice(0, 16);

/** Where sessions are kept: `INNERLOOP_CACHE`, or in the user's folder for such files; undefined where it says `off`. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const { INNERLOOP_CACHE: asked = "" } = env;
  if (asked === "off") return undefined;
  return join(asked ? resolve(asked) : usersCache(env), "sessions");
}

function usersCache({ XDG_CACHE_HOME, LOCALAPPDATA }: NodeJS.ProcessEnv): string {
  if (process.platform === "win32")
    return join(LOCALAPPDATA || join(homedir(), "AppData", "Local"), "innerloop", "cache");
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches", "innerloop");
  return join(XDG_CACHE_HOME || join(homedir(), ".cache"), "innerloop");
}

/** What is kept, for whoever asks. */
export interface CacheReport {
  readonly folder: string;
  readonly files: number;
  readonly bytes: number;
}

/** Where sessions are kept and how much there is; undefined where nothing is kept. */
export async function cacheReport(): Promise<CacheReport | undefined> {
  const folder = cacheFolder();
  if (folder === undefined) return undefined;
  const files = await filesIn(folder);
  return { folder, files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** The bytes of a key. A file that is damaged goes. */
export function find(folder: string, key: string, kind: Kind = "onnx"): Uint8Array | undefined {
  for (const name of namesIn(folder)) {
    const [, itsKey, digest, itsKind] = kept.exec(name) ?? [];
    if (itsKey !== key || itsKind !== kind) continue;
    const path = join(folder, name);
    try {
      const bytes = readFileSync(path);
      if (digestOf(bytes) === digest) {
        touch(path);
        return bytes;
      }
      rmSync(path, { force: true });
    } catch {
      // It went meanwhile, or does not let itself be read or taken away.
    }
  }
  return undefined;
}

/** It was asked for now, where that can be written down. */
function touch(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // A folder that others filled.
  }
}

/** A place in the folder to write a file to that {@link adopt} takes; undefined where the folder cannot be made. */
export async function placeIn(folder: string): Promise<string | undefined> {
  return mkdir(folder, { recursive: true }).then(
    () => temporaryIn(folder),
    () => undefined,
  );
}

/** Keeps bytes under a key. */
export async function keep(key: string, bytes: Uint8Array): Promise<void> {
  const folder = cacheFolder();
  const place = folder === undefined ? undefined : await placeIn(folder);
  if (folder === undefined || place === undefined) return;
  const written = await writeFile(place, bytes).then(
    () => true,
    () => false,
  );
  if (written) await adopt(folder, key, place);
  else await rm(place, { force: true }).catch(() => undefined);
}

/** Keeps a program under a key, at once: others may wait for it. What fails here costs a later process time, no more. */
export function keepProgram(folder: string, key: string, bytes: Uint8Array): void {
  const place = temporaryIn(folder);
  try {
    writeFileSync(place, bytes);
    settle(folder, place, { key, bytes, kind: "program" });
  } catch {
    // A disk that is full, or a file that went meanwhile.
    rmSync(place, { force: true });
  }
  void tidy(folder);
}

/** Keeps a file that was written to a place under a key, and lets old ones go. What fails here costs a later process time, no more. */
export async function adopt(folder: string, key: string, place: string): Promise<void> {
  try {
    settle(folder, place, { key, bytes: await readFile(place), kind: "onnx" });
    await tidy(folder);
  } catch {
    await rm(place, { force: true }).catch(() => undefined);
  }
}

/** Puts a file that was written in the place of what was kept under its key. */
function settle(
  folder: string,
  place: string,
  { key, bytes, kind }: { readonly key: string; readonly bytes: Uint8Array; readonly kind: Kind },
): void {
  for (const name of namesIn(folder))
    if (name.startsWith(`${key}.`) && kept.test(name))
      try {
        rmSync(join(folder, name), { force: true });
      } catch {
        // Whoever asks finds either.
      }
  renameSync(place, join(folder, `${key}.${digestOf(bytes)}.${kind}`));
}

/** Lets go of what nobody asked for in a while, then of what was asked for the longest ago, until the rest is small enough. */
async function tidy(folder: string): Promise<void> {
  await sweep(folder);
  for (const name of namesIn(folder)) if (isClaim(name)) await removeOld(join(folder, name));
  const files = (await filesIn(folder)).sort((a, b) => b.used - a.used);
  let total = 0;
  for (const { path, bytes, used } of files) {
    total += bytes;
    if (total > mostBytes || Date.now() - used > longest) await rm(path, { force: true }).catch(() => undefined);
  }
}

/** Takes a claim away that was left. */
async function removeOld(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there && Date.now() - there.mtimeMs > 3600_000) await rm(path, { force: true }).catch(() => undefined);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

async function filesIn(folder: string): Promise<{ path: string; bytes: number; used: number }[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => kept.test(name));
  const files = names.map(async (name) => {
    const path = join(folder, name);
    const there = await stat(path).catch(() => undefined);
    return there ? [{ path, bytes: there.size, used: there.mtimeMs }] : [];
  });
  return (await Promise.all(files)).flat();
}
