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
  const columns = new Map<string, Field[]>();
  const nested = new Set<string>();
  objects.forEach((object, row) => {
    for (const [name, value] of object) {
      const column = columns.get(name) ?? Array<Field>(objects.length).fill(null);
      columns.set(name, column);
      if (isField(value)) column[row] = value ?? null;
      else if (typeof value === "bigint") column[row] = Number(value);
      else if (value instanceof Date) column[row] = dateOf(value);
      else nested.add(name);
    }
  });
  for (const name of nested) columns.delete(name);
  return {
    names: [...columns.keys()],
    fields: [...columns.values()],
    row: (index) => `row ${index + 1}`,
    nested: [...nested],
  };
}

const dateOf = (value: Date): string | null => (Number.isNaN(value.getTime()) ? null : value.toISOString());

const isField = (value: unknown): value is Field | undefined =>
  value === null || /^(string|number|boolean|undefined)$/.test(typeof value);
