// A file that stays where it is: checked without being held, and mapped by ONNX Runtime, so that its numbers are in memory once for all
// sessions and processes, as far as they are read, and the system may take back what nobody reads.
import { createHash } from "node:crypto";
import { type BigIntStats, closeSync, openSync, readSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { InnerloopError } from "@innerloop/schemas/bundle";
import type { Bounds, InPlace } from "../host.ts";

const pieceBytes = 2 ** 20;

/** @returns undefined for what is no file, or too large, or cannot be read: whoever reads it whole says why */
export async function leaveInPlace(given: string, { limit, signal }: Bounds): Promise<InPlace | undefined> {
  const path = resolve(given);
  try {
    const before = statSync(path, { bigint: true });
    if (!before.isFile() || before.size > limit) return undefined;
    const sha256 = await digest(path, signal);
    const isSame = () => sameFile(before, statSync(path, { bigint: true, throwIfNoEntry: false }));
    if (sha256 === undefined || !isSame()) return undefined;
    const checked = () => {
      if (isSame()) return path;
      throw new InnerloopError(
        "bundle-altered",
        `${path}: it is not the file any more that it was when the bundle was opened; open the bundle again`,
      );
    };
    return {
      length: Number(before.size),
      sha256,
      folder: () => dirname(checked()),
      slice: (start, end) => readPart(checked(), start, end),
    };
  } catch {
    return undefined;
  }
}

async function digest(path: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  const file = await open(path);
  try {
    const hash = createHash("sha256");
    const piece = new Uint8Array(pieceBytes);
    for (let read = 1; read > 0; ) {
      if (signal?.aborted) return undefined;
      read = (await file.read(piece, 0, piece.length)).bytesRead;
      hash.update(piece.subarray(0, read));
    }
    return hash.digest("hex");
  } finally {
    await file.close();
  }
}

const sameFile = (a: BigIntStats, b: BigIntStats | undefined): boolean =>
  (["dev", "ino", "size", "mtimeNs"] as const).every((what) => a[what] === b?.[what]);

function readPart(path: string, start: number, end: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.max(0, end - start));
  const file = openSync(path, "r");
  try {
    let done = 0;
    for (let read = 1; done < bytes.length && read > 0; done += read)
      read = readSync(file, bytes, done, Math.min(pieceBytes, bytes.length - done), start + done);
    return done < bytes.length ? bytes.slice(0, done) : bytes;
  } finally {
    closeSync(file);
  }
}
