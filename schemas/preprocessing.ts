// A manifest's preprocessing as whoever preprocesses checks it: apart from the manifest's own check, so that a kind of a
// later release bars nobody who gives numbers.
import { mismatch } from "./check.ts";
import { InnerloopError } from "./errors.ts";
import { preprocessingShapes } from "./generated/shape.js";
import type { Manifest, Preprocessing } from "./manifest.ts";
import { sizeOf } from "./tensor.ts";

/**
 * Checks a manifest's `input.preprocessing`: the fields of its kind, and that it makes what `input.shape` says.
 *
 * @returns it; undefined where there is none
 * @throws InnerloopError `manifest-invalid`, or `newer-version` for a kind that this release does not know.
 */
export function checkPreprocessing(input: Manifest["input"]): Preprocessing | undefined {
  const how: Preprocessing | null | undefined = input.preprocessing;
  if (how === undefined) return undefined;
  const shape = preprocessingShapes[String(how?.kind)];
  if (shape === undefined)
    throw new InnerloopError(
      "newer-version",
      `the manifest's input.preprocessing is of the kind ${JSON.stringify(how?.kind)}, and this release knows ` +
        `${Object.keys(preprocessingShapes).join(" and ")}; upgrade @innerloop/runtime, or give the numbers of an example`,
    );
  const wrong = mismatch(shape, how, "input.preprocessing") ?? misfit(how!, input.shape);
  if (wrong) throw new InnerloopError("manifest-invalid", `the manifest: ${wrong}; export the bundle again`);
  return how!;
}

/**
 * The shape of what a preprocessing makes: `[height, width, channels]` of pictures, `[length, channels]` of windows,
 * `[frames, bands, 1]` of sounds, `[numbers]` of rows.
 */
export function preprocessedShape(how: Preprocessing): number[] {
  if (how.kind === "image") return [how.height, how.width, how.channels];
  if (how.kind === "window") return [how.length, how.channels];
  if (how.kind === "sound") return [1 + Math.floor((how.length - how.frame) / how.hop), how.bands, 1];
  return [how.columns.reduce((sum, column) => sum + (column.kind === "number" ? 1 : column.values.length), 0)];
}

/** What does not go together in a preprocessing, or with the shape of an example, in words; nothing where all does. */
export function misfit(how: Preprocessing, shape: readonly number[]): string | undefined {
  const made = preprocessedShape(how);
  if (sizeOf(made) !== sizeOf(shape))
    return `preprocessing makes [${made.join(", ")}], and an example is [${shape.join(", ")}]`;
  if (how.kind !== "window") return undefined;
  const other = [how.mean, how.std]
    .flatMap((numbers) => (typeof numbers === "number" ? [] : [numbers.length]))
    .find((numbers) => numbers !== how.channels);
  return other === undefined
    ? undefined
    : `preprocessing has ${other} means or deviations for ${how.channels} channels`;
}
