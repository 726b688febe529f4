// From a JSON Schema violation to a message that a person understands; shared by every format of this room.
//
// The schemas carry the wording: `description` completes "must be …", and the first of `examples` "write it as …".
import { InnerloopError } from "./errors.ts";
import { show } from "./text.ts";

/** What this room uses of JSON Schema (draft 7). */
export interface JsonSchema {
  readonly $id?: string;
  readonly $ref?: string;
  readonly title?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly allOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly propertyNames?: JsonSchema;
  readonly items?: JsonSchema;
  readonly definitions?: Readonly<Record<string, JsonSchema>>;
}

/** One violation, as the generated validators report it. */
export interface Violation {
  readonly keyword: string;
  /** A JSON pointer to the offending value. */
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Where the name of a value is wrong, and not the value: that name. */
  readonly propertyName?: string;
}

/** A generated validator: false when the value does not match, with the reason in `errors`. */
export interface Validator {
  (value: unknown): boolean;
  errors?: readonly Violation[] | null;
}

/** A format as {@link checkFormat} sees it. */
export interface Format {
  /** What a reader calls it: "bundle manifest". */
  readonly title: string;
  /** The value of its `format` field; a format without that field has none. */
  readonly marker?: string;
  /** The newest version understood here. */
  readonly version: number;
  readonly schema: JsonSchema;
  readonly validator: Validator;
  /** The error code of a value that does not match. */
  readonly code: string;
  readonly exitStatus: 1 | 2;
  /** The schemas that this one refers to by `$id`. */
  readonly related?: readonly JsonSchema[];
}

/**
 * Checks a value against a format, version first: a newer version is said to be newer, not to be wrong.
 *
 * @param source what the value was read from, for the message
 * @throws InnerloopError with code `newer-version`, `unknown-option` (a key that the format does not have), or the format's own.
 */
export function checkFormat(format: Format, value: unknown, source: string): void {
  const fail = (code: string, text: string) =>
    new InnerloopError(code, `${source}: ${text}`, { exitStatus: format.exitStatus });
  if (!isObject(value))
    throw fail(format.code, `a ${format.title} must be an object of named values, got ${show(value)}`);
  if (format.marker !== undefined && value.format !== format.marker) {
    const found = "format" in value ? `"format" is ${show(value.format)}` : `"format" is missing`;
    throw fail(format.code, `this is no ${format.title}: ${found}, expected "${format.marker}"; check the path`);
  }
  const { version } = value;
  if (typeof version === "number" && version > format.version) {
    const found = `${format.title} version ${version} is newer than this release understands (up to version ${format.version})`;
    throw fail("newer-version", `${found}; upgrade innerloop, or write the file again with this release`);
  }
  if (format.validator(value)) return;
  const violation = format.validator.errors?.[0];
  if (violation === undefined) throw fail(format.code, `this does not match the ${format.title} format`);
  const code = violation.keyword === "additionalProperties" ? "unknown-option" : format.code;
  throw fail(code, describe(format, value, violation));
}

/** No option, command or key is longer: a word that is was not meant to be one. */
const longestWord = 64;

/**
 * The candidate that `word` was most likely meant to be: the nearest in spelling, or the only one that it begins. Undefined
 * when none is near, or it is longer than any word.
 */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > longestWord) return undefined;
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_ ]/g, "");
  const most = Math.max(1, Math.floor(word.length / 3));
  const ranked = candidates
    .filter(({ length }) => length <= longestWord)
    .map((candidate) => ({ candidate, distance: editDistance(plain(word), plain(candidate)) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  if (best !== undefined && best.distance <= most) return best.candidate;
  const begun = word.length < 3 ? [] : candidates.filter((candidate) => plain(candidate).startsWith(plain(word)));
  return begun.length === 1 ? begun[0] : undefined;
}

function describe(format: Format, root: Record<string, unknown>, violation: Violation): string {
  const path = pointerKeys(violation.instancePath);
  const missing = violation.keyword === "required" ? String(violation.params.missingProperty) : undefined;
  if (violation.keyword === "additionalProperties") {
    const owner = schemasAlong(format, root, path).at(-1)?.schema;
    return unknownKey(String(violation.params.additionalProperty), path, Object.keys(owner?.properties ?? {}));
  }
  if (violation.propertyName !== undefined) {
    const names = schemasAlong(format, root, path).at(-1)?.schema.propertyNames?.description;
    return `${pathText(path)} has the name ${show(violation.propertyName)}; expected ${names}`;
  }
  if (missing !== undefined) path.push(missing);

  // The innermost place whose wording is known: an element of a list is best explained by the whole list.
  const along = schemasAlong(format, root, path);
  const place = along.findLast(({ schema }) => schema.description !== undefined);
  if (place === undefined) return `${pathText(path)} is not as the ${format.title} format has it`;
  const name = pathText(path.slice(0, place.depth));
  const example = place.schema.examples?.[0];
  const hint = example === undefined ? "" : `; write it as ${JSON.stringify(example)}`;
  if (missing !== undefined && place.depth === path.length)
    return `${name} is missing; it must be ${place.schema.description}${hint}`;
  return `${name} must be ${place.schema.description}, got ${show(place.value)}${hint}`;
}

function unknownKey(key: string, path: readonly string[], known: readonly string[]): string {
  const near = suggest(key, known);
  const where = path.length === 0 ? "" : ` in ${pathText(path)}`;
  return `unknown key ${show(key)}${where}; ${near === undefined ? `known are ${known.join(", ")}` : `did you mean "${near}"?`}`;
}

interface Place {
  readonly schema: JsonSchema;
  readonly value: unknown;
  /** How many keys of the path lead here. */
  readonly depth: number;
}

/** The schema and the value at each point of the path from the root, as far as the schema goes. */
function schemasAlong(format: Format, root: unknown, path: readonly string[]): Place[] {
  const places: Place[] = [{ schema: format.schema, value: root, depth: 0 }];
  let home = format.schema;
  let schema = home;
  let value = root;
  for (const [index, key] of path.entries()) {
    const open = typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
    let next = Array.isArray(value) ? schema.items : (own(schema.properties, key) ?? open);
    const target = next?.$ref ?? next?.allOf?.[0]?.$ref;
    if (target !== undefined) {
      const [id, definition] = target.split("#/definitions/");
      home = format.related?.find(({ $id }) => $id === id) ?? home;
      next = { ...(definition === undefined ? home : home.definitions?.[definition]), ...next };
    }
    if (next === undefined) return places;
    schema = next;
    value = own(value, key);
    places.push({ schema, value, depth: index + 1 });
  }
  return places;
}

function own<T>(object: Readonly<Record<string, T>> | undefined, key: string): T | undefined;
function own(object: unknown, key: string): unknown;
function own(object: unknown, key: string): unknown {
  const holder = object as Record<string, unknown> | null | undefined;
  return holder !== null && holder !== undefined && Object.hasOwn(holder, key) ? holder[key] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function pointerKeys(pointer: string): string[] {
  const keys = pointer.split("/").slice(1);
  return keys.map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** `["parameters", "0", "shape"]` as `parameters[0].shape`; keys that are no plain words are quoted. */
function pathText(path: readonly string[]): string {
  const parts = path.map((key) =>
    /^\d+$/.test(key) ? `[${key}]` : /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`,
  );
  return parts.join("").replace(/^\./, "");
}

/** The Damerau-Levenshtein distance (adjacent swaps count once). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, rows[i - 2]![j - 2]! + 1);
      row.push(best);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
