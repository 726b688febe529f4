// What the fields of a column are: numbers in the ways in which people and spreadsheets write them, with units, decimal commas
// and groups of thousands; truth values, dates, texts, and what stands for nothing. A column is understood as a whole, since
// "1,500" alone may be one and a half or one and a half thousand.
import { InnerloopError, show } from "@innerloop/schemas";
import { listed } from "../left-out.ts";
import { converted, isUnit, measureOf } from "./units.ts";

/** A field as a file has it. */
export type Field = string | number | boolean | null;

/** What a column's fields were found to be; `cells` are in the order of the rows, null where nothing is there. */
export interface Cells {
  readonly kind: "numbers" | "texts" | "dates" | "lists" | "nothing";
  readonly cells: readonly Field[];
  /** What was done to read it, one sentence each. */
  readonly notes: readonly string[];
}

/** Which sign divides whole from fraction. */
type Style = "point" | "comma";

/** What stands for a value that is missing; of texts, only what cannot be meant as one. */
const missingText = /^(|\?|na|n\/a|#n\/a|nan|<na>|null|-+|–|—)$/i;
const missingNumber = /^(none|nil|missing|unknown|\.+|#value!|#div\/0!|#ref!|#num!)$/i;

/** Of a column that is mostly numbers, others are mistakes and no categories. */
const mostly = 0.8;

const dateText =
  /^(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2}))([T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[ap]m)?( ?(Z|[+-]\d{2}:?\d{2}))?)?$/i;

