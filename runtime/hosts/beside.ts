// The files beside a model, which may hold its weights: parts of them are read when they are asked for, and a link that leads out of
// the model's folder is no file.
import { closeSync, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { dirname, join, sep } from "node:path";

/** What lies beside a model: the shape that `readOnnx` takes. */
export interface FilesBeside {
  /** How many bytes a file has; undefined where there is none. */
  size(path: string): number | undefined;
  /** Some of a file's bytes; fewer where it ends before. */
  read(path: string, start: number, length: number): Uint8Array;
}

/**
 * The files beside a model. A link is followed within its folder, or within that of the file which the model is a link to, as caches of
 * downloads lay them out.
 * @param model the path of its .onnx file
 */
export function filesBeside(model: string): FilesBeside {
  const folders = () => [...new Set([realpathSync(dirname(model)), dirname(realpathSync(model))])];
  /** The file, opened, whose real path is within these folders: what was looked at is what is read. */
  const opened = <T>(path: string, use: (file: number) => T): T | undefined => {
    const place = join(dirname(model), ...path.split("/"));
    let file: number;
    try {
      const real = realpathSync(place);
      if (!folders().some((folder) => real.startsWith(folder.endsWith(sep) ? folder : folder + sep))) return undefined;
      file = openSync(real, "r");
    } catch (cause) {
      if (["ENOENT", "ENOTDIR"].includes((cause as NodeJS.ErrnoException).code ?? "")) return undefined;
      throw cause;
    }
    try {
      return fstatSync(file).isFile() ? use(file) : undefined;
    } finally {
      closeSync(file);
    }
  };
  return {
    size: (path) => opened(path, (file) => fstatSync(file).size),
    read: (path, start, length) => opened(path, (file) => readPart(file, start, length)) ?? new Uint8Array(),
  };
}

/** The most that a system reads at once. */
const atOnce = 2 ** 30;

function readPart(file: number, start: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const read = readSync(file, bytes, done, Math.min(atOnce, length - done), start + done);
    if (read === 0) return bytes.subarray(0, done);
    done += read;
  }
  return bytes;
}
