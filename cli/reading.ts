// Reading a file that a person named as far as it can be what it should be: no pipe or device without end, and nothing larger.
import { readFile, stat } from "node:fs/promises";

/** A manifest is a few kilobytes. */
export const MOST_OF_MANIFEST = 2 ** 24;
/** No .onnx file is larger, since its format counts lengths with a sign in 32 bits; nor is what people keep beside one. */
export const MOST_OF_MODEL = 2 ** 31 - 1;

/** @throws Error that says what is in the way, with the system's code where it has one */
export async function readWithin(file: string, most: number): Promise<Buffer> {
  const info = await stat(file);
  if (!info.isFile()) throw new Error("it is a folder, a pipe or a device, not a file");
  if (info.size > most) throw new Error(`it has ${info.size} bytes, and may have ${most}`);
  return readFile(file);
}

/** A file of a bundle; undefined where there is none, null for one that cannot be what the manifest says. */
export function readListed(file: string, bytes: number): Promise<Buffer | undefined | null> {
  return readWithin(file, Math.min(bytes, MOST_OF_MODEL)).catch(({ code }) => (code === "ENOENT" ? undefined : null));
}
