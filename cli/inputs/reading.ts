// Reading a file that a person named as far as it can be what it should be: no pipe or device without end, and nothing larger.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { InnerloopError, type Manifest, mistaken, parseJson, validateManifest } from "@innerloop/schemas";

/** A manifest is a few kilobytes. */
const mostOfManifest = 2 ** 24;
/** No .onnx file is larger, since its format counts lengths with a sign in 32 bits; nor is what people keep beside one. */
export const mostOfModel = 2 ** 31 - 1;

/** @throws Error that says what is in the way, with the system's code where it has one */
export async function readWithin(file: string, most: number): Promise<Buffer> {
  const info = await stat(file);
  if (!info.isFile()) throw new Error("it is a folder, a pipe or a device, not a file");
  if (info.size > most) throw new Error(`it has ${info.size} bytes, and may have ${most}`);
  return readFile(file);
}

/** A file of a bundle; undefined where there is none, null for one that cannot be what the manifest says. */
export function readListed(file: string, bytes: number): Promise<Buffer | undefined | null> {
  return readWithin(file, Math.min(bytes, mostOfModel)).catch(({ code }) => (code === "ENOENT" ? undefined : null));
}

/**
 * The manifest of a bundle's folder.
 * @throws InnerloopError `bundle-unreadable`, `manifest-invalid`, `newer-version`
 */
export async function readManifest(bundle: string): Promise<Manifest> {
  const source = join(bundle, "manifest.json");
  let bytes: Uint8Array;
  try {
    bytes = await readWithin(source, mostOfManifest);
  } catch (cause) {
    throw new InnerloopError("bundle-unreadable", `${source} cannot be read (${(cause as Error).message}).`, { cause });
  }
  let value: unknown;
  try {
    value = parseJson(new TextDecoder().decode(bytes));
  } catch (cause) {
    const what =
      mistaken(bytes) ?? `it is no JSON (${(cause as Error).message}); copy the bundle again, or export it again`;
    throw new InnerloopError("manifest-invalid", `${source}: ${what}.`, { cause });
  }
  return validateManifest(value, source);
}
