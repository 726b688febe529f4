// Parquet, by a library that reads it in plain JavaScript.
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import type { Refuse } from "../text.ts";
import { byColumns, type RawTable } from "./raw-table.ts";

export async function readParquet(file: string, bytes: Uint8Array, refuse: Refuse): Promise<RawTable> {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  let rows: Record<string, unknown>[];
  try {
    rows = await parquetReadObjects({ file: buffer, compressors });
  } catch (cause) {
    throw refuse("bad-table", `${file} is no Parquet that can be read (${(cause as Error).message}); write it again.`);
  }
  return byColumns(rows.map((row) => new Map(Object.entries(row).map(([name, value]) => [name.normalize(), value]))));
}
