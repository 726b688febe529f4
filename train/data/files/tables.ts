// Tables of examples that are numbers already, as `adapt` and `predict` take them: CSV in the dialects and encodings that
// spreadsheets write, and JSON. What is not understood is refused with its line, since a number that is read wrongly is
// learned from without a word.
import { decimal, parseJson, show } from "@innerloop/schemas";
import { delimited } from "./delimited.ts";
import { type Refuse, readText, refusing } from "./text.ts";

/** A row of a table. */
export interface TableRow {
  /** The file and the row in it: `readings.csv:3`. */
  readonly input: string;
  readonly x: readonly number[];
  /** The targets of a regression. */
  readonly y?: readonly number[];
  readonly label?: string;
}

const refuse = refusing(2);

/**
 * The rows of a table, with finite numbers.
 * @throws InnerloopError (status 2) `bad-table`, `not-a-number`, `data-missing`, naming the row and its line
 */
export async function readTable(file: string): Promise<TableRow[]> {
  const text = await readText(file, refuse);
  const rows = /\.json$/i.test(file) ? jsonRows(file, text) : csvRows(file, text);
  if (rows.length === 0) throw refuse("data-missing", `${file} has no examples; give at least one row.`);
  return rows;
}

// --- CSV -------------------------------------------------------------------------------------------------------------

/** A header and rows; the columns `label` and `y`, `y1`, … are what their names say, all others are the input's numbers. */
function csvRows(file: string, text: string): TableRow[] {
  const { delimiter, records: all } = delimited(file, text, refuse);
  const [first, ...records] = all;
  const header = first?.fields ?? [];
  checkNamed(file, header, refuse);
  const twice = header.find((name, i) => (name === "label" || isTarget(name)) && header.indexOf(name) < i);
  if (twice !== undefined)
    throw refuse("bad-table", `${file} has two columns ${show(twice)}; give each a name of its own.`);
  return records.map(({ fields, line }, i) => {
    const input = `${file}:${i + 1}`;
    checkFields(input, { fields, line }, header, delimiter, refuse);
    const [x, y]: [number[], number[]] = [[], []];
    let label: string | undefined;
    fields.forEach((field, column) => {
      const name = header[column]!;
      if (name === "label") label = field.normalize();
      else {
        const value = decimal(field);
        if (!isFloat(value))
          throw noNumber(input, column, `line ${line}: ${show(name)} is ${show(field)}${hint(name, field)}`);
        (isTarget(name) ? y : x).push(value);
      }
    });
    return { input, x, ...(y.length > 0 ? { y } : {}), ...(label === undefined ? {} : { label }) };
  });
}

const isTarget = (name: string): boolean => /^y\d*$/.test(name);

/** @throws InnerloopError for a first line of numbers, which names nothing */
export function checkNamed(file: string, header: readonly string[], refuse: Refuse): void {
  if (header.length > 0 && header.every((name) => isFloat(decimal(name))))
    throw refuse("bad-table", `${file} starts with numbers; a first line with the names of the columns was expected.`);
}

/** @throws InnerloopError for a record with more or fewer fields than the header */
export function checkFields(
  input: string,
  { fields, line }: { readonly fields: readonly string[]; readonly line: number },
  header: readonly string[],
  delimiter: string,
  refuse: Refuse,
): void {
  if (fields.length !== header.length)
    throw refuse(
      "bad-table",
      `${input} has ${fields.length} fields and the first line ${header.length} (line ${line}, fields between ${show(delimiter)}); ` +
        `give one a column, and put text with ${show(delimiter)} in quotes${delimiter === "," ? "; numbers have a decimal point" : ""}.`,
    );
}

/** Whether a value is a number that float32 has. */
const isFloat = (value: unknown): value is number => typeof value === "number" && Number.isFinite(Math.fround(value));

function hint(name: string, field: string): string {
  if (/^label$/i.test(name)) return '; the column of the classes is called "label"';
  if (/^[+-]?[\d.]*,\d+$/.test(field)) return ", a decimal comma; write it with a point";
  return field === "" ? ", empty" : "";
}

function noNumber(input: string, column: number, what: string): Error {
  return refuse(
    "not-a-number",
    `${input} has no finite number in its column ${column + 1} (${what}); repair the row or leave it out.`,
  );
}

// --- JSON ------------------------------------------------------------------------------------------------------------

/** The list that a JSON text is. @throws InnerloopError `bad-table` for what is none */
export function jsonList(file: string, text: string, expected: string, refuse: Refuse): unknown[] {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (cause) {
    const nan = /[[,:]\s*-?(NaN|Infinity)\b/.test(text) ? "; JSON has neither NaN nor Infinity" : "";
    throw refuse("bad-table", `${file} is no JSON (${(cause as Error).message})${nan}; ${expected}.`);
  }
  if (!Array.isArray(value)) throw refuse("bad-table", `${file} holds no list; ${expected}.`);
  return value;
}

/** A list of `{ "x": [numbers], "label": text }`, or `"y": [numbers]`. */
function jsonRows(file: string, text: string): TableRow[] {
  const expected = 'a list of { "x": [numbers], "label": text } was expected (a regression has "y": [numbers])';
  const list = jsonList(file, text, expected, refuse);
  return list.map((entry, i) => {
    const input = `${file}:${i + 1}`;
    const { x: given, y, label } = (entry ?? {}) as { x?: unknown; y?: unknown; label?: unknown };
    if (given === undefined) throw refuse("bad-table", `${input} has no "x"; ${expected}.`);
    if (label !== undefined && typeof label !== "string" && !isFloat(label))
      throw refuse("bad-table", `${input} has the label ${show(label)}; a text was expected.`);
    const x = numbers(input, "x", given);
    return {
      input,
      x,
      ...(y === undefined ? {} : { y: numbers(input, "y", y, x.length) }),
      ...(label === undefined ? {} : { label: String(label).normalize() }),
    };
  });
}

/** The numbers of a field: one, a list, or lists of them. */
function numbers(input: string, name: string, field: unknown, before = 0): number[] {
  return [field].flat(Number.POSITIVE_INFINITY).map((value, i) => {
    if (isFloat(value)) return value;
    throw noNumber(input, before + i, `number ${i + 1} of "${name}" is ${show(value)}`);
  });
}
