// A row of a table becomes an example, in training and on the device: numbers standardized, categories one-hot. docs/bundle.md
// says it for other programs.
import { type RowPreprocessing, show } from "@innerloop/schemas/bundle";
import { badInput } from "./refusal.ts";

/** What a row has in a column; null, an empty text and what is not there are missing. */
export type Cell = number | string | boolean | null | undefined;

/** A row of a table: what it has by the names of columns, or in their order. Other columns than the bundle's change nothing. */
export type Row = { readonly [column: string]: Cell } | readonly Cell[];

type Column = RowPreprocessing["columns"][number];

/** A number as text, with a decimal point. */
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * The numbers a model sees of a row, `[numbers]`.
 *
 * @throws InnerloopError `bad-input` for a number that is missing and has to be there, or is none, naming the column
 */
export function rowOf({ columns }: RowPreprocessing, input: Row): Float32Array {
  const cells = cellsOf(columns, input);
  return Float32Array.from(columns.flatMap((column, i) => numbersOf(column, cells[i])));
}

/** What a row has in each column. */
function cellsOf(columns: readonly Column[], input: Row): readonly Cell[] {
  const names = columns.map(({ name }) => name);
  const expected = names.length > 8 ? `${names.slice(0, 8).map(show).join(", ")}, …` : names.map(show).join(", ");
  if (typeof input !== "object" || input === null || ArrayBuffer.isView(input))
    throw badInput(
      `${show(input)} was given; a row was expected, as an object by column or a list in the order ${expected}`,
    );
  if (Array.isArray(input)) {
    if (input.length === names.length) return input as readonly Cell[];
    throw badInput(`the row has ${input.length} cells; this bundle takes ${names.length}, ${expected}`);
  }
  const row = input as { readonly [column: string]: Cell };
  const there = names.filter((name) => Object.hasOwn(row, name));
  if (there.length === 0) throw badInput(`the row has none of this bundle's columns; it takes ${expected}`);
  // A column that is spelled otherwise would be missing, and nobody would be told.
  const absent = new Map(names.flatMap((name) => (Object.hasOwn(row, name) ? [] : [[plain(name), name]])));
  for (const name of absent.size > 0 ? Object.keys(row) : []) {
    const meant = absent.get(plain(name));
    if (meant !== undefined && !names.includes(name))
      throw badInput(`the row has ${show(name)}, and the bundle's column is ${show(meant)}; name it so`);
  }
  return names.map((name) => (Object.hasOwn(row, name) ? row[name] : undefined));
}

function plain(name: string): string {
  return name.normalize("NFC").trim().toLowerCase();
}

function numbersOf(column: Column, cell: Cell): readonly number[] {
  const kind = cell === null ? "undefined" : typeof cell;
  if (!/^(number|string|boolean|undefined)$/.test(kind))
    throw badInput(`${show(column.name)} is ${show(cell)}; a number, a text, true, false or null was expected`);
  if (column.kind === "category") {
    const text = kind === "undefined" ? "" : String(cell);
    return column.values.map((value) => Number(value === text));
  }
  const missing = kind === "undefined" || Number.isNaN(cell) || (kind === "string" && (cell as string).trim() === "");
  const number = missing ? column.missing : numberOf(cell);
  if (number === undefined)
    throw badInput(
      missing
        ? `${show(column.name)} is missing, and this bundle has nothing that stands for it; give a number`
        : `${show(column.name)} is ${show(cell)}; a number was expected, with a decimal point`,
    );
  const standard = Math.fround((number - column.mean) / column.std);
  if (Number.isFinite(standard)) return [standard];
  throw badInput(`${show(column.name)} is ${show(cell)}, too far from what the bundle was trained on; check its unit`);
}

function numberOf(cell: Cell): number | undefined {
  if (typeof cell !== "string") return Number(cell);
  return decimal.test(cell.trim()) ? Number(cell) : undefined;
}
