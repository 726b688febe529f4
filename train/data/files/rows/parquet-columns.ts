// A thread that reads the columns of Parquet files: in a damaged one the library may go on without end, and then the thread is ended.
import { parentPort } from "node:worker_threads";
import { type FileMetaData, parquetMetadata, parquetRead, parquetSchema } from "hyparquet";
import { compressors } from "hyparquet-compressors";

/** What is read of a file; or why it cannot be. */
export type ParquetReply =
  | { readonly columns: ReadonlyMap<string, readonly unknown[]>; readonly nested: readonly string[] }
  | { readonly problem: string };

async function read(file: ArrayBuffer): Promise<ParquetReply> {
  const metadata = parquetMetadata(file);
  const { children } = parquetSchema(metadata);
  const flat = children.filter(
    (column) => column.children.length === 0 && column.element.repetition_type !== "REPEATED",
  );
  checkRows(metadata);
  const columns = new Map<string, unknown[]>();
  for (const { element } of flat) columns.set(element.name.normalize(), await columnOf(file, metadata, element.name));
  const nested = children.filter((column) => !flat.includes(column)).map(({ element }) => element.name.normalize());
  return { columns, nested };
}

/** A damaged file may say that it has any number of rows. */
function checkRows({ row_groups: groups }: FileMetaData): void {
  for (const { num_rows: rows, columns } of groups)
    for (const { meta_data: column } of columns)
      if (column?.path_in_schema.length === 1 && column.num_values !== rows)
        throw new Error(`it says that a column has ${column.num_values} values in ${rows} rows`);
}

/** One column of one group of rows at a time: the library leaves an error of a second one to nobody. */
async function columnOf(file: ArrayBuffer, metadata: FileMetaData, name: string): Promise<unknown[]> {
  const values: unknown[] = [];
  for (const { num_rows: rows } of metadata.row_groups) {
    const rowStart = values.length;
    await parquetRead({
      ...{ file, metadata, compressors, columns: [name], rowStart, rowEnd: rowStart + Number(rows) },
      onComplete(group) {
        for (const [value] of group) values.push(value);
      },
    });
    if (values.length !== rowStart + Number(rows))
      throw new Error(`"${name}" has ${values.length - rowStart} of ${rows} values`);
  }
  return values;
}

parentPort!.on("message", (file: ArrayBuffer) => {
  void read(file)
    .catch((cause: Error): ParquetReply => ({ problem: cause.message }))
    .then((reply) => parentPort!.postMessage(reply));
});
