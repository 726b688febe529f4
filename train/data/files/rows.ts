// Rows of a table, each an example: its columns are understood as a whole, and become what the runtime makes of a row.

import { statSync } from "node:fs";
import { basename } from "node:path";
import { preprocess } from "@innerloop/runtime/input";
import { InnerloopError, type RowPreprocessing, show } from "@innerloop/schemas";
import { type Split, splits } from "../episodes/task.ts";
import { naming } from "./failures.ts";
import type { FileItem, FileKind, Found, FoundClass } from "./file-kind.ts";
import { leftOut } from "./left-out.ts";
import type { Field } from "./rows/cells.ts";
import { choosePreprocessing } from "./rows/columns.ts";
import { type Labels, labelsOf } from "./rows/label.ts";
import { type Column, isTable, readWholeTable, type Table } from "./rows/table.ts";

/** A table that was read, understood. */
interface ReadTable {
  readonly table: Table;
  readonly columns: readonly Column[];
  readonly labels?: Labels;
}

/** A row, of a table that is read already. */
interface RowItem extends FileItem {
  readonly of: ReadTable;
  readonly row: number;
}

/** What the runtime takes: the fields by the names of their columns. */
export type RawRow = Readonly<Record<string, Field>>;

const expected = "a table was expected (.csv, .tsv, .txt, .json, .jsonl, .parquet)";

export const rowFiles: FileKind<RowItem, RawRow, Float32Array, RowPreprocessing> = {
  kind: "row",
  what: "rows (CSV, TSV, JSON, Parquet)",
  settings: ["label"],
  takes: isTable,

  async find(place, { label }, how): Promise<Found<RowItem>> {
    const table = await open(place);
    const labels = labelsOf(
      table,
      label,
      how?.columns.map(({ name }) => name),
    );
    const of: ReadTable = { table, columns: table.columns(labels.column), labels };
    const classes = new Map<string, number[]>();
    const none: number[] = [];
    labels.of.forEach((name, row) => {
      if (name === null) none.push(row);
      else if (classes.has(name)) classes.get(name)!.push(row);
      else classes.set(name, [row]);
    });
    const split = splitsOf(table, classes);
    return {
      classes: [...classes]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(
          ([name, rows]): FoundClass<RowItem> => ({
            name,
            ...(split ? { split: split.get(name)! } : {}),
            items: rows.map((row) => itemOf(of, row)),
          }),
        ),
      leftOut: leftOut(
        `rows without a class in ${show(labels.column)}`,
        none.map((row) => itemOf(of, row).name),
      ),
      notes: [...labels.notes, ...of.columns.flatMap(({ notes }) => notes)],
    };
  },

  async items(place, { label }) {
    const table = await open(place);
    const of: ReadTable = { table, columns: table.columns(label) };
    return Array.from({ length: table.rows }, (_, row) => itemOf(of, row));
  },

  async read({ of, row }) {
    return Object.fromEntries(of.columns.map(({ name, cells }) => [name, cells[row]!]));
  },

  choose(read) {
    const [first] = read;
    if (!first?.item.of.labels)
      throw wrongCall("data-missing", "there are no rows to choose by; give a table with rows");
    const { table, columns, labels } = first.item.of;
    const chosen = choosePreprocessing(columns, labels, table.nested ?? []);
    if (chosen.preprocessing.columns.length > 0) return chosen;
    throw wrongCall(
      "data-missing",
      `${table.file} has no column beside ${show(labels.column)} that tells rows apart: ${chosen.reasons.slice(1).join("; ")}`,
    );
  },

  examples: ({ name }, raw, preprocessing) => [naming(name, () => preprocess(preprocessing, raw))],

  write(kept, _, target, offset) {
    target.set(kept, offset);
  },
};

/** What else people have rows in, and what to do with it. */
const others: readonly (readonly [ending: RegExp, instead: string])[] = [
  [/\.(xlsx?|ods|numbers|gsheet)$/i, "Save the sheet as CSV in UTF-8:"],
  [/\.(npz|safetensors)$/i, "For arrays write arrays: before"],
];

async function open(place: string): Promise<Table> {
  const info = statSync(place, { throwIfNoEntry: false });
  if (!info) throw wrongCall("data-missing", `${place} does not exist; ${expected}`);
  if (info.isDirectory())
    throw wrongCall(
      "data-missing",
      `${place} is a folder; ${expected}. Folders of recordings, one folder a class, are windows:${place}, and of pictures images:${place}`,
    );
  const [, instead] = others.find(([ending]) => ending.test(place)) ?? [];
  if (instead !== undefined)
    throw wrongCall("data-missing", `${place} is no table that is read; ${expected}. ${instead} ${place}`);
  return readWholeTable(place);
}

const wrongCall = (code: string, message: string) => new InnerloopError(code, message, { exitStatus: 2 });

const itemOf = (of: ReadTable, row: number): RowItem => ({
  name: `${basename(of.table.file)}:${row + 1}`,
  file: of.table.file,
  of,
  row,
});

/** The splits that a column `split` says, where it says one for each class. */
function splitsOf(
  { names, fields }: Table,
  classes: ReadonlyMap<string, readonly number[]>,
): Map<string, Split> | undefined {
  const column = names.findIndex((name) => /^(split|fold|subset)$/i.test(name));
  if (column < 0) return undefined;
  const of = new Map<string, Split>();
  for (const [name, rows] of classes) {
    const said = new Set(rows.map((row) => splitIn(fields[column]![row]!)));
    const [only] = said;
    if (said.size !== 1 || only === undefined) return undefined;
    of.set(name, only);
  }
  return of;
}

function splitIn(field: Field): Split | undefined {
  const text = String(field)
    .toLowerCase()
    .replace(/^valid(ation)?$|^dev$/, "val");
  return splits.find((split) => split === text.replace(/^training$/, "train"));
}
