// Which column of a table has the classes: what was said, what its name says, or the only one that can be meant.
import { InnerloopError, show } from "@innerloop/schemas";
import { listed } from "../left-out.ts";
import { type Field, isMissing } from "./cells.ts";
import type { Table } from "./table.ts";

/** Names that people give the column of the classes, the likeliest first. */
const usual = ["label", "labels", "class", "classes", "target", "category", "species", "y"];

/** The column of the classes, and why it is taken; of each row its class, null where there is none. */
export interface Labels {
  readonly column: string;
  readonly of: readonly (string | null)[];
  /** One sentence where it was chosen. */
  readonly notes: readonly string[];
}

/**
 * @param given the name of the column, where one was said
 * @param features columns that are numbers of an example, where that is known
 * @throws InnerloopError (status 2) `no-label` with the columns that could be meant; as {@link Table.columns}
 */
export function labelsOf(table: Table, given: string | undefined, features?: readonly string[]): Labels {
  const { file } = table;
  const names = table.names.filter((name) => features?.includes(name) !== true);
  const wrong = (message: string) => new InnerloopError("no-label", message, { exitStatus: 2 });
  const all = listed(names.map(show));
  const taken = (column: string, notes: readonly string[]): Labels => ({
    column,
    of: fieldsOf(table, column).map(labelIn),
    notes,
  });
  if (given !== undefined) {
    if (!table.names.includes(given.normalize()))
      throw wrong(`${file} has no column ${show(given)}; its columns are ${all}`);
    return taken(given.normalize(), []);
  }
  const named = usual.flatMap((name) => names.filter((column) => column.trim().toLowerCase() === name));
  const [first, ...rest] = named.filter((name) => !isMeasure(fieldsOf(table, name)));
  if (first !== undefined) {
    const beside = rest.length === 0 ? "" : `, and not ${listed(rest.map(show))}`;
    return taken(
      first,
      first === "label" && beside === "" ? [] : [`Classes are taken from the column ${show(first)}${beside}`],
    );
  }
  const texts = table.columns().filter(({ kind, name }) => kind === "texts" && names.includes(name));
  const [[again, ...more], [text, ...others]] = [texts.filter(({ name }) => comeAgain(fieldsOf(table, name))), texts];
  if (again && more.length === 0)
    return taken(again.name, [
      `Classes are taken from the column ${show(again.name)}, the only one of texts that come again`,
    ]);
  // What a bundle does not take can only be the class, though each comes once.
  if (features && text && others.length === 0)
    return taken(text.name, [`Classes are taken from the column ${show(text.name)}, the only other one of texts`]);
  if (features && texts.length === 0 && names.length === 1)
    return taken(names[0]!, [`Classes are taken from the column ${show(names[0]!)}, the only other one`]);
  const could = names.flatMap((name) => {
    const fields = fieldsOf(table, name);
    return comeAgain(fields) && !isMeasure(fields) ? [`${show(name)} (${valuesOf(fields).size} values)`] : [];
  });
  throw wrong(
    `${file} does not tell which column has the classes: ` +
      (named.length > 0
        ? `${listed(named.map(show))} has numbers with a fraction, which measure something and tell no class`
        : `none is called ${usual.slice(0, 3).join(", ")} or the like`) +
      `. Say it with --label, one of ${could.length > 0 ? listed(could) : all}`,
  );
}

const fieldsOf = (table: Table, name: string): readonly Field[] => table.fields[table.names.indexOf(name)]!;

const valuesOf = (fields: readonly Field[]): Set<Field> => new Set(fields.filter((field) => !isMissing(field)));

/** Values that come twice and more: names of classes, as names of rows do not. */
function comeAgain(fields: readonly Field[]): boolean {
  const { size } = valuesOf(fields);
  return size > 1 && size * 2 <= fields.length;
}

/** Numbers with a fraction that hardly come again measure something, and are no class. */
function isMeasure(fields: readonly Field[]): boolean {
  const isFraction = (field: Field) =>
    typeof field === "number"
      ? Number.isFinite(field) && !Number.isInteger(field)
      : typeof field === "string" && /^[+-]?\d*[.,]\d+$/.test(field);
  return fields.some(isFraction) && !comeAgain(fields);
}

/** A class as it is given; signs such as ? and − may well be classes. */
function labelIn(field: Field): string | null {
  if (field === null || field === "" || Number.isNaN(field)) return null;
  return typeof field === "string" && /^(nan|<na>|n\/a|null)$/i.test(field) ? null : String(field).normalize();
}
