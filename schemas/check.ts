// The manifest as a device checks it: by the same schema as `validateManifest`, but only what running a bundle depends on,
// and in a page of code where that one takes 40 kB.
import { InnerloopError } from "./errors.ts";
import { manifestShape } from "./generated/shape.js";
import type { Manifest } from "./manifest.ts";

/**
 * What a value must be, as generate.mjs writes it of a schema: `[shape]` is a list; an object has the shapes of its values,
 * with `"key?"` for one that may be missing, `"*"` for any other key and `"|"` for a list of shapes that it may have; text
 * has alternatives between `|`: `text`, `/pattern`, `a number` or `a whole number` with its bounds (`from 0`, `above 0`, `to 1`), or a value as JSON.
 */
export type Shape = string | readonly [Shape] | { readonly [key: string]: Shape } | { readonly "|": readonly Shape[] };

/**
 * Checks of a parsed manifest.json what a device relies on.
 *
 * @param source the file's name, for messages
 * @throws InnerloopError `manifest-invalid`, or `newer-version` when a later release wrote it.
 */
export function checkManifest(value: unknown, source: string): Manifest {
  const { format, version } = (value ?? {}) as { format?: unknown; version?: unknown };
  if (format === "innerloop-bundle" && (version as number) > 1) {
    throw new InnerloopError(
      "newer-version",
      `${source}: it has version ${version} and this release reads version 1; upgrade @innerloop/runtime`,
    );
  }
  const wrong = mismatch(manifestShape, value, "");
  if (wrong) {
    throw new InnerloopError("manifest-invalid", `${source}: ${wrong}; copy the bundle again, or export it again`);
  }
  return value as Manifest;
}

/** What is wrong with a value, in words; nothing where it has the shape. */
export function mismatch(shape: Shape, value: unknown, path: string): string | undefined {
  const expected = (what: string) =>
    value === undefined
      ? `${path} is missing; it must be ${what}`
      : `${path || "a manifest"} must be ${what}, got ${(JSON.stringify(value) ?? "nothing").slice(0, 80)}`;
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
    const entries = key === "*" ? Object.entries(value) : [[key, (value as Record<string, unknown>)[key]] as const];
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
    typeof value === "number" &&
    !(whole && value % 1) &&
    !(bound && (value < +least! || (bound === "above" && value === +least!))) &&
    !(value > +most!)
  );
}

function firstOf<T>(items: Iterable<T>, look: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = look(item);
    if (found) return found;
  }
  return undefined;
}
