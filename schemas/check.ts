// The manifest as a device checks it: by the same schema as `validateManifest`, but only what running a bundle depends on,
// and in a page of code where that one takes 40 kB.
import { InnerloopError } from "./errors.ts";
import { manifestShape } from "./generated/shape.js";
import type { Manifest } from "./manifest.ts";
import { sizeOf } from "./tensor.ts";
import { plain, show } from "./text.ts";

/**
 * What a value must be, as generate.mjs writes it of a schema: `[shape]` is a list; an object has the shapes of its values,
 * with `"key?"` for one that may be missing, `"*"` for any other key, with the pattern that all keys have after it, and `"|"` for
 * a list of shapes that it may have; text
 * has alternatives between `|`: `text`, `/pattern`, `a number` or `a whole number` with its bounds (`from 0`, `above 0`, `to 1`), or a value as JSON.
 */
export type Shape = string | readonly [Shape] | { readonly [key: string]: Shape } | { readonly "|": readonly Shape[] };

/** Whether adapting moves parameters by steps; a head of class means alone is made in none. */
export const takesSteps = ({ innerLoop }: Pick<Manifest, "innerLoop">): boolean =>
  Object.keys(innerLoop.rates).length > 0;

/**
 * Checks of a parsed manifest.json what a device relies on.
 *
 * @param source the file's name, for messages
 * @throws InnerloopError `manifest-invalid`, or `newer-version` when a later release wrote it.
 */
export function checkManifest(value: unknown, source: string): Manifest {
  const { format, version } = (value ?? {}) as { format?: unknown; version?: unknown };
  if (format === "innerloop-bundle" && (version as number) > 1)
    throw new InnerloopError(
      "newer-version",
      `${plain(source)}: it has version ${version} and this release reads version 1; upgrade @innerloop/runtime`,
    );
  const wrong = mismatch(manifestShape, value, "") ?? contradiction(value as Manifest);
  if (wrong)
    throw new InnerloopError(
      "manifest-invalid",
      `${plain(source)}: ${wrong}; copy the bundle again, or export it again`,
    );
  return value as Manifest;
}

/** The most numbers of an example, and of a parameter: 256 MB, and 4 GB. */
export const LARGEST_EXAMPLE = 2 ** 26;
const LARGEST_PARAMETER = 2 ** 30;

/** What does not go together in a manifest, in words; nothing where all does. */
export function contradiction({ input, output, labels = [], parameters }: Manifest): string | undefined {
  const { ways } = output;
  if (ways !== null && labels.length > ways) return `there are ${labels.length} labels for ${ways} classes`;
  const twice = repeated(labels) ?? repeated(parameters.map(({ name }) => name));
  if (twice !== undefined) return `${show(twice)} is there twice among the labels or parameters`;
  const large = [{ ...input, name: "input", most: LARGEST_EXAMPLE }, ...parameters].find(
    ({ shape, most = LARGEST_PARAMETER }: { shape: (number | string)[]; most?: number }) =>
      sizeOf(shape.filter((size) => typeof size === "number")) > most,
  );
  return large && `the shape ${show(large.shape)} of ${show(large.name)} has more numbers than are taken`;
}

/** The first of some names that is there twice. */
export function repeated(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}

/** What is wrong with a value, in words; nothing where it has the shape. */
export function mismatch(shape: Shape, value: unknown, path: string): string | undefined {
  const expected = (what: string) =>
    value === undefined
      ? `${path} is missing; it must be ${what}`
      : `${path || "a manifest"} must be ${what}, got ${show(value)}`;
  if (typeof shape === "string") {
    const kinds = shape.split("|");
    return kinds.some((kind) => isOf(kind, value)) ? undefined : expected(kinds.join(" or "));
  }
  if ("|" in shape) {
    const wrong = (shape["|"] as readonly Shape[]).map((one) => mismatch(one, value, path));
    return wrong.includes(undefined) ? undefined : wrong.join(", or ");
  }
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return expected("a list");
    return firstOf(value.entries(), ([index, item]) => mismatch(shape[0]!, item, `${path}[${index}]`));
  }
  if (typeof value !== "object" || value === null) return expected("an object of named values");
  return firstOf(Object.entries(shape), ([name, inner]) => {
    const key = name.replace("?", "");
    const any = key[0] === "*";
    const odd = any ? Object.keys(value).find((name) => !new RegExp(key.slice(1)).test(name)) : undefined;
    if (odd !== undefined) return `${path} has the name ${show(odd)}, and a plain name was expected`;
    const entries = any ? Object.entries(value) : [[key, (value as Record<string, unknown>)[key]] as const];
    return firstOf(entries, ([key, entry]) =>
      entry === undefined && key !== name ? undefined : mismatch(inner, entry, path ? `${path}.${key}` : key),
    );
  });
}

function isOf(kind: string, value: unknown): boolean {
  if (kind === "text") return typeof value === "string";
  if (kind[0] === "/") return typeof value === "string" && new RegExp(kind.slice(1)).test(value);
  const [number, whole, bound, least, most] =
    /^a (whole )?number(?: (from|above) (\S+))?(?: to (.+))?/.exec(kind) ?? [];
  if (!number) return JSON.stringify(value) === kind;
  return (
    Number.isFinite(value) &&
    !(whole && (value as number) % 1) &&
    !(bound && ((value as number) < +least! || (bound === "above" && value === +least!))) &&
    !((value as number) > +most!)
  );
}

function firstOf<T>(items: Iterable<T>, look: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = look(item);
    if (found) return found;
  }
  return undefined;
}
