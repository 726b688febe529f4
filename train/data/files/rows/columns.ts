// What becomes of a table's columns: numbers are standardized, texts of few kinds become one number for each, and what says
// nothing of an example, or too much, is left out.
import type { RowPreprocessing } from "@innerloop/schemas";
import { show } from "@innerloop/schemas";
import type { Chosen } from "../file-kind.ts";
import { listed } from "../left-out.ts";
import { median, momentsOf } from "../statistics.ts";
import type { Field } from "./cells.ts";
import type { Labels } from "./label.ts";
import type { Column } from "./table.ts";

type Standard = RowPreprocessing["columns"][number];

/** Values of a column of texts that become numbers at most. */
const mostValues = 32;

/** Rows from which on a thing is no accident. */
const enough = 10;

/** A column under what becomes of it: how it is made numbers, or why it is left out. */
type Fate = { readonly column: Standard; readonly told?: string } | { readonly why: string };

/** How the rows of a table become examples. */
export function choosePreprocessing(
  table: readonly Column[],
  labels: Pick<Labels, "of">,
  nested: readonly string[],
): Chosen<RowPreprocessing> {
  const columns: Standard[] = [];
  const out = new Map<string, string[]>();
  const told: string[] = [];
  const leave = (why: string, name: string) => out.set(why, [...(out.get(why) ?? []), show(name)]);
  for (const column of table) {
    const fate = fateOf(column, labels.of);
    if ("why" in fate) leave(fate.why, column.name);
    else {
      columns.push(fate.column);
      if (fate.told !== undefined) told.push(fate.told);
    }
  }
  for (const name of nested) leave("lists or objects", name);
  const numbers = columns.filter(({ kind }) => kind === "number").length;
  const missing = columns.flatMap((column) => {
    const count = table.find(({ name }) => name === column.name)!.cells.filter((cell) => cell === null).length;
    if (count === 0) return [];
    return [
      `${show(column.name)} (${count}${column.kind === "number" && column.missing !== undefined ? `, then ${brief(column.missing)}` : ""})`,
    ];
  });
  const reasons = [
    [
      ...(numbers > 0 ? [`${counted(numbers, "number")}, standardized by mean and deviation`] : []),
      ...(columns.length > numbers ? [`${counted(columns.length - numbers, "text")}, one number for each value`] : []),
    ].join(", and "),
    ...[...out].map(([why, names]) => `without ${why}: ${listed(names)}`),
    ...told,
    ...(missing.length > 0
      ? [`with the median for numbers that are missing, and zeros for texts: ${listed(missing)}`]
      : []),
  ];
  return { preprocessing: { kind: "row", columns }, reasons };
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/** A number as messages show it. */
const brief = (value: number): string => String(Number(value.toPrecision(4)));

function fateOf(column: Column, labels: readonly (string | null)[]): Fate {
  const { kind, cells } = column;
  const present = cells.filter((cell) => cell !== null);
  const values = new Set(present);
  if (kind === "nothing") return { why: "columns of nothing" };
  if (kind === "dates") return { why: "dates (give days or seconds as numbers where time matters)" };
  if (values.size === 1) return { why: "columns of one value" };
  if (/^(split|fold|subset)$/i.test(column.name) && values.size < 8)
    return { why: "what says how to divide the table" };
  if (tellsLabels(cells, labels)) return { why: "what is another name of the class" };
  return kind === "numbers" ? fateOfNumbers(column, values) : fateOfTexts(column, values);
}

function fateOfNumbers({ name, cells }: Column, values: ReadonlySet<Field>): Fate {
  const numbers = cells.flatMap((cell) =>
    typeof cell === "number" ? [cell] : typeof cell === "boolean" ? [+cell] : [],
  );
  if (isCounter(name, cells, values)) return { why: "numbers of rows" };
  const { mean, std } = momentsOf(numbers);
  // Float32 has seven digits, and what is left of more would be noise.
  if (!(std > 1e-12 * Math.abs(mean)) || !Number.isFinite(std)) return { why: "columns of one value" };
  const mark = sentinelIn(numbers);
  return {
    column: {
      name,
      kind: "number",
      mean,
      std,
      ...(numbers.length < cells.length ? { missing: median(numbers) } : {}),
    },
    ...(mark === undefined
      ? {}
      : {
          told: `with ${mark.value} in ${show(name)} as a number, though it is there ${mark.count} times and far from all others (leave the field empty if nothing was measured)`,
        }),
  };
}

/** Whole numbers that rise from row to row, or are different in each and called an id. */
function isCounter(name: string, cells: readonly Field[], values: ReadonlySet<Field>): boolean {
  if (cells.length < enough || !cells.every((cell) => Number.isInteger(cell))) return false;
  const rises = cells.every((cell, i) => i === 0 || (cells[i - 1] as number) < (cell as number));
  return rises || (values.size === cells.length && /(^|[_\s-])(id|index|idx|no|nr|row|key)$|^#$|[a-z]Id$/i.test(name));
}

/** A number that stands for none, as people write −999: far from all others and there again and again. */
function sentinelIn(numbers: readonly number[]): { value: number; count: number } | undefined {
  for (const value of [-9999, -999, -99, 9999, 99999, 999999]) {
    const rest = numbers.filter((number) => number !== value);
    const count = numbers.length - rest.length;
    if (count < 2 || rest.length < enough || count > rest.length) continue;
    const { mean, std } = momentsOf(rest);
    if (Math.abs(value - mean) > 6 * std) return { value, count };
  }
  return undefined;
}

function fateOfTexts({ name, cells }: Column, values: ReadonlySet<Field>): Fate {
  const counts = new Map<string, number>();
  let present = 0;
  for (const cell of cells) {
    if (cell === null) continue;
    counts.set(String(cell), (counts.get(String(cell)) ?? 0) + 1);
    present++;
  }
  if (values.size > mostValues || values.size * 2 > present) {
    const often = [...counts].filter(([, count]) => count >= 5).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    const taken = often.slice(0, mostValues);
    const covered = taken.reduce((sum, [, count]) => sum + count, 0);
    if (taken.length < 2 || covered * 2 < present)
      return { why: "texts that are different in nearly every row, or of too many kinds" };
    return {
      column: category(
        name,
        taken.map(([value]) => value),
      ),
      told: `with the ${taken.length} most frequent of ${values.size} values of ${show(name)}, the others as none`,
    };
  }
  return { column: category(name, [...counts.keys()]) };
}

const category = (name: string, values: readonly string[]): Standard => ({
  name,
  kind: "category",
  values: [...values].sort(),
});

/** Whether a column has one value for each class and one class for each value, and would give the answer. */
function tellsLabels(cells: readonly Field[], labels: readonly (string | null)[]): boolean {
  const [of, named] = [new Map<Field, string>(), new Map<string, Field>()];
  let rows = 0;
  for (const [i, cell] of cells.entries()) {
    const label = labels[i] ?? null;
    if (cell === null || label === null) continue;
    rows++;
    if ((of.get(cell) ?? label) !== label || (named.get(label) ?? cell) !== cell) return false;
    of.set(cell, label);
    named.set(label, cell);
  }
  return named.size > 4 && rows >= 2 * named.size;
}
