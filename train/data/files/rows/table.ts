// A table as people have it, read whole: columns under their names, from CSV, JSON, or Parquet.
import { extname } from "node:path";
import { InnerloopError, mistaken, show } from "@innerloop/schemas";
import { delimited } from "../delimited.ts";
import { checkFields, checkNamed, jsonList } from "../tables.ts";
import { readBounded, readText, refusing } from "../text.ts";
import { type Cells, styleOfAll, understood } from "./cells.ts";
import { byColumns, type RawTable } from "./raw-table.ts";

/** A column of a table, understood. */
export interface Column extends Cells {
  readonly name: string;
}

/** A table that was read. */
export interface Table extends RawTable {
  readonly file: string;
  readonly rows: number;
  /** What each of its columns is, but for the one that has the classes. */
  columns(labels?: string): readonly Column[];
}

const refuse = refusing(1);

const formats: Readonly<Record<string, (file: string) => Promise<RawTable>>> = {
  ".csv": readDelimited,
  ".tsv": readDelimited,
  ".txt": readDelimited,
  ".json": readObjects,
  ".jsonl": readObjects,
  ".ndjson": readObjects,
  ".parquet": async (file) => {
    const bytes = await readBounded(file, refuse);
    const other = mistaken(bytes);
    if (other !== undefined) throw refuse("bad-table", `${file}: ${other}.`);
    // Loaded here, so that who has other tables does not wait for it.
    const { readParquet } = await import("./parquet.ts");
    return readParquet(file, bytes, refuse);
  },
};

export const isTable = (file: string): boolean => extname(file).toLowerCase() in formats;

/**
 * @throws InnerloopError (status 1) `bad-table`, naming what is wrong, and `data-missing` for a table without rows; its columns
 *   as {@link understood}
 */
export async function readWholeTable(file: string): Promise<Table> {
  const raw = await (formats[extname(file).toLowerCase()] ?? readDelimited)(file);
  const { names, fields, delimiter } = raw;
  const rows = fields[0]?.length ?? 0;
  if (rows === 0) throw refuse("data-missing", `${file} has no examples; give at least one row.`);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined)
    throw refuse("bad-table", `${file} has two columns ${show(twice)}; give each a name of its own.`);
  const columns = (labels?: string): Column[] => {
    const shown = names.flatMap((name, i) => (name === labels ? [] : [{ name, fields: fields[i]! }]));
    // Where commas divide fields, they were not free for fractions.
    const style = styleOfAll(shown.map(({ fields }) => fields)) ?? (delimiter === "," ? "point" : undefined);
    return shown.map(({ name, fields }) => ({
      name,
      ...understood(fields, { column: `${file}: ${show(name)}`, row: raw.row }, style),
    }));
  };
  return { ...raw, file, rows, columns };
}

async function readDelimited(file: string): Promise<RawTable> {
  const { delimiter, records: all } = delimited(file, await readText(file, refuse), refuse);
  const [first, ...records] = all;
  const header = first?.fields ?? [];
  checkNamed(file, header, refuse);
  records.forEach((record, i) => {
    checkFields(`${file}:${i + 1}`, record, header, delimiter, refuse);
  });
  return {
    // Whoever saves a table with its row numbers leaves their name empty.
    names: header.map((name, i) => (name === "" ? `column ${i + 1}` : name.normalize())),
    fields: header.map((_, column) => records.map(({ fields }) => fields[column]!)),
    row: (index) => `line ${records[index]!.line}`,
    delimiter,
  };
}

const expected = 'a list of objects by the names of columns, as [{ "width": 1.5, "label": "a" }], was expected';

async function readObjects(file: string): Promise<RawTable> {
  const text = await readText(file, refuse);
  const list = /\.json$/i.test(file) ? jsonList(file, text, expected, refuse) : linesOf(file, text);
  const objects = list.map((entry, i) => {
    if (typeof entry !== "object" || entry === null || Array.isArray(entry))
      throw refuse("bad-table", `${file}:${i + 1} is ${show(entry)}; ${expected}.`);
    return flat(entry as Readonly<Record<string, unknown>>);
  });
  return byColumns(objects);
}

/** An object's fields, a list of numbers in one as a field each: `x` becomes `x1`, `x2`, …. */
function flat(object: Readonly<Record<string, unknown>>): ReadonlyMap<string, unknown> {
  return new Map(
    Object.entries(object).flatMap(([name, value]): [string, unknown][] =>
      Array.isArray(value) && value.length > 0 && value.every((entry) => typeof entry === "number" || entry === null)
        ? value.map((entry, i): [string, unknown] => [`${name}${i + 1}`.normalize(), entry])
        : [[name.normalize(), typeof value === "string" ? value.trim() : value]],
    ),
  );
}

/** JSON objects, one a line. */
function linesOf(file: string, text: string): unknown[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    if (line.trim() === "") return [];
    try {
      return jsonList(file, `[${line}]`, expected, refuse);
    } catch (cause) {
      if (!(cause instanceof InnerloopError)) throw cause;
      throw refuse("bad-table", `line ${i + 1}: ${cause.message}`);
    }
  });
}
