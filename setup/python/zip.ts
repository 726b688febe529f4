// Reads single files out of a zip archive, such as a Python wheel, piece by piece: the libraries in it are larger than what
// should be held in memory. What an archive says of itself is checked before any of it is unpacked.
import { open, stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { mistaken, show } from "@innerloop/schemas";
import { openPromise, type Entry as ZipEntry } from "yauzl";
import { wrongCall } from "../failures.ts";

/** One file of an archive. */
export interface Entry {
  /** A path that stays in the archive: relative, with slashes, and no step up. */
  readonly name: string;
  /** Bytes when unpacked; the stream fails where they are not as many. */
  readonly size: number;
  /** Its bytes, unpacked. */
  read(): Promise<Readable>;
}

/**
 * What an archive may be at most, so that a small one does not fill the disk. The largest wheels have 20,000 files and unpack
 * to 4 GB, to some three times their size.
 */
const limits = { files: 200_000, bytes: 2 ** 35, growth: 100 };

/**
 * The files of a zip archive.
 * @throws InnerloopError `bad-wheel` for a file that is no whole archive, that names files outside of itself or one twice, or
 *   that unpacks to more than an archive of its size should; errors of the file system as they are
 */
export async function readZip(file: string): Promise<Entry[]> {
  const { size } = await stat(file);
  const bad = (why: string): Error =>
    wrongCall("bad-wheel", `${file} is not a whole .whl file (${why}); download it again, or give another.`);
  const entries = new Map<string, Entry>();
  let bytes = 0;
  try {
    const archive = await openPromise(file, { lazyEntries: true, strictFileNames: true });
    try {
      if (archive.entryCount > limits.files)
        throw bad(`it holds ${archive.entryCount} files; at most ${limits.files} are read`);
      for await (const entry of archive.eachEntry()) {
        if (entry.fileName.endsWith("/")) continue;
        if (/\p{Cc}/u.test(entry.fileName)) throw bad(`it holds a file ${show(entry.fileName)}`);
        if (entries.has(entry.fileName)) throw bad(`it holds ${entry.fileName} twice`);
        bytes += entry.uncompressedSize;
        if (bytes > Math.min(limits.bytes, 2 ** 20 + limits.growth * size))
          throw bad(`its ${size} bytes unpack to more than ${limits.growth} times as many`);
        entries.set(entry.fileName, {
          name: entry.fileName,
          size: entry.uncompressedSize,
          read: () => unpack(file, entry),
        });
      }
    } finally {
      archive.close();
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== undefined) throw cause;
    const other = mistaken(await startOf(file));
    if (other !== undefined) throw wrongCall("bad-wheel", `${file}: ${other}.`);
    throw bad((cause as Error).message);
  }
  return [...entries.values()];
}

async function startOf(file: string): Promise<Uint8Array> {
  const handle = await open(file, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(1024), 0, 1024, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function unpack(file: string, entry: ZipEntry): Promise<Readable> {
  const archive = await openPromise(file, { lazyEntries: true });
  try {
    return await archive.openReadStreamPromise(entry);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== undefined) throw cause;
    throw wrongCall(
      "bad-wheel",
      `${file}: ${entry.fileName} cannot be unpacked (${(cause as Error).message}); pack it anew.`,
    );
  } finally {
    // It stays open until the stream has ended.
    archive.close();
  }
}
