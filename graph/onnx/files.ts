// Numbers that a model has in files beside it: where they lie is checked before any is read.
import { InnerloopError, show } from "@innerloop/schemas";
import type { onnx } from "@innerloop/schemas/onnx";

/**
 * The files beside a model, which may hold its numbers. Paths are relative to the model's folder, have "/" between their parts, and lead
 * to no folder above: who implements this need not look for that, but for links that lead elsewhere.
 */
export interface ModelFiles {
  /** How many bytes a file has; undefined where there is none. */
  size(path: string): number | undefined;
  /** Some of a file's bytes. They are asked for when they are needed, and perhaps again. */
  read(path: string, start: number, length: number): Uint8Array;
}

/**
 * Reads the bytes of a tensor that lie in another file.
 * @param needed how many bytes its shape promises
 * @throws InnerloopError `external-data` where no files are given, one is not there or outside the folder, or has not as many bytes there
 */
export function externalBytes(
  entries: readonly onnx.StringStringEntryProto.$Properties[],
  needed: number,
  where: string,
  files: ModelFiles | undefined,
): () => Uint8Array {
  const value = (key: string) => entries.find((entry) => entry.key === key)?.value ?? undefined;
  const path = value("location") ?? "";
  const refuse = (reason: string): InnerloopError => new InnerloopError("external-data", `${where} ${reason}`);
  if (!files)
    throw refuse(
      `has its numbers in another file, ${show(path)}; one file with everything in it was expected, or the folder of the model ` +
        "to read it from; save the model again without external data.",
    );
  if (!isInside(path))
    throw refuse(
      `has its numbers in ${show(path)}; a file in the model's folder was expected, by its path from there; ` +
        "nothing outside that folder is read.",
    );
  const [start, length] = [wholeNumber(value("offset"), 0), wholeNumber(value("length"), needed)];
  if (start === undefined || length === undefined || length !== needed)
    throw refuse(
      `says that its numbers are ${show(value("length") ?? "")} bytes from ${show(value("offset") ?? "0")} on in ${show(path)}; ` +
        `${needed} were expected, as its shape has; export the model again.`,
    );
  const size = files.size(path);
  if (size === undefined)
    throw refuse(
      `has its numbers in ${show(path)}, which is not there; put that file beside the model, under this name.`,
    );
  if (start + needed > size)
    throw refuse(
      `has its numbers in ${show(path)}, up to byte ${start + needed}, but that has ${size}; it may have been cut short: fetch it again.`,
    );
  return () => {
    const bytes = files.read(path, start, needed);
    if (bytes.length === needed) return bytes;
    throw refuse(
      `has its numbers in ${show(path)}, of which ${bytes.length} bytes were read where ${needed} lay before; read the model again.`,
    );
  };
}

/** Whether a path leads to a file in a folder or below it: no part of it is empty, goes up, or names a drive or a stream. */
export function isInside(path: string): boolean {
  const parts = path.replace(/^(\.\/)+/, "").split("/");
  return parts.every((part) => part !== "" && part !== "." && part !== ".." && !/[\\:\0]/.test(part));
}

/** A whole number of a file's text, which must be digits. */
function wholeNumber(text: string | undefined, otherwise: number): number | undefined {
  if (text === undefined) return otherwise;
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}
