// Tables of examples as people have them: CSV in the dialects and encodings that spreadsheets write, and JSON. What is not
// understood for certain is refused with its line, since a number that is read wrongly is learned from without a word.
import { isUtf8 } from "node:buffer";
import { readFile, stat } from "node:fs/promises";
import { mistaken, parseJson, show } from "@innerloop/schemas";
import { CsvError, type Info, parse } from "csv-parse/sync";
import { decimal, wrongCall } from "../call/command.ts";

/** A row of a table. */
export interface Row {
  /** The file and the row in it: `readings.csv:3`. */
  readonly input: string;
  readonly x: readonly number[];
  /** The targets of a regression. */
  readonly y?: readonly number[];
  readonly label?: string;
}

/** Bytes of a table at most; Node holds no text of twice as many. */
const mostBytes = 2 ** 28;

/**
 * The rows of a table, with finite numbers.
 * @throws InnerloopError (status 2) `bad-table`, `not-a-number`, `data-missing`, naming the row and its line
 */
export async function readTable(file: string): Promise<Row[]> {
  const { size } = await stat(file);
  if (size > mostBytes)
    throw wrongCall(
      "bad-table",
      `${file} has ${size} bytes; tables of at most ${mostBytes} are read; give it in parts.`,
    );
  const text = decode(file, await readFile(file));
  const rows = /\.json$/i.test(file) ? jsonRows(file, text) : csvRows(file, text);
  if (rows.length === 0) throw wrongCall("data-missing", `${file} has no examples; give at least one row.`);
  return rows;
}

// --- Encodings -------------------------------------------------------------------------------------------------------

/** The text of a file in UTF-8, or in UTF-16 with a byte order mark; no other encoding can be told from its bytes. */
function decode(file: string, bytes: Buffer): string {
  const other = mistaken(bytes);
  if (other !== undefined) throw wrongCall("bad-table", `${file}: ${other}.`);
  const save = 'save it as UTF-8 (spreadsheets call it "CSV UTF-8")';
  const mark = bytes.toString("hex", 0, 4);
  const utf16 = mark.startsWith("fffe") ? "utf-16le" : mark.startsWith("feff") ? "utf-16be" : undefined;
  if (utf16 !== undefined && mark !== "fffe0000") {
    try {
      return new TextDecoder(utf16, { fatal: true }).decode(bytes);
    } catch {
      throw wrongCall("bad-table", `${file} starts as UTF-16 and is not; ${save}.`);
    }
  }
  if (bytes.includes(0))
    throw wrongCall(
      "bad-table",
      `${file} holds zero bytes, as UTF-32, UTF-16 without a byte order mark, and files that are no text do; ${save}.`,
    );
  if (isUtf8(bytes)) return new TextDecoder().decode(bytes);
  const lines = bytes.toString("latin1").split(/\r\n|\r|\n/);
  const line = lines.findIndex((text) => !isUtf8(Buffer.from(text, "latin1")));
  throw wrongCall(
    "bad-table",
    `${file} is not UTF-8: line ${line + 1} reads ${show(lines[line])} as Latin-1; ${save}.`,
  );
}

// --- CSV -------------------------------------------------------------------------------------------------------------

interface Record {
  readonly fields: readonly string[];
  /** Where it ends: texts in quotes may go over several lines. */
  readonly line: number;
}

/** What people put between fields; a file may name another in its first line, `sep=|`, as spreadsheets do. */
const delimiters = [",", ";", "\t", "|"];

/** Records that show which delimiter it is. */
const showing = 50;

/** A header and rows; the columns `label` and `y`, `y1`, … are what their names say, all others are the input's numbers. */
function csvRows(file: string, text: string): Row[] {
  const [, named] = /^sep=(.)\r?\n/.exec(text) ?? [];
  const body = named === undefined ? text : text.slice(text.indexOf("\n") + 1);
  const delimiter = named ?? delimiterOf(body);
  const [first, ...records] = recordsOf(file, body, delimiter, named === undefined ? 0 : 1);
  const header = first?.fields ?? [];
  checkHeader(file, header);
  return records.map(({ fields, line }, i) => {
    const input = `${file}:${i + 1}`;
    if (fields.length !== header.length)
      throw wrongCall(
        "bad-table",
        `${input} has ${fields.length} fields and the first line ${header.length} (line ${line}, fields between ${show(delimiter)}); ` +
          `give one a column, and put text with ${show(delimiter)} in quotes${delimiter === "," ? "; numbers have a decimal point" : ""}.`,
      );
    const [x, y]: [number[], number[]] = [[], []];
    let label: string | undefined;
    fields.forEach((field, column) => {
      const name = header[column]!;
      if (name === "label") label = field.normalize();
      else {
        const value = numberIn(field);
        if (value === undefined)
          throw noNumber(input, column, `line ${line}: ${show(name)} is ${show(field)}${hint(name, field)}`);
        (isTarget(name) ? y : x).push(value);
      }
    });
    return { input, x, ...(y.length > 0 ? { y } : {}), ...(label === undefined ? {} : { label }) };
  });
}

