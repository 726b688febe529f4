// The only file that knows the disk: reading whole files, and writing one so that a failure leaves the earlier one.
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { InnerloopError } from "@innerloop/schemas/bundle";
import type { Bounds } from "../host.ts";
import { tooLarge } from "../refusal.ts";

/** As much is read at once, so that a signal is heard in between. */
const PIECE = 2 ** 24;

/** As {@link Host.read}, from a path. */
export async function readDisk(path: string, what: string, { limit, signal }: Bounds): Promise<Uint8Array> {
  try {
    // A pipe that nobody writes to would otherwise hold the opening, and with it a thread, for ever.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const info = await file.stat();
      if (!info.isFile()) throw new Error(`it is a ${info.isDirectory() ? "folder" : "pipe or a device"}, not a file`);
      if (info.size > limit) throw tooLarge(path, what, info.size, limit);
      const bytes = new Uint8Array(info.size);
      let [at, read] = [0, 1];
      while (at < bytes.length && read > 0 && !signal?.aborted) {
        read = (await file.read(bytes, at, Math.min(PIECE, bytes.length - at), at)).bytesRead;
        at += read;
      }
      return at < bytes.length ? bytes.slice(0, at) : bytes;
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof InnerloopError) throw cause;
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
  return (cause as Error).message;
}