const spaces = /[\s'’\u00a0\u2009\u202f]/g;

/** A number, before it signs of money and behind it a unit; groups of thousands may lie between blanks, commas or points. */
const measured =
  /^([$€£¥]?)\s*([+\-−]?(?:\d[\d.,]*(?:[ '’\u00a0\u2009\u202f]\d{3})*(?:[.,]\d+)?|[.,]\d+)(?:e[+-]?\d+)?)\s*([$€£¥%‰°℃℉"]?[\p{L}µμ]*[²³23]?(?:\/[\p{L}]+[²³23]?)?)$/iu;

interface Measured {
  readonly digits: string;
  readonly unit: string;
}

function measuredIn(text: string): Measured | undefined {
  // A code such as 007 is no number: the zeros would be lost.
  if (/^[+-]?0\d/.test(text)) return undefined;
  const [, before = "", digits = "", after = ""] = measured.exec(text) ?? [];
  if (digits === "" || (before !== "" && after !== "")) return undefined;
  return { digits, unit: (before || after).replace("μ", "µ") };
}

/**
 * Understands a column.
 *
 * @param where how messages name the column and a row of it
 * @param fallback which sign divides whole from fraction where the column does not tell
 * @throws InnerloopError `mixed-units`, `not-a-number` (status 1), naming rows
 */
export function understood(
  fields: readonly Field[],
  where: { readonly column: string; row(index: number): string },
  fallback: Style | undefined,
): Cells {
  const present = fields.map((field) => (isMissing(field) ? null : field));
  const count = present.reduce<number>((sum, field) => sum + (field === null ? 0 : 1), 0);
  if (count === 0) return { kind: "nothing", cells: present, notes: [] };
  const texts = present.filter((field) => typeof field === "string");
  if (texts.length === 0) return { kind: "numbers", cells: present.map(finite), notes: [] };
  if (texts.filter((text) => dateText.test(text)).length >= mostly * count)
    return { kind: "dates", cells: present, notes: [] };

  const parsed = present.map((field) => (typeof field === "string" ? measuredIn(field) : undefined));
  const numeric = parsed.map((cell, i) => cell !== undefined || typeof present[i] === "number");
  const blank = present.map((field) => typeof field === "string" && missingNumber.test(field));
  const total = count - blank.filter(Boolean).length;
  const numbers = numeric.filter(Boolean).length;
  const asTexts = (): Cells => ({
    kind: "texts",
    cells: present.map((field) => (field === null ? null : typeof field === "string" ? field.normalize() : field)),
    notes: [],
  });
  if (numbers === 0 || numbers < mostly * total || !areMeasures(parsed)) return asTexts();
  const strays = present.flatMap((field, i) => (field === null || numeric[i] || blank[i] ? [] : [i]));
  if (strays.length > 0)
    throw new InnerloopError(
      "not-a-number",
      `${where.column} has ${numbers} numbers and ${strays.length} ${strays.length === 1 ? "text that is none" : "texts that are none"}: ` +
        `${listed(strays.map((i) => `${show(present[i])} (${where.row(i)})`))}. Repair them, or leave the fields empty for values that are missing`,
    );
  return numbersOf(present, parsed, where, fallback);
}

export const isMissing = (field: Field): boolean =>
  field === null || (typeof field === "string" ? missingText.test(field) : Number.isNaN(field));

const finite = (field: Field): Field => (typeof field === "number" && !Number.isFinite(field) ? null : field);

/** Whether what stands behind numbers are units: those that are known, or one and the same behind all. */
function areMeasures(parsed: readonly (Measured | undefined)[]): boolean {
  const names = new Set(parsed.flatMap((cell) => (cell === undefined ? [] : [cell.unit])));
  if ([...names].every((name) => name === "" || isUnit(name))) return true;
  return names.size === 1;
}

function numbersOf(
  fields: readonly Field[],
  parsed: readonly (Measured | undefined)[],
  where: { readonly column: string; row(index: number): string },
  fallback: Style | undefined,
): Cells {
  const notes: string[] = [];
  const digits = parsed.flatMap((cell) => (cell === undefined ? [] : [cell.digits]));
  const style =
    styleOf(digits, where.column) ?? fallback ?? (digits.some((text) => text.includes(",")) ? "comma" : "point");
  const [fraction, group] = style === "comma" ? [",", "."] : [".", ","];
  const told = (mark: string) => digits.find((text) => text.includes(mark));
  if (style === "comma" && told(fraction)) notes.push(`${where.column} has decimal commas, as ${show(told(","))}`);
  if (told(group))
    notes.push(
      `${where.column} has ${style === "comma" ? "points" : "commas"} between thousands, as ${show(told(group))}`,
    );

  const units = new Map<string, number>();
  for (const cell of parsed) if (cell) units.set(cell.unit, (units.get(cell.unit) ?? 0) + 1);
  for (const field of fields) if (typeof field === "number") units.set("", (units.get("") ?? 0) + 1);
  const named = [...units.keys()].filter((name) => name !== "");
  const bare = units.get("") ?? 0;
  const counted = [...units].map(([name, count]) => `${count} in ${name === "" ? "none" : name}`).join(", ");
  // As 950 and 1.2k, where nothing and a letter both say how many.
  const magnitudes = units.size > 1 ? measureOf([...named, ""]) : undefined;
  const measure = magnitudes ?? measureOf(named);
  if (named.length > 1 && magnitudes === undefined && (measure === undefined || bare > 0))
    throw new InnerloopError(
      "mixed-units",
      `${where.column} has numbers in different units: ${counted} (${listed(
        [...units.keys()].map((name) => where.row(parsed.findIndex((cell) => (cell?.unit ?? "") === name))),
      )}). Give it one unit, or a column for each`,
    );
  const unit = magnitudes ? "" : named.reduce((a, b) => (units.get(b)! > units.get(a)! ? b : a), named[0] ?? "");
  if (magnitudes)
    notes.push(`${where.column} has numbers such as 1${named[0]}, taken as ${converted(1, named[0]!, "", measure)}`);
  else if (named.length > 1) notes.push(`${where.column} has numbers ${counted}, which are all put into ${unit}`);
  else if (named.length === 1 && bare > 0)
    notes.push(`${where.column} is in ${unit}, as ${bare} of its numbers are taken to be that do not say so`);
  else if (unit !== "") notes.push(`${where.column} is in ${unit}`);

  const cells = fields.map((field, i) => {
    const cell = parsed[i];
    if (cell === undefined) return typeof field === "number" ? finite(field) : null;
    const from = cell.unit === "" && !magnitudes ? unit : cell.unit;
    const value = converted(numberIn(cell.digits, style), from, unit, measure);
    if (Number.isFinite(Math.fround(value))) return value;
    throw new InnerloopError(
      "not-a-number",
      `${where.column} has ${show(field)} (${where.row(i)}), which is no number that float32 has. Repair it, or leave the field empty`,
    );
  });
  return { kind: "numbers", cells, notes };
}

/** A number by its digits; NaN where they are not as the style has them. */
function numberIn(digits: string, style: Style): number {
  const [fraction, group] = style === "point" ? [".", ","] : [",", "."];
  let text = digits.replace(spaces, "").replace("−", "-");
  if (text.includes(group)) {
    const [whole = ""] = text.replace(/^[+-]/, "").split(fraction);
    if (!/^\d{1,3}([.,]\d{3})+$/.test(whole.replace(/e.*$/i, ""))) return Number.NaN;
    text = text.replaceAll(group, "");
  }
  return Number(text.replace(fraction, "."));
}

/**
 * The sign of fractions that a column's numbers prove: one that is followed by other than three digits, or by the other sign
 * before it. Nothing where none does.
 *
 * @throws InnerloopError `not-a-number` where both are proved
 */
function styleOf(digits: readonly string[], column: string): Style | undefined {
  const [point, comma] = [proofOf(digits, "."), proofOf(digits, ",")];
  if (point !== undefined && comma !== undefined)
    throw new InnerloopError(
      "not-a-number",
      `${column} has numbers with decimal points and with decimal commas, as ${show(point)} and ${show(comma)}; write all in one way`,
    );
  return point !== undefined ? "point" : comma !== undefined ? "comma" : undefined;
}

/** A number in which this mark can only divide whole from fraction. */
function proofOf(digits: readonly string[], mark: "." | ","): string | undefined {
  const other = mark === "." ? "," : ".";
  return digits.find((text) => {
    // What is there twice divides thousands, so that the other one divides fractions.
    if (text.split(other).length > 2) return true;
    const parts = text.split(mark);
    if (parts.length !== 2) return false;
    const [whole = "", rest = ""] = parts;
    return whole.includes(other) || !/^\d{3}$/.test(rest.replace(/\D.*$/, "")) || /^[+\-−]?(0?|\d{4,})$/.test(whole);
  });
}

/** The sign of fractions that the numbers of a whole table prove, for columns that do not; nothing where they prove none or both. */
export function styleOfAll(columns: readonly (readonly Field[])[]): Style | undefined {
  const [point, comma] = ([".", ","] as const).map((mark) =>
    columns.some((fields) => {
      const digits = fields.flatMap((field) => (typeof field === "string" ? (measuredIn(field)?.digits ?? []) : []));
      return digits.length >= mostly * fields.length && proofOf(digits, mark) !== undefined;
    }),
  );
  return point === comma ? undefined : point ? "point" : "comma";
}
