// Reads single files out of a zip archive, such as a Python wheel, piece by piece: the libraries in it are larger than what
// should be held in memory. Stored and deflated entries (APPNOTE 4.3 of the zip format), which is all that wheels have.
import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createInflateRaw } from "node:zlib";
import { wrongCall } from "../command.ts";

/** One file of an archive. */
export interface Entry {
  readonly name: string;
  /** Bytes when unpacked. */
  readonly size: number;
  /** Its bytes, unpacked. */
  read(): Promise<Readable>;
}

const end = 0x06054b50;
const central = 0x02014b50;

/**
 * The files of a zip archive.
 * @throws InnerloopError `bad-wheel` for a file that is no whole archive; errors of the file system as they are
 */
export async function readZip(file: string): Promise<Entry[]> {
  const handle = await open(file, "r");
  try {
    return await directory(file, handle);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw wrongCall(
      "bad-wheel",
      `${file} is not a whole .whl file (${cause.message}); download it again, or give another.`,
    );
  } finally {
    await handle.close();
  }
}

async function directory(file: string, handle: FileHandle): Promise<Entry[]> {
  const { size } = await handle.stat();
  const tail = await piece(handle, Math.max(0, size - 65_557), Math.min(size, 65_557));
  let at = tail.length - 22;
  while (at >= 0 && tail.readUInt32LE(at) !== end) at--;
  if (at < 0) throw new RangeError("it has no table of contents");
  const [count, bytes, start] = [tail.readUInt16LE(at + 10), tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)];
  if (start === 0xffffffff) throw new RangeError("it is larger than 4 GB");
  const table = await piece(handle, start, bytes);
  const entries: Entry[] = [];
  for (let i = 0, place = 0; i < count; i++) {
    if (table.readUInt32LE(place) !== central) throw new RangeError("its table of contents is damaged");
    const [method, packed, unpacked] = [
      table.readUInt16LE(place + 10),
      table.readUInt32LE(place + 20),
      table.readUInt32LE(place + 24),
    ];
    const [name, extra, comment] = [28, 30, 32].map((offset) => table.readUInt16LE(place + offset)) as [
      number,
      number,
      number,
    ];
    const header = table.readUInt32LE(place + 42);
    entries.push({
      name: table.toString("utf8", place + 46, place + 46 + name),
      size: unpacked,
      read: () => unpack(file, header, method, packed),
    });
    place += 46 + name + extra + comment;
  }
  return entries;
}

async function unpack(file: string, header: number, method: number, packed: number): Promise<Readable> {
  const handle = await open(file, "r");
  const local = await piece(handle, header, 30).finally(() => handle.close());
  // The local header's own lengths: its extra fields are not those of the table.
  const start = header + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
  const bytes = createReadStream(file, { start, end: Math.max(start, start + packed - 1) });
  if (method === 0) return bytes;
  if (method !== 8)
    throw wrongCall("bad-wheel", `${file} is packed in an unusual way (method ${method}); pack it anew.`);
  const inflate = createInflateRaw();
  bytes.on("error", (error) => inflate.destroy(error));
  return bytes.pipe(inflate);
}

async function piece(handle: FileHandle, start: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await handle.read(bytes, 0, length, start);
  if (bytesRead < length) throw new RangeError("it is cut short");
  return bytes;
}
