// Files beside a model, which may hold its weights: as arrays that programs read where they lie, however many programs there are.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Kernels } from "./addon.ts";
import { refused } from "./plan/refusal.ts";
import { apart } from "./plan/taken.ts";

/** A file that was not read into memory, as @innerloop/runtime has it. */
interface InPlace {
  readonly length: number;
  readonly sha256: string;
  /** The folder that it is in. @throws InnerloopError where another file is in its place by now */
  folder(): string;
  /** A copy of some of its bytes. */
  slice(start: number, end: number): Uint8Array;
}

/** A file's bytes, one that stays where it is, or its path. */
type File = Uint8Array | InPlace | string;

/** By the names that the model calls them. */
export type FilesBeside = Readonly<Record<string, File>>;

/** Numbers of files, and perhaps more after them, by the names of the files. */
export type ArraysBeside = ReadonlyMap<string, Float32Array>;

/** Where the numbers of an array lie in one of those. */
export interface PlaceBeside {
  readonly file: string;
  /** In numbers. */
  readonly at: number;
}

const pieceBytes = 2 ** 20;

/** Several models may read one file. */
const opened = new WeakMap<Exclude<File, string>, Float32Array>();
/** What the system reads from files. */
const mapped = new WeakSet<ArrayBufferLike>();

/** Lets go what was read of a file, until somebody reads it again. */
export function letGo({ buffer }: Float32Array, { release }: Pick<Kernels, "release">): void {
  if (mapped.has(buffer)) release?.(buffer as ArrayBuffer);
}

/** @throws InnerloopError `not-native` for a path at which no file can be read; what a file throws that is not as it was */
export const arraysOf = (files: FilesBeside, kernels: Pick<Kernels, "map">): ArraysBeside =>
  new Map(
    Object.entries(files).map(([name, file]) => {
      if (typeof file === "string") return [name, arrayAt(file, kernels)];
      const array = opened.get(file) ?? arrayOf(name, file, kernels);
      opened.set(file, array);
      return [name, array];
    }),
  );

function arrayOf(name: string, file: Exclude<File, string>, kernels: Pick<Kernels, "map">): Float32Array {
  if (!("folder" in file)) return asNumbers(file);
  const array = mappedAt(join(file.folder(), basename(name)), kernels);
  return array && array.byteLength >= file.length ? array : copyOf(file);
}

function arrayAt(path: string, kernels: Pick<Kernels, "map">): Float32Array {
  try {
    return mappedAt(path, kernels) ?? asNumbers(readFileSync(path));
  } catch (cause) {
    throw refused(`a model with weights in ${path}, which cannot be read (${(cause as Error).message}),`);
  }
}

function mappedAt(path: string, { map }: Pick<Kernels, "map">): Float32Array | undefined {
  const mapping = map?.(path, 4 * apart);
  if (!mapping) return undefined;
  mapped.add(mapping);
  return asNumbers(new Uint8Array(mapping));
}

/** Without a copy where the machine can read them as they lie. */
export function asNumbers(bytes: Uint8Array): Float32Array {
  const { buffer, byteOffset, length } = bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes);
  return new Float32Array(buffer, byteOffset, Math.floor(length / 4));
}

function copyOf(file: InPlace): Float32Array {
  const copy = new Float32Array(Math.ceil(file.length / 4) + apart);
  const to = new Uint8Array(copy.buffer);
  for (let at = 0; at < file.length; at += pieceBytes)
    to.set(file.slice(at, Math.min(file.length, at + pieceBytes)), at);
  return copy;
}

/** What tells files of other contents apart. */
export const contentsOf = (files: FilesBeside): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(files).map(([name, file]) => {
      if (typeof file !== "string" && "folder" in file) return [name, file.sha256];
      const bytes = typeof file === "string" ? readFileSync(file) : file;
      return [name, createHash("sha256").update(bytes).digest("hex")];
    }),
  );
