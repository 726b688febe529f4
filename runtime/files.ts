// The only file that knows the disk: reading whole files, and writing one so that a failure leaves the earlier one.
import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { InnerloopError } from "@innerloop/schemas";

/** The path that a caller gave as text or as a `file:` URL. */
export function toPath(place: string | URL): string {
  return typeof place === "string" ? place : fileURLToPath(place);
}

/** The same memory as a Uint8Array proper: a Buffer is one too, but its `slice` shares memory instead of copying. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Reads a file.
 *
 * @param what how messages name it: "the personal file"
 * @throws InnerloopError `file-missing` when there is none, `file-unreadable` for any other reason.
 */
export async function readFileBytes(path: string, what: string): Promise<Uint8Array> {
  try {
    return plainBytes(await readFile(path));
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") {
      throw new InnerloopError("file-missing", `${path}: there is no such file; ${what} was expected; check the path`, {
        cause,
      });
    }
    throw new InnerloopError(
      "file-unreadable",
      `${path}: ${what} cannot be read (${reasonOf(cause)}); check its permissions`,
      {
        cause,
      },
    );
  }
}

/**
 * Writes a file whole or not at all: into a new file beside it, which then takes its place. A full disk, a folder that
 * cannot be written or a crash leaves what was there before.
 *
 * @throws InnerloopError `write-failed`.
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new InnerloopError(
      "write-failed",
      `${path}: nothing was written (${reasonOf(cause)}); what was there before is unchanged; ` +
        "choose a folder that exists, can be written to and has space",
      { cause },
    );
  }
}

function codeOf(cause: unknown): string | undefined {
  return (cause as NodeJS.ErrnoException | undefined)?.code;
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