const isTarget = (name: string): boolean => /^y\d*$/.test(name);

function checkHeader(file: string, header: readonly string[]): void {
  if (header.length > 0 && header.every((name) => numberIn(name) !== undefined))
    throw wrongCall(
      "bad-table",
      `${file} starts with numbers; a first line with the names of the columns was expected.`,
    );
  const twice = header.find((name, i) => (name === "label" || isTarget(name)) && header.indexOf(name) < i);
  if (twice !== undefined)
    throw wrongCall("bad-table", `${file} has two columns ${show(twice)}; give each a name of its own.`);
}

function recordsOf(file: string, text: string, delimiter: string, linesBefore: number): Record[] {
  try {
    return parsed(text, delimiter).map(({ record, info }) => ({ fields: record, line: info.lines + linesBefore }));
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const line = Number(cause.lines) + linesBefore;
    throw wrongCall(
      "bad-table",
      `${file}, line ${line}: ${cause.message.replace(/ at line \d+/, "")}; a text in quotes ends in one before the next ` +
        `${show(delimiter)}, and a quote in it is written twice.`,
    );
  }
}

function parsed(text: string, delimiter: string, most?: number): { record: string[]; info: Info }[] {
  return parse(text, {
    delimiter,
    info: true,
    record_delimiter: ["\r\n", "\n", "\r"],
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
    ...(most === undefined ? {} : { to: most }),
  }) as unknown as { record: string[]; info: Info }[];
}

/** The delimiter that divides the first records into the same number of fields, and into most; else what divides the header. */
function delimiterOf(text: string): string {
  const found = delimiters.map((delimiter) => {
    try {
      const counts = parsed(text, delimiter, showing).map(({ record }) => record.length);
      return { delimiter, columns: counts[0] ?? 0, even: counts.every((count) => count === counts[0]) };
    } catch {
      return { delimiter, columns: 0, even: false };
    }
  });
  const best = (some: typeof found) => some.reduce((a, b) => (b.columns > a.columns ? b : a));
  const even = found.filter((table) => table.even && table.columns > 1);
  return best(even.length > 0 ? even : found).delimiter;
}

/** A number as CSV writes it. */
function numberIn(field: string): number | undefined {
  const value = decimal(field);
  return isFloat(value) ? value : undefined;
}

const isFloat = (value: unknown): value is number => typeof value === "number" && Number.isFinite(Math.fround(value));

function hint(name: string, field: string): string {
  if (/^label$/i.test(name)) return '; the column of the classes is called "label"';
  if (/^[+-]?[\d.]*,\d+$/.test(field)) return ", a decimal comma; write it with a point";
  return field === "" ? ", empty" : "";
}

function noNumber(input: string, column: number, what: string): Error {
  return wrongCall(
    "not-a-number",
    `${input} has no finite number in its column ${column + 1} (${what}); repair the row or leave it out.`,
  );
}

// --- JSON ------------------------------------------------------------------------------------------------------------

/** A list of `{ "x": [numbers], "label": text }`, or `"y": [numbers]`. */
function jsonRows(file: string, text: string): Row[] {
  const expected = 'a list of { "x": [numbers], "label": text } was expected (a regression has "y": [numbers])';
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (cause) {
    const nan = /[[,:]\s*-?(NaN|Infinity)\b/.test(text) ? "; JSON has neither NaN nor Infinity" : "";
    throw wrongCall("bad-table", `${file} is no JSON (${(cause as Error).message})${nan}; ${expected}.`);
  }
  if (!Array.isArray(value)) throw wrongCall("bad-table", `${file} holds no list; ${expected}.`);
  return value.map((row: { x?: unknown; y?: unknown; label?: unknown } | null, i) => {
    const input = `${file}:${i + 1}`;
    const { x: given, y, label } = row ?? {};
    if (given === undefined) throw wrongCall("bad-table", `${input} has no "x"; ${expected}.`);
    if (label !== undefined && typeof label !== "string" && !isFloat(label))
      throw wrongCall("bad-table", `${input} has the label ${show(label)}; a text was expected.`);
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
