// What a file holds as a table, before its fields are understood: the same of text, JSON and Parquet.
import type { Field } from "./cells.ts";

/** What a file holds, before its fields are understood. */
export interface RawTable {
  readonly names: readonly string[];
  /** As many of each column as there are rows. */
  readonly fields: readonly (readonly Field[])[];
  /** Where messages find a row. */
  row(index: number): string;
  readonly nested?: readonly string[];
  /** What divides fields, where they are texts. */
  readonly delimiter?: string;
}

/** Columns from objects, which may leave out what they do not have. */
export function byColumns(objects: readonly ReadonlyMap<string, unknown>[]): RawTable {
  const columns = new Map<string, unknown[]>();
  objects.forEach((object, row) => {
    for (const [name, value] of object) {
      const column = columns.get(name) ?? Array<unknown>(objects.length).fill(null);
      columns.set(name, column);
      column[row] = value;
    }
  });
  return byNames(columns);
}

/** Columns under their names, but for those that have something else than fields. */
export function byNames(columns: ReadonlyMap<string, readonly unknown[]>, others: readonly string[] = []): RawTable {
  const fields = new Map<string, readonly Field[]>();
  const nested = [...others];
  for (const [name, values] of columns) {
    const column = values.map(fieldOf);
    if (column.every((field) => field !== undefined)) fields.set(name, column);
    else nested.push(name);
  }
  return { names: [...fields.keys()], fields: [...fields.values()], row: (index) => `row ${index + 1}`, nested };
}

/** A value as a field; undefined for what is none. */
function fieldOf(value: unknown): Field | undefined {
  if (value === null || value === undefined) return null;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : undefined;
}
