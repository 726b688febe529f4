// The only file that knows the disk: reading whole files, and writing one so that a failure leaves the earlier one.
import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { InnerloopError } from "@innerloop/schemas/bundle";

/** As {@link Host.read}, from a path. */
export async function readDisk(path: string, what: string): Promise<Uint8Array> {
  try {
    // A Uint8Array proper: a Buffer is one too, but its `slice` shares memory instead of copying.
    const bytes = await readFile(path);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT") {
      throw new InnerloopError("file-missing", `${path}: there is no such file; ${what} was expected; check the path`, {
        cause,
      });
    }
    throw new InnerloopError(
      "file-unreadable",
      `${path}: ${what} cannot be read (${reasonOf(cause)}); check its permissions`,
      { cause },
    );
  }
}

/** As {@link Host.write}, to a path: into a new file beside it, which then takes its place. */
export async function writeDisk(path: string, bytes: Uint8Array): Promise<void> {
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

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
