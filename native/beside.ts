// Files beside a model, which may hold its weights: as arrays that programs read where they lie, however many programs there are.
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import type { Kernels } from "./addon.ts";

/** A file that was not read into memory, as @innerloop/runtime has it. */
interface InPlace {
  readonly length: number;
  readonly sha256: string;
  /** The folder that it is in. @throws InnerloopError where another file is in its place by now */
  folder(): string;
  /** A copy of some of its bytes. */
  slice(start: number, end: number): Uint8Array;
}

type File = Uint8Array | InPlace;

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

/** Numbers behind an array that kernels may read. */
export const room = 16;

const pieceBytes = 2 ** 20;

/** Several models may read one file. */
const opened = new WeakMap<File, Float32Array>();
/** What the system reads from files. */
const mapped = new WeakSet<ArrayBufferLike>();

/** Lets go what was read of a file, until somebody reads it again. */
export function letGo({ buffer }: Float32Array, { release }: Pick<Kernels, "release">): void {
  if (mapped.has(buffer)) release?.(buffer as ArrayBuffer);
}

/** @throws what the file throws that is not as it was */
export const arraysOf = (files: FilesBeside, kernels: Pick<Kernels, "map">): ArraysBeside =>
  new Map(
    Object.entries(files).map(([name, file]) => {
      const array = opened.get(file) ?? arrayOf(name, file, kernels);
      opened.set(file, array);
      return [name, array];
    }),
  );

function arrayOf(name: string, file: File, { map }: Pick<Kernels, "map">): Float32Array {
  if (!("folder" in file)) return asNumbers(file);
  const mapping = map?.(join(file.folder(), basename(name)), 4 * room);
  if (!mapping || mapping.byteLength < file.length + 4 * room) return copyOf(file, file.length);
  mapped.add(mapping);
  return asNumbers(new Uint8Array(mapping));
}

/** Without a copy where the machine can read them as they lie. */
function asNumbers(bytes: Uint8Array): Float32Array {
  const { buffer, byteOffset, length } = bytes;
  return byteOffset % 4 === 0 ? new Float32Array(buffer, byteOffset, Math.floor(length / 4)) : copyOf(bytes, length);
}

function copyOf(file: File, bytes: number): Float32Array {
  const copy = new Float32Array(Math.ceil(bytes / 4) + room);
  const to = new Uint8Array(copy.buffer);
  for (let at = 0; at < bytes; at += pieceBytes) to.set(file.slice(at, Math.min(bytes, at + pieceBytes)), at);
  return copy;
}

/** What tells files of other contents apart. */
export const contentsOf = (files: FilesBeside): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(files).map(([name, file]) => [
      name,
      "folder" in file ? file.sha256 : createHash("sha256").update(file).digest("hex"),
    ]),
  );
