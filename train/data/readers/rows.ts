// Rows of a table: CSV, TSV, JSON or Parquet, with a column that has their classes.
import { openFiles } from "../files/open-files.ts";
import { rowFiles } from "../files/rows.ts";
import type { Reader } from "./reader.ts";

export const rows: Reader = {
  spec: "rows:FILE",
  summary: "rows of a table (CSV, TSV, JSON, Parquet), one column the class",
  kind: "classification",
  files: rowFiles,
  meant: { what: "A table", by: (text) => /\.(csv|tsv|jsonl?|ndjson|parquet)$/i.test(text) },
  open: (place, options) => openFiles("rows", rowFiles, place, options),
};
