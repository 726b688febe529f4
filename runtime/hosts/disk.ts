// The only file that knows the disk: reading whole files, and writing one so that a failure leaves the earlier one.
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { InnerloopError } from "@innerloop/schemas/bundle";
import type { Bounds } from "../host.ts";
import { tooLarge } from "../refusal.ts";

/** As much is read at once, so that a signal is heard in between. */
const pieceBytes = 2 ** 24;

/** As {@link Host.read}, from a path. */
export async function readDisk(path: string, what: string, bounds: Bounds): Promise<Uint8Array> {
  const { limit, signal } = bounds;
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
        read = (await file.read(bytes, at, Math.min(pieceBytes, bytes.length - at), at)).bytesRead;
        at += read;
      }
      return at < bytes.length ? bytes.slice(0, at) : bytes;
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof InnerloopError) throw cause;
    if ((cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT") {
      // A process that was killed while it replaced the folder may have left none.
      if (await (await import("./folders.ts")).putBack(dirname(path))) return readDisk(path, what, bounds);
      throw new InnerloopError("file-missing", `${path}: there is no such file; ${what} was expected; check the path`, {
        cause,
      });
    }
    throw new InnerloopError(
      "file-unreadable",
      `${path}: ${what} cannot be read (${reasonOf(cause)}); ` +
        (/^E[MN]FILE$/.test((cause as NodeJS.ErrnoException).code ?? "")
          ? "open fewer files at a time, or allow more (ulimit -n)"
          : "check its permissions"),
      { cause },
    );
  }
}

/** As {@link Host.write}, to a path. What it holds was learned from somebody, so a new file is its owner's alone. */
export async function writeDisk(path: string, bytes: Uint8Array): Promise<void> {
  const { ownerOnly, replaceFile } = await import("./files.ts");
  try {
    await replaceFile(path, bytes, ownerOnly);
  } catch (cause) {
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
